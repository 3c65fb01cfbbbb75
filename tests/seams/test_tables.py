"""The short way to moto's DynamoDB answers exactly as the long one does, refusals included."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tidepool_lab.embedded.intercept import Params, answering
from tidepool_lab.embedded.tables import SHORT, Tables

REGION = "us-east-1"

KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}

CALLS: list[tuple[str, Params]] = [
    ("put_item", {"Item": {**KEY, "n": {"N": "1"}, "m": {"M": {"x": {"L": [{"S": "y"}, {"BOOL": True}]}}}}}),
    ("put_item", {"Item": KEY, "ConditionExpression": "attribute_not_exists(pk)"}),
    ("get_item", {"Key": KEY, "ConsistentRead": True}),
    ("get_item", {"Key": {"pk": {"S": "nobody"}, "sk": {"S": "1"}}}),
    (
        "update_item",
        {
            "Key": KEY,
            "UpdateExpression": "SET n = n + :one",
            "ConditionExpression": "n = :seen",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":seen": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    (
        "update_item",
        {
            "Key": KEY,
            "UpdateExpression": "SET n = :one",
            "ConditionExpression": "n = :seen",
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":seen": {"N": "99"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    ("put_item", {"Item": {"pk": {"S": "a"}, "sk": {"S": "2"}, "b": {"B": b"bytes"}}}),
    (
        "query",
        {
            "KeyConditionExpression": "pk = :a AND sk >= :from",
            "ExpressionAttributeValues": {":a": {"S": "a"}, ":from": {"S": "1"}},
            "ScanIndexForward": False,
            "Limit": 1,
        },
    ),
    ("query", {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "nobody"}}}),
    ("delete_item", {"Key": KEY, "ReturnValues": "ALL_OLD"}),
    ("update_item", {"Key": KEY, "UpdateExpression": "SET nonsense"}),
]


def told(responders: dict[str, Any]) -> list[Any]:
    """What a fresh table answers to every call, errors as their code, text and item."""
    with mock_aws(), answering(responders):
        client = boto3.session.Session().client("dynamodb", REGION)
        client.create_table(
            TableName="t",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        answers = []
        for operation, params in CALLS:
            try:
                answer = dict(getattr(client, operation)(TableName="t", **params))
            except ClientError as error:
                answer = {"Error": error.response["Error"], "Item": error.response.get("Item")}
            answer.pop("ResponseMetadata", None)
            answers.append((operation, answer))
        return answers


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


def test_every_answer_and_every_refusal_is_that_of_the_long_way() -> None:
    assert told({"dynamodb": Tables(region=REGION)}) == told({})


def test_items_go_the_short_way_and_bytes_and_tables_the_long_one() -> None:
    tables = Tables(region=REGION)
    assert tables("CreateTable", {}) is None and "CreateTable" not in SHORT
    assert tables("PutItem", {"TableName": "t", "Item": {"b": {"B": b"x"}}}) is None
