"""Blast radius: how much may still be lowered, raised, launched or moved in this tick, this hour, this day."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidepool.units import DAY_S, HOUR_S

LEAST_PER_TICK = 2
"""copies_per_tick is 10 % of the fleet, at least two (fleet-yaml, Other defaults)."""
SHARE_PER_TICK = 0.10
"""The 10 % of copies_per_tick (fleet-yaml, Other defaults)."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of each limit: copies this tick, copies to lower this hour, instances this hour."""

    copies: int
    lowered: int
    instances: int

    def less(self, *, copies: int = 0, lowered: int = 0, instances: int = 0) -> Allowance:
        return Allowance(self.copies - copies, self.lowered - lowered, self.instances - instances)


def allowance(
    *,
    fleet_copies: int,
    copies_per_tick: int | None,
    lowered_per_hour: float,
    instances_per_hour: int,
    lowered: tuple[tuple[int, int], ...],
    instance_changes: tuple[tuple[int, int], ...],
    now: int,
) -> Allowance:
    """What may still be done at `now`. `lowered`, `instance_changes` are (at, how many)."""
    per_tick = (
        copies_per_tick
        if copies_per_tick is not None
        else max(LEAST_PER_TICK, math.ceil(SHARE_PER_TICK * fleet_copies))
    )
    this_hour = sum(count for at, count in lowered if at > now - HOUR_S)
    may_lower = max(LEAST_PER_TICK, math.ceil(lowered_per_hour * fleet_copies))
    launched = sum(count for at, count in instance_changes if at > now - HOUR_S)
    return Allowance(
        copies=per_tick,
        lowered=max(0, may_lower - this_hour),
        instances=max(0, instances_per_hour - launched),
    )


def moves_left(*, at_once: int, per_day: int, under_way: int, begun: tuple[int, ...], now: int) -> int:
    """Moves that may still begin at `now`; `begun` is when each of the last day did."""
    today = sum(1 for at in begun if at > now - DAY_S)
    return max(0, min(at_once - under_way, per_day - today))
