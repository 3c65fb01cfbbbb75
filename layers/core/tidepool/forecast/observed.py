"""Evidence → what is known of one target's demand right now, and how far it may be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import FRESH_S, Values
from tidepool.units import MINUTE_S

RAISE_ON_S = 600
"""Evidence up to this age may still raise: scaling up may use older data than scaling down."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One target's demand.

    in_flight: requests offered, in flight at once: the mean under the newest minute's 10-second maxima, or what full
        slots and their growing queue say; None = no evidence.
    queued: of all that the newest datapoint counts, what had no slot.
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
    queued: float = 0.0


def observe(
    evidence: Evidence,
    *,
    copies: int,
    service_s: float | None,
    now: int,
    slots: float | None = None,
    stretch: float = 1.0,
) -> Observed:
    """What the evidence says at `now` of a target that has `copies` in service.

    Little's law gives the second opinion: in flight = rate × time in service. Where only one of the two was asked for
    (runtime/reading.py) it gives the other, by the time that requests really take, `stretch` × `service_s`. NaN and
    negative datapoints are missing, not zero. Silence counts as idle only where utilisation is fresh (bench-rules 4.2).
    """
    rejected, rejected_at = _last_positive(evidence.rejected, now)
    rate = _newest_rate(evidence.invocations, now)
    alive = _alive(evidence, now - FRESH_S)
    newest = evidence.concurrency.since(evidence.concurrency.end_s - MINUTE_S)
    known = [value for value in newest.tolist() if 0 <= value < math.inf]
    held_s = None if service_s is None else service_s * stretch
    uncounted = not len(evidence.invocations.values) and bool(held_s)
    in_time = evidence.concurrency.end_s >= now - FRESH_S
    if known and in_time and copies > 0:
        mean, peak = _mean_of_highest(sum(known) / len(known) * copies), max(known) * copies
        by_rate = 0.0 if service_s is None else rate * service_s
        idle = alive and peak <= 0.0 and rate <= 0.0
        queued = 0.0 if slots is None else max(0.0, known[-1] * copies - slots)
        if queued and slots is not None and service_s:
            offered = max(by_rate, _offered(known, copies, slots, service_s, evidence.concurrency.step_s))
            offered = min(mean, offered)
            rate = offered / held_s if uncounted and held_s else rate
            why = f"{offered:.1f} offered over the last minute, {queued:.0f} of them queued"
            return Observed(offered, max(peak, by_rate), rate, alive, False, rejected, rejected_at, why, queued)
        why = f"{mean:.1f} in flight over the last minute"
        # The count is a minute older: while load falls it says more, so it speaks only where the gauge must be wrong.
        seen = by_rate if mean < GAUGE_LEAST * by_rate else mean
        rate = seen / held_s if uncounted and held_s else rate
        return Observed(seen, max(peak, by_rate), rate, alive, idle, rejected, rejected_at, why)
    if alive and copies > 0 and held_s is not None and not len(evidence.concurrency.values):
        # The gauge was not asked, which is another thing than a gauge that does not answer.
        counted = rate * held_s
        why = f"{counted:.1f} in flight, as counted"
        return Observed(counted, counted, rate, True, rate <= 0.0, rejected, rejected_at, why)
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


HIGHEST = 0.75
"""The highest of ten seconds stands this many square roots of the mean above it: of five looks, two seconds apart, at
requests of about ten seconds (the highest of five values of a normal process with correlation 0.82 is 0.7 to 0.8 of its
spread above the mean). Reckoned, not measured."""
GAUGE_LEAST = 0.5
"""Share of what the count says below which the gauge is not believed. Ours: no load halves in the minute between them
without the other following a minute later."""


def _mean_of_highest(highest: float) -> float:
    """The mean demand whose ten-second maxima have that mean: x + HIGHEST·√x = highest."""
    return (math.sqrt(highest + HIGHEST**2 / 4) - HIGHEST / 2) ** 2


def _offered(known: list[float], copies: int, slots: float, service_s: float, step_s: int) -> float:
    """Offered load of full copies: the slots, and what the queue's growth says comes beyond them.

    A queue that grows by 20 in 10 s at 5 s of service: 2 a second more than 10 slots' worth, so 10 more in flight.
    """
    total = [min(value * copies, slots) for value in known]
    over = [max(0.0, value * copies - slots) for value in known]
    growth = max(0.0, over[-1] - over[0]) / (step_s * max(1, len(over) - 1))
    return max(sum(total) / len(total), total[-1] + growth * service_s)


def _clean(values: Values) -> Values:
    """Negative and infinite datapoints become missing."""
    return np.where(np.isfinite(values) & (values >= 0), values, np.nan)


def _seen_since(series: Series, at: int) -> bool:
    """A datapoint exists whose period ended after `at`."""
    last = series.last_seen_s()
    return last is not None and last > at


def _alive(evidence: Evidence, at: int) -> bool:
    """Copies reported after `at`. Where utilisation is not read (runtime/reading.py), requests say so."""
    if len(evidence.utilisation.values):
        return _seen_since(evidence.utilisation, at)
    if not len(evidence.invocations.values):
        return bool((np.nan_to_num(evidence.concurrency.since(at)) > 0).any())
    counts = evidence.invocations
    return bool((np.nan_to_num(counts.since(at - counts.step_s + 1)) > 0).any())


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
