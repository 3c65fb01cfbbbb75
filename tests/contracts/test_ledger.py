"""One contract for the ledger, over the fake in memory and over DynamoDB and S3 (moto)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from builders import NOW
from builders.aws_account import LEDGER, Account, an_account
from tidepool.aws.table import Table
from tidepool.config.types import Hosting
from tidepool.decision.codec import record_bytes
from tidepool.decision.record import Decision, Held, Spend, Step
from tidepool.errors import Conflict, LeaseLost
from tidepool.fleet import Noted, ScalingTarget, Signal, SignalKind, Taken
from tidepool.memory import Learned, Memory, Minute, ModelLearned, ModelMemory
from tidepool.move.attach import Attach
from tidepool.move.state import Move, Phase
from tidepool.plan.change import ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove
from tidepool.report.entries import Place, Sample
from tidepool.runtime.ports import Ledger, Operation
from tidepool.units import DAY_S
from tidepool_lab.twin.fast_ledger import FastLedger


@pytest.fixture(params=["memory", "aws"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    if request.param == "memory":
        yield FastLedger(keep_records=True)
        return
    with an_account() as account:
        yield account.ledger()


COPIES = ScaleCopies("c1", "a", "a-v1", "pool", 2, 3, "more demand", 3.25)
MOVE = StartMove(
    "m1", "a", Hosting.SHARED, "pool", "a-v1", Hosting.DEDICATED, "tidepool-a", "ml.big", 8, 2, "cheaper", -4.0, 12.5
)


def a_decision(at: int = NOW, **changes: object) -> Decision:
    memory = Memory(
        at=at,
        models={"a": ModelMemory(idle_since=at - 60, recent=(Minute(at, 1.5, 2.25, 0.125),), home="pool")},
        lowered=((at, 2),),
    )
    decision = Decision(
        now=at,
        config_commit="abc",
        changes=(COPIES,),
        held=(Held("ScaleCopies", "b", 4, 3, "hold", "a person asked"),),
        steps=(Step("size", "a", 2, 3, "more demand"),),
        spend=Spend(10.0, 12.5, 100.0),
        memory=memory,
    )
    return replace(decision, **changes)  # type: ignore[arg-type]


def a_move(**changes: object) -> Move:
    move = Move(id="m1", version=1, ask=MOVE, phase=Phase.CREATE, step=0, since=NOW, began=NOW)
    return replace(move, **changes)  # type: ignore[arg-type]


def an_attach(**changes: object) -> Attach:
    attach = Attach("a", 1, "m", "pool", "v", "tidepool-m-a", "m-v1", 1, 1024, 2, "kim", Phase.CREATE, NOW, NOW)
    return replace(attach, **changes)  # type: ignore[arg-type]


def stored(account: Account, pk: str, sk: str) -> dict[str, Any]:
    """The item's raw attributes."""
    return Table(account.clients, LEDGER).get(pk, sk)


def test_only_one_holds_the_lease_at_a_time(ledger: Ledger) -> None:
    first = ledger.lease(NOW, 90)
    assert first is not None and first.until == NOW + 90
    assert ledger.lease(NOW + 1, 90) is None
    assert ledger.lease(NOW + 90, 90) is None


def test_a_lease_that_ran_out_is_taken_over_with_a_greater_fence(ledger: Ledger) -> None:
    first = ledger.lease(NOW, 90)
    second = ledger.lease(NOW + 91, 90)
    assert first is not None and second is not None
    assert second.fence > first.fence


def test_who_finds_the_lease_taken_makes_the_holder_look_again_once(ledger: Ledger) -> None:
    lease = ledger.lease(NOW, 90)
    assert lease is not None
    for second in range(3):
        assert ledger.lease(NOW + second, 90) is None
    assert ledger.release(lease, NOW + 5)
    again = ledger.lease(NOW + 5, 90)
    assert again is not None
    assert not ledger.release(again, NOW + 6)


def test_releasing_a_lost_lease_leaves_the_new_holder_alone(ledger: Ledger) -> None:
    lost = ledger.lease(NOW, 90)
    held = ledger.lease(NOW + 91, 90)
    assert lost is not None and held is not None
    assert not ledger.release(lost, NOW + 92)
    assert ledger.lease(NOW + 93, 90) is None


def test_the_first_memory_is_empty(ledger: Ledger) -> None:
    assert ledger.memory() == Memory.empty()
    assert ledger.decision() is None


def test_a_saved_decision_hands_its_memory_on_and_keeps_its_record(ledger: Ledger) -> None:
    lease = ledger.lease(NOW, 90)
    assert lease is not None
    decision = a_decision()
    key = ledger.save_decision(decision, lease)
    assert ledger.memory() == decision.memory
    assert ledger.decision() == ledger.decision(key) == record_bytes(decision)


def test_a_decision_behind_the_fence_is_refused_and_the_newer_one_stays(ledger: Ledger) -> None:
    behind = ledger.lease(NOW, 90)
    ahead = ledger.lease(NOW + 91, 90)
    assert behind is not None and ahead is not None
    newer = a_decision(NOW + 91)
    ledger.save_decision(newer, ahead)
    with pytest.raises(LeaseLost):
        ledger.save_decision(a_decision(NOW), behind)
    assert ledger.memory() == newer.memory
    assert ledger.decision() == record_bytes(newer)


