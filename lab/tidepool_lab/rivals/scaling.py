"""Every model is scaled by a rule of its own, on one pool, with the metrics and the refusals that everybody has.

A rival is a Scaler: a pure rule with a memory, which never sees the twin. This module shows it its component at each
tick and asks for what it wants, in the order of the fleet file, within the model's bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tidepool.errors import Busy, NoCapacity, QuotaExceeded
from tidepool.fleet import Component, Series
from tidepool.fleet.demand import Values
from tidepool.units import MINUTE_S
from tidepool_lab.inputs.reference import START_TYPE, Capacity, ReferenceFleet, ReferenceModel
from tidepool_lab.rivals.policy import Minutes, create_pools, place_components
from tidepool_lab.twin.cloud import Cloud

FAST_S = 10
"""The finest period of ConcurrentRequestsPerCopy (bench-rules.md §4.2): no rule here can look more closely."""
LOOK_BACK_S = 180
"""How far back the 10-second datapoints are read: a minute, the longest window of any rule, and their delay of 20 s
(60 s in the other run of bench-rules.md §4.2), with a minute to spare."""


@dataclass(frozen=True, slots=True)
class View:
    """One component as its scaler sees it at a tick.

    copies: in service; wanted: asked for (DesiredCopyCount). slots and service_s: what one copy is declared to be.
    in_flight: requests in service or queued, of all copies together, per 10 s as far as visible, the newest last;
    NaN where there is no datapoint. minutes(n): accepted requests in each of the last n visible minutes, the newest
    last, 0 in a minute of silence; it begins with the first request that there is.
    """

    copies: int
    wanted: int
    minimum: int
    maximum: int
    slots: float
    service_s: float
    in_flight: Values
    minutes: Callable[[int], Values]

    def mean(self, seconds: int) -> float:
        """Mean in flight over the last visible `seconds`; NaN when there is no datapoint in them."""
        seen = self._seen(seconds)
        return float(seen.mean()) if len(seen) else math.nan

    def peak(self, seconds: int) -> float:
        """The most in flight over the last visible `seconds`; NaN when there is no datapoint in them."""
        seen = self._seen(seconds)
        return float(seen.max()) if len(seen) else math.nan

    def bounded(self, copies: int) -> int:
        """The nearest number of copies that the model may have."""
        return min(max(copies, self.minimum), self.maximum)

    def _seen(self, seconds: int) -> Values:
        last = self.in_flight[-(seconds // FAST_S) :]
        return last[~np.isnan(last)]


class Scaler(Protocol):
    """One model's rule. It may remember what it likes."""

    def desired(self, view: View, now: int) -> int:
        """Copies wanted at `now`; view.wanted to leave them as they are."""
        ...


@dataclass(slots=True)
class Scaling:
    """A policy: `scaler` makes each model's rule, which is asked every `every_s`.

    homes: instance type by model; None = all on the start state's pool (bench-rules.md §1.4). `every_s` divides the
    hour, so that the bench's stops never cut the rhythm.
    """

    fleet: ReferenceFleet
    first_minutes: Minutes
    scaler: Callable[[], Scaler]
    homes: Mapping[str, str] | None = None
    every_s: int = MINUTE_S
    _scalers: dict[str, Scaler] = field(default_factory=dict)
    _capacities: dict[str, Capacity] = field(default_factory=dict)
    _ready: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def start(self, cloud: Cloud) -> None:
        create_pools(cloud, self.fleet)
        place_components(cloud, self.fleet, self.first_minutes, homes=self.homes)
        for model in self.fleet.models:
            capacity = self.fleet.capacity(model, self.homes[model.name] if self.homes else START_TYPE)
            assert capacity is not None
            self._scalers[model.name], self._capacities[model.name] = self.scaler(), capacity

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        while cloud.now_s < until_s:
            self.tick(cloud, cloud.now_s)
            cloud.run_to(min(until_s, cloud.now_s + self.every_s))

    def tick(self, cloud: Cloud, now: int) -> None:
        """Each rule has seen its component; what it wants is asked for, and a refusal means: again at the next tick."""
        components = cloud.components()
        # In the order of the fleet file: who is asked for first is placed first, and names must not decide that.
        for model in self.fleet.models:
            component = components[model.name]
            view = self._view(cloud, model, component, now)
            wanted = view.bounded(self._scalers[model.name].desired(view, now))
            if wanted == component.copies_wanted:
                continue
            try:
                cloud.set_copies(component.name, wanted)
            except (Busy, NoCapacity, QuotaExceeded):
                continue

    def _view(self, cloud: Cloud, model: ReferenceModel, component: Component, now: int) -> View:
        capacity, name = self._capacities[model.name], component.name
        per_copy = cloud.metrics.raw(name, "ConcurrentRequestsPerCopy", now - LOOK_BACK_S, now)
        ready = self._ready.setdefault(name, [])
        if not ready or ready[-1][1] != component.copies_now:
            ready.append((now, component.copies_now))
        while len(ready) > 1 and ready[1][0] <= now - LOOK_BACK_S:
            del ready[0]

        def minutes(number: int) -> Values:
            series = cloud.metrics.history([name], now - MINUTE_S * (number + 2), now)[name]
            return since_the_first(series.values[-number:])

        return View(
            copies=component.copies_now,
            wanted=component.copies_wanted,
            minimum=max(1, model.floor),
            maximum=model.max_copies,
            slots=capacity.concurrency_per_copy,
            service_s=capacity.service_s,
            in_flight=per_copy.values * copies_then(ready, per_copy),
            minutes=minutes,
        )


def copies_then(ready: list[tuple[int, int]], series: Series) -> Values:
    """Copies in service at the end of each period, as far as the ticks have seen them: [(since, copies), …].

    The metric is per copy and is read up to minutes later. Multiplied by the copies of now, a rise from 2 to 4
    copies would look like a doubled load for as long as the window is.
    """
    ends = series.start_s + series.step_s * np.arange(1, len(series.values) + 1)
    at = np.searchsorted([since for since, _ in ready], ends, side="right") - 1
    return np.array([copies for _, copies in ready], dtype=np.float64)[np.maximum(at, 0)]


def since_the_first(requests: Values) -> Values:
    """The minutes from the first datapoint on, with 0 for silence: what was before it, nobody measured."""
    seen = np.flatnonzero(~np.isnan(requests))
    return np.nan_to_num(requests[seen[0] :], nan=0.0) if len(seen) else requests[:0]
