"""decide as it is deployed: what wakes it, what it drops, what it refuses, and that it decides once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.world import FLEET, START_S, World, a_world, iso
from tidepool.errors import BadEvent, Throttled
from tidepool.fleet import SignalKind


@pytest.fixture
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


def test_a_tick_is_one_recorded_decision(world: World) -> None:
    result = world.decide(world.event("tick"))
    assert result["at"] == START_S
    (record,) = world.rig.records().values()
    assert json.loads(record)["now"] == START_S and json.loads(record)["config_commit"] == "abc"
    assert world.counted("Decision") == 1


def test_the_same_tick_twice_is_one_decision(world: World) -> None:
    first, second = (world.decide(world.event("tick")) for _ in range(2))
    assert "at" in first and "decided" in second
    assert len(world.rig.records()) == 1


def test_a_tick_older_than_90_seconds_is_dropped(world: World) -> None:
    tick = world.event("tick")
    world.rig.run_to(START_S)
    world.cloud.run_to(START_S + 92)
    world.rig._move(START_S + 92)
    assert world.decide(tick) == {"woken_by": "tidepool.tick", "dropped": "92 s late"}
    assert world.rig.records() == {} and world.counted("LateTick") == 1


def test_a_hundred_contributors_in_alarm_at_once_are_one_decision(world: World) -> None:
    for i in range(100):
        alarm = world.event("alarm-contributor")
        alarm["alarmData"]["alarmContributor"]["attributes"]["InferenceComponentName"] = f"component-{i}"
        world.decide(alarm)
    assert len(world.rig.records()) == 1


def test_whoever_finds_the_lease_taken_leaves_a_note_and_goes(world: World) -> None:
    ledger = world.ledger()
    lease = ledger.lease(START_S, 90)
    assert lease is not None
    assert "decided" in world.decide(world.event("alarm"))
    assert world.rig.records() == {}
    assert ledger.release(lease, START_S)
    assert world.decide(world.event("tick"))["at"] == START_S


def test_an_endpoints_state_change_makes_it_look(world: World) -> None:
    assert world.decide(world.event("endpoint-state-change"))["at"] == START_S


def test_an_event_that_nobody_knows_is_refused_in_the_log_and_a_dead_letter(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    unknown = {"source": "aws.ec2", "time": iso(START_S), "detail": {"secret": "payload"}}
    with pytest.raises(Exception) as refused:
        world.decide(unknown)
    assert type(refused.value).__name__ == BadEvent.__name__
    (line,) = logged(caplog, "refused")
    assert "source" in line["problems"][0] and "payload" not in str(line)
    assert world.rig.records() == {}


def test_a_wrong_event_that_a_rule_delivers_fails_once_and_lies_in_the_dead_letters(world: World) -> None:
    wrong = {**world.event("fleet-file-uploaded"), "time": "soon"}
    wrong["detail"]["bucket"]["name"] = world.environment("TIDEPOOL_BUCKET")
    world.rig.dispatcher.send("default", wrong)
    world.rig.run_to(START_S + 300)
    (letter,) = world.rig.stores.messages("FailedRunsQueue")
    assert json.loads(letter)["requestPayload"] == wrong
    assert len(world.rig.records()) == 5, "and the ticks go on"


@pytest.mark.parametrize("name", ["scale-copies", "approval"])
def test_a_hands_event_is_not_for_decide(world: World, name: str) -> None:
    with pytest.raises(Exception, match="an event for decide, not for a hand"):
        world.decide(world.event(name))


@pytest.mark.parametrize(("intent", "kind"), [("surge", SignalKind.SURGE), ("freeze", SignalKind.FREEZE)])
def test_an_alarms_tags_say_what_it_asks_for(world: World, intent: str, kind: SignalKind) -> None:
    _tagged(world, {"tidepool:intent": intent, "tidepool:model": "a"})
    world.decide(world.event("alarm"))
    (signal,) = world.ledger().signals(START_S)
    assert (signal.kind, signal.scope, signal.who) == (kind, "a", "alarm tidepool-no-capacity")
    assert signal.until > START_S + 600
    assert len(world.rig.records()) == 1


def test_an_alarm_that_is_over_takes_its_freeze_back(world: World) -> None:
    _tagged(world, {"tidepool:intent": "freeze"})
    world.decide(world.event("alarm"))
    assert world.ledger().signals(START_S)[0].scope == "*"
    over = world.event("alarm")
    over["alarmData"]["state"]["value"] = "OK"
    world.decide(over)
    assert world.ledger().signals(START_S) == ()


@pytest.mark.parametrize(("name", "value"), [("alarm-contributor", "OK"), ("alarm", "INSUFFICIENT_DATA")])
def test_one_series_that_is_over_or_silence_takes_no_freeze_back(world: World, name: str, value: str) -> None:
    _tagged(world, {"tidepool:intent": "freeze"})
    world.decide(world.event("alarm-contributor"))
    frozen = world.ledger().signals(START_S)
    assert [signal.scope for signal in frozen] == ["*"]
    world.rig._move(START_S + 60)
    over = world.event(name)
    over["alarmData"]["state"]["value"] = value
    world.decide(over)
    assert world.ledger().signals(START_S + 60) == frozen


def test_any_other_alarm_only_makes_it_look(world: World) -> None:
    others: list[dict[str, str]] = [{}, {"tidepool:intent": "look"}, {"tidepool:intent": "dance"}, {"owner": "x"}]
    for i, tags in enumerate(others):
        world.rig._move(START_S + i)
        _tagged(world, tags)
        assert world.decide(world.event("alarm"))["at"] == START_S + i
        assert world.ledger().signals(START_S + i) == ()


def test_an_alarm_that_is_gone_still_makes_it_look(world: World) -> None:
    alarm = world.event("alarm")
    alarm["alarmArn"] = alarm["alarmArn"] + "-deleted"
    assert world.decide(alarm)["at"] == START_S


def test_a_signal_is_kept_and_seen_by_the_next_decision(world: World) -> None:
    world.decide(world.event("signal", since=START_S, until=START_S + 3600, scope="a"))
    (signal,) = world.ledger().signals(START_S)
    assert (signal.kind, signal.scope, signal.who) == (SignalKind.HOLD, "a", "kim@example.com")


def test_an_upload_is_judged_and_a_bad_one_changes_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.decide(world.event("fleet-file-uploaded"))
    world.rig._watching = False
    world.rig.upload("schema: 1\nacct: run\npools: {pool: {bounds: maybe}}\n", commit="bad")
    result = world.decide(world.event("fleet-file-uploaded"))
    assert result["refused"] >= 2
    (line,) = logged(caplog, "fleet.yaml refused")
    assert len(line["problems"]) == result["refused"]
    assert world.counted("FleetFileRefused") == 1
    world.rig._move(START_S + 60)
    world.decide(world.event("tick"))
    newest = world.ledger().decision()
    assert newest is not None and json.loads(newest)["config_commit"] == "abc"
    assert world.counted("FleetFileRefused") == 1, "a file is refused once"


def test_a_bad_upload_whose_event_was_lost_is_refused_at_the_next_tick(world: World) -> None:
    world.decide(world.event("tick"))
    world.rig._watching = False
    world.rig.upload("schema: 2\n")
    world.rig._move(START_S + 60)
    assert world.decide(world.event("tick"))["at"] == START_S + 60
    assert world.counted("FleetFileRefused") == 1


def test_without_any_fleet_file_nothing_is_decided() -> None:
    with a_world(fleet="") as world:
        assert "decided" in world.decide(world.event("tick"))
        assert world.rig.records() == {}


def test_an_error_of_any_read_holds_the_last_good_state(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def throttled(*_: object, **__: object) -> Any:
        raise Throttled("ListInferenceComponents", "*", "ThrottlingException", "Rate exceeded")

    with monkeypatch.context() as broken:
        broken.setattr(type(world.cloud), "components", throttled)
        with pytest.raises(Exception, match="Rate exceeded"):
            world.decide(world.event("tick"))
    assert world.rig.records() == {}
    assert world.ledger().operations(0) == ()
    assert world.decide(world.event("tick"))["at"] == START_S, "the lease was given back"


def test_a_broken_environment_names_every_missing_variable() -> None:
    from tidepool.aws.environment import read
    from tidepool.errors import BadInput

    with pytest.raises(BadInput) as refused:
        read({"TIDEPOOL_HANDS": "feet", "TIDEPOOL_BUS": "b"})
    paths = {problem.path for problem in refused.value.problems}
    assert {"TIDEPOOL_LEDGER_TABLE", "TIDEPOOL_ROUTES_TABLE", "TIDEPOOL_BUCKET", "TIDEPOOL_STACK"} <= paths
    assert "TIDEPOOL_HANDS" in paths


def logged(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    """The fields of every log line with this message."""
    return [vars(record) for record in caplog.records if record.getMessage() == message]


def _tagged(world: World, tags: dict[str, str]) -> None:
    """The alarm that events/alarm.json speaks of has these tags."""
    name = "tidepool-no-capacity"
    assert name in world.rig.alarms.alarms and FLEET
    world.rig.alarms.alarms[name].tags = tags
