"""One home's size: what its load asks for, within floor and ceiling, and lowered only slowly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tidepool.config.calendar import Floors
from tidepool.config.types import Hosting, ModelConfig
from tidepool.decision.measured import TRUSTED_S, TRUSTED_SAMPLES, Look, names_artifact
from tidepool.decision.ready import SETTLE_S, sized
from tidepool.decision.subjects import Home
from tidepool.forecast.expected import KEEP_UP_S, Expected
from tidepool.forecast.idle import Window, window
from tidepool.forecast.observed import Observed
from tidepool.memory import Idle, ModelMemory
from tidepool.sizing.copies import copies_for
from tidepool.sizing.spread import EXPONENTIAL
from tidepool.units import MINUTE_S, duration, percent

PANIC_S = 600
"""Nothing is lowered for ten minutes after every slot was taken: no decrease while panicking (Knative's KPA), and the
time within which the reference traffic's ten-minute steps come back. Ours."""
LOWER_SHARE = 0.1
"""Fewer copies than this share of them are not worth a change: it would soon be taken back. Ours."""
LOWER_AFTER_S = 300
"""Nothing is lowered this soon after its last change: Application Auto Scaling's cooldown (sagemaker-facts)."""


LOWER_BOUND = ", a lower bound"
AT_MOST = 2
"""Times the copies that a bound which is not trusted yet asks for at once: what it was measured on may have been far
below what they serve. Ours."""


@dataclass(frozen=True, slots=True)
class Size:
    """Copies or instances wanted, why, and what bound them ('' = nothing). evidence: False holds everything."""

    size: int
    because: str
    limit: str = ""
    evidence: bool = True


@dataclass(frozen=True, slots=True)
class Grounds:
    """What one home's size rests on. `main`: it carries the model's floor, the home with the most traffic.

    expected: with surges and the calendar's expectations in it. look: the newest minute of a home without a declared
    concurrency. spread: of the model's service times (sizing/spread.py).
    """

    terms: ModelConfig
    home: Home
    observed: Observed
    expected: Expected
    memory: ModelMemory
    calendar: Floors
    main: bool
    now: int
    idle: Idle
    look: Look
    headroom: float | None = None
    spread: float = EXPONENTIAL

    def copies(self, in_flight: float) -> int:
        """Copies, or instances, for that demand: within the objective, or with the oracle's own headroom."""
        concurrency = self.concurrency or 1.0
        if self.headroom is not None:
            return copies_for(in_flight, concurrency, dial=self.headroom)
        if in_flight <= 0:
            return 0
        return int(sized(np.array(in_flight), concurrency, self.home.service_s, self.terms, self.spread))

    @property
    def current(self) -> int:
        return self.home.size_wanted

    @property
    def unit(self) -> str:
        return "instance" if self.home.hosting is Hosting.DEDICATED else "copy"

    @property
    def concurrency(self) -> float | None:
        return self.home.concurrency

    @property
    def rate(self) -> str:
        """What one copy or instance serves, in words."""
        believed = f", {percent(self.home.share)} of what is declared" if self.home.share < 1 else ""
        varies = f", service spread {self.spread:.2g} (exponential: 1)" if self.spread != EXPONENTIAL else ""
        return f"{self.concurrency or 1.0:g} a {self.unit}{LOWER_BOUND if self.home.measured else believed}{varies}"

    @property
    def cold_start_is_late(self) -> bool:
        """Who calls a model at zero may wait for longer than its objective."""
        return self.home.start_s + SETTLE_S > self.terms.start_within_s

    @property
    def sleep_costs_the_objective(self) -> bool:
        """Callers would wait for a copy where there is room, and not until there is: sleep would gamble on the room.

        Whose callers wait for no start at all, and who may sleep by fleet.yaml, is late by somebody's word.
        """
        return self.cold_start_is_late and self.home.own_start_s <= self.terms.start_within_s


def size_of(grounds: Grounds) -> Size:
    """The size that this home should have now; the current one where evidence or capacity is missing."""
    floor, current = floor_of(grounds), grounds.current
    unknown = _unknown(grounds)
    if unknown:
        return Size(max(current, floor), unknown, "no evidence", evidence=current < floor)
    if current > 0 and grounds.concurrency is None:
        return _by_bound(grounds, floor)
    loaded = _by_load(grounds) if current > 0 else _wake(grounds)
    return _rolled(grounds, floor) or _slowly_down(_bounded(loaded, grounds, floor), grounds)


def _rolled(grounds: Grounds, floor: int) -> Size | None:
    """The second half of a roll: one copy fewer once the new one serves, unless it is needed by now."""
    back, home = grounds.memory.rolled_from, grounds.home
    if not back or not (grounds.current == back + 1 == home.size_now) or not grounds.observed.fresh:
        return None
    if grounds.copies(grounds.expected.keep) > back or back < floor:
        return None
    return Size(back, "its copy has moved to a fuller machine")


def floor_of(grounds: Grounds) -> int:
    """Copies, or instances of a dedicated endpoint, never gone below; a dedicated endpoint has at least one."""
    terms, dedicated = grounds.terms, grounds.home.hosting is Hosting.DEDICATED
    floor = max(terms.min_copies, grounds.calendar.min_copies) if grounds.main else 0
    zones = terms.zones if floor > 0 or (dedicated and grounds.main) else 0
    return max(_units(floor, grounds), zones, int(dedicated))


def spare_s(home: Home, terms: ModelConfig) -> float:
    """Seconds that a queue may still wait once copies asked for now serve, and once more if they were too few."""
    return terms.start_within_s - 2 * home.start_s


def _unknown(grounds: Grounds) -> str:
    """Why nothing can be said of this home's size, '' when something can."""
    home = grounds.home
    if home.component is not None and home.component.accelerators_per_copy < 1:
        return "it asks for no accelerator: models on CPUs are observed, not sized"
    if grounds.current == 0:
        return ""
    if grounds.observed.in_flight is None:
        return grounds.observed.because
    if grounds.concurrency is None and home.measured is None:
        return f"nobody measured what one {grounds.unit} on {home.endpoint.instance_type} serves"
    return ""


def _by_load(grounds: Grounds) -> Size:
    """Up for what is to be ready for, once the room for it is half gone; down to what is to be kept."""
    expected, current = grounds.expected, grounds.current
    least = grounds.copies(expected.need)
    if least > current:
        return Size(least, f"{expected.upper:.1f} in flight to be ready for, {grounds.rate}")
    keep = grounds.copies(expected.keep)
    if keep < 1 and grounds.main:
        return _zero(grounds)
    if keep < current:
        return Size(keep, f"{expected.keep:.1f} in flight is the most to keep room for, {grounds.rate}")
    return Size(current, f"{expected.upper:.1f} in flight to be ready for, {grounds.rate}")


def _by_bound(grounds: Grounds, floor: int) -> Size:
    """Up where more than was ever served well is not served well; never down, by a bound that is not trusted yet."""
    home, look, current = grounds.home, grounds.look, grounds.current
    bound = home.measured.concurrency if home.measured is not None else 1.0
    most = math.inf if grounds.terms.max_copies is None else max(_units(grounds.terms.max_copies, grounds), floor)
    # Nine digits of the bound are kept, so that what lifted it is not more than it.
    asked = min(math.ceil(look.load / bound * (1 - 1e-6)), AT_MOST * current, most)
    if look.strain and asked > current and home.size_now == current:
        because = f"{look.load:.1f} in flight, {bound:g} a {grounds.unit}{LOWER_BOUND}, were served well: {look.strain}"
        return Size(max(int(asked), floor), because)
    because = f"{bound:g} a {grounds.unit}{LOWER_BOUND}: it lowers nothing " + (
        f"before {duration(TRUSTED_S)} and {TRUSTED_SAMPLES} minutes served well"
        if names_artifact(home)
        else "while no artifact says which image it was measured on"
    )
    return Size(max(current, floor), because, "no evidence", evidence=current < floor)


def _wake(grounds: Grounds) -> Size:
    """A home at zero: back on a rejected request, a floor, or what is foretold for it."""
    terms, observed, expected = grounds.terms, grounds.observed, grounds.expected
    if observed.rejected > 0 and observed.rejected_at > grounds.memory.lowered_at:
        # Callers who can wait try again and again: their tries are worth what starts them within the objective.
        # What one copy serves may be unknown: then one copy is woken, and measured.
        arriving = observed.rejected * grounds.home.service_s / max(60.0, spare_s(grounds.home, terms))
        needed = grounds.copies(arriving) if grounds.concurrency else 1
        return Size(max(1, needed), f"{observed.rejected:g} requests found no copy in a minute")
    if terms.zero_after_s is None and grounds.main:
        return Size(1, "it is at zero, and never may be")
    if grounds.cold_start_is_late and expected.upper >= 1.0 and grounds.concurrency:
        return Size(max(1, grounds.copies(expected.upper)), expected.basis)
    foretold = _window(grounds)
    if foretold is not None and foretold.due(_idle_s(grounds), _lead_s(grounds)):
        return Size(1, foretold.waking)
    return Size(0, "asleep: nothing was rejected, and nothing that could not wait is foretold")


def _zero(grounds: Grounds) -> Size:
    """Zero only on positive evidence of idleness, for long enough, where the model allows it."""
    terms, memory = grounds.terms, grounds.memory
    if grounds.home.hosting is Hosting.DEDICATED:
        return Size(1, "a dedicated endpoint keeps one", "floor")
    if terms.zero_after_s is None:
        return Size(1, "never to zero", "floor")
    if grounds.sleep_costs_the_objective:
        cold, waits = duration(grounds.home.start_s + SETTLE_S), duration(terms.start_within_s)
        return Size(1, f"it may take {cold} to start again, and its callers wait {waits}", "cold start")
    if not memory.idle_since:
        return Size(1, "next to nothing in flight", "not idle")
    idle = grounds.now - memory.idle_since
    if idle < terms.zero_after_s:
        return Size(1, f"idle for {duration(idle)} of {duration(terms.zero_after_s)}", "not idle long enough")
    foretold = _window(grounds)
    if foretold is not None and _expects(foretold, _idle_s(grounds), _lead_s(grounds)):
        return Size(1, foretold.staying, "idle times")
    return Size(0, f"idle for {duration(idle)}, and every copy reports")


def _window(grounds: Grounds) -> Window | None:
    """When its next request is expected, where it may be zero and whoever calls it there is late; else None."""
    asleep_is_late = grounds.terms.zero_after_s is not None and grounds.main and grounds.cold_start_is_late
    known = asleep_is_late and grounds.memory.called_at > 0
    return window(grounds.idle) if known else None


def _expects(foretold: Window, idle_s: int, lead_s: float) -> bool:
    """It stays up: the request is expected before sleep would be worth its start-up, and is not given up yet."""
    return idle_s < foretold.tail_s and not foretold.worth_a_nap(idle_s, lead_s)


def _idle_s(grounds: Grounds) -> int:
    return grounds.now - grounds.memory.called_at


def _lead_s(grounds: Grounds) -> float:
    """A copy asked for now serves after its start-up, and a look and a metric's minute are lost before."""
    return grounds.home.start_s + SETTLE_S


def _bounded(asked: Size, grounds: Grounds, floor: int) -> Size:
    """Not below the floor, not above the ceiling; where the two cross, the floor wins."""
    if asked.size < floor:
        scheduled = grounds.calendar.why and grounds.calendar.min_copies >= grounds.terms.min_copies
        return Size(floor, grounds.calendar.why[0] if scheduled else f"floor of {floor}", "floor")
    if grounds.terms.max_copies is None:
        return asked
    ceiling = max(_units(grounds.terms.max_copies, grounds), floor)
    return replace(asked, size=ceiling, limit="max_copies") if asked.size > ceiling else asked


def _slowly_down(asked: Size, grounds: Grounds) -> Size:
    """A lowering waits for fresh evidence, for 15 minutes of watching, for the last change to settle, for its worth.

    A ceiling is somebody's word: it is met at once.
    """
    current, memory, now = grounds.current, grounds.memory, grounds.now
    if asked.size >= current or asked.limit == "max_copies":
        return asked
    if not grounds.observed.fresh:
        return Size(current, grounds.observed.because, "no evidence", evidence=False)
    watched = now - memory.recent[0].at if memory.recent else 0
    if watched < KEEP_UP_S - MINUTE_S:
        return Size(current, f"watched for {duration(watched)} of {duration(KEEP_UP_S)}", "no evidence")
    if asked.size > current * (1 - LOWER_SHARE):
        return Size(current, f"{asked.size} would do, which is less than {percent(LOWER_SHARE)} fewer")
    if now - memory.panic_at < PANIC_S:
        return Size(current, f"every slot was taken {duration(now - memory.panic_at)} ago")
    settled = now - max(memory.raised_at, memory.lowered_at)
    if settled < LOWER_AFTER_S:
        return Size(current, f"changed {duration(settled)} ago, lowered after {duration(LOWER_AFTER_S)}")
    return asked


def _units(copies: int, grounds: Grounds) -> int:
    """So many copies in the home's own units: the instances that serve as much, when it is dedicated."""
    home = grounds.home
    if home.hosting is Hosting.SHARED or copies <= 0:
        return copies
    shared = grounds.terms.shape(Hosting.SHARED, home.endpoint.instance_type)
    # A lower bound would make a floor of copies more instances than the copies were worth: it is not asked.
    if shared is None or not shared.concurrency or not home.declared:
        return 1
    return math.ceil(copies * shared.concurrency / home.declared - 1e-9)
