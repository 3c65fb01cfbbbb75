"""What people, alarms and other writers' changes ask for outside fleet.yaml: holds, freezes, surges. Each expires."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tidepool.units import DAY_S, HOUR_S


class SignalKind(StrEnum):
    HOLD = "hold"
    """Hands off, both ways."""
    FREEZE = "freeze"
    """Nothing lowered, bounded or moved; raising goes on."""
    SURGE = "surge"
    """Expect `factor` times the demand."""
    LEAVE = "leave"
    """Whatever was taken from another writer is handed back."""

    @property
    def lasts_s(self) -> int:
        """How long it lasts when nobody says, in seconds: a freeze or a hold outlives an incident's first shift of
        people, and a surge an event's peak hour. Ours."""
        match self:
            case SignalKind.SURGE:
                return HOUR_S
            case SignalKind.LEAVE:
                return self.longest_s
            case _:
                return 4 * HOUR_S

    @property
    def longest_s(self) -> int:
        """How long it may be asked for at once, in seconds. Holds: 30 days (fleet-yaml.md, rule 4). A freeze of a
        week is a change calendar's, and a surge of a day a schedule's. Ours."""
        match self:
            case SignalKind.HOLD | SignalKind.LEAVE:
                return 30 * DAY_S
            case SignalKind.FREEZE:
                return 7 * DAY_S
            case SignalKind.SURGE:
                return DAY_S


@dataclass(frozen=True, slots=True)
class Signal:
    """One standing request. In force on [since, until); one that ends when it begins lifts what stood.

    scope: a model's identity, '*' for the whole fleet, or for a hold a pool's name. by: '' for people, who replace each
    other's word; or the alarm or the changed knob it comes from, which never lifts what a person asked for.
    """

    kind: SignalKind
    scope: str
    since: int
    until: int
    who: str
    why: str
    factor: float = 1.0
    by: str = ""


def leaving(signals: Iterable[Signal], now: int) -> bool:
    """People are leaving: what was taken from other writers goes back, and nothing of ours is made anew."""
    return any(one.kind is SignalKind.LEAVE and one.since <= now < one.until for one in signals)
