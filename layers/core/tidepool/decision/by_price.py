"""The home stage's market: every model whose home is the price's to decide, where the whole fleet would cost least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from tidepool.config.types import Config
from tidepool.decision.places import place_of, places_of, top_of
from tidepool.decision.reserved import left_endpoints, sunk
from tidepool.decision.subjects import Home, Subject
from tidepool.fleet import Fleet
from tidepool.fleet.demand import Values
from tidepool.hosting.cost import WORTH, Place, sizes
from tidepool.hosting.home import Verdict, move_cost
from tidepool.memory import Memory
from tidepool.packing.layout import Kind, Site, Tenant
from tidepool.packing.relocate import Relocation, relocate
from tidepool.sizing.copies import HEADROOM
from tidepool.units import usd

MOMENTS = 48
"""Half hours of the day to come: a copy stays for about one. Ours."""
QUOTA_SHARE = 0.95
"""Share of a type's quota that is planned with: the rest is for what moves and what nobody foresaw. Ours."""
ROOM = 1.2
"""Times the profile's highest ten minutes that a model is sized for on the average: what being ready costs.
Ours: at 1 the reference week's types filled up more often, and more was late."""
LEAST_USD = 0.1
"""Dollars an hour below which nobody moves: less than the double hosting of most models costs a day."""


@dataclass(frozen=True, slots=True)
class Market:
    """What every model's candidacy rests on. headroom: square roots of the demand kept free (the oracle's dial)."""

    fleet: Fleet
    config: Config
    memory: Memory
    rates: Mapping[str, Values]
    headroom: float


def by_price(subjects: Sequence[Subject], free: Set[str], market: Market) -> dict[str, Verdict]:
    """The verdict on each model of `free`. All others are there all the same, and hold what they will hold."""
    sites = _sites(market)
    tenants: list[Tenant] = []
    places: dict[str, dict[str, Place]] = {}
    for subject in subjects:
        here = place_of(subject.homes[0])
        if subject.model in free and here is not None and here.name in sites:
            places[subject.model] = _options(subject, here, sites, market)
            tenants.append(_candidate(subject, here, places[subject.model], market))
        else:
            tenants += [_settled(subject, home, market) for home in subject.homes if _known(home, sites)]
    found = {one.name: one for one in _paying(relocate(tenants, tuple(sites.values())), market)}
    verdicts: dict[str, Verdict] = {}
    for subject in subjects:
        if subject.model not in free:
            continue
        one = found.get(subject.model)
        if one is None:
            verdicts[subject.model] = Verdict(None, 0, 0.0, 0.0, "no other place would save enough")
            continue
        place = places[subject.model][one.to]
        newest = market.rates[subject.model][-1:]
        floor = max(1, _floor(subject, place))
        size = int(sizes(newest, place, floor=floor, headroom=HEADROOM * market.headroom).max())
        there = size * place.usd
        because = f"{place.name} saves the fleet {usd(one.usd)} an hour of the day to come"
        verdicts[subject.model] = Verdict(place, size, one.usd, move_cost(there, there + one.usd), because)
    return verdicts


def _paying(found: Sequence[Relocation], market: Market) -> tuple[Relocation, ...]:
    """The relocations whose savings are more than committed spend, which is paid whoever uses it."""
    committed = market.config.money.committed_usd_per_hour
    if committed <= 0:
        return tuple(found)
    kinds = market.fleet.instance_types
    every = (one for one in market.fleet.endpoints.values() if one.instance_type in kinds)
    left = sum(one.instances_now * kinds[one.instance_type].usd_per_hour for one in every) - committed
    paying = []
    for one in found:
        if one.usd <= left:
            paying.append(one)
            left -= one.usd
    return tuple(paying)


def _sites(market: Market) -> dict[str, Site]:
    """Every declared pool, and dedicated machines of every type."""
    fleet, sites = market.fleet, dict[str, Site]()
    kinds = {
        name: Kind(name, kind.usd_per_hour, kind.accelerators, QUOTA_SHARE * kind.quota)
        for name, kind in fleet.instance_types.items()
        if kind.accelerators >= 1
    }
    for pool in market.config.pools.values():
        endpoint = fleet.endpoints.get(pool.endpoint)
        if endpoint is not None and endpoint.instance_type in kinds:
            kind, most = kinds[endpoint.instance_type], endpoint.grows_to
            sites[endpoint.name] = Site(endpoint.name, kind, False, most, sunk(pool, endpoint, market.memory.at))
    for name, kind in kinds.items():
        sites[f"dedicated:{name}"] = Site(f"dedicated:{name}", kind, True)
    return sites


