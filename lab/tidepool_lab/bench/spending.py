"""What every billed accelerator-second was for: the dollars of where.py, by line, type, hosting and model.

Integrated between one change on an instance and the next, as the twin bills: nothing is sampled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Literal

import numpy as np

from tidepool.fleet import EndpointKind, Status
from tidepool.units import HOUR_S
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import CloudSpec
from tidepool_lab.twin.state import ComponentState, Copy, CopyState, Instance
from tidepool_lab.twin.traffic import STEP_S

Hosting = Literal["pooled", "dedicated"]
Held = tuple[str, Hosting, int]
"""Instance type, hosting, and the position of the model; NOBODY for accelerators that no copy holds."""
Usd = dict[Held, float]
NOBODY = -1
SERVING = "serving_usd"
"""Busy and idle together, until the account is closed."""


class Spending:
    """Watches a cloud, from before anything is placed on it, over [from_s, to_s), whole minutes."""

    def __init__(self, cloud: Cloud, from_s: int, to_s: int) -> None:
        self._cloud, self._from_s, self._to_s = cloud, from_s, to_s
        self._usd: defaultdict[str, Usd] = defaultdict(_nothing)
        self._since: dict[Instance, float] = {}
        self._main: dict[int, int] = {}
        self._component: dict[int, ComponentState] = {}
        self._busy_s = np.zeros(0, dtype=np.int64)
        cloud.machines.on_change = self._spend
        cloud.requests.on_route = self._reroute
        cloud.requests.on_minute = self._then_busy(cloud.requests.on_minute)

    def close(self) -> dict[str, Usd]:
        """Dollars by line and who held them, up to `to_s`, which the run has passed."""
        for instance in self._since:
            if instance in instance.endpoint.instances:
                self._spend(instance)
        busy, at_cheapest = self._busy()
        serving = self._usd.pop(SERVING, _nothing())
        idle = {held: usd - busy.get(held, 0.0) for held, usd in serving.items()}
        return {**self._usd, "busy_usd": busy, "idle_usd": idle, "busy_at_cheapest_usd": at_cheapest}

    def _spend(self, instance: Instance) -> None:
        """What the instance has cost since it was last looked at is spent, as what is on it has been since then."""
        now_s = self._cloud.life.agenda.now_s
        since_s = self._since.get(instance, instance.ready_s)
        self._since[instance] = max(now_s, since_s)
        seconds = min(now_s, self._to_s) - max(since_s, self._from_s)
        if seconds <= 0:
            return
        usd = seconds * _usd_per_accelerator_s(instance)
        home = instance.type.name, _hosting(instance)
        for copy in instance.copies:
            component = copy.component
            self._component[component.target] = component
            model = self._cloud.life.model_index(component)
            held: Held = (*home, model)
            self._usd[_line(copy)][held] += usd * component.accelerators
            if self._main.get(model) != component.target:
                self._usd["second_homes_usd"][held] += usd * component.accelerators
        if instance.room:
            self._usd["loose_usd" if instance.copies else "empty_usd"][*home, NOBODY] += usd * instance.room

    def _reroute(self, model: int, route: list[tuple[int, int]]) -> None:
        """Another home of the model may be the main one from now on."""
        heaviest = max(weight for _, weight in route)
        main = [target for target, weight in route if weight == heaviest]
        if self._main.get(model) in main:
            return
        for instance in list(self._since):
            if any(self._cloud.life.model_index(copy.component) == model for copy in instance.copies):
                self._spend(instance)
        self._main[model] = main[0]

    def _then_busy(self, first: Callable[[int], None]) -> Callable[[int], None]:
        """What happens at a minute's end, and then its busy slots are counted."""

        def end_minute(minute_s: int) -> None:
            first(minute_s)
            if self._from_s <= minute_s < self._to_s:
                seconds = self._cloud.requests.busy_rows.sum(axis=0) * STEP_S
                self._busy_s = np.pad(self._busy_s, (0, len(seconds) - len(self._busy_s)))
                self._busy_s += seconds

        return end_minute

    def _busy(self) -> tuple[Usd, Usd]:
        """Dollars of busy slots, as they were paid and at the price of the model's cheapest type."""
        paid, at_cheapest = _nothing(), _nothing()
        requests, spec = self._cloud.requests, self._cloud.spec
        for target in np.flatnonzero(self._busy_s).tolist():
            component, model = self._component[target], int(requests.model_of[target])
            slot_s, machine = int(self._busy_s[target]), component.endpoint.type
            hosting: Hosting = "dedicated" if component.hidden else "pooled"
            held: Held = machine.name, hosting, model
            share = component.accelerators / machine.accelerators / component.slots
            paid[held] += slot_s * share * machine.usd_per_hour / HOUR_S
            served = slot_s / float(requests.service_s[target])
            at_cheapest[held] += served * cheapest_usd_per_request(spec, model)
        return paid, at_cheapest


def cheapest_usd_per_request(spec: CloudSpec, model: int) -> float:
    """Dollars of accelerator time that one request takes where it takes the fewest, all slots of a copy being busy.

    Worked: 10 s in one of 10 slots of a copy with 1 of 8 accelerators at $3,600 an hour: 10 ÷ 10 × 1 ÷ 8 = $0.125.
    """
    found = ((machine, spec.models[model].capacity.get(machine.accelerator)) for machine in spec.types.values())
    return min(
        one.service_s
        / one.concurrency_per_copy
        * one.accelerators_per_copy
        / machine.accelerators
        * machine.usd_per_hour
        / HOUR_S
        for machine, one in found
        if one is not None and one.accelerators_per_copy <= machine.accelerators
    )


def _nothing() -> defaultdict[Held, float]:
    return defaultdict(float)


def _line(copy: Copy) -> str:
    match copy.state:
        case CopyState.STARTING:
            return "starting_usd"
        case CopyState.LEAVING:
            return "leaving_usd"
    # A dedicated endpoint answers only once it is in service.
    waits = copy.component.hidden and copy.component.endpoint.status is Status.CREATING
    return "starting_usd" if waits else SERVING


def _hosting(instance: Instance) -> Hosting:
    return "dedicated" if instance.endpoint.kind is EndpointKind.DEDICATED else "pooled"


def _usd_per_accelerator_s(instance: Instance) -> float:
    return instance.type.usd_per_hour / HOUR_S / instance.type.accelerators