def test_a_decision_is_refused_as_soon_as_another_holds_the_lease(ledger: Ledger) -> None:
    behind = ledger.lease(NOW, 90)
    ledger.lease(NOW + 91, 90)
    assert behind is not None
    with pytest.raises(LeaseLost):
        ledger.save_decision(a_decision(), behind)
    assert ledger.memory() == Memory.empty()


def test_what_was_learned_comes_with_every_memory_and_the_later_word_stays(ledger: Ledger) -> None:
    learned = Learned(until=NOW, models={"a": ModelLearned(profile=(0.5, 1.25), minutes=20, seen=3)})
    ledger.save_learned(learned, NOW)
    ledger.save_learned(Learned(until=NOW - 3600), NOW - 3600)
    assert ledger.memory().learned == learned
    lease = ledger.lease(NOW, 90)
    assert lease is not None
    ledger.save_decision(a_decision(), lease)
    assert ledger.memory().learned == learned
    assert ledger.memory().models == a_decision().memory.models


def test_signals_are_in_force_from_since_until_until(ledger: Ledger) -> None:
    signal = Signal(SignalKind.HOLD, "a", NOW, NOW + 60, "kim", "CHG-1")
    ledger.put_signal(signal)
    assert ledger.signals(NOW - 1) == ()
    assert ledger.signals(NOW) == (signal,)
    assert ledger.signals(NOW + 60) == ()


def test_a_newer_signal_replaces_one_of_its_kind_and_scope_and_no_other(ledger: Ledger) -> None:
    freeze = Signal(SignalKind.FREEZE, "*", NOW, NOW + 600, "kim", "sev1")
    hold = Signal(SignalKind.HOLD, "a", NOW, NOW + 600, "kim", "CHG-1")
    surge = Signal(SignalKind.SURGE, "a", NOW + 10, NOW + 600, "kim", "launch", factor=1.6)
    for signal in (hold, freeze, surge, replace(hold, since=NOW + 5, until=NOW + 5), hold):
        ledger.put_signal(signal)
    assert ledger.signals(NOW + 20) == (freeze, surge)


def test_what_an_alarm_asks_for_stands_beside_what_people_ask_for_and_ends_alone(ledger: Ledger) -> None:
    mine = Signal(SignalKind.FREEZE, "*", NOW, NOW + 600, "kim", "sev1")
    alarms = Signal(SignalKind.FREEZE, "*", NOW, NOW + 600, "alarm x", "it rings", by="alarm x")
    for signal in (mine, alarms):
        ledger.put_signal(signal)
    assert ledger.signals(NOW) == (mine, alarms)
    ledger.put_signal(replace(alarms, since=NOW + 1, until=NOW + 1))
    assert ledger.signals(NOW + 1) == (mine,)


def test_a_write_that_cloudtrail_tells_of_twice_is_kept_once(ledger: Ledger) -> None:
    noted = Noted("e1", "a", NOW, "arn:aws:iam::1:role/ci", "cloudformation.amazonaws.com", "Terraform")
    for one in (noted, noted, replace(noted, id="e0", at=NOW - 60)):
        ledger.note(one)
    assert ledger.noted(NOW) == (noted,) and len(ledger.noted(NOW - 60)) == 2


def test_what_was_taken_from_another_writer_is_kept_whole_and_written_onto_what_was_read(ledger: Ledger) -> None:
    found = ScalingTarget("inference-component/a", "a", 1, 9, "scheduled")
    taken = Taken("a", found, found, replace(found, minimum=4))
    ledger.save_taken(taken, expected_version=0)
    with pytest.raises(Conflict):
        ledger.save_taken(taken, expected_version=0)
    ledger.save_taken(replace(taken, done=True), expected_version=1)
    assert ledger.taken() == (replace(taken, done=True, version=2),)


@pytest.mark.parametrize(
    "change",
    [
        COPIES,
        SetAutoscaling("s1", "a", "a", "inference-component/a", 1, 4, "", "in out scheduled", True, "more", 9.5),
        ScaleInstances("i1", "a", "ep", "main", 1, 2, "more", 25.0),
        SetBounds("b1", "pool", "pool", "main", "cfg", 0, 1, 4, 6, "room", 0.0),
        MOVE,
    ],
    ids=lambda change: type(change).__name__,
)
def test_an_operation_is_kept_whole_and_once(ledger: Ledger, change: object) -> None:
    operation = Operation(change, NOW, "done", "it is so")  # type: ignore[arg-type]
    ledger.record(operation)
    ledger.record(operation)
    assert ledger.operations(NOW) == (operation,)
    assert ledger.operations(NOW + 1) == ()


def test_what_a_person_said_and_what_a_hand_did_in_one_second_are_two(ledger: Ledger) -> None:
    done, approved = (Operation(COPIES, NOW, outcome, outcome) for outcome in ("done", "approved"))
    ledger.record(done)
    ledger.record(approved)
    assert set(ledger.operations(NOW)) == {done, approved}


