"""What one model should have: observe → expect → size → floors and zero. Nothing here asks who may act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tidepool.config.calendar import Floors, floors_at
from tidepool.config.types import Config, Hosting, ModelConfig
from tidepool.decision.record import Step
from tidepool.decision.subjects import Home, Subject
from tidepool.fleet import Signal, SignalKind
from tidepool.forecast.expected import KEEP_UP_S, Expected, expect, next_level
from tidepool.forecast.observed import Observed, observe
from tidepool.forecast.recent import remember
from tidepool.memory import ModelLearned, ModelMemory
from tidepool.sizing.copies import copies_for
from tidepool.units import MINUTE_S, duration, percent, rounded

Ahead = Callable[[str, int, int], NDArray[np.float64]]
"""(model, from_s, until_s) → true requests per minute. Only the benchmark's oracle has one."""

SETTLE_S = 120
"""A change blocks its component until it settles, so a raise looks this much further than the start-up:
a tick to notice, a minute for the metric."""


LOWER_MARGIN = 1.05
"""Copies go only when what is left would still do for this much more: the band between up and down. Ours."""
LOWER_SHARE = 0.1
"""Fewer copies than this share of them are not worth a change: it would soon be taken back. Ours; measured on
servegen-week1, where it saves a tenth of all changes for half a percent of the cost."""
LOWER_AFTER_S = 300
"""Nothing is lowered this soon after its last change: Application Auto Scaling's cooldown (sagemaker-facts)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one home should have, and the evidence it rests on.

    size: copies or instances wanted; equal to the current wanted size when nothing is to change.
    floor: never below this, whatever binds. because/limit as in Step. evidence: False holds everything.
    """

    subject: Subject
    home: Home
    size: int
    floor: int
    because: str
    limit: str
    evidence: bool
    observed: Observed
    expected: Expected


@dataclass(frozen=True, slots=True)
class Moment:
    """What every model's judgement shares at one tick."""

    config: Config
    now: int
    signals: tuple[Signal, ...]
    dial: float
    ahead: Ahead | None


def judge(
    subject: Subject, memory: ModelMemory, learned: ModelLearned | None, moment: Moment
) -> tuple[tuple[Wanted, ...], ModelMemory, tuple[Step, ...]]:
    """Each home's wanted size, the model's next memory, and the steps that led there.

    A model with several homes (versions side by side, or a move) is seen as one: its demand is the sum, its floor
    is carried by the home with the most traffic; each home is sized for what comes to it.
    """
    now = moment.now
    seen = [_seen(home, subject.config, memory, now) for home in subject.homes]
    total = _sum(seen)
    recent = remember(memory.recent, total, now)
    level = rounded(next_level(memory.level, total, learned, now))
    idle_since = (memory.idle_since or now) if total.idle and total.fresh else 0
    after = replace(memory, idle_since=idle_since, recent=recent, level=level, sizes=_sizes(subject))
    shares = _shares(seen)
    main = max(range(len(seen)), key=lambda i: (shares[i], subject.homes[i].size_wanted, -i))
    results = []
    steps: list[Step] = []
    for i, home in enumerate(subject.homes):
        horizon = round(home.start_s) + SETTLE_S
        true_rates = None if moment.ahead is None else moment.ahead(subject.model, now, now + horizon)
        foretold = expect(
            total,
            recent,
            learned,
            level=level,
            now=now,
            horizon_s=horizon,
            service_s=home.service_s,
            true_rates=true_rates,
        )
        share = shares[i]
        expected = foretold.times(share)
        wanted, told = _size(subject, home, seen[i], expected, after, moment=moment, main=i == main)
        results.append(wanted)
        steps += told
    return tuple(results), after, tuple(steps)


