"""Kubernetes' HPA: ceil(copies × metric ÷ target), quick up, slow down.

Source: kubernetes/kubernetes pkg/controller/podautoscaler (horizontal.go, replica_calculator.go) and its page
"Horizontal Pod Autoscaling": sync every 15 s, tolerance 0.1, default behaviour up max(+4, ×2) per 15 s without
stabilisation, down to the highest recommendation of the last 300 s. The metric is requests per copy, a Pods metric,
averaged over a minute (metricServerDefaultMetricWindow in metrics/client.go).
What differs: it needs a ready copy at all times (minReplicas ≥ 1), as the bench asks of it; SageMaker refuses a
change while another is under way, which Kubernetes does not.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from tidepool_lab.rivals.scaling import View

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid: target utilisation as a share of a copy's slots; native's own grid (bench-rules.md §5)."""
SYNC_S = 15
"""--horizontal-pod-autoscaler-sync-period."""
TOLERANCE = 0.1
"""--horizontal-pod-autoscaler-tolerance."""
METRIC_S = 60
"""metricServerDefaultMetricWindow."""
STABLE_S = 300
"""behavior.scaleDown.stabilizationWindowSeconds."""
UP_PODS, UP_FACTOR = 4, 2
"""behavior.scaleUp: the larger of 4 Pods and 100 % per 15 s."""


def recommend(*, in_flight: float, target: float, ready: int, wanted: int) -> int:
    """Copies for `in_flight` requests at `target` each; `wanted` when that is within the tolerance.

    Worked, from the Kubernetes blog of 2025-04-28: 50 copies at 90 with a target of 75 → 60. Copies that are still
    starting count as idle on the way up, and are left out on the way down.
    """
    if ready == 0:
        return wanted
    ratio = in_flight / (ready * target)
    if wanted > ready and ratio > 1:
        ratio = in_flight / (wanted * target)
        if ratio < 1:
            return wanted
    return wanted if abs(1 - ratio) <= TOLERANCE else math.ceil(in_flight / target)


def limited_up(wanted: int, asked: int) -> int:
    """What is asked for, at most max(+4, ×2) above what there is: 1 → 5 → 10 → 20."""
    return min(asked, max(wanted + UP_PODS, UP_FACTOR * wanted))


@dataclass(slots=True)
class Stabilised:
    """Never below the highest recommendation of the last 300 s, and never above what there is because of it."""

    _recent: deque[tuple[int, int]] = field(default_factory=deque)

    def settle(self, asked: int, *, wanted: int, now: int) -> int:
        """`asked` when it is up; on the way down the highest recommendation after now − 300 s."""
        if not self._recent:
            # recordInitialRecommendation: what it finds is its first recommendation.
            self._recent.append((now, wanted))
        self._recent.append((now, asked))
        while self._recent[0][0] <= now - STABLE_S:
            self._recent.popleft()
        return asked if asked >= wanted else min(wanted, max(copies for _, copies in self._recent))


@dataclass(slots=True)
class Hpa:
    """One model's HPA; `load` is its target as a share of a copy's slots."""

    load: float
    _down: Stabilised = field(default_factory=Stabilised)

    def desired(self, view: View, now: int) -> int:
        in_flight = view.mean(METRIC_S)
        # Without a metric the HPA does nothing (FailedGetPodsMetric).
        if math.isnan(in_flight):
            return view.wanted
        target = self.load * view.slots
        asked = recommend(in_flight=in_flight, target=target, ready=view.copies, wanted=view.wanted)
        return limited_up(view.wanted, self._down.settle(asked, wanted=view.wanted, now=now))
