"""Rates to be ready for: how high the last minutes or hours went, with room above, or a quantile of the forecast.

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
COUNT = len(TOPS) * len(ROOMS) + len(TAUS)
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
    most room: nobody chooses them.
    """
    tops = (features.tops[:, :, None] * np.array(ROOMS)).reshape(len(foretold), -1)
    upper = foretold[:, None] * quantile if quantile.size else np.repeat(tops[:, -1:], len(TAUS), axis=1)
    # What came in the last minute is the least that anybody is ready for: forecasts may raise, never lower below it.
    upper = np.maximum(upper, features.recent[:, -1:])
    bounded: Values = np.minimum(np.concatenate([tops, upper], axis=1), ceiling(features.tops[:, :1], top))
    return bounded


def span_and_room(candidate: int) -> tuple[int, float] | None:
    """Minutes and factor of a candidate that looks at the highest; None for a quantile of the forecast."""
    if candidate >= len(TOPS) * len(ROOMS):
        return None
    return TOPS[candidate // len(ROOMS)], ROOMS[candidate % len(ROOMS)]


def words(candidate: int) -> str:
    """The candidate in words."""
    if candidate < len(TOPS) * len(ROOMS):
        span, room = TOPS[candidate // len(ROOMS)], ROOMS[candidate % len(ROOMS)]
        return f"the highest of the last {duration(span * 60)}" + (f" and {percent(room - 1)} more" if room > 1 else "")
    return f"the {percent(TAUS[candidate - len(TOPS) * len(ROOMS)])} quantile of the forecast"
