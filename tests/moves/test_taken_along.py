"""What the target is set up with: as its source, and as fleet.yaml says."""

from __future__ import annotations

import pytest

from builders import NOW
from builders.move_world import OWN, POOL_A, POOL_B, World, a_move
from tidepool.runtime.advance_moves import advance_moves, begin


@pytest.mark.parametrize(
    ("source", "zones", "strategy"), [(OWN, 2, "SPREAD"), (OWN, 1, "BINPACK"), (POOL_A, 2, "BINPACK")]
)
def test_copies_of_a_model_from_a_dedicated_endpoint_are_placed_as_its_zones_ask(
    source: str, zones: int, strategy: str
) -> None:
    """A component's own strategy stays."""
    world = World(source=source, model_changes={"zones": zones})
    move = begin(world.ports(), a_move(source, POOL_B), NOW)
    advance_moves(world.ports(), NOW)
    assert world.components[move.to_component].strategy == strategy
