"""Knative's KPA: a stable window of a minute, and a short one that panics.

Source: knative/serving pkg/autoscaler/scaling/autoscaler.go and the page "Additional autoscaling configuration for
Knative Pod Autoscaler" (config-autoscaler's defaults): stable window 60 s, panic window 10 % of it, panic when
ceil(panic ÷ target) ÷ ready ≥ 2, no decrease while panicking, out of it after one stable window; at most × 1000 up
and ÷ 2 down. A scaler that meets more than one copy starts in panic: it has no history yet.
What differs: the panic window is 10 s, not 6, and the rule is asked every 10 s, not every 2: the metric has no finer
period. It is the maximum of the 10 s, where Knative averages. No scale to zero: a caller without a copy is refused
here (bench-rules.md §2.7), and there is no activator to hold him.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidepool_lab.rivals.scaling import FAST_S, View

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid: the target as a share of a copy's slots (container-concurrency-target-percentage; default 70)."""
TICK_S = FAST_S
"""Knative ticks every 2 s; the metric has a datapoint every 10."""
STABLE_S = 60
"""stable-window."""
PANIC_S = FAST_S
"""panic-window-percentage 10 would be 6 s; 10 is the finest that the metric offers."""
PANIC_THRESHOLD = 2.0
"""panic-threshold-percentage 200."""
MAX_UP, MAX_DOWN = 1000.0, 2.0
"""max-scale-up-rate and max-scale-down-rate."""


@dataclass(slots=True)
class Kpa:
    """One model's KPA. panic_since is when panic was last called for; −1 = not panicking."""

    load: float
    max_up: float = MAX_UP
    max_down: float = MAX_DOWN
    panic_since: int = -1
    panic_copies: int = 0
    _met: bool = False

    def desired(self, view: View, now: int) -> int:
        stable, panic = view.mean(STABLE_S), view.mean(PANIC_S)
        if not self._met and view.copies > 1:
            self.panic_since, self.panic_copies = now, view.copies
        self._met = True
        # ErrNoData: the scale is not valid and nothing is applied.
        if math.isnan(stable) or math.isnan(panic):
            return view.wanted
        return self.decide(stable=stable, panic=panic, target=self.load * view.slots, ready=view.copies, now=now)

    def decide(self, *, stable: float, panic: float, target: float, ready: int, now: int) -> int:
        """Copies for these mean requests in flight over the stable and the panic window, `target` of them a copy.

        Worked, from TestAutoscalerUnpanicAfterSlowIncrease: 10 ready, target 1, stable 11, panic 25 → 25 ÷ 10 ≥ 2:
        panic, 25 copies.
        """
        at_least_one = max(1, ready)
        most, least = math.ceil(self.max_up * at_least_one), math.floor(at_least_one / self.max_down)
        for_stable, for_panic = math.ceil(stable / target), math.ceil(panic / target)
        over = for_panic / at_least_one >= PANIC_THRESHOLD
        if over:
            self.panic_since = now
        elif self.panic_since >= 0 and self.panic_since + STABLE_S < now:
            self.panic_since, self.panic_copies = -1, 0
        copies = min(max(for_stable, least), most)
        if self.panic_since < 0:
            return copies
        self.panic_copies = max(self.panic_copies, copies, min(max(for_panic, least), most))
        return self.panic_copies
