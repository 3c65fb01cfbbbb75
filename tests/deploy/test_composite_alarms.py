"""People's own composite alarms on the deployed stack: named in fleet.yaml, and by their tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.conftest import FLEET, STACK, learn, nothing_refused
from tidepool_lab.deploy.stage import Stage

BOTH, PARTS = "both-are-busy", ("first", "second")
FROZEN_FLEET = FLEET.replace("safety:", f"safety:\n  freeze: {{alarms: [{BOTH}]}}").replace(
    "tenants: [all]}", "tenants: [all], give_back: {after: 0s}}"
)
"""It may give machines back, so that nothing but the freeze keeps copies."""


@pytest.fixture(scope="module")
def stage(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A rig of its own: its models' load goes up and down."""
    with Stage(tmp_path_factory.mktemp("composites")) as made:
        made.deploy(STACK, Hands="moves")
        made.upload(STACK, FLEET)
        learn(made, STACK)
        made.minutes()
        yield made


@pytest.fixture
def parts(stage: Stage) -> Iterator[None]:
    """Two metric alarms that stay as the last count left them, and a composite one that is in ALARM while both are."""
    cloudwatch = stage.client("cloudwatch")
    for name in PARTS:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="People",
            MetricName=name,
            Statistic="Sum",
            Period=60,
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            EvaluationPeriods=1,
            TreatMissingData="ignore",
        )
    decide = stage.outputs(STACK)["DecideFunctionArn"]
    cloudwatch.put_composite_alarm(
        AlarmName=BOTH,
        AlarmRule='ALARM("first") AND NOT OK(second)',
        AlarmActions=[decide],
        OKActions=[decide],
        Tags=[{"Key": "tidepool:intent", "Value": "freeze"}, {"Key": "tidepool:model", "Value": "busy"}],
    )
    counted(stage, first=0, second=0)
    yield
    cloudwatch.delete_alarms(AlarmNames=[BOTH])
    cloudwatch.delete_alarms(AlarmNames=list(PARTS))
    stage.upload(STACK, FLEET, commit="rig")


def counted(stage: Stage, **values: int) -> dict[str, Any]:
    """These are the counts of this minute, and it is over; what is seen then."""
    now = stage.seen()["now"]
    data = [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in values.items()]
    stage.client("cloudwatch").put_metric_data(Namespace="People", MetricData=data)
    return stage.minutes()


def frozen(stage: Stage) -> list[str]:
    """Which models the alarm freezes by its tags now."""
    now = stage.seen()["now"]
    bodies = [item["body"] for item in stage.items(STACK, "signal")]
    return [each["scope"] for each in bodies if each["who"] == f"alarm {BOTH}" and each["until"] > now]


def test_a_composite_alarm_freezes_by_its_tags_until_it_is_over(stage: Stage, parts: None) -> None:
    with nothing_refused(stage):
        assert counted(stage, first=1)["alarms"][BOTH] == "OK"
        assert frozen(stage) == []
        assert counted(stage, second=1)["alarms"][BOTH] == "ALARM"
        assert f"alarm {BOTH}, freeze" in {result["woken_by"] for result in stage.results(STACK)}
        assert frozen(stage) == ["busy"]
        assert counted(stage, first=0)["alarms"][BOTH] == "OK"
        assert frozen(stage) == []


def test_a_composite_alarm_of_fleet_yaml_freezes_the_fleet_while_it_lasts(stage: Stage, parts: None) -> None:
    def held() -> bool:
        return any(BOTH in each["because"] for each in stage.records(STACK)[-1]["held"])

    stage.dial(calm=300)
    stage.until(lambda seen: seen["components"]["calm"]["now"] >= 4, minutes=15)
    with nothing_refused(stage):
        stage.upload(STACK, FROZEN_FLEET, commit="frozen")
        counted(stage, first=1, second=1)
        stage.dial(calm=40)
        frozen_at = stage.until(lambda _: held(), minutes=40)["components"]["calm"]["wanted"]
        assert stage.minutes(2)["components"]["calm"]["wanted"] == frozen_at
        counted(stage, second=0)
        stage.until(lambda seen: seen["components"]["calm"]["wanted"] < frozen_at, minutes=15)
