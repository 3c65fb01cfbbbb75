"""Native as a good team runs it today: homes chosen by hand, the target tuned (bench-rules.md §5).

The team knows the whole trace when it chooses homes, and reads off the finished runs which setting is cheapest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidepool_lab.inputs.reference import START_TYPE, ReferenceFleet, ReferenceModel
from tidepool_lab.rivals.native import Metric
from tidepool_lab.rivals.policy import LOAD, Minutes

Needs = npt.NDArray[np.float64]

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

    minutes: [minutes, models], all that the team may look at. Room: what the pool's models need together at 0.7 of
    a copy's slots is at its peak within 80 % of the quota. The peak of the sum, not the sum of the peaks: it lets
    more models onto the cheap pools, and the rule that favours Tidepool least is the rule. Who fits nowhere goes
    where the start state has it.
    """
    used = {name: np.zeros(len(minutes)) for name in fleet.instance_types}
    room = {name: QUOTA_SHARE * machine.quota * machine.accelerators for name, machine in fleet.instance_types.items()}
    homes: dict[str, str] = {}
    for model, requests in _heaviest_first(fleet, minutes):
        needs = {name: _accelerators(fleet, model, requests, name) for name in _cheapest_first(fleet, model)}
        fits = [name for name, needed in needs.items() if float((used[name] + needed).max()) <= room[name]]
        home = fits[0] if fits else START_TYPE
        homes[model.name] = home
        used[home] += needs[home]
    return homes


def _heaviest_first(fleet: ReferenceFleet, minutes: Minutes) -> list[tuple[ReferenceModel, Minutes]]:
    """Models with their requests, by the dollars their work costs where it is cheapest, the dearest first."""
    weighed = []
    for position, model in enumerate(fleet.models):
        cheapest = fleet.usd_per_request(model, _cheapest_first(fleet, model)[0])
        assert cheapest is not None
        weighed.append((-cheapest * int(minutes[:, position].sum()), position, model))
    return [(model, minutes[:, position]) for _, position, model in sorted(weighed, key=lambda one: one[:2])]


def _cheapest_first(fleet: ReferenceFleet, model: ReferenceModel) -> list[str]:
    priced = [(fleet.usd_per_request(model, name), name) for name in fleet.instance_types]
    return [name for usd, name in sorted((usd, name) for usd, name in priced if usd is not None)]


def _accelerators(fleet: ReferenceFleet, model: ReferenceModel, requests: Minutes, instance_type: str) -> Needs:
    """Accelerators that the model needs in each minute; at least its floor, and one copy, as target tracking keeps."""
    capacity = fleet.capacity(model, instance_type)
    assert capacity is not None
    demand = requests / 60 * capacity.service_s
    copies = np.ceil(demand / (LOAD * capacity.concurrency_per_copy))
    needed: Needs = np.maximum(copies, max(1, model.floor)) * capacity.accelerators_per_copy
    return needed
