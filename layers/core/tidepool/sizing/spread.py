"""How much service times vary, from the mean of the slowest tenth of an hour's requests and that of the others.

The spread is the squared coefficient of variation, variance ÷ mean². A queue needs the second moment, and CloudWatch
has neither it nor a standard deviation; two percentiles say less of it than two trimmed means: those alone say how
much of all the work is in the tail.
"""

from __future__ import annotations

import math

from tidepool.units import rounded

SLOWEST = 0.1
"""Share of the requests that are the slowest."""
LEAST, MOST = 0.3**2, 3.0**2
"""Bounds of what is believed: nearly even service, and times three times their mean apart. Ours."""
ENOUGH = 300
"""Requests of an hour that say something: 30 of them are the slowest tenth. Exponential times give 1 ± 0.14 then."""
NEWEST_WEIGHT = 0.1
"""Weight of the newest hour: two thirds of a change is believed after ten hours. Ours."""
EXPONENTIAL = 1.0
"""Of exponential times, whose variance is their mean squared: believed of a model until it has taught another."""


def spread_of(others_ms: float, slowest_ms: float) -> float:
    """Squared coefficient of variation, of the slowest tenth's mean ModelLatency and of the others'.

    ((slowest ÷ mean − 1) ÷ ln 10)²: the slowest tenth of exponential times lasts 1 + ln 10 times their mean, so that
    it is 1 there, and 0 where all are even. By the distributions themselves: 0.20 for Erlang's of four stages (0.25),
    0.97 and 2.94 for lognormal ones (1 and 4), 2.17 for gamma ones (2). Latencies that are no numbers say nothing:
    NaN.
    """
    mean = (1 - SLOWEST) * others_ms + SLOWEST * slowest_ms
    if not (math.isfinite(mean) and mean > 0 and others_ms <= slowest_ms):
        return math.nan
    return ((slowest_ms / mean - 1) / math.log(1 / SLOWEST)) ** 2


def smoothed(before: float, newest: float) -> float:
    """What is believed after another hour of `newest`; NaN changes nothing."""
    if math.isnan(newest):
        return before
    return rounded((1 - NEWEST_WEIGHT) * before + NEWEST_WEIGHT * min(MOST, max(LEAST, newest)))


def stepped(spread: float) -> float:
    """The nearest of 0.5, 0.71, 1, 1.4, 2, …: an hour tells no closer ones apart, and no size follows its noise."""
    return rounded(2.0 ** (round(2 * math.log2(spread)) / 2))
