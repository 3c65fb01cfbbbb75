"""Preflight: everything that must be true before a move begins, all at once. What is not is said, and nothing done.

Whether callers may invoke the target is checked of those that fleet.yaml names (`callers`), and said not to be where it
names none. Others who may not are answered by the source until the drain, which then is never silent, and the move goes
back (move/drain.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tidepool.config.calendar import in_window
from tidepool.config.resolve import pool_of_endpoint
from tidepool.config.types import Config, Hosting, ModelConfig, Rung, Via
from tidepool.fleet import Component, Endpoint, EndpointKind, InstanceType, Route, Status, boundary_alone
from tidepool.fleet.identity import identity_of
from tidepool.move.naming import NAME_MAX, NAME_PATTERN, target_tags
from tidepool.move.seen import component_side, endpoint_side
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.units import DAY_S, usd


@dataclass(frozen=True, slots=True)
class Caller:
    """One of fleet.yaml's `callers`. refused: what it may not do at the target, '' = nothing. unknown: why nobody can
    tell, '' = it is known."""

    principal: str
    refused: str = ""
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class World:
    """What a move is judged on before it begins.

    held, frozen: who and why, '' when nobody. open: moves now open. ended: those that ended in the last 24 hours.
    route: where callers go now; None = it was never written, or its store is away.
    left_alone: why the source's count is another writer's, '' when it is ours. callers: those that fleet.yaml names.
    left_out: why, by name, of homes that may not be read.
    measured: requests at once that one copy or instance like the target's was seen to serve well, where no shape says
        it; 0 = nobody saw.
    """

    config: Config
    model: ModelConfig
    endpoints: Mapping[str, Endpoint]
    components: Mapping[str, Component]
    instance_types: Mapping[str, InstanceType]
    now: int
    open: tuple[Move, ...] = ()
    ended: tuple[Move, ...] = ()
    held: str = ""
    frozen: str = ""
    route: Route | None = None
    left_alone: str = ""
    callers: tuple[Caller, ...] = ()
    measured: float = 0.0
    left_out: Mapping[str, str] = field(default_factory=dict)


def source_of(ask: StartMove, world: World) -> Component | Endpoint | None:
    """The home the move leaves, or None when it is not there."""
    return world.components.get(ask.component) if ask.component else world.endpoints.get(ask.from_endpoint)


def preflight(ask: StartMove, to_component: str, world: World, *, again: bool = False) -> tuple[str, ...]:
    """Every reason why the move may not begin; () when it may.

    again: it has waited for a person since, whose word is about now, and its share of the limits is its own already.
    """
    found = [
        *_people(ask, world),
        *(() if again else _limits(ask, world)),
        *_source(ask, world),
        *_target(ask, to_component, world),
        *_callers(to_component or ask.to_endpoint, world),
    ]
    # Between two homes that are not there, or not what was decided, nothing can be compared or counted.
    return tuple(found or [*_between(ask, world), *_room(ask, world)])


def effective_rung(ask: StartMove, world: World) -> Rung:
    """The lowest of the model's rung and those of the pools it leaves and enters."""
    pools = (pool_of_endpoint(world.config, name) for name in (ask.from_endpoint, ask.to_endpoint))
    return min([world.model.act, *(pool.act for pool in pools if pool is not None)])


def _people(ask: StartMove, world: World) -> Iterator[str]:
    if world.held:
        yield f"held: {world.held}"
    if world.frozen:
        yield f"frozen: {world.frozen}"
    if world.left_alone:
        # What it fills again never becomes empty: a move would end with two homes (decisions/0018).
        hint = "suspend it, or say `writers.autoscaling: adopt` and wait for the next tick"
        yield f"{ask.component or ask.from_endpoint}: {world.left_alone} ({hint})"
    rung = effective_rung(ask, world)
    if rung < Rung.ASK:
        yield f"fleet.yaml lets {ask.model} act up to '{rung.name.lower()}' there; a move needs 'ask'"
    if world.model.route.via is Via.NONE:
        yield "no route: callers could not follow; declare `route` in fleet.yaml"
    called = {target.name for target in world.route.targets if target.weight > 0} if world.route else set()
    source = ask.component or ask.from_endpoint
    if called - {source}:
        yield f"the route sends callers to {', '.join(sorted(called))}, the decision saw {source}"


