"""Reserved machines: paid whether they are used or not, so filled first; and left before their reservation ends.

What fleet.yaml writes wins; where it writes nothing, a pool's reservation is its endpoint's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from tidepool.config.resolve import give_back
from tidepool.config.types import Config, PoolConfig, Reserved
from tidepool.decision.places import place_of, places_of
from tidepool.decision.subjects import Subject
from tidepool.fleet import Endpoint, Fleet
from tidepool.fleet.demand import Values
from tidepool.hosting.cost import Place, sizes
from tidepool.hosting.home import Verdict, move_cost
from tidepool.plan.render import moment
from tidepool.sizing.copies import HEADROOM
from tidepool.units import DAY_S

LEAVE_S = 2 * DAY_S
"""A pool is emptied from two days before its reservation ends: those that wait for move_hours have two nights. Ours."""
SPARE_DAYS = 1
"""Where moves_per_day takes longer, the pool is left a day earlier than that takes: a move may go back. Ours."""


def as_reserved(config: Config, fleet: Fleet) -> Config:
    """The config whose pools have what they have reserved: as fleet.yaml writes it, else as their endpoint shows."""
    found = {name: _reserved(pool, fleet.endpoints.get(pool.endpoint)) for name, pool in config.pools.items()}
    if not any(found.values()):
        return config
    there = Counter(component.endpoint for component in fleet.components.values())
    a_day = max(1, config.safety.limits.moves_per_day)

    def known(pool: PoolConfig) -> PoolConfig:
        reserved = found[pool.name]
        days = math.ceil(there[pool.endpoint] / a_day) + SPARE_DAYS
        return replace(pool, reserved=replace(reserved, leave_s=max(LEAVE_S, days * DAY_S))) if reserved else pool

    return replace(config, pools={name: known(pool) for name, pool in config.pools.items()})


def _reserved(pool: PoolConfig, endpoint: Endpoint | None) -> Reserved | None:
    if endpoint is None or not endpoint.reservation:
        return pool.reserved
    if pool.reserved is not None:
        return replace(pool.reserved, binds=True)
    return reserved_by(endpoint)


def reserved_by(endpoint: Endpoint) -> Reserved | None:
    """What its own reservation says; None without one, and while nobody knows when that ends."""
    known = endpoint.reservation and endpoint.reserved_until
    return Reserved(endpoint.reserved, endpoint.reserved_until, binds=True) if known else None


def sunk(pool: PoolConfig, endpoint: Endpoint, now: int) -> int:
    """Machines of the pool that are paid whoever uses them: reserved, or never given back."""
    if left(pool, now):
        return 0
    kept = endpoint.instances_now if give_back(pool, endpoint.instance_type).after_s is None else 0
    return max(kept, pool.reserved.instances if pool.reserved is not None and now < pool.reserved.until else 0)


def left(pool: PoolConfig, now: int) -> bool:
    """Its models are to go, to the pool that `then` names or where they cost least: nobody comes any more."""
    ends = pool.reserved
    return ends is not None and (bool(ends.then) or ends.binds) and now >= ends.until - max(LEAVE_S, ends.leave_s)


def left_endpoints(config: Config, now: int) -> frozenset[str]:
    return frozenset(pool.endpoint for pool in config.pools.values() if left(pool, now))


def leaves(
    subject: Subject, fleet: Fleet, config: Config, room: Mapping[str, int], rates: Values, *, now: int
) -> Verdict | None:
    """Where a model goes whose pool is left; None where it may stay. `rates`: the newest last, empty when unknown.

    Without `then` it is the cheapest place that has room and is not left itself.
    """
    home = subject.homes[0]
    pool = home.pool
    if pool is None or pool.reserved is None or not left(pool, now):
        return None
    then, here = config.pools.get(pool.reserved.then), place_of(home)
    to = f" for {then.name}" if then else ""
    because = f"its reservation ends at {moment(pool.reserved.until)}: {pool.name} is left{to}"
    places = [place for place in places_of(subject, fleet, config, room) if _open(place, subject, then, config, now)]
    if not places or here is None:
        unknown = f"{because}, and nobody measured what it serves {'there' if then else 'elsewhere'}"
        return Verdict(None, 0, 0.0, 0.0, unknown)
    terms = subject.config
    floor = max(1, terms.min_copies, terms.zones if terms.min_copies else 0)

    def size_at(place: Place) -> int:
        if rates.size:
            return int(sizes(rates[-1:], place, floor=floor, headroom=HEADROOM).max())
        # As many slots as it has here: nothing else is known of what comes.
        return max(floor, math.ceil(home.size_wanted * here.unit / place.unit))

    sized = {place.name: (place, size_at(place)) for place in places}
    roomy = [(size * place.usd, name) for name, (place, size) in sized.items() if place.room >= size]
    if not roomy:
        full = ", ".join(f"{name} has room for {place.room} of {size} copies" for name, (place, size) in sized.items())
        return Verdict(None, 0, 0.0, 0.0, f"{because}, but {full}")
    there, name = min(roomy)
    now_usd = home.size_wanted * here.usd
    return Verdict(*sized[name], now_usd - there, move_cost(there, now_usd), because)


def _open(place: Place, subject: Subject, then: PoolConfig | None, config: Config, now: int) -> bool:
    """The model of a pool that is left may go there."""
    if then is not None:
        return place.name == then.endpoint
    return place.name not in left_endpoints(config, now) and not (place.dedicated and subject.config.host == "shared")
