"""`leave` against a deployed stack: the real handlers and boto3 calls, on the twin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from builders.command import run
from functions.test_other_writers import on, register, suspended, target, wanted, with_autoscaling
from functions.world import FLEET, World, a_world
from tidepool.fleet import ScalingTarget, SignalKind, Taken
from tidepool.move.state import Phase

WHY = ("--why", "CHG-4730", "--who", "kim")


pytestmark = pytest.mark.usefixtures("region")


def left(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("leave", *words, "--json", "-").stdout)
    return found


@pytest.fixture(params=["adopt", "floor"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Component a has autoscaling of its own, which Tidepool has adopted or floors."""
    with a_world(busy=True, fleet=with_autoscaling(request.param)) as made:
        register(made, "a", 1, 9)
        on(made, 6)
        yield made


def test_a_dry_run_says_what_is_handed_back_and_what_stays_and_asks_nothing(world: World) -> None:
    result = run("leave", "--dry-run")
    assert result.exit_code == 0 and "autoscaling of a (a):" in result.stdout, result.output
    assert "Nothing was asked" in result.stdout
    assert f"bucket {world.rig.stores.bucket()}: the record of what was done" in result.stdout
    assert "aws dynamodb delete-table --table-name" in result.stdout
    assert "delete-table" not in run("leave", "--dry-run", "--keep-ledger").stdout
    on(world, 2)
    assert world.ledger().signals(world.now) == ()


def test_leaving_hands_every_knob_back_as_it_was_found_and_lets_every_count_be(world: World) -> None:
    assert run("leave", *WHY).exit_code == 0
    on(world, 2)
    copies = wanted(world, "b"), wanted(world, "c")
    assert target(world, "a")["MinCapacity"] == 1 and suspended(world, "a") == {False}
    assert {s.kind for s in world.ledger().signals(world.now)} == {SignalKind.HOLD, SignalKind.LEAVE}
    on(world, 30)
    assert (wanted(world, "b"), wanted(world, "c")) == copies
    assert target(world, "a")["MinCapacity"] == 1 and suspended(world, "a") == {False}
    assert world.rig.denied() == []


def test_it_is_done_when_nothing_is_owed_moving_or_ringing_and_says_how_to_delete_the_stack(world: World) -> None:
    first = left(*WHY)
    assert first["asked"] and not first["done"] and len(first["owed"]) == 1
    on(world, 2)
    world.rig.fire("LearnFunction")
    again = run("leave")
    assert "All is handed back. Delete the stack now: sam delete --stack-name tidepool" in again.stdout, again.stdout
    assert left()["done"] and left()["alarms"] == []


def test_burst_alarms_go_with_the_next_hour() -> None:
    with a_world() as world:
        world.rig.fire("LearnFunction")
        assert len(left("--dry-run")["alarms"]) == 3
        left(*WHY)
        on(world, 1)
        world.rig.fire("LearnFunction")
        assert left()["alarms"] == []


def test_who_lifts_the_hold_stays_and_everything_goes_on(world: World) -> None:
    left(*WHY)
    on(world, 2)
    assert run("hold", "*", "--lift", *WHY).exit_code == 0
    on(world, 3)
    assert world.ledger().signals(world.now) == ()
    assert (target(world, "a")["MinCapacity"] > 1) or suspended(world, "a") == {True}


def test_an_open_move_goes_back_before_its_first_shift_and_what_it_made_is_gone() -> None:
    with a_world(fleet=FLEET.replace("zones: 1", "zones: 1\n    route: {via: table}")) as world:
        run("move", "b", "--to", "dedicated", *WHY)
        on(world, 2)
        (move,) = world.ledger().moves()
        assert [one["kind"] for one in left(*WHY)["stays"]].count("endpoint") == 1
        on(world, 40)
        (ended,) = world.ledger().ended_moves(0)
        assert (ended.id, ended.phase) == (move.id, Phase.ROLLED_BACK) and world.ledger().moves() == ()
        assert set(world.cloud.endpoints("tag:model")) == {"pool"}
        assert [one for one in left()["stays"] if one["kind"] in {"endpoint", "component"}] == []


def test_without_a_hand_it_says_the_command_that_gives_it_back() -> None:
    with a_world(hands="none") as world:
        register(world, "a", 7, 9)
        found = ScalingTarget("inference-component/a", "a", 1, 9, "scheduled")
        now = ScalingTarget("inference-component/a", "a", 7, 9, "")
        world.ledger().save_taken(Taken("a", found, found, now, done=True), expected_version=0)
        shown = run("leave", "--dry-run").stdout
        assert "autoscaling of a (a): minimum 7 → 1, suspended nothing → scheduled" in shown
        assert "--resource-id inference-component/a" in shown and "--min-capacity 1" in shown
        assert "ScheduledScalingSuspended=true" in shown and "DynamicScalingInSuspended=false" in shown


def test_a_reason_is_required() -> None:
    with a_world():
        result = run("leave")
        assert result.exit_code == 1 and "--why" in result.output
