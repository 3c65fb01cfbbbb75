"""What host memory a copy reserves on a pool: what is written or known, and never a guess in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, P4D
from builders.move_turns import NEW, move, seen, side
from builders.move_world import OWN, POOL_A, POOL_B, World, a_move
from tidepool.config.types import Hosting, Shape
from tidepool.fleet import Status
from tidepool.move.create import DEADLINE_S, create
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin

SHAPE = Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=170.0, service_s=20.0)
GUESSED = (
    "a copy reserves 1024 MB of host memory, since nothing says what it needs: write `memory_mb` of m under"
    f" shapes.shared.{P4D.name}"
)


@pytest.mark.parametrize(
    ("source", "has_mb", "written", "reserved", "told"),
    [
        (OWN, 0, None, 1024, True),
        (OWN, 0, 30_000, 30_000, False),
        (POOL_A, 8_192, None, 8_192, False),
        (POOL_A, 8_192, 30_000, 30_000, False),
        (POOL_A, 0, None, 1024, True),
    ],
    ids=["nobody says", "fleet.yaml", "the copy it has", "fleet.yaml before the copy it has", "a copy that names none"],
)
def test_a_new_copy_reserves_what_is_written_or_known_and_a_guess_is_told_at_once(
    source: str, has_mb: int, written: int | None, reserved: int, told: bool
) -> None:
    world = World(source=source, model_changes={"shapes": (replace(SHAPE, memory_mb=written),)})
    if source == POOL_A:
        world.components["m"] = replace(world.components["m"], memory_mb=has_mb)
    begun = begin(world.ports(), a_move(source, POOL_B), NOW)
    advance_moves(world.ports(), NOW)
    assert world.components[begun.to_component].memory_mb == reserved == begun.memory_mb
    assert (GUESSED in begun.why) == told
    assert any(GUESSED in str(one["why"]) for one in world.told) == told, "people hear it as the move begins"


def test_a_whole_instance_reserves_nothing() -> None:
    assert GUESSED not in begin(World(source=OWN).ports(), a_move(OWN, "tidepool-m"), NOW).why


@pytest.mark.parametrize(
    ("found", "late"),
    [
        (seen(target=side(NEW, status=Status.FAILED, failure="no room")), 0),
        (seen(target=None, refused="not enough hardware resources"), 0),
        (seen(target=side(NEW, status=Status.CREATING, size_now=0)), DEADLINE_S + 1),
    ],
    ids=["it failed", "it was refused", "it never came"],
)
def test_a_copy_that_could_not_be_had_says_what_was_asked_for_so_that_too_much_is_seen(
    found: object, late: int
) -> None:
    asked = replace(move(Phase.CREATE), since=NOW - late, memory_mb=900_000)
    turn = create(asked, found, NOW)  # type: ignore[arg-type]
    assert turn.move.phase is Phase.BACK
    assert "a copy asks for 1 accelerator and 900000 MB of host memory (`memory_mb` of its shape)" in turn.move.why
