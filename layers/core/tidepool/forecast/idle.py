"""When an idle model is called again, by the histogram of its idle times.

The hybrid histogram policy of "Serverless in the Wild" (Shahrad et al., USENIX ATC 2020, section 4): a model is woken a
little before the shortest of its idle times end, and kept up until nearly all of them would have. Where the histogram
represents nothing, the fixed keep-alive stays: here `zero: {after: …}`, the user's word. Its third way, an ARIMA
forecast for models that are called less than every four hours, is left out: such a model sleeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.memory import Idle
from tidepool.units import MINUTE_S, duration

RANGE = 240
"""Minutes that the histogram covers, in bins of one minute: four hours (the paper)."""
HEAD, TAIL = 0.05, 0.99
"""Woken before this share of the idle times has ended, kept up until that share has (the paper)."""
MARGIN = 0.1
"""Earlier and later by this share of either (the paper)."""
SPREAD = 2.0
"""Bins' counts with a coefficient of variation below this are spread out, and foretell nothing (the paper)."""
OUT = 0.5
"""More idle times than this share beyond RANGE: the histogram says too little. The paper says "most"; half. Ours."""
KEPT = 128
"""Newest idle times that are kept: over an hour and a half they fill bins so thinly that SPREAD finds it. Ours."""
ENOUGH = 49
"""With fewer, no sample fails SPREAD: n different idle times have √(240 / n - 1), which is 2 at 48."""


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds of idleness between which the next request is expected.

    head_s, tail_s: with their margins. shortest_s, longest_s: what 95 and 99 of 100 idle times are over and within.
    of: which idle times those are.
    """

    head_s: int
    tail_s: int
    shortest_s: int
    longest_s: int
    of: str

    def due(self, idle_s: float, lead_s: float) -> bool:
        """Idle for so long, a request is expected by the time a copy asked for now serves, and not given up yet."""
        return 0 <= idle_s < self.tail_s and idle_s >= self.head_s - lead_s

    def worth_a_nap(self, idle_s: float, lead_s: float) -> bool:
        """Who sleeps now sleeps for longer than it takes to start again, before it is woken ahead."""
        return self.head_s - lead_s - idle_s > lead_s

    @property
    def waking(self) -> str:
        return f"95 of 100 of its idle times{self.of} last {duration(self.shortest_s)} or more: it is woken ahead"

    @property
    def staying(self) -> str:
        return f"its idle times{self.of} end within {duration(self.longest_s)} in 99 of 100 cases"


def idle_after(known: Idle, minutes: Values, start_s: int) -> Idle:
    """The idle times after these minutes (requests in each, from `start_s` on).

    A hole in the history ends no idle time: what nobody saw was not idle. Minutes that follow each other have no idle
    time between them, because a minute is all that the metric resolves.
    """
    called = start_s + MINUTE_S * np.flatnonzero(minutes > 0)
    before = known.called_at if known.called_at and start_s == known.until else 0
    until = start_s + MINUTE_S * len(minutes)
    if not called.size:
        return Idle(known.gaps, before, until)
    ends = np.concatenate([[before] if before else [], called[:-1] + MINUTE_S]).astype(int)
    gaps = (called[len(called) - len(ends) :] - ends) // MINUTE_S
    newest = np.minimum(gaps[gaps > 0], RANGE).tolist()
    return Idle((*known.gaps, *newest)[-KEPT:], int(called[-1]) + MINUTE_S, until)


def window(idle: Idle) -> Window | None:
    """When the next request is expected; None where the idle times are too few, too long or too spread out to say."""
    within = sorted(gap for gap in idle.gaps if gap < RANGE)
    if len(within) < ENOUGH or len(idle.gaps) - len(within) > OUT * len(idle.gaps) or _spread(within) < SPREAD:
        return None
    shortest, longest = _percentile(within, HEAD), _percentile(within, TAIL) + 1
    return Window(
        # 60 empty minutes are an idle time of 60 to 62 minutes: the head is rounded down and the tail up (the paper).
        head_s=round(shortest * MINUTE_S * (1 - MARGIN)),
        tail_s=round(longest * MINUTE_S * (1 + MARGIN)),
        shortest_s=shortest * MINUTE_S,
        longest_s=longest * MINUTE_S,
        of="" if len(within) == len(idle.gaps) else f" under {duration(RANGE * MINUTE_S)}",
    )


def _percentile(ranked: list[int], share: float) -> int:
    """The smallest of them that `share` do not exceed: of 100, the 5th for 0.05."""
    return ranked[math.ceil(share * len(ranked) - 1e-9) - 1]


def _spread(gaps: list[int]) -> float:
    """The coefficient of variation of the bins' counts: √(bins × Σ count² / n² - 1). One full bin has √239."""
    counts = np.bincount(gaps, minlength=RANGE)
    return math.sqrt(RANGE * float((counts**2).sum()) / len(gaps) ** 2 - 1)
