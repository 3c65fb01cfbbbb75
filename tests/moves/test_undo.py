"""A person wants a move back: heeded on its next turn until retire, and never against the callers; at any minute."""

from __future__ import annotations

import pytest

from builders import NOW
from builders.move_turns import move, seen, side
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, TAGS, World, a_move
from tidepool.errors import BadEvent
from tidepool.fleet import Route, Status
from tidepool.move.machine import REVERSIBLE, step, undone
from tidepool.move.state import Phase
from tidepool.move.turn import EXPOSED, UNSEEN
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.undo_move import undo

KIM = "kim: CHG-1"
NOWHERE = Route("m", 0, (), 0)
"""The route of a move that was taken back before it wrote one."""


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


KINDS = {
    "pool to pool": (POOL_A, POOL_B),
    "shared to dedicated": (POOL_A, "tidepool-m"),
    "dedicated to shared": (OWN, POOL_B),
    "dedicated to dedicated": (OWN, "tidepool-m"),
}
OURS = {**TAGS, "tidepool:created-by": "tidepool"}


def lived(source: str, target: str, *, undone_at: int) -> tuple[World, int]:
    """The world after a move that a person wanted back in that minute, and how many minutes it took."""
    world, ask = World(source=source, source_tags=OURS), a_move(source, target)
    begin(world.ports(), ask, world.now)
    for minute in range(240):
        if minute == undone_at:
            try:
                undo(world.ports(), ask.id, world.now, who="kim", why="CHG-1")
            except BadEvent as refused:
                assert "a new move leads back" in str(refused)
        advance_moves(world.ports(), world.now)
        for there in world.followed_targets:
            assert not there.weight or world.serves(there.endpoint, there.component), there
        if world.stored[ask.id].phase.ended:
            return world, minute
        world.minute()
    raise AssertionError(f"it did not end: {world.stored[ask.id]}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_wish_in_any_minute_loses_nobody_and_leaves_one_home(kind: str) -> None:
    source, target = KINDS[kind]
    _, minutes = lived(source, target, undone_at=-1)
    ends = []
    for minute in range(minutes):
        world, _ = lived(source, target, undone_at=minute)
        (ended,) = world.stored.values()
        home = ended.target_name if ended.phase is Phase.DONE else ended.source_name
        assert [(t.name, t.weight) for t in world.routes.get(MODEL, NOWHERE).targets] in ([(home, 100)], [])
        assert {*world.endpoints, *world.components} == {POOL_A, POOL_B, home}
        assert world.lost == 0
        ends.append(ended.phase)
    assert set(ends) <= {Phase.ROLLED_BACK, Phase.DONE}
    assert ends[0] is Phase.ROLLED_BACK
    assert ends == sorted(ends, key=lambda phase: phase is Phase.DONE), "once it is past retire it stays so"
