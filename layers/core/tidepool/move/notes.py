"""What a person should know of a move that may begin: what is taken for granted, and what would be simpler."""

from __future__ import annotations

from tidepool.config.types import Hosting
from tidepool.fleet import Component
from tidepool.move.host_memory import unsaid
from tidepool.move.preflight import World, in_place, source_of
from tidepool.plan.change import StartMove


def notes(ask: StartMove, to_component: str, from_type: str, world: World) -> tuple[str, ...]:
    """Each in words; () when there is nothing to say."""
    target = to_component or ask.to_endpoint
    capacity = f"its capacity there is measured, not declared: {world.measured:g} at once" if world.measured else ""
    nobody = f"not checked: whether its callers may invoke {target}, since fleet.yaml names no `callers` of {ask.model}"
    said = (in_place(ask, from_type), capacity, _memory(ask, world), _reserved(ask, world))
    return tuple(filter(None, (*said, "" if world.callers else nobody)))


def _memory(ask: StartMove, world: World) -> str:
    """What a copy there reserves where nobody says it, '' where somebody does."""
    if ask.to_hosting is Hosting.DEDICATED:
        return ""
    source = source_of(ask, world)
    has_mb = source.memory_mb if isinstance(source, Component) else 0
    return unsaid(ask.model, ask.instance_type, world.model.shape(ask.to_hosting, ask.instance_type), has_mb)


def _reserved(ask: StartMove, world: World) -> str:
    """That the target is no larger than a capacity reservation, '' when it has none."""
    home, pool = world.endpoints[ask.from_endpoint], world.endpoints.get(ask.to_endpoint)
    if ask.to_hosting is Hosting.SHARED:
        there = pool.reservation if pool is not None else ""
        return (
            f"{ask.to_endpoint} runs in the capacity reservation {there}, and serves until that ends" if there else ""
        )
    if ask.from_hosting is Hosting.SHARED or not home.reservation:
        return ""
    return f"both homes come from the capacity reservation {home.reservation}: without room in it the move goes back"
