"""What the metrics of both sides say: is the target as good as the source, and is a side silent. Pure numbers.

No evidence is never good news: a check without it says so, and the phase waits until its deadline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import Values
from tidepool.units import percent

ERRORS_MORE = 0.01
"""More failed requests than the source has, as a share of those answered, that still pass (assumed: 1 %)."""
ERRORS_LEAST = 3
"""Fewer errors than this are not a trend, whatever their share (assumed)."""
SLOWER = 1.5
"""Times the expected latency that still passes: neighbours on a shared machine cost something (assumed)."""
SPREAD = 3.0
"""Standard errors of the ratio of two means that count as chance: about one false alarm in 700 soaks. Times in
service are about exponential (bench-rules 2.5), so the relative error of a mean of n is 1/√n."""
REACHED_LEAST = 20
"""Requests that should have come before it is strange that none did: by chance once in e^20 soaks."""
LATENCY_LEAST = 20
"""Fewer requests than this on either side say nothing of latency: the error of the ratio is above 30 %."""


@dataclass(frozen=True, slots=True)
class Tally:
    """One side's requests since a moment: answered, failed, refused by the container, rejected for want of a copy,
    and their mean latency (None = unknown)."""

    requests: float
    errors: float
    refused: float
    rejected: float
    latency_ms: float | None


def tally(evidence: Evidence, since: int) -> Tally:
    """The periods that began at or after `since`. NaN is no datapoint, and adds nothing."""
    requests = evidence.invocations.since(since)
    latency = evidence.latency_ms.since(since)
    counts, times = _paired(requests, latency)
    known = float(counts.sum())
    return Tally(
        requests=_sum(requests),
        errors=_sum(evidence.errors.since(since)),
        refused=_sum(evidence.refused.since(since)),
        rejected=_sum(evidence.rejected.since(since)),
        latency_ms=float((counts * times).sum() / known) if known > 0 else None,
    )


def worse(source: Evidence, target: Evidence, *, since: int, shifted: int, slower: float) -> str:
    """Why the target is worse than the source, in this step or since the first callers went over; '' = it is not.

    A step shows a minute or two of metrics: of few requests only those of all steps together make a trend.
    """
    moments = dict.fromkeys((since, shifted or since))
    return next((why for at in moments if (why := _worse(source, target, since=at, slower=slower))), "")


def _worse(source: Evidence, target: Evidence, *, since: int, slower: float) -> str:
    """The same since one moment.

    Rejections, failures and refusals (5XX, 4XX) beyond the source's share, and latency beyond what the hardware's
    shapes expect. The source is judged over everything seen, so that it still counts once its own traffic has gone
    over.
    """
    there, here = tally(target, since), tally(source, 0)
    if there.rejected > 0:
        return f"{there.rejected:.0f} requests found no copy on the target"
    for words, bad, usually in (("failed", there.errors, here.errors), ("were refused", there.refused, here.refused)):
        share, usual = _share(bad, there), _share(usually, here)
        if bad >= ERRORS_LEAST and share > usual + ERRORS_MORE:
            return f"{percent(share)} of the target's requests {words}, {percent(usual)} of the source's"
    if there.latency_ms is None or here.latency_ms is None or min(there.requests, here.requests) < LATENCY_LEAST:
        return ""
    chance = 1 + SPREAD * math.sqrt(1 / there.requests + 1 / here.requests)
    allowed = here.latency_ms * slower * SLOWER * chance
    if there.latency_ms > allowed:
        return f"the target takes {there.latency_ms:.0f} ms a request; up to {allowed:.0f} ms was expected"
    return ""


def unreached(source: Evidence, target: Evidence, *, since: int, weight: int) -> str:
    """How many requests came since then without one for the target, when `weight` % of them should have; '' = fine.

    Callers who may not invoke the target are answered by the source: no metric of the target tells of them. Without
    fresh metrics of the target nothing is said.
    """
    if not fresh(target, since):
        return ""
    there, here = tally(target, since).requests, tally(source, since).requests
    strange = there == 0 and here * weight / 100 >= REACHED_LEAST
    return f"none of {here:.0f} requests reached the target: may its callers invoke it?" if strange else ""


def fresh(evidence: Evidence, since: int) -> bool:
    """The side's metrics arrive: something was measured of it after `since`."""
    seen = evidence.utilisation.last_seen_s()
    return seen is not None and seen > since


def quiet_since(evidence: Evidence, now: int) -> int | None:
    """Since when the side has been silent, as far as visible; None = it is not, or nobody can tell.

    Silence is positive evidence (docs/decisions/0007): utilisation is fresh, and Invocations and concurrency
    are absent or zero after that moment.
    """
    until = visible_until(evidence)
    if until is None or not fresh(evidence, now - STALE_S):
        return None
    busy = max(_busy_until(evidence.invocations), _busy_until(evidence.concurrency))
    first = max(evidence.invocations.start_s, evidence.concurrency.start_s, busy)
    return first if first < until else None


def visible_until(evidence: Evidence) -> int | None:
    """Up to when both invocations and concurrency could be seen; None when one was not read at all."""
    if not len(evidence.invocations.values) or not len(evidence.concurrency.values):
        return None
    return min(evidence.invocations.end_s, evidence.concurrency.end_s)


STALE_S = 300
"""Utilisation comes each minute, about a minute late; five minutes without it is missing evidence (assumed)."""


def _busy_until(series: Series) -> int:
    """The end of the last period with anything in it; 0 when there was none."""
    with np.errstate(invalid="ignore"):
        busy = np.flatnonzero(series.values > 0)
    return 0 if busy.size == 0 else series.start_s + series.step_s * (int(busy[-1]) + 1)


def _paired(requests: Values, latency: Values) -> tuple[Values, Values]:
    """Both series where both have a datapoint, from the back: they end at the same visible minute."""
    size = min(len(requests), len(latency))
    counts, times = requests[len(requests) - size :], latency[len(latency) - size :]
    both = ~np.isnan(counts) & ~np.isnan(times)
    return counts[both], times[both]


def _sum(values: Values) -> float:
    return float(np.nansum(values)) if len(values) else 0.0


def _share(bad: float, side: Tally) -> float:
    return bad / side.requests if side.requests > 0 else float(bad > 0)