def _size(
    subject: Subject,
    home: Home,
    observed: Observed,
    expected: Expected,
    memory: ModelMemory,
    *,
    moment: Moment,
    main: bool,
) -> tuple[Wanted, tuple[Step, ...]]:
    """One home's size with its steps."""
    now, terms, current = moment.now, subject.config, home.size_wanted
    calendar = floors_at(terms.schedule, moment.config.timezone, now, round(home.start_s))
    floor = _floor(terms, calendar, home) if main else int(home.hosting is Hosting.DEDICATED)
    concurrency = home.shape.concurrency if home.shape else None

    def verdict(size: int, because: str, *, limit: str = "", evidence: bool = True) -> tuple[Wanted, tuple[Step, ...]]:
        wanted = Wanted(subject, home, size, floor, because, limit, evidence, observed, expected)
        return wanted, (
            Step(
                "forecast",
                home.target,
                rounded(observed.in_flight or 0.0),
                rounded(expected.upper),
                expected.basis,
            ),
            Step("size", home.target, current, size, because, limit),
        )

    if observed.in_flight is None and current > 0:
        return verdict(max(current, floor), observed.because, limit="no evidence", evidence=current < floor)
    if current == 0:
        return verdict(*_wake(terms, home, observed, expected, memory, moment=moment, floor=floor, calendar=calendar))
    if concurrency is None:
        why = f"nobody measured what one {_unit(home)} on {home.endpoint.instance_type} serves"
        return verdict(max(current, floor), why, limit="no evidence", evidence=current < floor)
    expected = expected.times(max(calendar.expect, _surge(moment.signals, subject.model, now)))
    least = copies_for(expected.need, concurrency, dial=moment.dial)
    keep = copies_for(expected.keep * LOWER_MARGIN, concurrency, dial=moment.dial)
    size = copies_for(expected.upper, concurrency, dial=moment.dial) if least > current else min(current, keep)
    why = f"{expected.upper:.1f} in flight to be ready for, {concurrency:g} a {_unit(home)}"
    if size < current:
        why = f"{expected.keep:.1f} in flight is the most to keep room for, {concurrency:g} a {_unit(home)}"
    limit = ""
    if size < 1 and main:
        size, why, limit = _zero(terms, memory, home, now=now, otherwise=why)
    if size < floor:
        size, limit = floor, "floor"
        why = calendar.why[0] if calendar.why and calendar.min_copies == floor else f"floor of {floor}"
    if terms.max_copies is not None and size > terms.max_copies:
        size, limit = max(terms.max_copies, floor), "max_copies"
    if current > size > current * (1 - LOWER_SHARE):
        return verdict(current, f"{size} would do, which is less than {percent(LOWER_SHARE)} fewer")
    settled = now - max(memory.raised_at, memory.lowered_at)
    if size < current and settled < LOWER_AFTER_S:
        return verdict(current, f"changed {duration(settled)} ago, lowered after {duration(LOWER_AFTER_S)}")
    watched = now - memory.recent[0].at if memory.recent else 0
    if size < current and watched < KEEP_UP_S - MINUTE_S:
        return verdict(current, f"watched for {duration(watched)} of {duration(KEEP_UP_S)}", limit="no evidence")
    if size < current and not observed.fresh:
        return verdict(current, observed.because, limit="no evidence", evidence=False)
    return verdict(size, why, limit=limit)


def _wake(
    terms: ModelConfig,
    home: Home,
    observed: Observed,
    expected: Expected,
    memory: ModelMemory,
    *,
    moment: Moment,
    floor: int,
    calendar: Floors,
) -> tuple[int, str]:
    """The size of a home at zero: back on a rejected request, a floor, or what is foretold for it."""
    concurrency = (home.shape.concurrency if home.shape else None) or 1.0
    if observed.rejected > 0 and observed.rejected_at > memory.lowered_at:
        # Callers who can wait try again and again: their tries are worth what starts them within the objective.
        arriving = observed.rejected * home.service_s / max(60.0, _spare_s(home, terms))
        size = max(1, floor, copies_for(arriving, concurrency, dial=moment.dial))
        return size, f"{observed.rejected:g} requests found no copy in a minute"
    if floor > 0:
        return floor, calendar.why[0] if calendar.why else f"floor of {floor}"
    if terms.zero_after_s is None:
        return 1, "it is at zero, and never may be"
    cold_start_is_late = home.start_s + SETTLE_S > terms.start_within_s
    if cold_start_is_late and expected.upper >= 1.0:
        return max(1, copies_for(expected.upper, concurrency, dial=moment.dial)), expected.basis
    return 0, "asleep: nothing was rejected, and nothing that could not wait is foretold"


