"""What one model should have: observe → expect → size, home by home. Nothing here asks who may act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tidepool.config.calendar import floors_at
from tidepool.config.types import Config, ModelConfig
from tidepool.decision.record import Step
from tidepool.decision.size import SETTLE_S, Grounds, floor_of, size_of, spare_s
from tidepool.decision.subjects import Home, Subject
from tidepool.fleet import Signal, SignalKind
from tidepool.forecast.expected import expect, next_level
from tidepool.forecast.observed import Observed, observe
from tidepool.forecast.recent import remember
from tidepool.memory import ModelLearned, ModelMemory
from tidepool.units import rounded

Ahead = Callable[[str, int, int], NDArray[np.float64]]
"""(model, from_s, until_s) → true requests per minute. Only the benchmark's oracle has one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one home should have, and the evidence it rests on.

    size: copies or instances wanted; equal to the current wanted size when nothing is to change.
    floor: never below this, whatever binds. because as in Step. evidence: False holds everything.
    """

    subject: Subject
    home: Home
    size: int
    floor: int
    because: str
    evidence: bool


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
        calendar = floors_at(subject.config.schedule, moment.config.timezone, now, round(home.start_s))
        expected = expected.times(max(calendar.expect, _surge(moment.signals, subject.model, now)))
        grounds = Grounds(
            subject.config, home, seen[i], expected, after, calendar, main=i == main, now=now, dial=moment.dial
        )
        wanted, told = _wanted(subject, grounds)
        results.append(wanted)
        steps += told
    return tuple(results), after, tuple(steps)


def _wanted(subject: Subject, grounds: Grounds) -> tuple[Wanted, tuple[Step, ...]]:
    """One home's size with the two steps that led there."""
    home, observed, expected, found = grounds.home, grounds.observed, grounds.expected, size_of(grounds)
    wanted = Wanted(subject, home, found.size, floor_of(grounds), found.because, found.evidence)
    seen, ready = rounded(observed.in_flight or 0.0), rounded(expected.upper)
    return wanted, (
        Step("forecast", home.target, seen, ready, expected.basis),
        Step("size", home.target, home.size_wanted, found.size, found.because, found.limit),
    )


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
    spare = spare_s(home, terms)
    if observed.in_flight is None or concurrency is None or spare <= home.service_s:
        return observed
    # 600 requests of 10 s, 120 s to spare: worth 600 × 10 / 120 = 50 slots, not 600.
    queued = max(0.0, observed.in_flight - copies * concurrency)
    return replace(observed, in_flight=observed.in_flight - queued * (1 - home.service_s / spare))


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
