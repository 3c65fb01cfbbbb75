"""llm-d's Workload Variant Autoscaler, V2: adds what is missing where it is cheapest, takes what is spare where dear.

Source: llm-d-incubation/workload-variant-autoscaler internal/engines/saturation/engine_v2.go (applyUniversalThreshold),
internal/engines/pipeline/cost_aware_optimizer.go, internal/config/saturation_scaling.go (the defaults) and
docs/user-guide (GLOBAL_OPT_INTERVAL 60 s): required = demand ÷ 0.85 − (ready + pending) × capacity; spare = ready ×
capacity − demand ÷ 0.70; add to the variant that is cheapest per unit of capacity, remove from the dearest. A
replica's capacity is 0.80 of its KV cache; demand is the peak of a minute (max_over_time[1m]), the queue included.
What differs: slots stand for KV-cache tokens. At rest a model has one home here (bench-rules.md §2.8), so variants on
several pools are not offered: the home is the only variant, and which one it is, is chosen by hand as for
native_best. What it wants is set at once; in Kubernetes an HPA or KEDA would follow it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tidepool_lab.rivals.scaling import View

CAPACITIES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""The committed grid: the share of a copy's slots that counts as its capacity (kvCacheThreshold; default 0.80)."""
UP_AT, DOWN_AT = 0.85, 0.70
"""DefaultScaleUpThreshold, DefaultScaleDownBoundary."""
PEAK_S = 60
"""max_over_time[1m] in the collector's queries."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to host a model. `usd` is what a copy costs, `capacity` how much demand it holds."""

    name: str
    usd: float
    copies: int
    capacity: float
    maximum: int = 10_000


def required(demand: float, *, anticipated: float) -> float:
    """Capacity that is missing at the upper threshold, with what is on its way counted."""
    return max(0.0, demand / UP_AT - anticipated)


def spare(demand: float, *, supply: float) -> float:
    """Ready capacity that would be too much even at the lower threshold."""
    return max(0.0, supply - demand / DOWN_AT)


def add(missing: float, variants: Sequence[Variant]) -> dict[str, int]:
    """Copies by variant, with `missing` capacity added where it costs least per unit.

    Worked, from cost_aware_optimizer_test.go: 5,000 missing; 10,000 for $5 is cheaper per unit than 20,000 for $15,
    so the first gets ceil(5,000 ÷ 10,000) = 1 more.
    """
    copies = {variant.name: variant.copies for variant in variants}
    for variant in sorted(variants, key=lambda one: one.usd / one.capacity):
        more = min(math.ceil(missing / variant.capacity), max(0, variant.maximum - variant.copies))
        copies[variant.name] += more
        missing -= more * variant.capacity
        if missing <= 0:
            break
    return copies


def remove(unneeded: float, variants: Sequence[Variant]) -> dict[str, int]:
    """Copies by variant, with whole copies taken out of the dearest first; the cheapest keeps the model's last one.

    Worked, from cost_aware_optimizer_test.go: 15,000 spare; a copy of 20,000 for $15 is more than that, so one of
    10,000 for $5 goes.
    """
    copies = {variant.name: variant.copies for variant in variants}
    dearest_first = sorted(variants, key=lambda one: (-one.usd, one.capacity, one.name))
    for variant in dearest_first:
        fewer = min(math.floor(unneeded / variant.capacity), variant.copies)
        others = sum(number for name, number in copies.items() if name != variant.name)
        if variant is dearest_first[-1] and others == 0:
            fewer = min(fewer, variant.copies - 1)
        if fewer > 0:
            copies[variant.name] -= fewer
            unneeded -= fewer * variant.capacity
    return copies


@dataclass(slots=True)
class Wva:
    """One model's WVA; `share` of a copy's slots is its capacity."""

    share: float

    def desired(self, view: View, now: int) -> int:
        demand = view.peak(PEAK_S)
        if math.isnan(demand):
            return view.wanted
        capacity = self.share * view.slots
        home = (Variant("home", 1.0, view.wanted, capacity, view.maximum),)
        missing = required(demand, anticipated=max(view.copies, view.wanted) * capacity)
        if missing > 0:
            return add(missing, home)["home"]
        return remove(spare(demand, supply=view.copies * capacity), home)["home"]
