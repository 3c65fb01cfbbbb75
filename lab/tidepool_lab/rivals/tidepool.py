"""Tidepool itself, through the code that is deployed: the use cases of runtime over the twin's ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np

from tidepool.config.load import load
from tidepool.decision.pipeline import Ahead
from tidepool.fleet import Evidence, Series
from tidepool.runtime.ports import Metrics, MetricTarget
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.own_cost import own_cost_usd
from tidepool_lab.rivals.policy import Minutes, create_pools, place_components
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.fast_run import FastRun


@dataclass(slots=True)
class CountingMetrics:
    """The metrics port, and how many targets each call asked about: (at, targets)."""

    behind: Metrics
    asked: list[tuple[int, int]] = field(default_factory=list)

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        self.asked.append((now, len(targets)))
        return self.behind.evidence(targets, now, window_s)

    def history(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, Series]:
        return self.behind.history(targets, since, now)

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        return self.behind.extremes(target, since, now)

    def slowness(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, tuple[Series, Series]]:
        return self.behind.slowness(targets, since, now)

    def keep_burst_alarms(self, components: Mapping[str, float], *, prefix: str) -> None:
        self.behind.keep_burst_alarms(components, prefix=prefix)


@dataclass(slots=True)
class Tidepool:
    """Tidepool on its file. `ahead` and a `dial` other than 1 are the oracle's and the sweeps'."""

    fleet: ReferenceFleet
    fleet_yaml: str
    first_minutes: Minutes
    ahead: Ahead | None = None
    dial: float = 1.0
    run: FastRun | None = None
    metrics: CountingMetrics | None = None

    def start(self, cloud: Cloud) -> None:
        """The start state of every policy that acts (bench-rules.md §1.4)."""
        create_pools(cloud, self.fleet)
        place_components(cloud, self.fleet, self.first_minutes)
        ports = fast_ports(cloud, load(self.fleet_yaml))
        self.metrics = CountingMetrics(ports.metrics)
        ports = replace(ports, metrics=self.metrics)
        self.run = FastRun(cloud, ports, ahead=self.ahead, dial=self.dial, perf=perf_counter)

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        """Nothing that went wrong is swallowed: in the bench an error is a bug."""
        assert self.run is not None
        self.run.run_to(until_s)
        if self.run.errors:
            raise self.run.errors[0][1]

    def decide_ms(self, from_s: int, until_s: int) -> tuple[float, float] | None:
        """(median, maximum) milliseconds of the pure decide over that time (bench-rules.md §6); None = no tick."""
        assert self.run is not None
        took = [1000 * seconds for at, seconds in self.run.timed if from_s <= at < until_s]
        return (float(np.median(took)), max(took)) if took else None

    def own_cost_usd(self, from_s: int, until_s: int) -> float:
        """What AWS would bill for Tidepool itself over that time."""
        assert self.metrics is not None
        return own_cost_usd([targets for at, targets in self.metrics.asked if from_s <= at < until_s])
