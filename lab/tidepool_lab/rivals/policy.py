"""What a policy is to the bench: it lays its start and then carries the account through time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tidepool.units import MINUTE_S
from tidepool_lab.inputs.fleetyaml import pool_name
from tidepool_lab.inputs.reference import START_TYPE, Capacity, ReferenceFleet
from tidepool_lab.twin.cloud import Cloud

LOAD = 0.7
"""Share of its slots that a copy is meant to fill, wherever the rules size by hand (bench-rules.md §1.4, §5)."""
START_MINUTES = 10
"""The start state is sized by the mean in flight over this many minutes (bench-rules.md §1.4)."""

Minutes = npt.NDArray[np.int64]


class Policy(Protocol):
    """One way to run a fleet. Policies act on the same account, by the same calls, with the same refusals."""

    def start(self, cloud: Cloud) -> None:
        """The pools exist and are empty; afterwards every model has its home. Called once, before time runs."""
        ...

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        """Time has passed until `until_s`, with the policy acting in between."""
        ...


class Ticking:
    """Runs a cloud minute by minute and lets `tick` act at the start of each."""

    def tick(self, cloud: Cloud, now: int) -> None:
        """The policy has done what it does at `now`."""
        raise NotImplementedError

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        while cloud.now_s < until_s:
            self.tick(cloud, cloud.now_s)
            cloud.run_to(min(until_s, cloud.now_s + MINUTE_S))


def create_pools(cloud: Cloud, fleet: ReferenceFleet, *, scale_in: str = "IDLE_RELEASE") -> None:
    """One empty pool per instance type, from nothing up to its quota (bench-rules.md §3.1)."""
    for name, machine in fleet.instance_types.items():
        cloud.create_pool(pool_name(name), name, minimum=0, maximum=machine.quota, scale_in=scale_in, settled=True)


def place_components(
    cloud: Cloud, fleet: ReferenceFleet, first_minutes: Minutes, *, homes: Mapping[str, str] | None = None
) -> None:
    """Every model is one component in service on its home's pool, ml.p4d.24xlarge when `homes` names none (§1.4).

    first_minutes: [minutes, models], the requests of the first minutes of the run. Copies are
    max(floor, ceil(d ÷ (0.7 × concurrency))), d the mean in flight.
    """
    for position, model in enumerate(fleet.models):
        home = homes[model.name] if homes else START_TYPE
        capacity = fleet.capacity(model, home)
        assert capacity is not None, f"{model.name} does not run on {home}"
        copies = copies_for(in_flight(float(first_minutes[:, position].mean()), capacity), capacity)
        cloud.create_component(
            model.name,
            pool_name(home),
            model=model.name,
            copies=max(model.floor, copies),
            tags={"model": model.name, "tidepool:managed": "true"},
            settled=True,
        )


def in_flight(requests_per_minute: float, capacity: Capacity) -> float:
    """Mean requests in service at once, by Little's law (bench-rules.md §2.5): 60 a minute of 9.5 s each are 9.5."""
    return requests_per_minute / 60 * capacity.service_s


def copies_for(demand: float, capacity: Capacity) -> int:
    """Copies that hold `demand` in flight at 0.7 of their slots."""
    return math.ceil(demand / (LOAD * capacity.concurrency_per_copy))
