"""What one model should have: observe → expect → size, home by home. Nothing here asks who may act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tidepool.config.calendar import floors_at
from tidepool.config.types import Config, ModelConfig
from tidepool.decision.between import last_reading, made_up_for
from tidepool.decision.measured import Look, at_capacity, measure
from tidepool.decision.ready import SETTLE_S, ready_for, sized_spread
from tidepool.decision.record import Step
from tidepool.decision.size import Grounds, floor_of, size_of, spare_s
from tidepool.decision.started import after_look
from tidepool.decision.subjects import Home, Subject
from tidepool.decision.worked import after_minute
from tidepool.fleet import Signal, SignalKind
from tidepool.forecast.blocks import fill, minute_rate
from tidepool.forecast.expected import Expected, expect, foreseen, hold, next_level
from tidepool.forecast.observed import Observed, observe
from tidepool.forecast.recent import remember
from tidepool.memory import Idle, Learned, Minute, ModelMemory
from tidepool.units import MINUTE_S, rounded

DRAIN_S = 180.0
"""A standing queue is worked off within three minutes of the copies that it asked for. Ours: requests wait 60 s at
most, so what is asked for must be more than what comes, or everybody after it waits as long."""
BEYOND = 2.0
"""Times what is offered that is asked for while more than the past ever saw takes every slot, as many a panic mode
doubles. A change blocks its component for a whole start-up, and what rises beyond all knowledge seldom stops there.
Fitted: at 1 and 1.5 first bursts of the reasoning day and of the demo's were late from beginning to end."""
CLEARLY = 1.2
"""Times the busiest minute ever seen that is beyond all that was seen: a steady load wavers above its own top. Ours."""
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
    rolls: bool = False
    """One more copy only so that one on an emptier machine can go (compact.py)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What every model's judgement shares at one tick."""

    config: Config
    now: int
    signals: tuple[Signal, ...]
    learned: Learned
    dial: float
    ahead: Ahead | None


def judge(
    subject: Subject, memory: ModelMemory, moment: Moment
) -> tuple[tuple[Wanted, ...], ModelMemory, tuple[Step, ...]]:
    """Each home's wanted size, the model's next memory, and the steps that led there.

    A model with several homes (versions side by side, or a move) is seen as one: its demand is the sum, its floor
    is carried by the home with the most traffic; each home is sized for what comes to it.
    """
    now, learned = moment.now, moment.learned.models.get(subject.model)
    subject = at_capacity(subject, memory.measured, now)
    kept = last_reading(subject, memory, now)
    seen = [kept] if kept else [_seen(home, memory, now) for home in subject.homes]
    total = _sum(seen)
    reporting = [_reporting(home, memory) for home in subject.homes]
    # What was served well lifts the bound before anybody is sized by it.
    measured, looks = measure(subject, seen, reporting, memory, now)
    subject = at_capacity(subject, measured, now)
    idle_since = (memory.idle_since or now) if total.idle and total.fresh else 0
    main_home = subject.homes[0]
    recent, level, blocks = memory.recent, memory.level, memory.blocks
    for at, one in () if kept else (*made_up_for(subject, memory, now), (now, total)):
        recent = remember(recent, one, at)
        level = rounded(next_level(level, one, learned, at))
        if one.in_flight is not None:
            minute = Minute(at, one.in_flight, one.peak, one.rate)
            blocks = fill(blocks, minute_rate(minute, main_home.service_s * memory.stretch), at)
    panic_at = now if any(_full(home, one) for home, one in zip(subject.homes, seen, strict=True)) else memory.panic_at
    after = replace(
        memory,
        idle_since=memory.idle_since if kept else idle_since,
        recent=recent,
        blocks=blocks,
        panic_at=panic_at,
        level=level,
        sizes=_sizes(subject),
        called_at=_called_at(memory, total, now),
        zero_at=memory.zero_at if all(home.size_now for home in subject.homes) else now,
        measured=measured,
        started=after_look(subject, memory, now),
    )
    shares = _shares(seen)
    main = max(range(len(seen)), key=lambda i: (shares[i], subject.homes[i].size_wanted, -i))
    results, held = [], memory.held
    steps: list[Step] = []
    for i, home in enumerate(subject.homes):
        foretold = _foretold(subject, home, after, total, moment)
        if i == main and total.in_flight is not None:
            held = hold(memory.held, foretold.upper / (home.service_s * memory.stretch), now)
        share = shares[i]
        expected = foretold.times(share)
        # The next tick is too late for what begins a moment after this one's reach.
        reach_s = round(home.start_s) + MINUTE_S
        calendar = floors_at(subject.config.schedule, moment.config.timezone, now, reach_s)
        if seen[i].queued > 0 and _beyond(total, subject, home, moment.learned):
            expected = expected.times(BEYOND)
        expected = expected.plus(_drain(home, subject.config, seen[i]))
        expected = expected.times(max(calendar.expect, _surge(moment.signals, subject.model, now)))
        grounds = Grounds(
            subject.config,
            home,
            seen[i],
            expected,
            after,
            calendar,
            main=i == main,
            now=now,
            # The oracle knows when the next request comes.
            idle=learned.idle if learned is not None and moment.ahead is None else Idle(),
            look=looks.get(home.target, Look(0.0, "")),
            headroom=None if moment.ahead is None else moment.dial,
            spread=sized_spread(moment.learned, subject.model),
        )
        wanted, told = _wanted(subject, grounds)
        results.append(wanted)
        steps += told
    # What this minute says of the time in service counts from the next on: more demand must never mean fewer copies.
    if len(subject.homes) == 1 and main_home.evidence.whole:
        after = replace(after, stretch=_stretch(memory.stretch, total, main_home.service_s))
    after = after_minute(subject, replace(after, held=held), now)
    return tuple(results), after, tuple(steps)


