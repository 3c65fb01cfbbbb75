"""`freeze`, `hold`, `surge` and `status` against a deployed stack: the real handlers and boto3 calls, on the twin."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from builders.command import run
from functions.world import FLEET, World, a_world
from tidepool.fleet import Signal, SignalKind
from tidepool.guard.writers import NEW_S

WHY = ("--why", "SEV1", "--who", "kim")
CALENDAR = "arn:aws:ssm:us-east-1:111122223333:document/prod-freeze"


pytestmark = pytest.mark.usefixtures("region")


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def heard(world: World) -> tuple[Signal, ...]:
    """What stands once the bus has carried everything."""
    world.rig.run_to(world.now + 5)
    assert [one for one in world.rig.happened if one.kind in {"failed", "undelivered"}] == []
    return world.ledger().signals(world.now)


@pytest.mark.parametrize(
    ("words", "kind", "scope", "lasts", "factor"),
    [
        (("freeze",), SignalKind.FREEZE, "*", 4 * 3600, 1.0),
        (("freeze", "a", "--for", "2h"), SignalKind.FREEZE, "a", 7200, 1.0),
        (("hold", "a"), SignalKind.HOLD, "a", 4 * 3600, 1.0),
        (("hold", "pool", "--for", "30d"), SignalKind.HOLD, "pool", 30 * 86_400, 1.0),
        (("surge", "a", "+50%"), SignalKind.SURGE, "a", 3600, 1.5),
        (("surge", "*", "1.2x", "--for", "1d"), SignalKind.SURGE, "*", 86_400, 1.2),
    ],
)
def test_what_a_person_asks_for_stands_with_who_and_why_until_it_expires(
    world: World, words: tuple[str, ...], kind: SignalKind, scope: str, lasts: int, factor: float
) -> None:
    asked_at = world.now
    result = run(*words, *WHY)
    assert result.exit_code == 0 and "Asked:" in result.stdout, result.output
    assert heard(world) == (Signal(kind, scope, asked_at, asked_at + lasts, "kim", "SEV1", factor),)
    assert world.ledger().signals(asked_at + lasts) == ()


@pytest.mark.parametrize("hands", ["none", "copies"])
def test_any_stack_hears_it_whatever_its_hands(hands: str) -> None:
    with a_world(hands=hands) as world:
        assert run("freeze", *WHY).exit_code == 0
        assert [signal.kind for signal in heard(world)] == [SignalKind.FREEZE]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("freeze", "--why", " "), "the reason, in words"),
        (("freeze", "--for", "8d", *WHY), "1m to 7d"),
        (("hold", "a", "--for", "31d", *WHY), "1m to 30d"),
        (("surge", "a", "+50%", "--for", "2d", *WHY), "1m to 1d"),
        (("surge", "a", "+0%", *WHY), "+1% to +9900%"),
        (("surge", "a", *WHY), "1.1x to 100x"),
        (("surge", "a", "+50%", "--lift", *WHY), "nothing beside --lift"),
        (("freeze", "--lift", "--for", "2h", *WHY), "no time beside --lift"),
        (("freeze", "pol", *WHY), "a model of the fleet"),
        (("hold", "pol", *WHY), "did you mean pool?"),
        (("hold", "a", "--lift", *WHY), "nothing does"),
    ],
)
def test_what_cannot_stand_is_refused_and_nothing_is_asked(world: World, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 1 and said in result.output, result.output
    assert heard(world) == ()


def test_an_event_that_asks_for_longer_than_its_kind_may_last_is_refused(world: World) -> None:
    long = world.event("signal", since=world.now, until=world.now + 31 * 86_400)
    with pytest.raises(Exception, match="a hold lasts at most 30d"):
        world.decide(long)
    short = world.event("signal", since=world.now)
    del short["detail"]["signal"]["until"]
    world.decide(short)
    (signal,) = world.ledger().signals(world.now)
    assert signal.until == world.now + SignalKind.HOLD.lasts_s


def test_lifting_ends_it_early_and_whoever_asked_for_it(world: World) -> None:
    run("freeze", *WHY)
    ringing = Signal(SignalKind.FREEZE, "*", world.now, world.now + 3600, "alarm x", "ALARM", by="alarm x")
    world.ledger().put_signal(ringing)
    assert len(heard(world)) == 2
    assert run("freeze", "--lift", *WHY).exit_code == 0
    assert heard(world) == ()


def test_an_alarm_that_is_over_does_not_lift_what_a_person_froze(world: World) -> None:
    run("freeze", *WHY)
    (mine,) = heard(world)
    arn = world.event("alarm")["alarmArn"]
    world.rig.stores.client("cloudwatch").tag_resource(
        ResourceARN=arn, Tags=[{"Key": "tidepool:intent", "Value": "freeze"}]
    )
    over = world.event("alarm")
    over["alarmData"]["state"]["value"] = "OK"
    world.decide(over)
    assert world.ledger().signals(world.now) == (mine,)


def test_under_a_freeze_nothing_is_lowered_and_what_is_needed_is_raised() -> None:
    with a_world(copies={"b": 4}, busy=True) as world:
        run("freeze", *WHY)
        world.rig.run_to(world.now + 1800)
        now = {name: one.copies_wanted for name, one in world.cloud.components("tag:model").items()}
        assert now["b"] == 4, "b has far more than it needs"
        assert now["a"] > 2, "a is busy"


def test_status_says_what_stands_what_changed_and_that_it_is_well() -> None:
    with a_world(busy=True) as world:
        run("hold", "c", *WHY)
        world.rig.run_to(world.now + 130)
        result = run("status", "--last", "30m")
        assert "3 models, 3 homes" in result.stdout and "by fleet.yaml abc" in result.stdout
        assert "hold of c until" in result.stdout and "by kim: SEV1" in result.stdout
        assert "done: + a" in result.stdout and "copies 2 →" in result.stdout
        assert "is it well\n  yes" in result.stdout and result.exit_code == 0, result.output
        value = json.loads(run("status", "--json", "-").stdout)
        assert value["changes"][0]["change"]["model"] == "a" and value["unwell"] == []


def test_status_shows_what_others_set_and_the_hold_that_follows(world: World) -> None:
    world.rig.run_to(world.now + 65 + NEW_S)  # of a count seen for the first time nobody is blamed
    world.cloud.set_copies("c", 3)
    world.rig.run_to(world.now + 65)
    shown = run("status").stdout
    assert "c of c from 1 to 3 by somebody (person)" in shown and "hold of c until" in shown


def test_status_shows_what_fleet_yaml_and_its_calendar_say() -> None:
    text = FLEET.replace("pools:", f'safety: {{freeze: {{calendars: ["{CALENDAR}"], alarms: [gone]}}}}\npools:')
    held = text.replace('  "*":', '  b: {hold: {until: 2025-01-08, why: CHG-9}}\n  "*":')
    with a_world(fleet=held) as world:
        world.rig.calendars[CALENDAR] = "CLOSED"
        world.rig.run_to(world.now + 65)
        shown = run("status").stdout
        assert f"freeze of *, by fleet.yaml: safety.freeze: {CALENDAR}" in shown
        assert "freeze of *, by fleet.yaml: safety.freeze: gone (not found)" in shown
        assert "hold of b until 2025-01-09 00:00:00 UTC, by fleet.yaml: CHG-9" in shown
        world.rig.calendars[CALENDAR] = "OPEN"
        assert CALENDAR not in run("status").stdout


def test_status_says_that_a_calendar_cannot_be_read_and_is_not_well() -> None:
    text = FLEET.replace("pools:", f'safety: {{freeze: {{calendars: ["{CALENDAR}"]}}}}\npools:')
    with a_world(fleet=text) as world:
        world.rig.run_to(world.now + 6 * 60)
        status = run("status")
        assert "freeze of *, by fleet.yaml: safety.freeze: a freeze that cannot be read" in status.stdout
        assert CALENDAR in status.stdout and "alarm tidepool-freeze-unread is in ALARM" in status.stdout
        assert status.exit_code == 1


def test_status_of_a_silent_stack_says_so_and_exits_1(world: World) -> None:
    never = run("status")
    assert never.exit_code == 1 and "no decision is recorded" in never.stdout
    world.decide(world.event("tick"))
    assert run("status").exit_code == 0
    world.cloud.run_to(world.now + 600)
    world.rig._move(world.now)
    silent = run("status")
    assert silent.exit_code == 1 and "decide is silent for 10m" in silent.stdout


def test_what_a_stack_decided_last_and_why_is_read_from_its_own_record() -> None:
    with a_world(busy=True) as world:
        early = run("explain", "a", "--stack", "tidepool")
        assert early.exit_code == 1 and "a stack that has decided" in early.output
        world.rig.run_to(world.now + 65)
        runs = dict(world.rig.runs)
        plan, why = run("plan", "--stack", "tidepool"), run("explain", "a", "--stack", "tidepool")
        assert (plan.exit_code, why.exit_code) == (2, 0)
        assert (
            plan.stdout.startswith("From the last decision of stack tidepool, ") and "+ a  copies 2 → " in plan.stdout
        )
        assert "a, as decided at" in why.stdout and "fleet.yaml abc" in why.stdout and "step by step" in why.stdout
        assert run("plan", "--stack", "tidepool", "--seed", "4").exit_code == 1
        assert world.rig.runs == runs, "nothing was decided again"
