"""Reserved machines: paid whether they are used or not, so filled first; and left before their reservation ends."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tidepool.config.resolve import give_back
from tidepool.config.types import Config, PoolConfig
from tidepool.decision.places import place_of, places_of
from tidepool.decision.subjects import Subject
from tidepool.fleet import Endpoint, Fleet
from tidepool.fleet.demand import Values
from tidepool.hosting.cost import sizes
from tidepool.hosting.home import Verdict, move_cost
from tidepool.plan.render import moment
from tidepool.sizing.copies import HEADROOM
from tidepool.units import DAY_S

LEAVE_S = 2 * DAY_S
"""A pool is emptied from two days before its reservation ends: a move takes a quarter of an hour, so one at a time that
is 190 of them, and those that wait for move_hours have two nights. Ours."""


def sunk(pool: PoolConfig, endpoint: Endpoint, now: int) -> int:
    """Machines of the pool that are paid whoever uses them: reserved, or never given back."""
    if left(pool, now):
        return 0
    kept = endpoint.instances_now if give_back(pool, endpoint.instance_type).after_s is None else 0
    return max(kept, pool.reserved.instances if pool.reserved is not None and now < pool.reserved.until else 0)


def left(pool: PoolConfig, now: int) -> bool:
    """Its models are to go to the pool that `then` names: nobody comes any more."""
    return pool.reserved is not None and bool(pool.reserved.then) and now >= pool.reserved.until - LEAVE_S


def left_endpoints(config: Config, now: int) -> frozenset[str]:
    return frozenset(pool.endpoint for pool in config.pools.values() if left(pool, now))


def leaves(
    subject: Subject, fleet: Fleet, config: Config, room: Mapping[str, int], rates: Values, *, now: int
) -> Verdict | None:
    """Where a model goes whose pool is left; None where it may stay. `rates`: the newest last, empty when unknown."""
    home = subject.homes[0]
    pool = home.pool
    if pool is None or pool.reserved is None or not left(pool, now):
        return None
    to, here = config.pools[pool.reserved.then], place_of(home)
    because = f"its reservation ends at {moment(pool.reserved.until)}: {pool.name} is left for {to.name}"
    places = [place for place in places_of(subject, fleet, config, room) if place.name == to.endpoint]
    if not places or here is None:
        return Verdict(None, 0, 0.0, 0.0, f"{because}, and nobody measured what it serves there")
    place, terms = places[0], subject.config
    floor = max(1, terms.min_copies, terms.zones if terms.min_copies else 0)
    if rates.size:
        size = int(sizes(rates[-1:], place, floor=floor, headroom=HEADROOM).max())
    else:
        # As many slots as it has here: nothing else is known of what comes.
        size = max(floor, math.ceil(home.size_wanted * here.unit / place.unit))
    if place.room < size:
        return Verdict(None, 0, 0.0, 0.0, f"{because}, which has room for {place.room} of {size} copies")
    there, now_usd = size * place.usd, home.size_wanted * here.usd
    return Verdict(place, size, now_usd - there, move_cost(there, now_usd), because)
