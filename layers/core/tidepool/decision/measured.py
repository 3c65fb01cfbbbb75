"""Capacity that nobody declared: the busiest minute that one copy was seen to serve well, a lower bound of it.

A minute was served well when its answers, and those of the minute after it, came at the model's usual ModelLatency,
none failed and no caller was rejected. ModelLatency holds the wait inside the container, so a queue shows in it. A
minute about which any of this is not known says nothing.

Until it is trusted, a bound only raises, when more than it is in flight and that is not served well. A minute that is
served well lifts the bound first, so a tide that its copies can take asks for nothing. Trusted, it is a concurrency
like a declared one: both ways, and still a lower bound. Where a shape declares one, nothing is measured, nothing read.
Nor is it where callers may wait a cold start out: their queue is within the objective and counts as load, for hours, so
that its latency would pass for usual and its length for capacity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tidepool.config.types import Hosting, ModelConfig
from tidepool.decision.ready import SETTLE_S
from tidepool.decision.subjects import Home, Subject
from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import FRESH_S, Values
from tidepool.forecast.observed import Observed
from tidepool.memory import Measured, ModelMemory
from tidepool.units import DAY_S, MINUTE_S, rounded

TRUSTED_S = DAY_S
"""A bound lowers once it has seen a day: its busiest hour is in it. Ours."""
TRUSTED_SAMPLES = 60
"""... and an hour of minutes that were served well. Ours."""
SLOWER = 0.5
"""ModelLatency above its usual by this share of it, or by the time in which a request is to start where that is less,
is not served well. Ours."""
KNOWN_MINUTES = 5
"""Minutes of ModelLatency from which a first median is taken. Ours."""
STEP = 0.001
"""The usual latency goes this share of itself towards each minute's: a median that needs no history (Ma, Muthukrishnan
and Sandler 2013, frugal streaming), and 6 % an hour at most. Ours."""
LIGHT = 0.5
"""Below this share of the bound a slow answer is not for want of copies: it may become usual. Ours."""
KEPT = 4
"""Bounds kept for one model, those of where it lives first: a rollback finds its own again. Ours."""


@dataclass(frozen=True, slots=True)
class Look:
    """One home's newest minute: `load` requests at once on all its copies, and why that is not known to be served well.

    strain: '' = it is.
    """

    load: float
    strain: str


def key_of(home: Home) -> str:
    """Hosting, type, accelerators and artifact: another of any of them is another capacity, and is learned anew."""
    return key(home.hosting, home.endpoint.instance_type, home.accelerators, home.artifact)


def key(hosting: Hosting, instance_type: str, accelerators: int, artifact: str) -> str:
    """The same of a home that may not be there."""
    return f"{hosting} {instance_type} {accelerators} {artifact}"


def at_capacity(subject: Subject, measured: Mapping[str, Measured], now: int) -> Subject:
    """The subject, whose homes know what was measured of them where no shape says it."""
    if not measured or all(home.declared is not None for home in subject.homes):
        return subject
    return replace(subject, homes=tuple(_with(home, measured.get(key_of(home)), now) for home in subject.homes))


def _with(home: Home, known: Measured | None, now: int) -> Home:
    if known is None or home.declared is not None:
        return home
    return replace(home, measured=known, trusted=trusted(home, known, now))


def trusted(home: Home, known: Measured, now: int) -> bool:
    """The bound may lower."""
    return names_artifact(home) and long_enough(known, now)


def long_enough(known: Measured, now: int) -> bool:
    """It has seen what it takes to be trusted."""
    return now - known.since >= TRUSTED_S and known.samples >= TRUSTED_SAMPLES


def names_artifact(home: Home) -> bool:
    """Where no artifact is named (a component of a container alone), a new image would not be noticed."""
    return bool(home.artifact)


def measure(
    subject: Subject, seen: list[Observed], copies: list[int], memory: ModelMemory, now: int
) -> tuple[Mapping[str, Measured], dict[str, Look]]:
    """The model's bounds after this tick, and by target how its newest minute looks."""
    if all(home.declared is not None for home in subject.homes):
        return memory.measured, {}
    bounds, looks = dict(memory.measured), {}
    for home, observed, reporting in zip(subject.homes, seen, copies, strict=True):
        if home.declared is None and subject.config.start_within_s <= home.start_s + SETTLE_S:
            key = key_of(home)
            after, strain = _after(home.evidence, bounds.get(key), subject.config, observed, now)
            looks[home.target] = Look(_newest(home.evidence, now) * reporting, strain)
            if after is not None:
                bounds[key] = after
    here = {key_of(home) for home in subject.homes}
    kept = sorted(bounds, key=lambda key: (key not in here, -bounds[key].at, key))[: max(KEPT, len(here))]
    return {key: bounds[key] for key in sorted(kept)}, looks