def _limits(ask: StartMove, world: World) -> Iterator[str]:
    """How many at once, when, and for how many dollars of double hosting."""
    limits, config = world.config.safety.limits, world.config
    if not in_window(config.safety.move_hours, config.timezone, world.now):
        yield "outside move_hours of fleet.yaml"
    same = [move.id for move in world.open if move.ask.model == ask.model]
    if same:
        yield f"move {same[0]} of the same model is open"
    # One that waits for a person may wait a day, and end without them: it takes nobody's place before it is approved.
    going = sum(move.phase is not Phase.WAITING for move in world.open)
    if going >= limits.moves_at_once:
        yield f"{going} moves are open, {limits.moves_at_once} may be"
    begun = [m for m in (*world.open, *world.ended) if m.began > world.now - DAY_S and m.phase is not Phase.SUPERSEDED]
    if len(begun) >= limits.moves_per_day:
        yield f"{len(begun)} moves began in the last 24 hours, moves_per_day is {limits.moves_per_day}"
    for name in (ask.from_endpoint, ask.to_endpoint):
        there = [move.id for move in world.open if name in {move.ask.from_endpoint, move.ask.to_endpoint}]
        if limits.moves_per_pool is not None and len(there) >= limits.moves_per_pool:
            yield f"{len(there)} moves at {name} are open ({', '.join(there)}), {limits.moves_per_pool} may be"
    if limits.usd_per_move is not None and ask.move_cost_usd > limits.usd_per_move:
        yield f"its double hosting costs about {usd(ask.move_cost_usd)}, usd_per_move is {usd(limits.usd_per_move)}"
    # An open move costs what was expected of it, or what it has cost already.
    spent = sum(move.usd for move in world.ended) + sum(max(m.usd, m.ask.move_cost_usd) for m in world.open)
    if limits.move_usd_per_day is not None and spent + ask.move_cost_usd > limits.move_usd_per_day:
        yield (
            f"moves of the last 24 hours cost {usd(spent)}, this one about {usd(ask.move_cost_usd)}:"
            f" move_usd_per_day is {usd(limits.move_usd_per_day)}"
        )


def _source(ask: StartMove, world: World) -> Iterator[str]:
    source = source_of(ask, world)
    if source is None:
        name = ask.component or ask.from_endpoint
        yield f"the source {name} {_unseen(name, world)}"
        return
    side = component_side(source) if isinstance(source, Component) else endpoint_side(source)
    home = world.endpoints.get(ask.from_endpoint)
    if source.model != ask.model:
        yield f"{side.name} is a home of {source.model or 'nobody'}, not of {ask.model}"
    if isinstance(source, Component) and source.endpoint != ask.from_endpoint:
        yield f"{side.name} is on {source.endpoint}, the decision saw {ask.from_endpoint}"
    if isinstance(source, Endpoint) and source.kind is not EndpointKind.DEDICATED:
        yield f"{side.name} cannot move: {source.unmovable or 'it is not a dedicated endpoint'}"
    elif source.unmovable:
        yield f"{side.name} cannot move: {source.unmovable}"
    elif not NAME_PATTERN.fullmatch(side.artifact):
        yield f"{side.name} runs {side.artifact or 'an unnamed container'}, not a SageMaker Model"
    if isinstance(source, Component) and home is not None and home.unmovable:
        yield f"nothing moves from {home.name}: {home.unmovable}"
    adapters = sorted(c.name for c in world.components.values() if c.base == ask.component) if ask.component else []
    if adapters:
        yield f"its adapters {', '.join(adapters)} would be left without their base {side.name}"
    homes = {side.name: side.status} | ({home.name: home.status} if home is not None else {})
    for name, status in homes.items():
        if status is not Status.IN_SERVICE:
            yield f"{name} is {status}: somebody is changing it"
    # The target must be known as the same model, or the next decision would not know its home.
    if identity_of(world.config.identity, "", target_tags(source.tags, ask.id)) != ask.model:
        yield (
            f"{side.name} would lose its identity: fleet.yaml says `identity: {world.config.identity}`, and a new home"
            " has a new name; use `identity: tag:KEY`"
        )


def _unseen(name: str, world: World) -> str:
    return f"may not be read: {world.left_out[name]}" if name in world.left_out else "is not there"


def _target(ask: StartMove, to_component: str, world: World) -> Iterator[str]:
    if ask.to_endpoint == ask.from_endpoint:
        yield f"{ask.to_endpoint} is where it lives"
    if not declared(ask, world.model) and not world.measured:
        where = f"{ask.to_hosting} on {ask.instance_type}"
        yield f"no shape of {ask.model} for {where} says its `concurrency`, and none was measured: declare it"
    match ask.to_hosting:
        case Hosting.SHARED:
            yield from _pool(ask, to_component, world)
        case Hosting.DEDICATED:
            if ask.to_endpoint in world.endpoints:
                yield f"the name {ask.to_endpoint} is taken"
            if not NAME_PATTERN.fullmatch(ask.to_endpoint) or len(ask.to_endpoint) > NAME_MAX:
                yield f"{ask.to_endpoint!r} is not an endpoint's name of at most {NAME_MAX} characters"


def declared(ask: StartMove, model: ModelConfig) -> float:
    """Requests at once that one copy or instance of the target serves, as fleet.yaml says; 0 = it does not."""
    shape = model.shape(ask.to_hosting, ask.instance_type)
    return (shape.concurrency if shape is not None else None) or 0.0


