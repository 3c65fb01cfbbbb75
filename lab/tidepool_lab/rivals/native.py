"""What SageMaker does by itself: Application Auto Scaling's target tracking, one policy per component.

Source: the AWS documentation of target tracking and the figures of bench-rules.md §5. Scale out when the metric has
been above its target for a minute (10-second metric) or three (60-second metric): ceil(copies × mean ÷ target).
Scale in after 15 minutes below 0.9 of it, by the same formula. Cooldowns 300 s each; an out may interrupt the
cooldown of an in. A missing datapoint means: do nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from tidepool.errors import Busy, NoCapacity, QuotaExceeded
from tidepool.fleet import Component
from tidepool.fleet.demand import Values
from tidepool_lab.inputs.reference import START_TYPE, Capacity, ReferenceFleet, ReferenceModel
from tidepool_lab.rivals.policy import LOAD, Minutes, Ticking, create_pools, place_components
from tidepool_lab.twin.cloud import Cloud

COOLDOWN_S = 300
"""Application Auto Scaling's default, both ways."""
IN_BAND = 0.9
"""Scale-in happens below this share of the target."""
LOOK_BACK_S = 1080
"""15 minutes of datapoints and the delay of the slowest metric (60 s), with two minutes to spare."""


class Metric(StrEnum):
    """Which metric the policy tracks: datapoints for an out, and for an in, are in WINDOWS."""

    FAST = "10 s"
    """ConcurrentRequestsPerCopy, the high-resolution one."""
    CLASSIC = "60 s"
    """InvocationsPerCopy; multiplied by the service time it is requests in flight per copy."""


WINDOWS: Mapping[Metric, tuple[int, int]] = {Metric.FAST: (6, 90), Metric.CLASSIC: (3, 15)}
"""Datapoints in a row: above the target before an out, below 0.9 of it before an in (sagemaker-facts, AAS)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One component's target tracking policy. `target` is requests in flight per copy."""

    target: float
    minimum: int
    maximum: int
    metric: Metric = Metric.FAST

    def wanted(self, copies: int, points: Values) -> int:
        """Copies the policy asks for after these datapoints, the newest last; `copies` when it asks for nothing.

        Worked: 4 copies, target 13.3, the last six at 20 → ceil(4 × 20 ÷ 13.3) = 7. NaN is a missing datapoint.
        """
        out_points, in_points = WINDOWS[self.metric]
        last = points[-out_points:]
        # A comparison with NaN is false, so a missing datapoint makes neither an out nor an in.
        if len(last) == out_points and bool(np.all(last > self.target)):
            return self._bounded(max(copies, self._track(copies, last)))
        last = points[-in_points:]
        if len(last) == in_points and bool(np.all(last < IN_BAND * self.target)):
            return self._bounded(min(copies, self._track(copies, last)))
        return self._bounded(copies)

    def _track(self, copies: int, points: Values) -> int:
        return math.ceil(copies * float(points.mean()) / self.target)

    def _bounded(self, copies: int) -> int:
        return min(max(copies, self.minimum), self.maximum)


@dataclass(slots=True)
class Cooldown:
    """When the last out and the last in of one component were accepted."""

    out_at: int = -COOLDOWN_S
    in_at: int = -COOLDOWN_S

    def allows(self, now: int, *, out: bool) -> bool:
        """An out waits for the last out only; an in waits for both."""
        return now >= self.out_at + COOLDOWN_S and (out or now >= self.in_at + COOLDOWN_S)


@dataclass(slots=True)
class Native(Ticking):
    """Target tracking on every component. `homes`: instance type by model; None = all on the start state's pool."""

    fleet: ReferenceFleet
    first_minutes: Minutes
    load: float = LOAD
    metric: Metric = Metric.FAST
    scale_in: str = "IDLE_RELEASE"
    homes: Mapping[str, str] | None = None
    _rules: dict[str, Rule] = field(default_factory=dict)
    _capacities: dict[str, Capacity] = field(default_factory=dict)
    _cooldowns: dict[str, Cooldown] = field(default_factory=dict)

    def start(self, cloud: Cloud) -> None:
        create_pools(cloud, self.fleet, scale_in=self.scale_in)
        place_components(cloud, self.fleet, self.first_minutes, homes=self.homes)
        for model in self.fleet.models:
            capacity = self._capacity(model)
            target = self.load * capacity.concurrency_per_copy
            self._rules[model.name] = Rule(target, max(1, model.floor), model.max_copies, self.metric)
            self._capacities[model.name] = capacity
            self._cooldowns[model.name] = Cooldown()

    def tick(self, cloud: Cloud, now: int) -> None:
        """Each component's rule is read off its visible datapoints and asked for; a refusal is tried next minute."""
        components = cloud.components()
        # In the order of the fleet file: who is asked for first is placed first, and names must not decide that.
        for component in (components[model.name] for model in self.fleet.models):
            points = self._points(cloud, component, now)
            wanted = self._rules[component.name].wanted(component.copies_wanted, points)
            if wanted != component.copies_wanted:
                self._ask(cloud, component, wanted, now=now)

    def _ask(self, cloud: Cloud, component: Component, wanted: int, *, now: int) -> None:
        cooldown, out = self._cooldowns[component.name], wanted > component.copies_wanted
        if not cooldown.allows(now, out=out):
            return
        try:
            cloud.set_copies(component.name, wanted)
        except (Busy, NoCapacity, QuotaExceeded):
            return
        if out:
            cooldown.out_at = now
        else:
            cooldown.in_at = now

    def _points(self, cloud: Cloud, component: Component, now: int) -> Values:
        """The visible datapoints, as requests in flight per copy; the newest last."""
        since = now - LOOK_BACK_S
        if self.metric is Metric.FAST:
            return cloud.metrics.raw(component.name, "ConcurrentRequestsPerCopy", since, now).values
        invocations = cloud.metrics.raw(component.name, "Invocations", since, now).values
        return invocations / 60 * self._capacities[component.name].service_s / max(1, component.copies_now)

    def _capacity(self, model: ReferenceModel) -> Capacity:
        capacity = self.fleet.capacity(model, self.homes[model.name] if self.homes else START_TYPE)
        assert capacity is not None
        return capacity
