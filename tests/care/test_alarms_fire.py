"""What goes wrong with Tidepool itself is told: each alarm fires on the embedded AWS, by what the handlers write."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from builders import NOW
from builders.use_case_account import a_move
from functions.world import FLEET, START_S, World, a_world
from tidepool.aws.metrics import Metric, of_learned, of_moves
from tidepool.fleet import STANDS_STILL
from tidepool.forecast.calibration import NEWEST
from tidepool.memory import Judged, Learned, ModelLearned
from tidepool.move import create
from tidepool.move.attach import Attach
from tidepool.move.overdue import GRACE_S
from tidepool.move.state import Phase
from tidepool.units import DAY_S
from tidepool_lab.embedded.evaluation import State
from tidepool_lab.embedded.intercept import AwsError


def alarming(world: World) -> set[str]:
    """The alarms that tell people and are in ALARM, without the stack's name."""
    found = {n.removeprefix("tidepool-") for n, a in world.rig.alarms.alarms.items() if a.state is State.ALARM}
    return {name for name in found if not name.startswith("burst-")}


def test_when_reads_are_refused_it_says_that_nothing_is_decided_and_why_and_when_it_is_over() -> None:
    with a_world(hands="none") as world:
        world.rig.run_to(START_S + 240)
        assert alarming(world) == set()
        answer = world.rig.sagemaker.answers["ListEndpoints"]

        def throttled(params: Any) -> Any:
            raise AwsError("ThrottlingException", "Rate exceeded")

        world.rig.sagemaker.answers["ListEndpoints"] = throttled
        world.rig.run_to(START_S + 600)
        assert alarming(world) >= {"decide-is-silent", "function-errors", "throttled-by-aws", "failed-runs"}
        world.rig.sagemaker.answers["ListEndpoints"] = answer
        world.rig.run_to(START_S + 1200)
        assert alarming(world) == {"failed-runs"}, "the events stay until somebody has read them"


def test_a_raise_that_waits_for_half_an_hour_and_a_budget_that_is_exceeded_are_told() -> None:
    budget = "money: {budget_usd_per_hour: 1}\n"
    with a_world(hands="copies", fleet=FLEET.replace("act: run\n", f"act: run\n{budget}"), busy=True) as world:
        world.rig.run_to(START_S + 20 * 60)
        assert alarming(world) == {"over-budget"}
        world.rig.run_to(START_S + 40 * 60)
        assert alarming(world) == {"over-budget", "held-too-long"}
        assert world.counted(Metric.SPEND_NOW) > 0


def test_calls_are_counted_as_they_are_made() -> None:
    with a_world(hands="none") as world:
        before = Counter(world.rig.calls)
        world.decide(world.event("tick"))
        made = (Counter(world.rig.calls) - before).total()
        assert world.counted(Metric.AWS_CALLS) == made > 0
        assert world.counted(Metric.METRICS_READ) > 0
        assert "tidepool-call-budget" in world.rig.alarms.alarms


def test_a_run_writes_one_line_of_log_and_one_of_metrics() -> None:
    with a_world(hands="none") as world:
        world.rig.run_to(START_S + 60)
        world.rig.lines.clear()
        world.rig.run_to(START_S + 11 * 60)
        lines = [line for function, line in world.rig.lines if function == "DecideFunction"]
        assert len(lines) == world.rig.runs["DecideFunction"] - 1 == 10
        assert max(map(len, lines)) < 4096, "what docs/operate.md reckons with"


def scores(newest: float) -> tuple[float, ...]:
    return (*(0.5 + i % 10 / 10 for i in range(3 * NEWEST)), *(newest for _ in range(NEWEST)))


@pytest.mark.parametrize(("newest", "percent"), [(1.2, 0.0), (1.5, 100.0)])
def test_a_forecast_is_astray_when_its_newest_hours_lie_above_its_day(newest: float, percent: float) -> None:
    learned = Learned(models={"a": ModelLearned(judged=Judged(scores=scores(newest))), "b": ModelLearned()})
    assert list(of_learned(learned)) == [(Metric.FORECAST_ASTRAY, percent)]
    assert list(of_learned(Learned(models={"b": ModelLearned()}))) == []


def test_a_move_that_stands_still_or_needs_a_person_is_past_its_deadline() -> None:
    late = NOW + create.DEADLINE_S + GRACE_S
    moves = [a_move(Phase.CREATE), a_move(Phase.WAITING), a_move(Phase.NEEDS_PERSON), a_move(Phase.DONE)]
    assert of_moves(moves, NOW) == (Metric.PAST_DEADLINE, 1)
    assert of_moves(moves, late) == (Metric.PAST_DEADLINE, 1)
    assert of_moves(moves, late + 1) == (Metric.PAST_DEADLINE, 2)
    assert of_moves(moves[2:], NOW + DAY_S) == (Metric.PAST_DEADLINE, 0), "who needs a person is told of for a day"


def test_an_open_move_without_the_hand_that_takes_it_further_raises_its_alarm_and_stands_in_the_record() -> None:
    with a_world(hands="none") as world:
        left = START_S - create.DEADLINE_S - GRACE_S - 60
        world.ledger().save_move(replace(a_move(Phase.CREATE), since=left, began=left), expected_version=0)
        world.rig.run_to(START_S + 7 * 60)
        assert "past-deadline" in alarming(world)
        record = json.loads(list(world.rig.records().values())[-1])
        (step,) = [step for step in record["steps"] if step["limit"] == STANDS_STILL]
        assert a_move(Phase.CREATE).id in step["because"] and "tidepool moves" in step["because"]


def test_an_open_attach_without_the_hand_that_takes_it_further_is_counted_as_a_move_is() -> None:
    with a_world(hands="none") as world:
        left = START_S - create.DEADLINE_S - GRACE_S - 60
        world.ledger().save_attach(an_attach(Phase.CREATE, left), expected_version=0)
        world.rig.run_to(START_S + 7 * 60)
        assert "past-deadline" in alarming(world)
        record = json.loads(list(world.rig.records().values())[-1])
        (step,) = [step for step in record["steps"] if step["limit"] == STANDS_STILL]
        assert (step["subject"], step["from"]) == ("b", "create") and "attach a1 has been in create" in step["because"]


def an_attach(phase: Phase, since: int) -> Attach:
    return Attach("a1", 1, "b", "pool", "main", "tidepool-b-a1", "b", 1, 1024, 1, "kim", phase, since, since)


@pytest.mark.parametrize("what", ["move", "attach"])
def test_a_move_or_an_attach_that_needs_a_person_raises_its_alarm(what: str) -> None:
    with a_world() as world:
        if what == "move":
            ended = replace(a_move(Phase.NEEDS_PERSON), since=START_S, began=START_S)
            world.ledger().save_move(ended, expected_version=0)
        else:
            world.ledger().save_attach(an_attach(Phase.NEEDS_PERSON, START_S), expected_version=0)
        world.rig.run_to(START_S + 7 * 60)
        assert "past-deadline" in alarming(world)
