"""`move` and `moves` against a deployed stack: the real handlers and boto3 calls, on the twin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from builders.command import run
from functions.world import FLEET, World, a_world
from tidepool.aws.environment import Hands
from tidepool.errors import BadInput
from tidepool.move.state import Move, Phase
from tidepool_cli.live import WouldWrite, reading_clients
from tidepool_cli.stack import STACK_SERVICES, deployed
from tidepool_cli.steps import deadline, progress
from tidepool_lab.embedded.intercept import ACCOUNT

MOVABLE = FLEET.replace("zones: 1", "zones: 1\n    route: {via: table}")
WHY = ("--why", "CHG-1", "--who", "kim")


pytestmark = pytest.mark.usefixtures("region")


@pytest.fixture
def world() -> Iterator[World]:
    with a_world(fleet=MOVABLE) as made:
        yield made


def on(world: World, minutes: int = 1) -> None:
    """Time passes; what is on the bus has reached its hand."""
    world.rig.run_to(world.now + 60 * minutes)


def begun(world: World, model: str = "b") -> str:
    """The id of a move to dedicated that the command asked for and the hand began."""
    value = json.loads(run("move", model, "--to", "dedicated", *WHY, "--json", "-").stdout)
    on(world)
    return str(value["move"])


def the_move(world: World) -> Move:
    (move,) = world.ledger().moves()
    return move


def writes(world: World) -> set[str]:
    """Calls so far that change something."""
    return {name for name in world.rig.calls if not name.split(".")[1].startswith(("Describe", "List", "Get", "Head"))}


def test_a_dry_run_says_what_would_be_made_what_it_costs_and_what_each_step_waits_for(world: World) -> None:
    before = writes(world)
    result = run("move", "b", "--to", "dedicated", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "~ b  move pool → tidepool-b-" in result.stdout and "+$22.09/h" in result.stdout
    assert "the move costs $7.10" in result.stdout
    assert "Would make the endpoint tidepool-b-" in result.stdout and "1 × ml.p4d.24xlarge" in result.stdout
    for step in ("create", "warm", "shift", "drain", "retire"):
        assert f"\n  {step}" in result.stdout
    assert "Note: not checked: whether its callers may invoke tidepool-b-" in result.stdout
    assert "\x1b" not in result.stdout
    assert writes(world) - before <= {"dynamodb.Query"} and world.ledger().moves() == ()


def test_a_dry_run_asks_iam_about_the_declared_callers() -> None:
    app = f"arn:aws:iam::{ACCOUNT}:role/app"
    with a_world(fleet=MOVABLE.replace("route:", f"callers: [{app}]\n    route:")) as named:
        unknown = run("move", "b", "--to", "dedicated", "--dry-run")
        assert unknown.exit_code == 1 and f"  unverified whether caller {app} may invoke" in unknown.stdout
        may = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": "*"}
        named.rig.principals.policies[app] = [may]
        result = run("move", "b", "--to", "dedicated", "--dry-run")
        assert result.exit_code == 0 and "not checked" not in result.stdout


def test_every_reason_against_it_is_said_and_nothing_is_asked() -> None:
    with a_world(fleet=MOVABLE.replace("act: run", "act: scale").replace("route: {via: table}", "")) as world:
        result = run("move", "b", "--to", "dedicated", *WHY)
        assert result.exit_code == 1
        assert "may not begin; nothing was asked" in result.stdout
        assert "\n  fleet.yaml lets b act up to 'scale'" in result.stdout and "\n  no route" in result.stdout
        on(world)
        assert world.ledger().moves() == () and world.ledger().ended_moves(0) == ()


def test_a_move_that_is_asked_for_begins_on_the_stack_with_who_and_why(world: World) -> None:
    move = begun(world)
    assert (the_move(world).id, the_move(world).ask.because) == (move, "asked for by kim: CHG-1")
    assert the_move(world).phase is Phase.CREATE


def test_without_who_it_is_whom_aws_knows(world: World) -> None:
    run("move", "b", "--to", "dedicated", "--why", "CHG-1")
    on(world)
    assert the_move(world).ask.because.startswith("asked for by arn:aws:sts::123456789012:")


@pytest.mark.parametrize(
    "words", [["move", "b", "--to", "dedicated"], ["moves", "undo", "x"], ["moves", "approve", "x"]]
)
def test_a_reason_is_required(world: World, words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert "--why" in result.output and "the reason, in words" in result.output


def test_words_that_mean_nothing_are_told_with_what_is_allowed(world: World) -> None:
    result = run("move", "nobody", "--to", "nowhere", *WHY)
    assert result.exit_code == 1
    for expected in ("2 problems", "'nobody'", "'nowhere'", "dedicated, pool", "tidepool attach"):
        assert expected in result.output


def test_a_stack_without_that_hand_is_not_asked() -> None:
    with a_world(fleet=MOVABLE, hands="instances"):
        result = run("move", "b", "--to", "dedicated", *WHY)
        assert result.exit_code == 1 and "act up to 'size'" in result.output


def test_an_event_that_no_hand_would_hear_is_not_sent(world: World) -> None:
    without = replace(deployed("tidepool", None), hands=Hands.COPIES)
    with pytest.raises(BadInput, match=r"Hands: 'copies' is not allowed; allowed: moves.*--parameter-overrides"):
        without.send("tidepool.undo", "undo", {"move": "x", "who": "kim", "why": "CHG-1"})


def test_a_stack_that_is_not_there_is_named(world: World) -> None:
    result = run("moves", "--stack", "elsewhere")
    assert result.exit_code == 1
    assert "'elsewhere'" in result.output and "docs/operate.md" in result.output


def test_moves_shows_where_each_stands_until_when_and_why(world: World) -> None:
    assert run("moves").stdout == "No move is under way, and none ended in 7 days.\n"
    move = begun(world)
    result = run("moves")
    for expected in (move, "▣□□□□ create", "tidepool-b-", "then goes back", "asked for by kim: CHG-1"):
        assert expected in result.stdout
    (value,) = json.loads(run("moves", "--json", "-").stdout)
    assert (value["move"], value["phase"], value["deadline"] - value["since"]) == (move, "create", 4500)
    assert "owner" not in result.stdout and value["owner"] == ""


def test_moves_says_whom_to_ask_where_fleet_yaml_names_somebody() -> None:
    with a_world(fleet=MOVABLE.replace("route:", "owner: b@example.com\n    route:")) as owned:
        begun(owned)
        assert "b@example.com" in run("moves").stdout
        (value,) = json.loads(run("moves", "--json", "-").stdout)
        assert value["owner"] == "b@example.com"


def test_undo_takes_an_open_move_back(world: World) -> None:
    move = begun(world)
    result = run("moves", "undo", move, *WHY)
    assert (result.exit_code, "goes back to b" in result.stdout) == (0, True)
    on(world)
    assert (the_move(world).phase, the_move(world).why) == (Phase.BACK, "wanted back by kim: CHG-1")
    assert "goes back already" in run("moves", "undo", move, *WHY).stdout


def test_undo_of_an_ended_move_says_which_move_leads_back(world: World) -> None:
    move = begun(world)
    on(world, 40)
    assert [m.phase for m in world.ledger().ended_moves(0)] == [Phase.DONE]
    result = run("moves", "undo", move, *WHY)
    assert result.exit_code == 1
    assert "`tidepool move b --to pool --why ...`" in result.output
    assert "done" in run("moves").stdout and "No move" in run("moves", "--days", "0").stdout


def test_undo_of_a_move_that_nobody_knows_names_those_that_can_go_back(world: World) -> None:
    move = begun(world)
    result = run("moves", "undo", "3123456789abcdef", *WHY)
    assert result.exit_code == 1 and move in result.output


def test_an_option_before_the_word_is_not_silently_for_another_stack(world: World) -> None:
    result = run("moves", "--stack", "elsewhere", "undo", begun(world), *WHY)
    assert result.exit_code == 1 and "options after undo" in result.output
    on(world)
    assert the_move(world).wanted_back == ""


def test_approve_lets_a_move_begin_that_waits() -> None:
    with a_world(fleet=MOVABLE.replace("act: run", "act: ask")) as world:
        change = {"model": "b", "from_hosting": "shared", "from_endpoint": "pool", "component": "b"}
        there = {"to_hosting": "dedicated", "to_endpoint": "tidepool-b", "accelerators_per_copy": 8, "size": 1}
        event = world.event("start-move", **change, **there)
        world.rig.invoke("MoveModelsFunction", event)
        move = event["detail"]["change"]["id"]
        assert "approves it" not in run("moves").stdout and "waiting" in run("moves").stdout
        assert run("moves", "approve", move, *WHY).exit_code == 0
        on(world)
        assert the_move(world).phase is Phase.CREATE
        assert "does not wait any more" in run("moves", "approve", move, *WHY).stdout
        assert run("moves", "approve", "3123456789abcdee", *WHY).exit_code == 1


def test_nothing_but_reads_and_events_can_leave(world: World) -> None:
    clients = reading_clients("us-east-1", services=STACK_SERVICES, besides="PutEvents")
    with pytest.raises(WouldWrite, match="DeleteEndpoint is not a read"):
        clients.get("sagemaker").delete_endpoint(EndpointName="own")
    with pytest.raises(WouldWrite, match="PutItem is not a read"):
        clients.get("dynamodb").put_item(TableName="t", Item={})
    assert deployed("tidepool", None).hands == "moves"


def test_how_far_a_move_has_come_is_a_picture(world: World) -> None:
    begun(world)
    move = the_move(world)
    shifting = replace(move, phase=Phase.SHIFT, step=1)
    assert progress(shifting) == "■■▣□□ shift 50 %"
    assert deadline(shifting).endswith("UTC, then goes back")
    ended = replace(move, phase=Phase.DONE)
    assert (progress(ended), deadline(ended)) == ("done", "")
