"""The double hosting is the move's own cost: dollars of both homes while there are two, kept with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, P4D
from builders.move_turns import NEW, move, seen, side
from builders.move_world import OWN, POOL_A, POOL_B, TAGS, Trouble, World, a_move
from tidepool.move.charge import charged
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.units import HOUR_S

COPY_USD = P4D.usd_per_hour / 8
OURS = {**TAGS, "tidepool:created-by": "tidepool"}


def test_both_homes_cost_from_the_moment_the_target_is_asked_for() -> None:
    priced = move(Phase.CREATE, from_usd=3.0, to_usd=5.0, intent="")
    alone = seen(target=None)
    assert charged(priced, alone, NOW).double_usd_per_hour == 0.0
    asked = charged(replace(priced, intent=f"create {NEW}"), alone, NOW)
    assert asked.double_usd_per_hour == 2 * 3.0 + 2 * 5.0
    assert charged(asked, alone, NOW + HOUR_S // 2).usd == 8.0


def test_what_is_wanted_or_still_there_counts_whichever_is_more_and_nothing_once_there_is_one_home() -> None:
    priced = move(Phase.SHIFT, from_usd=1.0, to_usd=1.0)
    grown = seen(target=side(NEW, size_now=2, size_wanted=5))
    assert charged(priced, grown, NOW).double_usd_per_hour == 7.0
    assert charged(priced, seen(target=None), NOW).double_usd_per_hour == 0.0
    assert charged(replace(priced, phase=Phase.DONE), seen(), NOW).double_usd_per_hour == 0.0


@pytest.mark.parametrize(
    ("source", "target", "usd_per_hour"),
    [(POOL_A, POOL_B, 4 * COPY_USD), (OWN, POOL_B, 2 * P4D.usd_per_hour + 2 * COPY_USD)],
)
@pytest.mark.parametrize("trouble", [Trouble(), Trouble(target_mute=True)], ids=["done", "rolled back"])
def test_a_move_ends_with_the_dollars_of_both_homes_for_as_long_as_there_were_two(
    source: str, target: str, usd_per_hour: float, trouble: Trouble
) -> None:
    world = World(source=source, source_tags=OURS, trouble=trouble)
    ask = a_move(source, target)
    begin(world.ports(), ask, world.now)
    twice: list[int] = []
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        if (
            len([c for c in world.components if c in {"m", world.stored[ask.id].target_name}])
            + (OWN in world.endpoints)
            == 2
        ):
            twice.append(world.now)
        world.minute()
    ended = world.stored[ask.id]
    hours = (twice[-1] - twice[0]) / HOUR_S
    assert ended.usd == pytest.approx(hours * usd_per_hour, rel=0.1), "a minute or two of half an hour"
    assert ended.double_usd_per_hour == 0.0
    assert world.told[-1]["usd"] == ended.usd
