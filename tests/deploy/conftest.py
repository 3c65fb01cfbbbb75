"""The real template, built and deployed by the unmodified sam, on the local rig. `make deploy-local` runs all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from seams.both import HEAD
from tidepool_lab.deploy.stage import OWN, RIG, Stage, build

STACK = "tidepool-local"

FLEET = (
    HEAD
    + """\
pools:
  p4d: {endpoint: pool, types: [ml.p4d.24xlarge], tenants: [all]}
models:
  "*":
    class: background
    tenant: all
    min_copies: 0
    zero: {after: 20m}
    host: shared
    burst_alarm: true
    route: {via: table}
    retire: delete
    shapes:
      dedicated: {ml.p4d.24xlarge: {concurrency: 64, service: 4s, start: 60s}}
      shared: {ml.p4d.24xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}}
  alone: {host: dedicated}
"""
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/deploy/" in item.nodeid:
            item.add_marker(pytest.mark.slow)
            if not (RIG / ".stamp").exists():
                item.add_marker(pytest.mark.skip(reason="the rig is not installed: make deploy-local"))


@dataclass(frozen=True, slots=True)
class Inbox:
    """A queue that somebody looks into: subscribed to a topic, what a person's mail would hold."""

    stage: Stage
    url: str
    account: str = OWN

    def bodies(self) -> list[dict[str, Any]]:
        """What has come since the last look, as it lies there."""
        client, taken = self.stage.client("sqs", account=self.account), []
        while found := client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                taken.append(json.loads(message["Body"]))
                client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def take(self) -> list[dict[str, Any]]:
        """What the topic has sent since the last look."""
        return [json.loads(body["Message"]) for body in self.bodies()]

    def alarms(self) -> list[str]:
        """Names of alarms that went into ALARM."""
        told = [message["alarmData"] for message in self.take() if "alarmData" in message]
        return [data["alarmName"] for data in told if data["state"]["value"] == "ALARM"]


@pytest.fixture(scope="session")
def built() -> None:
    """`sam build` has run."""
    build()


@pytest.fixture(scope="session")
def stage(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A rig with the stack, all hands, its fleet file accepted and its first learning done."""
    with Stage(tmp_path_factory.mktemp("rig")) as made:
        made.deploy(STACK, Hands="moves")
        made.upload(STACK, FLEET)
        assert made.results(STACK)[-1].get("refused", 0) == 0, made.log()
        learn(made, STACK)
        made.minutes()
        yield made


@pytest.fixture(scope="session")
def inbox(stage: Stage) -> Inbox:
    """Whoever subscribed to the stack's topic."""
    return subscribed(stage, STACK)


def subscribed(stage: Stage, stack: str) -> Inbox:
    """An inbox of that stack's topic."""
    made, arn = queue(stage, f"inbox-{stack}", "sns.amazonaws.com")
    stage.client("sns").subscribe(TopicArn=stage.outputs(stack)["TopicArn"], Protocol="sqs", Endpoint=arn)
    return made


def queue(stage: Stage, name: str, sender: str, *, account: str = OWN) -> tuple[Inbox, str]:
    """A queue that this service may send to, and its ARN."""
    sqs = stage.client("sqs", account=account)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": sender}, "Action": "sqs:SendMessage", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    return Inbox(stage, url, account), arn


def functions(stage: Stage, stack: str) -> list[str]:
    """Names of the stack's functions that exist."""
    listed = stage.client("lambda").list_functions()["Functions"]
    return [each["FunctionName"] for each in listed if each["FunctionName"].startswith(f"{stack}-")]


def function(stage: Stage, stack: str, logical: str) -> str:
    """The name of one of them."""
    (found,) = (name for name in functions(stage, stack) if logical in name)
    return found


def learn(stage: Stage, stack: str) -> None:
    """The hourly learning has run now."""
    at = datetime.fromtimestamp(stage.seen()["now"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {"source": "tidepool.learn-tick", "time": at}
    stage.client("lambda").invoke(
        FunctionName=function(stage, stack, "LearnFunction"), Payload=json.dumps(event).encode()
    )


def failures(stage: Stage, function: str) -> int:
    """How often the function has failed so far, as Lambda counts it."""
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
    named = {**metric, "Dimensions": [{"Name": "FunctionName", "Value": function}]}
    query = {"Id": "m", "MetricStat": {"Metric": named, "Period": 60, "Stat": "Sum"}}
    now = stage.seen()["now"] // 60 * 60 + 60
    found = stage.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - 24 * 3600, EndTime=now
    )
    return int(sum(found["MetricDataResults"][0]["Values"]))


@contextmanager
def nothing_refused(stage: Stage) -> Iterator[None]:
    """Nobody is denied anything meanwhile, and everything that is sent is delivered."""
    before = stage.seen()
    yield
    after = stage.seen()
    for what in ("refused", "undelivered"):
        assert after[what][len(before[what]) :] == []
