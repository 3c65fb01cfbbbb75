"""Dollars per hour of the looked-after fleet: as it runs, as planned, and with each model alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tidepool.decision.record import Spend
from tidepool.decision.subjects import Home, Subject
from tidepool.packing.instances import instances_for
from tidepool.units import rounded


def spend(subjects: Sequence[Subject], sizes: Mapping[str, int], *, committed: float = 0.0) -> Spend:
    """`sizes`: copies or instances by target once the plan is carried out. `committed`: dollars an hour owed anyhow.

    Planned is what this plan changes of what runs: machines that could be saved by packing better, but that no change
    of the plan releases, are not counted as saved; nor is what is spent less than `committed`.
    """
    homes = [home for subject in subjects for home in subject.homes]
    now = planned = alone = 0.0
    for pool in _pools(homes):
        running = pool.endpoint.instances_now
        needed, held = machines_of(pool, homes, sizes), machines_of(pool, homes, _in_service(homes))
        now += _price(pool) * running
        # More copies go into the room there is before a machine is launched; fewer release what they filled.
        planned += _price(pool) * max(needed, running + min(0, needed - held))
    for home in homes:
        if home.component is None:
            now += _price(home) * home.endpoint.instances_now
            planned += _price(home) * sizes[home.target]
            alone += _price(home) * home.endpoint.instances_wanted
        else:
            per_machine = max(1, _accelerators(home) // home.accelerators)
            alone += _price(home) * max(1, -(-sizes[home.target] // per_machine))
    return Spend(rounded(now), rounded(max(planned, min(now, committed))), rounded(alone))


def least_usd_per_hour(subjects: Sequence[Subject], sizes: Mapping[str, int]) -> float:
    """What those sizes cost in the best packing: what a budget is held against, so that idle room denies nobody."""
    homes = [home for subject in subjects for home in subject.homes]
    shared = sum(_price(pool) * machines_of(pool, homes, sizes) for pool in _pools(homes))
    return shared + sum(_price(home) * sizes[home.target] for home in homes if home.component is None)


def _pools(homes: Sequence[Home]) -> Iterable[Home]:
    """One home of each pool, for its endpoint and its price."""
    return {home.endpoint.name: home for home in homes if home.component is not None}.values()


def _in_service(homes: Sequence[Home]) -> dict[str, int]:
    return {home.target: home.size_now for home in homes}


def machines_of(pool: Home, homes: Sequence[Home], sizes: Mapping[str, int]) -> int:
    """Machines of one pool in the best packing; a copy that no machine can hold is counted as one of its own."""
    limit = _accelerators(pool)
    copies = [
        (sizes[home.target], min(home.accelerators, limit))
        for home in homes
        if home.component is not None and home.endpoint.name == pool.endpoint.name
    ]
    return instances_for(copies, limit)


def _price(home: Home) -> float:
    return home.instance.usd_per_hour if home.instance else 0.0


def _accelerators(home: Home) -> int:
    return max(1, home.instance.accelerators) if home.instance else 1
