"""What people ask of moves, as events on the bus, through the deployed hand: to move a model, to take a move back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.world import FLEET, MOVE, START_S, World, a_world, noticing
from tidepool.move.state import Move, Phase
from tidepool_lab.embedded.intercept import ACCOUNT

MOVABLE = FLEET.replace("zones: 1", "zones: 1\n    route: {via: table}")
HAND = "MoveModelsFunction"


@pytest.fixture
def world() -> Iterator[World]:
    with a_world(fleet=MOVABLE) as made:
        yield made


def ask(world: World, name: str, **words: Any) -> dict[str, Any]:
    """What the hand says of events/NAME.json with these words."""
    result: dict[str, Any] = world.rig.invoke(HAND, world.event(name, **words))
    return result


def to_dedicated(world: World) -> str:
    return str(ask(world, "move", model="b", to="dedicated")["begun"])


def stored(world: World, move_id: str) -> Move:
    moves = {move.id: move for move in (*world.ledger().moves(), *world.ledger().ended_moves(0))}
    return moves[move_id]


def on_to(world: World, move_id: str, *phases: Phase) -> Move:
    """The move once it is in one of these phases, minute by minute; at most four hours."""
    for _ in range(240):
        move = stored(world, move_id)
        if move.phase in phases:
            return move
        world.rig._move(world.now + 60)
        world.rig.fire(HAND)
    raise AssertionError(f"it never came there: {stored(world, move_id)}")


def test_a_person_moves_a_model_with_three_words(world: World) -> None:
    ask(world, "move", model="b", to="dedicated")
    (move,) = world.ledger().moves()
    assert (move.phase, move.ask.from_endpoint, move.ask.component) == (Phase.CREATE, "pool", "b")
    assert (move.ask.to_endpoint, move.ask.size) == (f"tidepool-b-{move.id[:8]}", 1)
    # A copy's eighth of a machine before, a whole machine after.
    assert move.ask.usd_per_hour == pytest.approx(25.2513 * 7 / 8)
    assert move.ask.because == "asked for by kim@example.com: CHG-4713, it idles on a machine of its own"


def test_the_same_words_again_are_the_same_move_also_when_the_model_has_two_homes(world: World) -> None:
    move = to_dedicated(world)
    on_to(world, move, Phase.WARM)
    assert to_dedicated(world) == move
    assert len(world.ledger().moves()) == 1


def test_under_ask_the_person_who_asks_has_approved_it() -> None:
    with a_world(fleet=MOVABLE.replace("act: run", "act: ask")) as world:
        ask(world, "move", model="b", to="dedicated")
        assert [move.phase for move in world.ledger().moves()] == [Phase.CREATE]


def test_words_that_mean_nothing_are_refused_all_at_once(world: World) -> None:
    with pytest.raises(Exception, match=r"move\.model.*\n.*move\.to: 'nowhere'.*allowed: dedicated, pool"):
        ask(world, "move", model="nobody", to="nowhere")
    with pytest.raises(Exception, match=r"move\.instance_type: 'ml\.x'.*allowed: ml\.p4d"):
        ask(world, "move", model="b", to="pool", instance_type="ml.x")


def test_what_stands_against_it_ends_it_with_every_reason(world: World) -> None:
    move = ask(world, "move", model="b", to="pool")["begun"]
    assert (stored(world, move).phase, stored(world, move).why) == (Phase.SUPERSEDED, "pool is where it lives")


APP = f"arn:aws:iam::{ACCOUNT}:role/app"
NAMED = MOVABLE.replace("zones: 1", f"zones: 1\n    callers: [{APP}]")


def test_a_caller_who_may_not_invoke_the_new_home_ends_it_and_one_who_may_does_not() -> None:
    invoke = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint"}
    with a_world(fleet=NAMED) as world:
        world.rig.principals.policies[APP] = [{**invoke, "Resource": "*:endpoint/pool"}]
        first = stored(world, to_dedicated(world))
        assert first.phase is Phase.SUPERSEDED
        assert f"caller {APP} may not invoke {first.target_name}: sagemaker:InvokeEndpoint on arn:aws" in first.why
        managed = {"StringEquals": {"aws:ResourceTag/tidepool:managed": "true"}}
        world.rig.principals.policies[APP] = [{**invoke, "Resource": "*", "Condition": managed}]
        world.rig._move(world.now + 60)
        second = stored(world, ask(world, "move", model="b", to="dedicated", id="0123456789abcdef")["begun"])
        assert (second.phase, second.why) == (Phase.CREATE, "")
        assert world.rig.denied() == []


@pytest.mark.parametrize("caller", ["arn:aws:iam::999988887777:role/app", f"arn:aws:iam::{ACCOUNT}:role/gone"])
def test_a_caller_that_cannot_be_simulated_is_said_to_be_unverified_and_ends_it_until_a_person_takes_it_out(
    caller: str,
) -> None:
    with a_world(fleet=NAMED.replace(APP, caller)) as world:
        if "999988887777" in caller:
            world.rig.principals.policies[caller] = [
                {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
            ]
        move = stored(world, to_dedicated(world))
        assert move.phase is Phase.SUPERSEDED
        assert move.why.startswith(f"unverified whether caller {caller} may invoke {move.target_name}")
        assert "take it out of `callers`" in move.why


@pytest.mark.parametrize("phase", [Phase.CREATE, Phase.WARM, Phase.SHIFT, Phase.DRAIN])
def test_a_wish_to_go_back_is_heeded_and_leaves_nothing_behind(world: World, phase: Phase) -> None:
    move = to_dedicated(world)
    on_to(world, move, phase)
    world.rig._move(world.now + 5)
    ask(world, "undo", move=move)
    assert stored(world, move).phase is Phase.BACK
    ended = on_to(world, move, Phase.ROLLED_BACK, Phase.NEEDS_PERSON)
    assert (ended.phase, ended.why) == (
        Phase.ROLLED_BACK,
        "wanted back by kim@example.com: CHG-4714, answers look worse",
    )
    assert ended.target_name not in world.cloud.endpoints()
    assert world.cloud.component("b").copies_wanted == 1
    (b,) = (model for model in world.cloud.figures(START_S, world.now).models if model.name == "b")
    assert (b.lost, b.timed_out) == (0, 0)
    assert world.rig.denied() == []
    said = [o.why for o in world.ledger().operations(0) if o.outcome == "undone"]
    assert said == ["asked back by kim@example.com: CHG-4714, answers look worse"]


@pytest.mark.parametrize("event", ["undo", "approval"])
def test_a_run_that_stores_the_move_at_the_same_time_loses_no_wish(event: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice, just before the hand stores what a person wants, another run has stored the move."""
    races: list[Callable[[], None]] = []

    def race(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutItem" and params["Item"].get("pk") == {"S": "move"} and races:
            races.pop()()

    noticing(monkeypatch, race)
    with a_world(fleet=MOVABLE.replace("act: run", "act: ask")) as world:
        move = world.rig.invoke(HAND, world.event("start-move", **MOVE))["change"]

        def another_run() -> None:
            found = stored(world, move)
            world.ledger().save_move(found, expected_version=found.version)

        races += [another_run, another_run]
        ask(world, event, move=move)
        assert races == []
        done = {operation.outcome for operation in world.ledger().operations(0)}
        assert done == {"done", "undone" if event == "undo" else "approved"}


def test_what_is_asked_while_aws_wants_fewer_calls_is_asked_again_a_minute_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    throttled: list[str] = []

    def throttle(operation: str, params: dict[str, Any]) -> None:
        if operation == "ListEndpoints" and throttled:
            raise ClientError({"Error": {"Code": throttled[0], "Message": "Rate exceeded"}}, operation)

    noticing(monkeypatch, throttle)
    with a_world(fleet=MOVABLE) as world:
        throttled.append("ThrottlingException")
        world.send("move", model="b", to="dedicated")
        world.rig.run_to(START_S + 30)
        assert world.ledger().moves() == ()
        throttled.clear()
        world.rig.run_to(START_S + 90)
        assert [move.ask.model for move in world.ledger().moves()] == ["b"]


def test_after_the_end_it_says_which_move_leads_back(world: World) -> None:
    move = to_dedicated(world)
    on_to(world, move, Phase.DONE)
    with pytest.raises(Exception, match=r"a new move leads back: `tidepool move b --to pool --why"):
        ask(world, "undo", move=move)


def test_a_move_that_nobody_knows_is_refused_with_those_that_can_go_back(world: World) -> None:
    move = to_dedicated(world)
    with pytest.raises(Exception, match=f"'another' is not allowed; allowed: {move}"):
        ask(world, "undo", move="another")
