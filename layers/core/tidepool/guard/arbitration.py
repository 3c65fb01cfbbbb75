"""Who gets what is left when quota, room, budget or a limit binds, and what those who go without are told.

The order is priority, then the dollars a second that a missed objective costs, then name. Everybody is judged in it,
so whoever comes later has lost to those before him: the record names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tidepool.guard.verdict import Passed

NAMED = 5
"""Winners that a reason names; of more it says how many. Ours: a line that people can read."""
SHORT = {"quota": "the room", "budget": "the budget", "limits": "this tick's share"}
"""What binds because it runs out: what it is called in a reason. Nothing else is anybody's to win."""


@dataclass(frozen=True, slots=True, order=True)
class Urgency:
    """Sorts by who goes first: raises before lowerings, and before copies that only change machines (rolls)."""

    lowering: bool
    roll: bool
    priority: int
    saved_usd: float
    """Minus the price: the dearest miss first."""
    name: str


def urgency(
    *, name: str, lowering: bool, roll: bool, priority: int, miss_usd: float, at_stake: float | None
) -> Urgency:
    """at_stake: requests per second that would be late without it; None = not known, and then one a second is meant.

    Two models of $0.002 a late request, 30 and 2 of them a second at stake: $0.06 a second goes before $0.004.
    """
    return Urgency(lowering, roll, priority, -miss_usd * (1.0 if at_stake is None else at_stake), name)


@dataclass(slots=True)
class Taken:
    """Who has had some of what, in the order in which they got it. A key is what is shared: a pool, a type, a limit."""

    by: dict[str, list[str]] = field(default_factory=dict)

    def take(self, name: str, keys: Sequence[str]) -> None:
        for key in keys:
            names = self.by.setdefault(key, [])
            if name not in names:
                names.append(name)

    def winners(self, name: str, keys: Sequence[str]) -> tuple[str, ...]:
        """Everybody else who has had some of these."""
        return tuple(dict.fromkeys(one for key in keys for one in self.by.get(key, ()) if one != name))


def told(passed: Passed, *, denied: int, asked: int, unit: str, winners: Sequence[str]) -> str:
    """The reason of a change that did not go out in full: what was denied, and to whom it went.

    'quota and pool have room for 2 more; denied: 3 of 5 copies; the room went to a, b'.
    """
    what = SHORT.get(passed.bound)
    if what is None:
        return passed.because
    more = f" and {len(winners) - NAMED} more" if len(winners) > NAMED else ""
    went = f"{what} went to {', '.join(winners[:NAMED])}{more}" if winners else f"nobody else got of {what} now"
    return f"{passed.because}; denied: {denied} of {asked} {unit}; {went}"
