"""A static hybrid by hand: steady models on machines of their own, sized for their peak, the others on shared pools.

Source: "Optimizing Salesforce's model endpoints with Amazon SageMaker AI inference components" (AWS Machine Learning
Blog, August 2025): single-model endpoints for predictable, steady traffic, inference components with automatic
scaling for variable traffic. The components are scaled by native's own target tracking (rivals/native.py).
The post names no numbers; where the line runs is assumed here: a model is steady when its mean is at least half of
its highest minute, and has traffic to speak of when that minute needs more than one copy. As with native_best, the
team may look at what is to come: all that is simulated, the warm-up too. Each steady model has the type that is
cheapest for it within quota; the others get the homes of native_best within the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tidepool_lab.inputs.reference import Capacity, ReferenceFleet, ReferenceModel
from tidepool_lab.rivals.dedicated import Dedicated, Dedication
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.native_best import homes_by_hand
from tidepool_lab.rivals.policy import Minutes, in_flight
from tidepool_lab.twin.cloud import Cloud

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid: the share of its slots that a copy is meant to fill, dedicated at its peak, shared as native's
target."""
STEADY = 0.5
"""Mean ÷ highest minute from which on a model counts as steady (assumed)."""


@dataclass(frozen=True, slots=True)
class Split:
    """Who has machines of his own, and the fleet that is left: its models, and the quota after those machines."""

    dedicated: tuple[Dedication, ...]
    shared: ReferenceFleet


def is_steady(*, mean: float, peak: float, copies: int) -> bool:
    """Predictable and not small: what the post puts on an endpoint of its own."""
    return copies > 1 and mean >= STEADY * peak


def split_by_hand(fleet: ReferenceFleet, minutes: Minutes, *, load: float) -> Split:
    """Steady models alone on the type that costs least for their peak; `minutes` is [minutes, models].

    One machine of each type's quota is left to its pool. A steady model that finds no room stays with the others.
    """
    left = {name: machine.quota for name, machine in fleet.instance_types.items()}
    dedicated, shared = [], []
    for position, model in enumerate(fleet.models):
        requests = minutes[:, position]
        mean, peak = float(requests.mean()), float(requests.max())
        offers = _offers(fleet, model, peak, load=load, left=left)
        if offers and any(is_steady(mean=mean, peak=peak, copies=copies) for _, copies in offers):
            home = min((offer for offer, _ in offers), key=lambda offer: offer.usd_per_hour)
            left[home.instance_type] -= home.instances
            dedicated.append(home)
        else:
            shared.append(model)
    types = {name: machine.model_copy(update={"quota": left[name]}) for name, machine in fleet.instance_types.items()}
    rest = fleet.model_copy(update={"models": tuple(shared), "instance_types": types})
    return Split(tuple(dedicated), rest)


def _offers(
    fleet: ReferenceFleet, model: ReferenceModel, peak: float, *, load: float, left: Mapping[str, int]
) -> list[tuple[Dedication, int]]:
    """What the model's peak needs on each type with room for it: (machines, copies)."""
    found = []
    for name, machine in fleet.instance_types.items():
        capacity = fleet.capacity(model, name)
        if capacity is None:
            continue
        copies = copies_at_peak(peak, capacity, load=load)
        instances = math.ceil(copies / (machine.accelerators // capacity.accelerators_per_copy))
        instances = max(instances, 2 if model.critical else 1)
        if instances < left[name]:
            found.append((Dedication(model.name, name, instances, instances * machine.usd_per_hour), copies))
    return found


def copies_at_peak(peak: float, capacity: Capacity, *, load: float) -> int:
    """Worked: 1,000 a minute at 11.9 s are 198.3 in flight; ÷ (0.7 × 19) → 15 copies."""
    return math.ceil(in_flight(peak, capacity) / (load * capacity.concurrency_per_copy))


@dataclass(slots=True)
class Hybrid:
    """The split fleet: nothing ever changes on the machines of its own, target tracking runs the rest.

    first_minutes and minutes [minutes, models] are of the whole fleet; `minutes` is what homes by hand look at.
    """

    fleet: ReferenceFleet
    first_minutes: Minutes
    minutes: Minutes
    split: Split
    load: float
    _native: Native = field(init=False)

    def __post_init__(self) -> None:
        names, shared = self.fleet.names, self.split.shared
        columns = [names.index(model.name) for model in shared.models]
        homes = homes_by_hand(shared, self.minutes[:, columns])
        self._native = Native(shared, self.first_minutes[:, columns], load=self.load, homes=homes)

    def start(self, cloud: Cloud) -> None:
        Dedicated(self.split.dedicated).start(cloud)
        self._native.start(cloud)

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        self._native.run_to(cloud, until_s)
