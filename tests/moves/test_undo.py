"""A person wants a move back: heeded on its next turn until retire, and never against the callers."""

from __future__ import annotations

import pytest

from builders import NOW
from builders.move_turns import move, seen, side
from tidepool.fleet import Status
from tidepool.move.machine import REVERSIBLE, step, undone
from tidepool.move.state import Phase
from tidepool.move.turn import EXPOSED, UNSEEN

KIM = "kim: CHG-1"


@pytest.mark.parametrize("phase", sorted(REVERSIBLE - {Phase.WAITING}))
def test_a_move_before_retire_goes_back_on_its_next_turn(phase: Phase) -> None:
    turn = step(undone(move(phase), KIM), seen(), NOW)
    assert (turn.move.phase, turn.command) == (Phase.BACK, None)
    assert turn.move.why == "wanted back by kim: CHG-1"
    assert turn.move.step == (EXPOSED if phase in {Phase.SHIFT, Phase.DRAIN} else UNSEEN)


def test_a_move_that_waits_for_approval_ends() -> None:
    turn = step(undone(move(Phase.WAITING), KIM), seen(), NOW)
    assert (turn.move.phase, turn.move.why) == (Phase.SUPERSEDED, "wanted back by kim: CHG-1")


@pytest.mark.parametrize("phase", sorted(set(Phase) - REVERSIBLE))
def test_from_retire_on_nothing_is_remembered(phase: Phase) -> None:
    assert undone(move(phase), KIM) == move(phase)


@pytest.mark.parametrize("phase", [Phase.SHIFT, Phase.DRAIN])
def test_callers_are_not_sent_back_to_a_source_that_does_not_serve(phase: Phase) -> None:
    dead = seen(source=side(size=0, status=Status.FAILED))
    assert step(undone(move(phase), KIM), dead, NOW).move.phase is not Phase.BACK


def test_the_first_wish_stays() -> None:
    once = undone(move(Phase.SHIFT), KIM)
    assert undone(once, "lee: me too") == once
