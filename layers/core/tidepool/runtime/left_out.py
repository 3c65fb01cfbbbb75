"""What the account lists and this role may not read: nothing is decided about it, and people are told once.

A pool that is left out takes its components with it. Where one component is, its pool looks emptier than it is: the
pool's bounds stay as they are, and everybody else's copies go on.
"""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.resolve import pool_of_endpoint
from tidepool.config.types import Config
from tidepool.fleet import Fleet, Signal, SignalKind
from tidepool.memory import Memory
from tidepool.runtime.ports import Ports
from tidepool.units import MINUTE_S

TOLD = 50
"""Of those of one announcement as many are named; the record has all. An event holds 256 KB (EventBridge). Ours."""


def with_left_out(ports: Ports, fleet: Fleet, config: Config, now: int) -> Fleet:
    """The fleet that was just read, with what its read left out."""
    left_out = ports.hosting.left_out()
    pools = {one.endpoint: (pool_of_endpoint(config, one.endpoint), one) for one in left_out}
    bound = tuple(
        Signal(SignalKind.FREEZE, pool.name, now, now + MINUTE_S, "AWS", f"{one.name} on it may not be read")
        for pool, one in pools.values()
        if pool is not None
    )
    return replace(fleet, left_out=left_out, signals=(*fleet.signals, *bound))


def tell_left_out(ports: Ports, fleet: Fleet, before: Memory, now: int) -> None:
    """People hear, in one announcement, of what was read a tick ago, or is new, and may not be read now."""
    new = [one for one in fleet.left_out if one.name not in before.left_out]
    if new:
        homes = [{"name": one.name, "endpoint": one.endpoint, "why": one.why} for one in new[:TOLD]]
        ports.bus.announce("left-out", {"count": len(new), "homes": homes}, now)


def remembered(after: Memory, fleet: Fleet, before: Memory) -> Memory:
    """The memory after a tick, with what was left out, and with what was known of the models that live there."""
    places = {one.endpoint or one.name for one in fleet.left_out}
    waiting = {model: known for model, known in before.models.items() if known.home in places}
    names = tuple(sorted({one.name for one in fleet.left_out}))
    return replace(after, models={**waiting, **after.models}, left_out=names)
