"""One DynamoDB table of items with `pk`, `sk`, `schema`, `version` and a body; every write is conditional.

The body is JSON text: what is stored is one value of ours, read and written whole, and never queried by its
parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import UnknownSchema

SCHEMA = 1
EXPIRES = "expires_at"
"""The attribute that the template names as the table's time to live."""


@dataclass(frozen=True, slots=True)
class Item:
    """One stored value. `version` grows by one with each write; expires_at 0 = kept for ever."""

    pk: str
    sk: str
    body: str
    version: int = 1
    expires_at: int = 0


class Table:
    """Reads and conditional writes of Items; errors as in tidepool.errors."""

    def __init__(self, clients: Clients, name: str) -> None:
        self._clients, self.name = clients, name

    def put(self, item: Item, *, condition: str, values: dict[str, int | str] | None = None) -> None:
        """Stored, if `condition` holds of what is there now; Conflict otherwise. `values` fills its
        :names.
        """
        stored: dict[str, Any] = {
            **_key(item.pk, item.sk),
            "schema": {"N": str(SCHEMA)},
            "version": {"N": str(item.version)},
            "body": {"S": item.body},
        }
        if item.expires_at:
            stored[EXPIRES] = {"N": str(item.expires_at)}
        # What a later version wrote is never written over.
        ours = f"({condition}) AND (attribute_not_exists(pk) OR #schema = :schema)"
        # `version` is one of DynamoDB's reserved words only in some positions; naming it always is safe.
        names = {"#schema": "schema"} | ({"#version": "version"} if "#version" in condition else {})
        filled = {":schema": SCHEMA, **(values or {})}
        asked: dict[str, Any] = {
            "ConditionExpression": ours,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {name: attribute(value) for name, value in filled.items()},
        }
        with calling("PutItem", f"{item.pk}/{item.sk}"):
            self._clients.get("dynamodb").put_item(TableName=self.name, Item=stored, **asked)

    def query(self, pk: str, *, from_sk: str = "") -> Iterator[Item]:
        """Every item under `pk` whose `sk` is `from_sk` or later, in order of `sk`; read consistently."""
        expression, values = "pk = :pk", {":pk": {"S": pk}}
        if from_sk:
            expression, values = "pk = :pk AND sk >= :from", {**values, ":from": {"S": from_sk}}
        with calling("Query", pk):
            pages = self._clients.get("dynamodb").get_paginator("query")
            for page in pages.paginate(
                TableName=self.name,
                KeyConditionExpression=expression,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            ):
                for found in page["Items"]:
                    yield _item(found)

    def get(self, pk: str, sk: str) -> dict[str, Any]:
        """The raw attributes of one item ({} when there is none); read consistently."""
        with calling("GetItem", f"{pk}/{sk}"):
            reply = self._clients.get("dynamodb").get_item(TableName=self.name, Key=_key(pk, sk), ConsistentRead=True)
        found: dict[str, Any] = reply.get("Item", {})
        return found

    def update(self, pk: str, sk: str, *, set_: str, condition: str, values: dict[str, int | str]) -> dict[str, Any]:
        """`set_` is applied if `condition` holds; the attributes as they were before. Conflict otherwise.

        Every attribute of both expressions is written as #name.
        """
        words = {word.strip("(),") for word in f"{set_} {condition}".replace("(", " ").split()}
        names = {word: word[1:] for word in words if word.startswith("#")}
        with calling("UpdateItem", f"{pk}/{sk}"):
            reply = self._clients.get("dynamodb").update_item(
                TableName=self.name,
                Key=_key(pk, sk),
                UpdateExpression=set_,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={name: attribute(value) for name, value in values.items()},
                ReturnValues="ALL_OLD",
            )
        before: dict[str, Any] = reply.get("Attributes", {})
        return before


def attribute(value: int | str) -> dict[str, str]:
    """A number or a text as DynamoDB writes it."""
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def number(item: dict[str, Any], name: str) -> int:
    """A number attribute; 0 when it is not there."""
    return int(item[name]["N"]) if name in item else 0


def text(item: dict[str, Any], name: str) -> str:
    """A text attribute; '' when it is not there."""
    return str(item[name]["S"]) if name in item else ""


def check_schema(item: dict[str, Any]) -> None:
    """UnknownSchema when a later version wrote this item: it is left alone."""
    schema = number(item, "schema")
    if item and schema != SCHEMA:
        where = f"{text(item, 'pk')}/{text(item, 'sk')}"
        raise UnknownSchema(f"{where} has schema {schema}; this version reads {SCHEMA}")


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _item(found: dict[str, Any]) -> Item:
    check_schema(found)
    return Item(
        pk=text(found, "pk"),
        sk=text(found, "sk"),
        body=text(found, "body"),
        version=number(found, "version"),
        expires_at=number(found, EXPIRES),
    )