def _pool(ask: StartMove, to_component: str, world: World) -> Iterator[str]:
    pool = world.endpoints.get(ask.to_endpoint)
    if ask.to_endpoint in world.left_out:
        yield f"pool {ask.to_endpoint} {_unseen(ask.to_endpoint, world)}"
        return
    if pool is None or pool.kind is not EndpointKind.POOL:
        yield f"{ask.to_endpoint} is not a pool that is there"
        return
    declared = pool_of_endpoint(world.config, pool.name)
    if declared is None:
        yield f"{pool.name} is no pool of fleet.yaml"
    elif declared.tenants and world.model.tenant not in declared.tenants:
        label = world.model.tenant or "its own, private label"
        yield f"{pool.name} takes tenants {', '.join(declared.tenants)}; {ask.model} has {label}"
    if pool.unmovable:
        yield f"nothing moves to {pool.name}: {pool.unmovable}"
    if pool.status is not Status.IN_SERVICE:
        yield f"{pool.name} is {pool.status}: somebody is changing it"
    if pool.instance_type != ask.instance_type:
        yield f"{pool.name} has {pool.instance_type}, the decision saw {ask.instance_type}"
    if to_component in world.components:
        yield f"the name {to_component} is taken"


def _callers(target: str, world: World) -> Iterator[str]:
    """Who may not be sent to the target, and of whom nobody can tell."""
    for one in world.callers:
        if one.refused:
            hint = "allow it, by the tag tidepool:managed = true or by name, or take it out of `callers`"
            yield f"caller {one.principal} may not invoke {target}: {one.refused} ({hint})"
        if one.unknown:
            hint = "take it out of `callers` if it cannot be simulated, and see yourself that it may"
            yield f"unverified whether caller {one.principal} may invoke {target}: {one.unknown} ({hint})"


def _between(ask: StartMove, world: World) -> Iterator[str]:
    """What is not the same on both sides and must be, and what needs no move at all."""
    source, home = source_of(ask, world), world.endpoints[ask.from_endpoint]
    assert source is not None
    shared = ask.to_hosting is Hosting.SHARED
    there = world.endpoints[ask.to_endpoint].boundary if shared else boundary_alone(source)
    for difference in home.boundary.unlike(there):
        yield f"the move would change its boundary: {difference}"
    if leaves_reservation(ask, home):
        hint = f"update {home.name} to a config without CapacityReservationConfig first, or let it stay"
        yield f"{home.name} would leave its capacity reservation {home.reservation} ({hint})"
    if ask.instance_type in home.other_types and ask.to_hosting is ask.from_hosting:
        how = f"give {ask.component} Specifications for it" if shared else "put it first there"
        yield f"{home.name} lists {ask.instance_type} among its own InstancePools: {how}, and nothing needs to move"


def leaves_reservation(ask: StartMove, home: Endpoint) -> bool:
    """A dedicated endpoint's instances come from a reservation that its target's could not.

    One is of one instance type (AWS documentation, training plans for endpoints). A pool's is the pool's own: models
    come and go, as fleet.yaml's `reserved` says.
    """
    stays = ask.to_hosting is Hosting.DEDICATED and ask.instance_type == home.instance_type
    return ask.from_hosting is Hosting.DEDICATED and bool(home.reservation) and not stays


def in_place(ask: StartMove, from_type: str) -> str:
    """How the same could be had without a move, '' when it could not: a dedicated endpoint's type can change in place.

    SageMaker does it with an UpdateEndpoint, without a route and without the checks of a move; Tidepool may not.
    """
    alone = ask.from_hosting is ask.to_hosting is Hosting.DEDICATED
    if not alone or not from_type or from_type == ask.instance_type:
        return ""
    return f"in place: UpdateEndpoint of {ask.from_endpoint} with {ask.instance_type} in its InstancePools"


def _room(ask: StartMove, world: World) -> Iterator[str]:
    """Instances that the target may still need beside the source's, against the type's quota and the pool's maximum.

    SageMaker places copies; only accelerators are counted here, so this can only say no too late, never too soon.
    """
    kind = world.instance_types.get(ask.instance_type)
    if kind is None:
        yield f"accelerators and quota of {ask.instance_type} are not known"
        return
    used = sum(_instances(e) for e in world.endpoints.values() if e.instance_type == ask.instance_type)
    more = ask.size
    if ask.to_hosting is Hosting.SHARED:
        pool = world.endpoints[ask.to_endpoint]
        held = sum(
            max(c.copies_now, c.copies_wanted) * c.accelerators_per_copy
            for c in world.components.values()
            if c.endpoint == pool.name
        )
        wanted = held + max(1, ask.size) * ask.accelerators_per_copy
        needed = -(-wanted // max(1, kind.accelerators))
        more = max(0, needed - _instances(pool))
        if needed > pool.max_instances:
            yield f"{pool.name} would need {needed} instances, its maximum is {pool.max_instances}"
    if used + more > kind.quota:
        yield f"quota: {used} of {kind.quota} {ask.instance_type} are in use, {more} more are needed"


def _instances(endpoint: Endpoint) -> int:
    return max(endpoint.instances_now, endpoint.instances_wanted)
