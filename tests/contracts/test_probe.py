"""A probe through boto3: the team's sample as it lies in S3, one request a time; of the answer four figures."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import fields

import pytest

from builders.aws_account import BUCKET, Account, an_account
from tidepool.aws.probe import probe
from tidepool.errors import NotFound
from tidepool.fleet import Target
from tidepool.fleet.asked import Answer
from tidepool_lab.embedded.intercept import AwsError, Params, answering

SAMPLE, SECRET = f"s3://{BUCKET}/probes/m.json", "what only the caller may read"
TARGET = Target("pool", "m", 100)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with an_account() as made:
        made.clients.get("s3").put_object(Bucket=BUCKET, Key="probes/m.json", Body=b'{"inputs": "def"}')
        yield made


def asked(account: Account, answer: object, *, sample: str = SAMPLE) -> tuple[Answer, list[Params]]:
    requests: list[Params] = []

    def model(operation: str, params: Params) -> Params | None:
        requests.append(params)
        if isinstance(answer, AwsError):
            raise answer
        return {"Body": json.dumps(answer).encode(), "ContentType": "application/json"}

    with answering({"sagemaker-runtime": model}):
        return probe(account.clients, TARGET, sample), requests


def test_the_sample_is_sent_as_it_is_to_the_target_alone(account: Account) -> None:
    _, (request,) = asked(account, {})
    assert (request["EndpointName"], request["InferenceComponentName"]) == ("pool", "m")
    assert request["Body"] == b'{"inputs": "def"}'


def test_without_a_sample_an_empty_request_is_sent(account: Account) -> None:
    _, (request,) = asked(account, {}, sample="")
    assert request["Body"] == b"{}"


def test_nothing_of_an_answer_is_kept_or_logged(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="tidepool"):
        found, _ = asked(account, {"text": SECRET, "tokens": [1, 2]})
    kept = " ".join(str(getattr(found, field.name)) for field in fields(Answer))
    assert SECRET not in kept and "text" not in kept
    assert not [record for record in caplog.records if record.name.startswith("tidepool")]
    assert found.length == len(json.dumps({"text": SECRET, "tokens": [1, 2]}))


def test_the_same_shape_is_alike_whatever_it_says_and_another_is_not(account: Account) -> None:
    one, other, else_ = (asked(account, said)[0] for said in ({"t": "a"}, {"t": "b" * 99}, {"t": 1}))
    assert one.schema == other.schema != else_.schema


def test_a_refusal_is_an_answer_and_a_sample_that_is_not_there_is_an_error(account: Account) -> None:
    found, _ = asked(account, AwsError("ValidationError", "no capacity to process this request", 400))
    assert (found.ok, found.status) == (False, 400)
    with pytest.raises(NotFound, match="nobody"):
        asked(account, {}, sample=f"s3://{BUCKET}/nobody.json")


def test_no_probe_is_repeated_unseen_and_a_slow_model_is_waited_for(account: Account) -> None:
    config = account.clients.get("sagemaker-runtime").meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.read_timeout > 60
