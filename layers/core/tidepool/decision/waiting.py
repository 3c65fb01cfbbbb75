"""Since when each raise that is wanted has had to wait, for the alarm that says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidepool.decision.record import Held

WAITED_FOR = frozenset({"quota", "budget", "limits", "busy"})
"""The guard's reasons that are to pass by themselves. A hold, a freeze and the ladder are a person's to end; missing
evidence is said by the decision's own words."""


def held_since(before: Mapping[str, int], held: Iterable[Held], now: int) -> dict[str, int]:
    """By target, since when a raise of it has been held without a break."""
    waiting = sorted({one.subject for one in held if one.reason in WAITED_FOR and _up(one)})
    return {target: before.get(target, now) for target in waiting}


def _up(one: Held) -> bool:
    return isinstance(one.from_, int | float) and isinstance(one.to, int | float) and one.to > one.from_