def _after(
    evidence: Evidence, known: Measured | None, terms: ModelConfig, observed: Observed, now: int
) -> tuple[Measured | None, str]:
    """The bound after the newest minute whose answers are known, and why that one was not served well ('' = it was)."""
    latency = evidence.latency_ms
    end = latency.end_s
    answers = _between(latency, end - 2 * MINUTE_S, end)
    usual = known.latency_ms if known is not None else _usual(latency)
    load = _at_once(evidence.concurrency, end - 2 * MINUTE_S)
    if not observed.fresh or end <= now - FRESH_S or not answers.size or np.isnan(answers).any():
        return known, "nobody knows how its last minutes were served"
    if not usual or load <= 0:
        return known, "too little is known of its latency"
    strain = _strain(evidence, answers, usual, terms, observed, end)
    if strain and (known is None or load > LIGHT * known.concurrency):
        return known, strain
    step = STEP * float(np.sign(answers[-1] - usual))
    if known is None:
        # One copy serves at least one request at once, however little was asked of it.
        return Measured(max(1.0, rounded(load)), now, now, 1, rounded(usual * (1 + step))), ""
    if strain:
        return replace(known, latency_ms=rounded(usual * (1 + step))), strain
    return (
        Measured(
            max(known.concurrency, rounded(load)), known.since, now, known.samples + 1, rounded(usual * (1 + step))
        ),
        "",
    )


def _strain(evidence: Evidence, answers: Values, usual: float, terms: ModelConfig, observed: Observed, end: int) -> str:
    """Why these two minutes were not served well, '' when they were."""
    slowest = float(answers.max())
    if observed.rejected > 0 and observed.rejected_at > end - 2 * MINUTE_S:
        return "callers were rejected"
    if (np.nan_to_num(_between(evidence.errors, end - 2 * MINUTE_S, end)) > 0).any():
        return "answers failed"
    if slowest > usual + min(SLOWER * usual, terms.start_within_s * 1000):
        return f"an answer takes {slowest / 1000:.3g}s, usually {usual / 1000:.3g}s"
    return ""


def _usual(latency: Series) -> float:
    """The median of the minutes that are visible, 0 while they are too few."""
    known = latency.values[np.isfinite(latency.values) & (latency.values > 0)]
    return float(np.median(known)) if known.size >= KNOWN_MINUTES else 0.0


def _at_once(concurrency: Series, start_s: int) -> float:
    """Requests at once per copy over that minute, the mean of its ten-second maxima; 0 where one of them is missing."""
    values = _between(concurrency, start_s, start_s + MINUTE_S)
    complete = len(values) * concurrency.step_s == MINUTE_S and bool((values >= 0).all() and np.isfinite(values).all())
    return float(values.mean()) if complete else 0.0


def _newest(evidence: Evidence, now: int) -> float:
    """The same of the newest minute; 0 where it is not known: what is not known raises nothing."""
    series = evidence.concurrency
    return _at_once(series, series.end_s - MINUTE_S) if series.end_s >= now - FRESH_S else 0.0


def _between(series: Series, start_s: int, end_s: int) -> Values:
    """The datapoints of [start_s, end_s); none where the series does not hold all of it."""
    first, last = (start_s - series.start_s) // series.step_s, (end_s - series.start_s) // series.step_s
    return series.values[first:last] if first >= 0 and last <= len(series.values) else np.empty(0)
