"""The hands as they are deployed: each looks again, acts once, records; and learn, report and moves on their ticks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.world import FLEET, MOVE, START_S, World, a_world
from tidepool.fleet import Signal, SignalKind
from tidepool.move.state import Phase
from tidepool.runtime.ports import Operation


@pytest.fixture
def world() -> Iterator[World]:
    with a_world(dedicated=True) as made:
        yield made


def copies(world: World, **changes: Any) -> dict[str, Any]:
    """An event that asks for a third copy of a."""
    asked = {"model": "a", "component": "a", "endpoint": "pool", "copies_from": 2, "copies_to": 3, **changes}
    return world.event("scale-copies", **asked)


def hand(world: World, event: dict[str, Any], function: str = "ScaleCopiesFunction") -> str:
    """What the hand says became of the change."""
    return str(world.rig.invoke(function, event)["outcome"])


def recorded(world: World) -> list[Operation]:
    return list(world.ledger().operations(0))


def test_copies_are_set_and_recorded(world: World) -> None:
    assert hand(world, copies(world)) == "done"
    assert world.cloud.component("a").copies_wanted == 3
    (operation,) = recorded(world)
    assert (operation.outcome, operation.at, operation.change.model) == ("done", START_S, "a")  # type: ignore[union-attr]
    assert world.counted("ChangeDone") == 1


def test_the_same_event_twice_acts_once_and_answers_alike(world: World) -> None:
    calls = "sagemaker.UpdateInferenceComponentRuntimeConfig"
    assert [hand(world, copies(world)) for _ in range(3)] == ["done"] * 3
    assert world.rig.calls[calls] == 1
    assert len(recorded(world)) == 1


def test_a_world_that_differs_is_not_acted_on(world: World) -> None:
    expected = [
        ({"copies_from": 1, "copies_to": 2}, "already"),
        ({"copies_from": 5, "copies_to": 6}, "superseded"),
        ({"endpoint": "another-pool"}, "superseded"),
        ({"component": "gone"}, "superseded"),
    ]
    for i, (changes, outcome) in enumerate(expected):
        assert hand(world, copies(world, id=f"{i:016d}", **changes)) == outcome
    assert world.cloud.component("a").copies_wanted == 2
    assert [operation.outcome for operation in recorded(world)] == [outcome for _, outcome in expected]


def test_what_aws_is_changing_is_busy(world: World) -> None:
    world.cloud.update_component("a", artifact="b")
    assert hand(world, copies(world)) == "busy"


def test_a_signal_newer_than_the_decision_is_heeded(world: World) -> None:
    world.ledger().put_signal(Signal(SignalKind.HOLD, "a", START_S - 1, START_S + 600, "kim", "CHG-1"))
    assert hand(world, copies(world)) == "superseded"
    assert "CHG-1" in recorded(world)[0].why
    asked = copies(world, id="b" * 16, model="b", component="b", copies_from=1, copies_to=2)
    assert hand(world, asked) == "done"


def test_an_event_for_another_hand_is_refused_and_nothing_changes(world: World) -> None:
    with pytest.raises(Exception, match=r"ScaleInstances, SetBounds"):
        world.rig.invoke("ScaleInstancesFunction", copies(world))
    with pytest.raises(Exception, match=r"change\.copies_to"):
        hand(world, copies(world, copies_to=-1))
    assert recorded(world) == []


def test_dedicated_instances_are_set_in_place(world: World) -> None:
    asked = {"model": "c", "endpoint": "own", "variant": "AllTraffic", "instances_from": 1, "instances_to": 2}
    event = world.event("scale-instances", **asked)
    assert hand(world, event, "ScaleInstancesFunction") == "done"
    assert world.cloud.endpoint("own").instances_wanted == 2


def bounds(world: World, **changes: Any) -> dict[str, Any]:
    """An event that gives the pool a smaller ceiling."""
    pool = world.cloud.endpoint("pool")
    asked = {
        "id": f"b{world.now:015d}",
        "pool": "pool",
        "endpoint": "pool",
        "config_from": pool.config_name,
        "min_from": pool.min_instances,
        "max_from": pool.max_instances,
        "min_to": 0,
        "max_to": 4,
        **changes,
    }
    return world.event("set-bounds", **asked)


def test_bounds_are_set_and_the_new_config_is_in_force_afterwards(world: World) -> None:
    assert hand(world, bounds(world), "ScaleInstancesFunction") == "done"
    world.rig._move(START_S + 1800)
    pool = world.cloud.endpoint("pool")
    assert (pool.min_instances, pool.max_instances) == (0, 4) and pool.config_name.startswith("tidepool-")
    assert hand(world, bounds(world), "ScaleInstancesFunction") == "already"


def test_bounds_that_came_back_on_the_old_config_are_not_tried_again(world: World) -> None:
    # What SageMaker accepted and rolled back looks like this: done in the ledger, the old config on the endpoint.
    event = bounds(world)
    from tidepool.aws.changes import change_of

    change = change_of(event["detail"]["change"])
    world.ledger().record(Operation(change, START_S, "done"))
    world.rig._move(START_S + 600)
    assert hand(world, bounds(world), "ScaleInstancesFunction") == "failed"
    assert "came back on the old config" in recorded(world)[-1].why
    assert world.cloud.endpoint("pool").max_instances == 6


def test_a_stack_without_hands_has_none() -> None:
    with a_world(hands="none") as world:
        with pytest.raises(LookupError, match="is not a function of"):
            world.rig.host("ScaleCopiesFunction")
        assert "at" in world.decide(world.event("tick"))


@pytest.mark.parametrize(("hands", "asked"), [("none", 0), ("copies", 1)])
def test_what_no_hand_could_do_is_held_and_said_and_not_asked_for(hands: str, asked: int) -> None:
    with a_world(hands=hands, copies={"a": 1}, busy=True) as world:
        world.rig._move(START_S + 600)
        assert world.decide(world.event("tick"))["asked"] == asked
        newest = world.ledger().decision()
        assert newest is not None
        ladder = [held for held in json.loads(newest)["held"] if "act is watch" in held["because"]]
        assert bool(ladder) is (asked == 0)


def test_learn_keeps_what_it_saw_and_the_burst_alarms(world: World) -> None:
    world.rig._move(START_S + 3600)
    result = world.rig.invoke("LearnFunction", world.event("learn-tick"))
    assert result["models"] == 3 and result["until"] > START_S
    assert sorted(world.ledger().memory().learned.models) == ["a", "b", "c"]
    burst = [name for name in world.rig.alarms.alarms if name.startswith(world.environment("TIDEPOOL_ALARM_PREFIX"))]
    assert [name.removeprefix("tidepool-burst-") for name in sorted(burst)] == ["a", "b", "c"]
    assert world.rig.alarms.alarms[burst[0]].asked["Threshold"] == 8.0


def test_report_stores_a_page_of_the_day(world: World) -> None:
    for minute in range(12):
        world.rig._move(START_S + 60 * minute)
        world.decide(world.event("tick"))
    hand(world, copies(world))
    world.rig._move(START_S + 900)
    result = world.rig.invoke("ReportFunction", world.event("report-tick"))
    (page,) = world.rig.objects("reports/").values()
    assert len(page) == result["bytes"] and b"<html" in page.lower()
    assert len(world.ledger().samples(0)) == 2, "one sample each ten minutes"


def test_a_stack_that_looks_after_nothing_yet_has_a_page_of_the_time_that_it_has_seen() -> None:
    with a_world(fleet="schema: 1\n") as world:
        for _ in range(2):
            world.decide(world.event("tick"))
            world.rig._move(world.now + 1800)
        world.rig.invoke("ReportFunction", world.event("report-tick"))
        (page,) = (page.decode() for page in world.rig.objects("reports/").values())
    assert "Source of every figure: SageMaker in us-east-1<" in page
    assert "<b>$0.00</b><span>machines, over 1h</span>" in page


TICKS = {"LearnFunction": "learn-tick", "ReportFunction": "report-tick", "MoveModelsFunction": "moves-tick"}


def test_a_tick_that_comes_late_is_dropped_by_every_function(world: World) -> None:
    ticks = {function: world.event(event) for function, event in TICKS.items()}
    world.rig._move(START_S + 91)
    for function, tick in ticks.items():
        assert world.rig.invoke(function, tick)["dropped"] == "91 s late"


def test_another_functions_tick_is_refused(world: World) -> None:
    for function in TICKS:
        with pytest.raises(Exception, match="another function's rule"):
            world.rig.invoke(function, world.event("tick"))


def test_without_a_fleet_file_there_is_nothing_to_learn_or_report() -> None:
    with a_world(fleet="") as world:
        for function in ("LearnFunction", "ReportFunction"):
            assert "nothing" in json.dumps(world.rig.invoke(function, world.event(TICKS[function])))


def test_a_move_is_begun_once_and_goes_on_each_minute(world: World) -> None:
    event = world.event("start-move", **MOVE)
    first = world.rig.invoke("MoveModelsFunction", event)
    second = world.rig.invoke("MoveModelsFunction", event)
    assert first["outcome"] == second["outcome"]
    later = world.rig.invoke("MoveModelsFunction", world.event("moves-tick"))
    moves = {move.id: move for move in (*world.ledger().moves(), *world.ledger().ended_moves(0))}
    assert list(moves) == [event["detail"]["change"]["id"]]
    assert set(later["moves"]) <= set(moves)


def test_a_move_that_waits_begins_when_an_approval_comes_on_the_bus() -> None:
    movable = "zones: 1\n    route: {via: table}\n    sample: s3://probes/b.json"
    with a_world(fleet=FLEET.replace("act: run", "act: ask").replace("zones: 1", movable)) as world:
        begun = world.event("start-move", **MOVE)
        move = begun["detail"]["change"]["id"]
        assert world.rig.invoke("MoveModelsFunction", begun)["moves"] == {move: "waiting"}
        with pytest.raises(Exception, match=f"'another' is not allowed; allowed: {move}"):
            world.rig.invoke("MoveModelsFunction", world.event("approval", move="another"))
        world.send("approval", move=move)
        world.rig.run_to(world.now + 10)
        assert world.ledger().moves()[0].phase is Phase.CREATE
        assert [o.why for o in recorded(world) if o.outcome == "approved"] == [
            "approved by kim@example.com: CHG-4712, agreed with the model's owner"
        ]
