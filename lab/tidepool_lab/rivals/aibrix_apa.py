"""AIBrix's APA: the HPA's ratio with a band of its own on each side, doubled or halved at most.

Source: vllm-project/aibrix pkg/controller/podautoscaler (algorithm/apa.go, scaler/apa.go, context/context.go):
tolerance 0.1 up and 0.2 down, × 2 up, ÷ 2 down, a metric window of 60 s, a scale-down window of 300 s. The 0.2 is
the default of APA's own context (scaler/apa.go) and of its documented example; the later shared context has 0.1 on
both sides.
What differs: it is asked every 10 s, the finest period of the metric. The scale-down window takes the highest
recommendation in it, as the HPA does and as the controller's comment promises ("similar to K8s HPA behavior"); the
code of some versions takes the lowest, which holds nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tidepool_lab.rivals.hpa import Stabilised
from tidepool_lab.rivals.scaling import FAST_S, View

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid: the target as a share of a copy's slots, native's own grid (bench-rules.md §5)."""
SYNC_S = FAST_S
"""The metric has a datapoint every 10 s."""
METRIC_S = 60
"""NewApaScalingContext: Window 60 s."""
UP_TOLERANCE, DOWN_TOLERANCE = 0.1, 0.2
"""NewApaScalingContext."""
MAX_UP, MAX_DOWN = 2.0, 2.0
"""NewBaseScalingContext: MaxScaleUpRate, MaxScaleDownRate."""


def recommend(copies: int, *, per_copy: float, target: float, down_tolerance: float = DOWN_TOLERANCE) -> int:
    """Copies for `per_copy` requests in flight on each of `copies`, `target` wanted.

    Worked, from TestAPAAlgorithm_ComputeTargetReplicas: 2 copies at 45, target 30 → ceil(2 × 1.5) = 3; at 90, 6 are
    needed and 4 allowed. 6 copies at 20 → 4; at 10, 2 are enough and 3 the least allowed.
    """
    ratio = per_copy / target
    if ratio > 1 + UP_TOLERANCE:
        return min(math.ceil(copies * ratio), math.ceil(MAX_UP * copies))
    if ratio < 1 - down_tolerance:
        return max(math.ceil(copies * ratio), math.floor(copies / MAX_DOWN))
    return copies


@dataclass(slots=True)
class Apa:
    """One model's APA; `load` is its target as a share of a copy's slots."""

    load: float
    _down: Stabilised = field(default_factory=Stabilised)

    def desired(self, view: View, now: int) -> int:
        in_flight = view.mean(METRIC_S)
        if math.isnan(in_flight) or view.copies == 0:
            return view.wanted
        asked = recommend(view.wanted, per_copy=in_flight / view.copies, target=self.load * view.slots)
        return self._down.settle(asked, wanted=view.wanted, now=now)