def _known(home: Home, sites: Mapping[str, Site]) -> bool:
    place = place_of(home)
    return place is not None and place.name in sites


def _options(subject: Subject, here: Place, sites: Mapping[str, Site], market: Market) -> dict[str, Place]:
    """Where the model could live, its present place among them."""
    # A machine of one accelerator holds one copy: a pool of them is the same as dedicated ones, and may be empty.
    pooled = {site.kind.name for site in sites.values() if not site.dedicated and site.kind.accelerators == 1}
    closed = left_endpoints(market.config, market.memory.at)
    others = [
        place
        for place in places_of(subject, market.fleet, market.config, {})
        if place.name in sites
        and place.name not in closed
        and not (place.dedicated and (place.instance_type in pooled or subject.config.host == "shared"))
    ]
    return {place.name: place for place in (*others, here)}


def _candidate(subject: Subject, here: Place, places: Mapping[str, Place], market: Market) -> Tenant:
    """The model as somebody who may move where that saves a WORTH of what it costs."""
    held = {name: _held(subject, place, market) for name, place in places.items()}
    cost = float(held[here.name].mean()) * here.usd / (1 if here.dedicated else here.accelerators)
    return Tenant(
        subject.model,
        here.name,
        held,
        {name: held[name] / place.accelerators for name, place in places.items() if _apart(subject, place)},
        {name: _at_peak(subject, place, market) for name, place in places.items()},
        least=max(WORTH * cost, LEAST_USD),
    )


def _settled(subject: Subject, home: Home, market: Market) -> Tenant:
    """One home of a model that stays. Of one that moves, the target will hold what the source holds: both count."""
    place = place_of(home)
    assert place is not None
    held = np.full(MOMENTS, float(home.size_wanted * (1 if place.dedicated else home.accelerators)))
    if market.rates[subject.model].size:
        held = np.maximum(_held(subject, place, market), held)
    apart = {place.name: held / place.accelerators} if _apart(subject, place) else {}
    peak = {place.name: max(float(held.max()), _at_peak(subject, place, market))}
    return Tenant(f"{subject.model}@{home.target}", place.name, {place.name: held}, apart, peak, fixed=True)


def _apart(subject: Subject, place: Place) -> bool:
    """Its copies may not meet on one machine there."""
    return subject.config.zones > 1 and not place.dedicated


def _floor(subject: Subject, place: Place) -> int:
    terms = subject.config
    floor = max(terms.min_copies, terms.zones if terms.min_copies else 0)
    if place.dedicated:
        return max(1, terms.zones if terms.min_copies else 1)
    return floor if terms.zero_after_s is not None else max(1, floor)


def _at_peak(subject: Subject, place: Place, market: Market) -> float:
    """What the busiest minute ever would hold, within the model's ceiling."""
    top = np.array([top_of(market.memory, subject.model)])
    size = float(sizes(top, place, floor=_floor(subject, place), headroom=HEADROOM * market.headroom)[0])
    if subject.config.max_copies is not None and not place.dedicated:
        size = min(size, subject.config.max_copies)
    return size if place.dedicated else size * place.accelerators


def _held(subject: Subject, place: Place, market: Market) -> Values:
    """[MOMENTS]: accelerators that the model would hold there, instances when dedicated."""
    rates = ROOM * _moments(market.rates[subject.model])
    size = sizes(rates, place, floor=_floor(subject, place), headroom=HEADROOM * market.headroom)
    return size if place.dedicated else size * place.accelerators


def _moments(rates: Values) -> Values:
    """[MOMENTS]: the highest rate of each half hour of the day to come; the newest counts as the first's."""
    day, newest = rates[:-1], rates[-1:]
    if day.size < 2 * MOMENTS:
        return np.full(MOMENTS, float(rates.max()))
    highest: Values = day[: day.size // MOMENTS * MOMENTS].reshape(MOMENTS, -1).max(axis=1)
    highest[0] = max(highest[0], float(newest[0]))
    return highest
