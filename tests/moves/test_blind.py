"""While CloudWatch does not answer: nothing goes forward, and a way back goes as far as it needs no metrics."""

from __future__ import annotations

import pytest

from builders import NOW
from builders.move_turns import move, seen
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, TAGS, Trouble, World, a_move
from tidepool.fleet.asked import Answer
from tidepool.fleet.demand import no_evidence
from tidepool.move.machine import step
from tidepool.move.seen import Probed
from tidepool.move.state import Move, Phase
from tidepool.move.turn import EXPOSED
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.undo_move import undo

KINDS = {"pool to pool": (POOL_A, POOL_B), "dedicated to dedicated": (OWN, "tidepool-m")}
OURS = {**TAGS, "tidepool:created-by": "tidepool"}
LONG = 3600


def run_until(world: World, phase: Phase, *, minutes: int = 240) -> Move:
    """The move as it entered the phase, with a run each minute."""
    for _ in range(minutes):
        advance_moves(world.ports(), world.now)
        (it,) = world.stored.values()
        if it.phase is phase:
            return it
        world.minute()
    raise AssertionError(f"it never came to {phase}: {it}")


def begun(kind: str) -> World:
    source, target = KINDS[kind]
    world = World(source=source, source_tags=OURS)
    begin(world.ports(), a_move(source, target), world.now)
    return world


def lived(world: World, minutes: int) -> Move:
    for _ in range(minutes):
        advance_moves(world.ports(), world.now)
        world.minute()
    (it,) = world.stored.values()
    return it


@pytest.mark.parametrize("kind", KINDS)
def test_a_person_who_wants_a_shifting_move_back_has_the_route_back_in_the_same_minute(kind: str) -> None:
    world = begun(kind)
    it = run_until(world, Phase.SHIFT)
    world.minute()
    world.trouble.cloudwatch_away = (world.now, world.now + 1200)
    undo(world.ports(), it.id, world.now, who="kim", why="CHG-1")
    advance_moves(world.ports(), world.now)
    assert [(t.name, t.weight) for t in world.routes[MODEL].targets] == [(it.source_name, 100)]
    it = lived(world, 19)
    assert (it.phase, it.step) == (Phase.BACK, EXPOSED), "whether the target is silent nobody can tell"
    assert world.serves(it.ask.to_endpoint, it.to_component)
    it = run_until(world, Phase.ROLLED_BACK)
    assert world.lost == 0 and it.target_name not in {**world.components, **world.endpoints}


@pytest.mark.parametrize("phase", [Phase.SHIFT, Phase.DRAIN])
def test_a_target_that_dies_meanwhile_hands_its_callers_back_at_once(phase: Phase) -> None:
    world = begun("pool to pool")
    it = run_until(world, phase)
    world.minute()
    world.trouble.cloudwatch_away = (world.now, world.now + LONG)
    del world.components[it.to_component]
    advance_moves(world.ports(), world.now)
    assert [(t.name, t.weight) for t in world.routes[MODEL].targets] == [(it.source_name, 100)]
    it = run_until(world, Phase.ROLLED_BACK)
    assert "the target stopped serving" in it.why
    assert world.now < NOW + LONG, "a target that is gone has no silence to prove"


def test_what_no_caller_has_seen_is_removed_without_metrics() -> None:
    world = begun("pool to pool")
    it = run_until(world, Phase.WARM)
    world.trouble.cloudwatch_away = (world.now, world.now + LONG)
    undo(world.ports(), it.id, world.now, who="kim", why="CHG-1")
    ended = run_until(world, Phase.ROLLED_BACK, minutes=10)
    assert ended.why == "wanted back by kim: CHG-1"


def test_nothing_is_made_and_nobody_goes_over_until_it_answers() -> None:
    world = begun("pool to pool")
    world.trouble.cloudwatch_away = (world.now, world.now + 1200)
    assert lived(world, 19).phase is Phase.CREATE and list(world.components) == [MODEL]
    it = run_until(world, Phase.WARM)
    world.trouble.cloudwatch_away = (world.now, world.now + 600)
    it = lived(world, 9)
    assert it.phase is Phase.WARM
    assert it.why == "what freezes cannot be read: CloudWatch does not answer"
    it = run_until(world, Phase.SHIFT)
    at, weights = it.step, [t.weight for t in world.routes[MODEL].targets]
    world.trouble.cloudwatch_away = (world.now, world.now + 600)
    it = lived(world, 9)
    assert (it.phase, it.step) == (Phase.SHIFT, at)
    assert [t.weight for t in world.routes[MODEL].targets] == weights
    assert run_until(world, Phase.DONE).phase is Phase.DONE and world.lost == 0


def test_a_target_that_answers_waits_for_the_metrics_before_its_first_caller() -> None:
    answers = Probed(Answer(True, 200, 10.0), Answer(True, 200, 10.0))
    blind = seen(probed=answers, blind="throttled", source_evidence=no_evidence(), target_evidence=no_evidence())
    after = step(move(Phase.WARM), blind, NOW).move
    assert (after.phase, after.why) == (Phase.WARM, "the metrics cannot be read: throttled")


def test_a_shift_that_stays_blind_goes_back_and_says_so() -> None:
    world = begun("pool to pool")
    run_until(world, Phase.SHIFT)
    world.trouble.cloudwatch_away = (world.now, world.now + LONG)
    it = run_until(world, Phase.BACK)
    assert it.why.endswith("the metrics cannot be read: CloudWatch does not answer")


def test_a_freeze_that_cannot_be_read_lets_no_move_begin() -> None:
    world = World(trouble=Trouble(cloudwatch_away=(NOW, NOW + 60)))
    it = begin(world.ports(), a_move(), world.now)
    assert it.phase is Phase.SUPERSEDED
    assert it.why == "frozen: what freezes cannot be read: CloudWatch does not answer"