def test_operations_come_oldest_first(ledger: Ledger) -> None:
    late, early = Operation(replace(COPIES, id="z"), NOW + 5, "busy"), Operation(replace(COPIES, id="y"), NOW, "done")
    ledger.record(late)
    ledger.record(early)
    assert ledger.operations(NOW) == (early, late)


def test_a_move_is_written_only_over_the_version_that_was_read(ledger: Ledger) -> None:
    ledger.save_move(a_move(), expected_version=0)
    with pytest.raises(Conflict):
        ledger.save_move(a_move(), expected_version=0)
    ledger.save_move(a_move(phase=Phase.WARM, since=NOW + 60), expected_version=1)
    with pytest.raises(Conflict):
        ledger.save_move(a_move(phase=Phase.SHIFT), expected_version=1)
    assert ledger.moves() == (a_move(phase=Phase.WARM, since=NOW + 60, version=2),)


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.ended])
def test_no_open_move_or_attach_expires_in_any_phase(phase: Phase) -> None:
    """One that waits for a person, or for a hand that is not there, is there for as long as it takes."""
    with an_account() as account:
        ledger = account.ledger()
        ledger.save_move(a_move(phase=phase), expected_version=0)
        ledger.save_attach(an_attach(phase=phase), expected_version=0)
        for kind, name in (("move", "m1"), ("attach", "a")):
            assert "expires_at" not in stored(account, kind, name) and not stored(account, f"{kind}-record", name)


def test_what_an_ended_move_or_attach_was_is_kept_for_a_year_and_apart_from_what_is_read_each_minute() -> None:
    with an_account() as account:
        ledger = account.ledger()
        ledger.save_move(a_move(commit="abc", approved="kim: CHG-1"), expected_version=0)
        ledger.save_move(a_move(phase=Phase.DONE, commit="abc", approved="kim: CHG-1"), expected_version=1)
        ledger.save_attach(an_attach(commit="abc"), expected_version=0)
        ledger.save_attach(an_attach(phase=Phase.DONE, commit="abc"), expected_version=1)
        for kind, name in (("move", "m1"), ("attach", "a")):
            record, read = stored(account, f"{kind}-record", name), stored(account, kind, name)
            assert int(record["expires_at"]["N"]) - NOW >= 366 * DAY_S
            assert int(read["expires_at"]["N"]) - NOW == 35 * DAY_S
            assert record["body"] == read["body"]
        assert (kept := json.loads(stored(account, "move-record", "m1")["body"]["S"]))["commit"] == "abc"
        assert kept["approved"] == "kim: CHG-1"


def test_a_crash_between_a_moves_record_and_its_end_leaves_it_open_and_its_next_end_is_the_one_that_is_kept() -> None:
    with an_account() as account:
        ledger = account.ledger()
        ledger.save_move(a_move(), expected_version=0)
        with pytest.raises(Conflict):
            ledger.save_move(a_move(phase=Phase.ROLLED_BACK, why="stale"), expected_version=3)
        assert [move.phase for move in ledger.moves()] == [Phase.CREATE]
        for version in (1, 2, 3):
            ledger.save_move(a_move(phase=Phase.WARM), expected_version=version)
        ledger.save_move(a_move(phase=Phase.DONE, why="the target serves"), expected_version=4)
        with pytest.raises(Conflict):
            ledger.save_move(a_move(phase=Phase.ROLLED_BACK, why="staler"), expected_version=2)
        assert "the target serves" in str(stored(account, "move-record", "m1"))


def test_ended_moves_are_apart_from_open_ones(ledger: Ledger) -> None:
    ledger.save_move(a_move(phase=Phase.DONE, since=NOW), expected_version=0)
    assert ledger.moves() == ()
    assert ledger.ended_moves(NOW) == (a_move(phase=Phase.DONE, since=NOW),)
    assert ledger.ended_moves(NOW + 1) == ()


def test_an_attach_is_written_as_a_move_is_and_kept_when_it_has_ended(ledger: Ledger) -> None:
    first = an_attach()
    ledger.save_attach(first, expected_version=0)
    with pytest.raises(Conflict):
        ledger.save_attach(first, expected_version=0)
    ledger.save_attach(replace(first, phase=Phase.DONE), expected_version=1)
    assert ledger.attaches() == (replace(first, phase=Phase.DONE, version=2),)


def test_samples_come_oldest_first_and_once(ledger: Ledger) -> None:
    def sample(at: int) -> Sample:
        return Sample(at, 25.25, None, {"pool": 1}, (Place("a", "pool", Hosting.SHARED, 2, 1),), {"a": 7})

    for at in (NOW + 600, NOW, NOW):
        ledger.save_sample(sample(at))
    assert [one.at for one in ledger.samples(NOW)] == [NOW, NOW + 600]
    assert ledger.samples(NOW + 600)[0].places == sample(NOW).places


def test_a_report_lies_under_its_day(ledger: Ledger) -> None:
    assert ledger.save_report(b"<html>", NOW) == "reports/2025-01-06.html"