def _zero(terms: ModelConfig, memory: ModelMemory, home: Home, *, now: int, otherwise: str) -> tuple[int, str, str]:
    """Zero only on positive evidence of idleness, for long enough, where the model allows it."""
    if terms.zero_after_s is None or home.hosting is Hosting.DEDICATED:
        return (
            1,
            "never to zero" if home.hosting is Hosting.SHARED else "a dedicated endpoint keeps one",
            "floor",
        )
    if not memory.idle_since:
        return 1, otherwise, "not idle"
    idle = now - memory.idle_since
    if idle < terms.zero_after_s:
        return 1, f"idle for {duration(idle)} of {duration(terms.zero_after_s)}", "not idle long enough"
    return 0, f"idle for {duration(idle)}, and every copy reports", ""


def _floor(terms: ModelConfig, calendar: Floors, home: Home) -> int:
    """Copies never gone below. A dedicated endpoint counts instances: one at least, two for two zones."""
    if home.hosting is Hosting.DEDICATED:
        return max(1, terms.zones)
    floor = max(terms.min_copies, calendar.min_copies)
    return max(floor, terms.zones) if floor > 0 else floor


def _surge(signals: tuple[Signal, ...], model: str, now: int) -> float:
    """The highest surge asked for this model or the fleet, at least 1."""
    asked = [
        signal.factor
        for signal in signals
        if signal.kind is SignalKind.SURGE and signal.scope in {model, "*"} and signal.since <= now < signal.until
    ]
    return max([1.0, *asked])


def _seen(home: Home, terms: ModelConfig, memory: ModelMemory, now: int) -> Observed:
    """What the home's evidence says, its queue counted as the slots that work it off in the time there is for it."""
    copies = _reporting(home, memory)
    observed = observe(home.evidence, copies=copies, service_s=home.service_s, now=now)
    concurrency = home.shape.concurrency if home.shape else None
    spare = _spare_s(home, terms)
    if observed.in_flight is None or concurrency is None or spare <= home.service_s:
        return observed
    # 600 requests of 10 s, 120 s to spare: worth 600 × 10 / 120 = 50 slots, not 600.
    queued = max(0.0, observed.in_flight - copies * concurrency)
    return replace(observed, in_flight=observed.in_flight - queued * (1 - home.service_s / spare))


def _spare_s(home: Home, terms: ModelConfig) -> float:
    """Seconds that a queue may still wait once copies asked for now serve, and once more if they were too few."""
    return terms.start_within_s - 2 * home.start_s


def _reporting(home: Home, memory: ModelMemory) -> int:
    """Copies that the newest minute's figures speak of: the metric is per copy, and of before the newest came."""
    before = memory.sizes.get(home.target, home.size_now)
    return min(home.size_now, before) if before > 0 else home.size_now


def _sizes(subject: Subject) -> dict[str, int]:
    return {home.target: home.size_now for home in subject.homes}


def _shares(seen: list[Observed]) -> list[float]:
    """Each home's share of the demand; equal where nothing is known."""
    total = sum(one.in_flight or 0.0 for one in seen)
    if total > 0:
        return [(one.in_flight or 0.0) / total for one in seen]
    return [1.0 / len(seen)] * len(seen)


def _sum(seen: list[Observed]) -> Observed:
    """All homes as one: sums; fresh and idle only when every home is."""
    if len(seen) == 1:
        return seen[0]
    known = [one.in_flight for one in seen if one.in_flight is not None]
    return Observed(
        in_flight=sum(known) if known else None,
        peak=sum(one.peak for one in seen),
        rate=sum(one.rate for one in seen),
        fresh=all(one.fresh for one in seen),
        idle=all(one.idle for one in seen),
        rejected=sum(one.rejected for one in seen),
        rejected_at=max(one.rejected_at for one in seen),
        because=f"{len(seen)} homes together",
    )


def _unit(home: Home) -> str:
    return "instance" if home.hosting is Hosting.DEDICATED else "copy"
