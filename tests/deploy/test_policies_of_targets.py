"""A template whose topic or queue does not let a service in: what would be sent there is seen to be lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.conftest import FLEET, Inbox, function, nothing_refused, subscribed
from tidepool_lab.deploy.stage import BUILT, Stage
from tidepool_lab.embedded import template

STACK = "tidepool-targets"
ALARM, ANNOUNCEMENT, DEAD_LETTER = "an alarm", "an announcement", "a dead letter"
EVERYTHING = {ALARM, ANNOUNCEMENT, DEAD_LETTER}

Statement = dict[str, Any]


@pytest.fixture(scope="module")
def stage(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A rig of its own."""
    with Stage(tmp_path_factory.mktemp("targets")) as made:
        made.deploy(STACK, Hands="none")
        yield made


@pytest.fixture(scope="module")
def inbox(stage: Stage) -> Inbox:
    return subscribed(stage, STACK)


def arrived(stage: Stage, inbox: Inbox) -> set[str]:
    """What came of one refused fleet file, and of one event of a rule that may not invoke its function."""
    events = stage.client("events")
    (queue,) = stage.client("sqs").list_queues(QueueNamePrefix=f"{STACK}-Undelivered")["QueueUrls"]
    decide = stage.client("lambda").get_function(FunctionName=function(stage, STACK, "Decide"))["Configuration"]
    dead = {"DeadLetterConfig": {"Arn": stage.outputs(STACK)["UndeliveredQueueArn"]}}
    events.put_rule(Name="lost", EventPattern='{"source": ["lost"]}')
    events.put_targets(Rule="lost", Targets=[{"Id": "1", "Arn": decide["FunctionArn"], **dead}])
    events.put_events(Entries=[{"Source": "lost", "DetailType": "lost", "Detail": "{}"}])
    stage.upload(STACK, FLEET.replace("act: run", "act: fly"))
    told = inbox.take()  # An alarm that says so comes with the next minutes.
    stage.minutes(2)
    told += inbox.take()
    stage.minutes(3)  # It is over, so that the next one is told again.
    inbox.take()
    found = {ALARM} if any("alarmData" in each for each in told) else set()
    found |= {ANNOUNCEMENT} if any(each.get("detail-type") == "tidepool.announcement" for each in told) else set()
    return found | ({DEAD_LETTER} if Inbox(stage, queue).bodies() else set())


def without_principal(stated: Statement) -> list[Statement]:
    return []


def of_another(stated: Statement) -> list[Statement]:
    """It waits for what never sends."""
    return [{**stated, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/other"}}}]


def by_account(stated: Statement) -> list[Statement]:
    """CloudWatch says whose alarm it is; EventBridge does not say whose rule."""
    return [{**stated, "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}}]


@pytest.mark.parametrize(
    ("changed", "arrives"), [(without_principal, set()), (of_another, set()), (by_account, {ALARM})]
)
def test_what_a_policy_does_not_let_in_is_lost_and_seen_to_be(
    changed: Callable[[Statement], list[Statement]], arrives: set[str], stage: Stage, inbox: Inbox
) -> None:
    stage.deploy(STACK, Hands="none", template=broken(changed))
    before = len(stage.seen()["undelivered"])
    assert arrived(stage, inbox) == arrives
    lost = {line.split(" from ")[0].split(":")[2] for line in stage.seen()["undelivered"][before:]}
    assert lost == {"sns", "sqs", "lambda"}  # The rule's function too: nobody gave it leave.


def test_with_the_template_as_it_is_everything_arrives(stage: Stage, inbox: Inbox) -> None:
    stage.deploy(STACK, Hands="none")
    assert arrived(stage, inbox) == EVERYTHING
    with nothing_refused(stage):
        stage.minutes(2)


def broken(changed: Callable[[Statement], list[Statement]]) -> Any:
    """What was built, with each statement that lets a service in changed: of the topic, and of the dead letters."""
    source = template.read(BUILT / "template.yaml")
    for name in ("TopicPolicy", "UndeliveredQueuePolicy"):
        document = source["Resources"][name]["Properties"]["PolicyDocument"]
        services = [each for each in document["Statement"] if "Service" in each["Principal"]]
        others = [each for each in document["Statement"] if each not in services]
        document["Statement"] = [*others, *(each for stated in services for each in changed(stated))]
    there = BUILT / f"{changed.__name__}.json"
    there.write_text(json.dumps(source), encoding="utf-8")
    return there
