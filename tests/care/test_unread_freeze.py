"""A freeze that cannot be read freezes: the calendar may be closed. Nothing is lowered, and raising goes on."""

from __future__ import annotations

import json
from typing import Any

from functions.world import FLEET, START_S, World, a_world
from tidepool.aws.metrics import Metric
from tidepool_lab.embedded.evaluation import State

CALENDAR = "arn:aws:ssm:us-east-1:111122223333:document/prod-freeze"
FROZEN_FLEET = FLEET.replace("pools:", f"safety: {{freeze: {{calendars: ['{CALENDAR}']}}}}\npools:").replace(
    "bounds: write", "give_back: {after: 0s}"
)


def newest(world: World) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(list(world.rig.records().values())[-1])
    return record


def wanted(world: World, component: str) -> int:
    return world.cloud.component(component, "tag:model").copies_wanted


def test_a_calendar_that_cannot_be_read_lets_nothing_be_lowered_and_everything_be_raised() -> None:
    with a_world(busy=True, fleet=FROZEN_FLEET, copies={"b": 4}) as world:
        assert CALENDAR not in world.rig.calendars, "asking for it is refused"
        world.rig.run_to(START_S + 30 * 60)
        assert wanted(world, "a") > 2 and wanted(world, "b") == 4
        record = newest(world)
        (step,) = [step for step in record["steps"] if step["stage"] == "freeze"]
        assert CALENDAR in step["because"] and "cannot be read" in step["because"]
        assert [held["reason"] for held in record["held"] if held["subject"] == "b"] == ["freeze"]
        assert world.counted(Metric.FREEZE_UNREAD) == (decided := world.counted(Metric.DECISION)) >= 30
        alarms = {name for name, alarm in world.rig.alarms.alarms.items() if alarm.state is State.ALARM}
        assert "tidepool-freeze-unread" in alarms and "tidepool-decide-is-silent" not in alarms

        world.rig.calendars[CALENDAR] = "OPEN"
        world.rig.run_to(START_S + 45 * 60)
        assert wanted(world, "b") < 4
        assert [step for step in newest(world)["steps"] if step["stage"] == "freeze"] == []
        assert world.counted(Metric.FREEZE_UNREAD) == decided < world.counted(Metric.DECISION)
