"""Which of the places a model could live in is its home, and whether a move there pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.hosting.cost import (
    DWELL_S,
    FEWER_HOURS,
    FILLED_HOURS,
    Place,
    sizes,
    usd_per_hour,
)
from tidepool.units import HOUR_S, duration

MOVE_S = 900
"""How long both homes are billed: start-up, a probe, three soaks of 120 s, a drain of 90 s (bench-rules 3.8)."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What bears on one model's home. `wish` is fleet.yaml's host: auto, shared, dedicated or an endpoint's name.

    rates: requests per second over a typical day, equally likely. top: the busiest minute to make room for.
    filled_hours: of the last 24.
    home_since: 0 when it has always lived there.
    """

    wish: str
    rates: Values
    top: float
    floor: int
    headroom: float
    filled_hours: int
    home_since: int
    now: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the model should live. `place` is None when it should stay; saving and cost in dollars."""

    place: Place | None
    size: int
    saves_usd_per_hour: float
    move_usd: float
    because: str


def choose(current: Place, others: Sequence[Place], terms: Terms) -> Verdict | None:
    """The model's home under the wish, the tie rule, the price, and hysteresis; `others` are where it could go.

    A place without room for the model's busiest minute is no candidate. What is asked for by name wins over price.
    """
    costs = {place.name: _cost(place, terms) for place in (current, *others)}
    here = costs[current.name]
    roomy = [place for place in others if _peak(place, terms) <= place.room]
    shared = [place for place in roomy if not place.dedicated]
    dedicated = [place for place in roomy if place.dedicated]

    def to(place: Place, because: str) -> Verdict:
        return Verdict(
            place,
            max(1, _peak_now(place, terms)),
            here - costs[place.name],
            move_cost(costs[place.name], here),
            because,
        )

    def stay(because: str) -> Verdict:
        return Verdict(None, 0, 0.0, 0.0, because)

    if terms.wish == "dedicated" and not current.dedicated:
        best = _cheapest(dedicated, costs)
        return to(best, "isolation is asked for") if best else stay("isolation is asked for; no type has room")
    if terms.wish not in {"auto", "shared", "dedicated"} and current.name != terms.wish:
        named = [place for place in roomy if place.name == terms.wish]
        return to(named[0], f"fleet.yaml names {terms.wish}") if named else stay(f"{terms.wish} has no room")
    if terms.wish == "shared" and current.dedicated:
        best = _cheapest(shared, costs)
        return to(best, "shared hosting is asked for") if best else stay("no pool has room")
    if terms.wish not in {"auto", "shared"}:
        return stay("it lives where fleet.yaml says")
    if terms.home_since and terms.now - terms.home_since < DWELL_S:
        return stay(f"it came {duration(terms.now - terms.home_since)} ago, and stays {duration(DWELL_S)} at least")
    if terms.wish == "auto" and not current.dedicated and terms.filled_hours >= FILLED_HOURS:
        same = [place for place in dedicated if place.instance_type == current.instance_type]
        if same:
            return to(same[0], f"its copies filled whole instances in {terms.filled_hours} of 24 hours")
    if current.dedicated and terms.filled_hours >= FEWER_HOURS:
        return stay(f"its copies fill whole instances in {terms.filled_hours} of 24 hours")
    return None


def move_cost(there_usd_per_hour: float, here_usd_per_hour: float) -> float:
    """Dollars of double hosting while the move lasts."""
    return (there_usd_per_hour + here_usd_per_hour) * MOVE_S / HOUR_S


def _cost(place: Place, terms: Terms) -> float:
    return usd_per_hour(terms.rates, place, floor=terms.floor, headroom=terms.headroom)


def _peak(place: Place, terms: Terms) -> int:
    """Copies or instances the busiest minute needs there."""
    busiest = np.append(terms.rates, terms.top)
    return int(sizes(busiest, place, floor=terms.floor, headroom=terms.headroom).max())


def _peak_now(place: Place, terms: Terms) -> int:
    """Copies or instances to begin with: what the newest rate needs. The newest rate is the last one."""
    return int(sizes(terms.rates[-1:], place, floor=max(1, terms.floor), headroom=terms.headroom).max())


def _cheapest(places: Sequence[Place], costs: dict[str, float]) -> Place | None:
    return min(places, key=lambda place: (costs[place.name], place.name), default=None)


def filled(fills: int) -> int:
    """How many of the last 24 hours the mask says were filled."""
    return int(np.bitwise_count(np.uint32(fills & 0xFFFFFF)))
