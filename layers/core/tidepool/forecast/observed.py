"""Evidence → what is known of one target's demand right now, and how far it may be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import Values
from tidepool.units import MINUTE_S

FRESH_S = 240
"""Evidence whose last period ended longer ago lowers nothing: 60 s period + 60 s delay, and two late minutes."""
RAISE_ON_S = 600
"""Evidence up to this age may still raise: scaling up may use older data than scaling down."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One target's demand.

    in_flight: requests in flight and queued, mean of the newest minute's 10-second maxima; None = no evidence.
    peak: the highest of them. rate: accepted requests per second in the newest visible minute.
    fresh: may lower on it. idle: positive evidence that nothing came in the newest minutes.
    rejected: requests refused for want of a copy in the newest minute that had any, within RAISE_ON_S.
    rejected_at: the end of that minute, 0 = none.
    """

    in_flight: float | None
    peak: float
    rate: float
    fresh: bool
    idle: bool
    rejected: float
    rejected_at: int
    because: str


def observe(evidence: Evidence, *, copies: int, service_s: float | None, now: int) -> Observed:
    """What the evidence says at `now` of a target that has `copies` in service.

    Little's law gives the second opinion: in flight = rate × time in service. NaN and negative datapoints are
    missing, not zero. Silence counts as idle only where utilisation is fresh (bench-rules 4.2).
    """
    rejected, rejected_at = _last_positive(evidence.rejected, now)
    rate = _newest_rate(evidence.invocations, now)
    alive = _seen_since(evidence.utilisation, now - FRESH_S)
    newest = evidence.concurrency.since(evidence.concurrency.end_s - MINUTE_S)
    known = [value for value in newest.tolist() if 0 <= value < math.inf]
    in_time = evidence.concurrency.end_s >= now - FRESH_S
    if known and in_time and copies > 0:
        mean, peak = sum(known) / len(known) * copies, max(known) * copies
        by_rate = 0.0 if service_s is None else rate * service_s
        idle = alive and peak <= 0.0 and rate <= 0.0
        why = f"{mean:.1f} in flight over the last minute"
        return Observed(max(mean, by_rate), max(peak, by_rate), rate, alive, idle, rejected, rejected_at, why)
    if alive and copies > 0:
        quiet = _seen_since(evidence.invocations, now - FRESH_S)
        if not quiet:
            return Observed(0.0, 0.0, 0.0, True, True, rejected, rejected_at, "copies report, no requests")
        estimate = 0.0 if service_s is None else rate * service_s
        return Observed(
            estimate, estimate, rate, False, False, rejected, rejected_at, "rate only, concurrency is missing"
        )
    old = _last_known(evidence.concurrency, now - RAISE_ON_S)
    if old is not None and copies > 0:
        return Observed(old * copies, old * copies, rate, False, False, rejected, rejected_at, "evidence is old")
    why = "no copies, so no metrics" if copies == 0 else "no evidence: metrics are missing or late"
    return Observed(None, 0.0, rate, False, False, rejected, rejected_at, why)


def _clean(values: Values) -> Values:
    """Negative and infinite datapoints become missing."""
    return np.where(np.isfinite(values) & (values >= 0), values, np.nan)


def _seen_since(series: Series, at: int) -> bool:
    """A datapoint exists whose period ended after `at`."""
    last = series.last_seen_s()
    return last is not None and last > at


def _newest_rate(invocations: Series, now: int) -> float:
    """Requests per second in the newest visible minute; 0 where it has no datapoint or is too old."""
    if not len(invocations.values) or invocations.end_s < now - FRESH_S:
        return 0.0
    newest = float(invocations.values[-1])
    return newest / invocations.step_s if np.isfinite(newest) and newest > 0 else 0.0


def _last_positive(rejected: Series, now: int) -> tuple[float, int]:
    """The newest count above zero within RAISE_ON_S and the end of its minute; (0, 0) when there is none."""
    values = rejected.values
    if not len(values):
        return 0.0, 0
    for back, value in enumerate(reversed(values.tolist())):
        if 0 < value < math.inf:
            end = rejected.end_s - rejected.step_s * back
            return (value, end) if end > now - RAISE_ON_S else (0.0, 0)
    return 0.0, 0


def _last_known(series: Series, at: int) -> float | None:
    """The newest usable datapoint that ended after `at`, or None."""
    values = _clean(series.values)
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return None
    end = series.start_s + series.step_s * (int(known[-1]) + 1)
    return float(values[known[-1]]) if end > at else None
