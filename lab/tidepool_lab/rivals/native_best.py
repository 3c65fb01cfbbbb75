"""Native as a good team runs it today: homes chosen by hand, the target tuned (bench-rules.md §5).

The team knows the whole trace when it chooses homes, and reads off the finished runs which setting is cheapest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidepool_lab.inputs.reference import ReferenceFleet, ReferenceModel
from tidepool_lab.rivals.native import Metric
from tidepool_lab.rivals.policy import Minutes, copies_for, in_flight

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid of targets, as shares of a copy's slots (bench-rules.md §5)."""
QUOTA_SHARE = 0.8
"""A pool is filled by hand up to this share of its quota, at the summed peaks (bench-rules.md §5)."""


@dataclass(frozen=True, slots=True)
class Variant:
    metric: Metric
    scale_in: str


VARIANTS = tuple(Variant(metric, scale_in) for metric in Metric for scale_in in ("IDLE_RELEASE", "CONSOLIDATION"))


def homes_by_hand(fleet: ReferenceFleet, minutes: Minutes) -> Mapping[str, str]:
    """Each model's instance type: the fewest dollars per request, heaviest first, while the pool has room.

    minutes: [minutes, models], all that the team may look at. Room: the pool's summed peaks at 0.7 of a copy's
    slots stay within 80 % of its quota. Who fits nowhere stays on the type with the most room left.
    """
    room = {name: QUOTA_SHARE * machine.quota * machine.accelerators for name, machine in fleet.instance_types.items()}
    homes: dict[str, str] = {}
    for model, peak in _heaviest_first(fleet, minutes):
        needs = {name: _accelerators(fleet, model, peak, name) for name in _cheapest_first(fleet, model)}
        fits = [name for name, needed in needs.items() if needed <= room[name]]
        home = fits[0] if fits else max(needs, key=lambda name: room[name] - needs[name])
        homes[model.name] = home
        room[home] -= needs[home]
    return homes


def _heaviest_first(fleet: ReferenceFleet, minutes: Minutes) -> list[tuple[ReferenceModel, int]]:
    """Models with their peak minute, by the dollars their work costs where it is cheapest, the dearest first."""
    weighed = []
    for position, model in enumerate(fleet.models):
        cheapest = fleet.usd_per_request(model, _cheapest_first(fleet, model)[0])
        assert cheapest is not None
        column = minutes[:, position]
        weighed.append((-cheapest * int(column.sum()), position, model, int(column.max())))
    return [(model, peak) for _, _, model, peak in sorted(weighed, key=lambda one: one[:2])]


def _cheapest_first(fleet: ReferenceFleet, model: ReferenceModel) -> list[str]:
    priced = [(fleet.usd_per_request(model, name), name) for name in fleet.instance_types]
    return [name for usd, name in sorted((usd, name) for usd, name in priced if usd is not None)]


def _accelerators(fleet: ReferenceFleet, model: ReferenceModel, peak: int, instance_type: str) -> int:
    capacity = fleet.capacity(model, instance_type)
    assert capacity is not None
    copies = max(1, model.floor, copies_for(in_flight(peak, capacity), capacity))
    return copies * capacity.accelerators_per_copy
