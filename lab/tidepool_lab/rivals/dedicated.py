"""Each model alone on machines of its own, sized for its peak, for the whole window (bench-rules.md §5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidepool_lab.inputs.reference import START_TYPE, ReferenceFleet, ReferenceModel
from tidepool_lab.rivals.policy import Minutes, copies_for, in_flight
from tidepool_lab.twin.cloud import Cloud


@dataclass(frozen=True, slots=True)
class Dedication:
    """A model's own machines."""

    model: str
    instance_type: str
    instances: int
    usd_per_hour: float


def dedicated_peak(fleet: ReferenceFleet, window: Minutes) -> tuple[Dedication, ...]:
    """Every model on ml.p4d.24xlarge; `window` [minutes, models] is the scored window after the cap."""
    return tuple(_dedicate(fleet, model, peak, (START_TYPE,)) for model, peak in _peaks(fleet, window))


def dedicated_cheapest(fleet: ReferenceFleet, window: Minutes) -> tuple[Dedication, ...]:
    """Every model on the listed type that is cheapest for it."""
    return tuple(_dedicate(fleet, model, peak, tuple(fleet.instance_types)) for model, peak in _peaks(fleet, window))


def cost_usd(homes: tuple[Dedication, ...], hours: float) -> float:
    """Dollars of all these machines over the window; quota is ignored."""
    return sum(home.usd_per_hour for home in homes) * hours


def without_quota(fleet: ReferenceFleet, homes: tuple[Dedication, ...]) -> ReferenceFleet:
    """The fleet with room for these machines: the rule ignores quota here."""
    total = sum(home.instances for home in homes)
    types = {
        name: machine.model_copy(update={"quota": machine.quota + total})
        for name, machine in fleet.instance_types.items()
    }
    return fleet.model_copy(update={"instance_types": types})


@dataclass(frozen=True, slots=True)
class Dedicated:
    """The fleet on its own machines. Nothing ever changes."""

    homes: tuple[Dedication, ...]

    def start(self, cloud: Cloud) -> None:
        for home in self.homes:
            cloud.create_endpoint(
                f"dedicated-{home.model}",
                home.model,
                instance_type=home.instance_type,
                instances=home.instances,
                tags={"model": home.model},
                settled=True,
            )

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        cloud.run_to(until_s)


def _peaks(fleet: ReferenceFleet, window: Minutes) -> list[tuple[ReferenceModel, int]]:
    return [(model, int(window[:, position].max())) for position, model in enumerate(fleet.models)]


def _dedicate(fleet: ReferenceFleet, model: ReferenceModel, peak: int, types: tuple[str, ...]) -> Dedication:
    """On the cheapest of `types`: copies = ceil(peak in flight ÷ (0.7 × concurrency)), critical ≥ 2 instances.

    Worked: a peak of 1,000 a minute at 11.9 s is 198.3 in flight; ÷ (0.7 × 19) → 15 copies of 2 accelerators;
    4 of them fill a machine of 8 → 4 machines.
    """
    found = []
    for name in types:
        capacity, machine = fleet.capacity(model, name), fleet.instance_types[name]
        if capacity is None:
            continue
        copies = copies_for(in_flight(peak, capacity), capacity)
        instances = math.ceil(copies / (machine.accelerators // capacity.accelerators_per_copy))
        instances = max(instances, 2 if model.critical else 1)
        found.append(Dedication(model.name, name, instances, instances * machine.usd_per_hour))
    return min(found, key=lambda home: home.usd_per_hour)