def _beyond(total: Observed, subject: Subject, home: Home, learned: Learned) -> bool:
    """Clearly more is in flight than in the busiest minute ever seen, and nobody can wait until a copy has started."""
    if not learned.until or total.in_flight is None or subject.config.start_within_s > home.start_s + SETTLE_S:
        return False
    known = learned.models.get(subject.model)
    return total.in_flight > CLEARLY * (known.top if known is not None else 0.0) * home.service_s


def _foretold(subject: Subject, home: Home, after: ModelMemory, total: Observed, moment: Moment) -> Expected:
    """What the whole model is to be ready for, as if it lived at that home alone."""
    now = moment.now
    if moment.ahead is not None:
        rates = moment.ahead(subject.model, now, now + round(home.start_s) + SETTLE_S)
        return foreseen(total, rates, service_s=home.service_s)
    ready = ready_for(after, moment.learned, subject.model, home, subject.config, now=now, dial=moment.dial)
    return expect(total, after.held, ready.in_flight, ready.because, now=now, service_s=home.service_s * after.stretch)


STRETCH = 0.1
"""Weight of one reading of both metrics in the stretch, every eighth minute: a time constant of 80 minutes. Ours."""
STRETCH_FLIGHT = 5.0
"""Requests in flight from which a minute says something of the time in service. Ours."""


def _stretch(before: float, total: Observed, service_s: float) -> float:
    """Requests in flight over rate × declared time in service, smoothed: how long a request really holds a slot."""
    if total.in_flight is None or total.queued or total.in_flight < STRETCH_FLIGHT or total.rate <= 0:
        return before
    ratio = min(2.0, max(0.5, total.in_flight / (total.rate * service_s)))
    return rounded((1 - STRETCH) * before + STRETCH * ratio)


def _full(home: Home, observed: Observed) -> bool:
    """A queue stands, or every slot is taken."""
    if home.concurrency is None or observed.in_flight is None or home.size_now < 1:
        return False
    return observed.queued > 0 or observed.in_flight >= home.size_now * home.concurrency


def _wanted(subject: Subject, grounds: Grounds) -> tuple[Wanted, tuple[Step, ...]]:
    """One home's size with the two steps that led there."""
    home, observed, expected, found = grounds.home, grounds.observed, grounds.expected, size_of(grounds)
    wanted = Wanted(subject, home, found.size, floor_of(grounds), found.because, found.evidence)
    seen, ready = rounded(observed.in_flight or 0.0), rounded(expected.upper)
    basis = "; ".join(filter(None, (expected.basis, home.start_words)))
    return wanted, (
        Step("forecast", home.target, seen, ready, basis),
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


def _seen(home: Home, memory: ModelMemory, now: int) -> Observed:
    """What the home's evidence says, its queue counted as the slots that work it off in the time there is for it."""
    copies = _reporting(home, memory)
    # More than a lower bound is no queue: only a declared concurrency says how many slots there are.
    slots = copies * home.declared if home.declared is not None else None
    return observe(home.evidence, copies=copies, service_s=home.service_s, now=now, slots=slots, stretch=memory.stretch)


def _drain(home: Home, terms: ModelConfig, observed: Observed) -> float:
    """Slots that work the queue off in the time there is for it, beyond those that what comes needs."""
    spare = max(spare_s(home, terms), DRAIN_S)
    return observed.queued * home.service_s / max(spare, home.service_s)


def _reporting(home: Home, memory: ModelMemory) -> int:
    """Copies that the newest minute's figures speak of: the metric is per copy, and of before the newest came."""
    before = memory.sizes.get(home.target, home.size_now)
    return min(home.size_now, before) if before > 0 else home.size_now


def _called_at(memory: ModelMemory, total: Observed, now: int) -> int:
    """The newest tick that saw requests, or the end of the newest minute that rejected some."""
    served = total.rate > 0 or (total.fresh and (total.in_flight or 0.0) > 0)
    return now if served else max(memory.called_at, total.rejected_at)


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
        queued=sum(one.queued for one in seen),
    )
