"""Which copies to roll so that a pool's emptiest machine is released: one more copy first, then one fewer.

No call pins a copy. But a new copy goes to the fullest machine with room, and the copy that leaves is the one on the
emptiest machine (bench-rules 3.3; what SageMaker does is UNKNOWN), so one up and one down moves a copy from the
emptiest of its machines to the fullest. Which component has a copy there cannot be seen: who has most copies most
likely has, and the pool's own past says how often a roll released a machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TRIED_BEFORE, RELEASED_BEFORE = 4.0, 1.0
"""Before a pool's own rolls are known: one of four releases a machine. Ours, a guess that is soon outweighed."""
DWELL_H = 1.0
"""Hours that a machine stays released, at least for the reckoning: pools breathe by the hour. Ours."""
FOR_ONE = 10
"""Machines to spare for each roll under way: what a roll did is to be seen before many more begin. Ours: with one roll
for each machine two fifths of all changes on the reference week were rolls (decisions/0012)."""


@dataclass(frozen=True, slots=True)
class Rollable:
    """A component that may be rolled now.

    copies: in service. rolled_at: when it was last rolled. usd: of one more copy while both run. in_flight: its load,
    which breaks ties as a name would, and says nothing about who it is.
    """

    name: str
    copies: int
    rolled_at: int
    usd: float
    in_flight: float = 0.0


def rolls(
    rollable: Sequence[Rollable], *, spare: int, under_way: int, tried: float, released: float, usd: float
) -> list[str]:
    """The components to roll now, who has most copies first, then who was rolled longest ago.

    At most one at once for each FOR_ONE machines to spare, or one. usd: dollars an hour of one machine. A roll is worth
    it while its chance of releasing a machine, times the dollars of an hour, beats the copy that runs twice meanwhile.
    """
    chance = chance_of_release(tried, released)
    worth = [one for one in rollable if chance * usd * DWELL_H > one.usd]
    first = sorted(worth, key=lambda one: (-one.copies, one.rolled_at, one.in_flight, one.name))
    at_once = min(spare, max(1, spare // FOR_ONE))
    return [one.name for one in first[: max(0, at_once - under_way)]]


def chance_of_release(tried: float, released: float) -> float:
    """That a copy which leaves releases a machine: as often as the pool's rolls did, and 1 in 4 before any is known."""
    return (released + RELEASED_BEFORE) / (tried + TRIED_BEFORE)
