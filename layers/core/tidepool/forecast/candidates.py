"""Rates to be ready for: how high it went, a quantile of the forecast, what is usual now, or what stands ready.

Each is one answer to "how much may come before copies asked for now would serve". Which of them is cheapest differs
by model, and is learned: every hour each is charged for the copies it would have held and the requests it would have
left late (learning.py), and sizing chooses by the price of both.
"""

from __future__ import annotations

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.forecast.ensemble import TAUS
from tidepool.forecast.features import TOPS, Features
from tidepool.units import duration, percent

ROOMS = (1.0, 1.1, 1.2, 1.4, 1.8)
"""Times the highest: none, a little, that of a 70 % target utilisation (1.4), and nearly double. Ours."""
USUAL = (0.8, 1.0, 1.2)
"""Times what the profile says of the horizon. Ours."""
STANDING = (0.3, 0.5, 0.75, 1.0)
"""Of the busiest minute ever seen, at all times: for who goes from nothing to full within a minute. Ours."""
BESIDE = ((5, 1.1), (20, 1.0))
"""(minutes, times): who is ready for either is ready for so many times the highest of those minutes too. Ours: the
noise of a few, and the tide of twenty."""
QUANTILES = len(TOPS) * len(ROOMS)
"""The first of the quantiles of the forecast; then what is usual, beside each, and what stands ready."""
COUNT = QUANTILES + len(TAUS) + len(USUAL) * len(BESIDE) + len(STANDING)
UNKNOWN = TOPS.index(20) * len(ROOMS) + ROOMS.index(1.2)
"""Before anything is learned: a fifth above the highest of the last 20 minutes."""
PATIENT = TOPS.index(5) * len(ROOMS)
"""For who can wait: the highest of the last five minutes, and a queue levels the rest."""


ABOVE_TOP = 1.05
"""Nobody is ready for more than this times the busiest minute ever seen, ... Ours."""
ABOVE_NOW = 1.2
"""... or this times what is seen now, when it has never been so busy. Ours."""


def ceiling(newest: Values | float, top: float) -> Values:
    """The most that any candidate says."""
    most: Values = np.maximum(ABOVE_TOP * top, ABOVE_NOW * np.asarray(newest))
    return most


def candidates(features: Features, foretold: Values, quantile: Values, top: float) -> Values:
    """[n, COUNT] rates. foretold: [n], the ensemble's. quantile: [TAUS] of came / foretold; empty = not known yet.

    top: the busiest minute ever seen. Without quantiles those candidates say the highest of the last hours with the
    most room: nobody chooses them. Without a profile what is usual is nothing, and what it is beside is left.
    """
    tops = (features.tops[:, :, None] * np.array(ROOMS)).reshape(len(foretold), -1)
    upper = foretold[:, None] * quantile if quantile.size else np.repeat(tops[:, -1:], len(TAUS), axis=1)
    # What came in the last minute is the least that anybody is ready for: forecasts may raise, never lower below it.
    upper = np.maximum(upper, features.recent[:, -1:])
    usual = np.nan_to_num(features.seasons[:, 2, 1], nan=0.0)[:, None] * np.array(USUAL)
    came = [features.tops[:, [TOPS.index(span)]] * room for span, room in BESIDE]
    foreknown = [*(np.maximum(highest, usual) for highest in came), np.maximum(came[0], top * np.array(STANDING))]
    bounded: Values = np.minimum(np.concatenate([tops, upper, *foreknown], axis=1), ceiling(features.tops[:, :1], top))
    return bounded


def span_and_room(candidate: int) -> tuple[int, float] | None:
    """Minutes and factor of a candidate that looks at the highest alone; None for one that foretells."""
    if candidate >= QUANTILES:
        return None
    return TOPS[candidate // len(ROOMS)], ROOMS[candidate % len(ROOMS)]


def words(candidate: int) -> str:
    """The candidate in words."""
    found = span_and_room(candidate)
    if found is not None:
        return _highest(*found)
    number = candidate - QUANTILES
    if number < len(TAUS):
        return f"the {percent(TAUS[number])} quantile of the forecast"
    beside, times = divmod(number - len(TAUS), len(USUAL))
    if beside < len(BESIDE):
        usual = percent(USUAL[times]) + " of what is usual" if USUAL[times] != 1 else "what is usual"
        return f"{usual} at this time, and {_highest(*BESIDE[beside])}"
    share = STANDING[candidate - COUNT]
    busiest = percent(share) + " of the busiest minute ever" if share != 1 else "the busiest minute ever"
    return f"{busiest}, and {_highest(*BESIDE[0])}"


def _highest(span: int, room: float) -> str:
    return f"the highest of the last {duration(span * 60)}" + (f" and {percent(room - 1)} more" if room > 1 else "")
