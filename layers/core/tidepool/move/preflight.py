"""Preflight: everything that must be true before a move begins, all at once. What is not is said, and nothing done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tidepool.config.resolve import pool_of_endpoint
from tidepool.config.types import Config, Hosting, ModelConfig, Rung, Via
from tidepool.fleet import Component, Endpoint, EndpointKind, InstanceType, Status
from tidepool.fleet.identity import identity_of
from tidepool.move.naming import NAME_MAX, target_tags
from tidepool.move.seen import Side, component_side, endpoint_side
from tidepool.move.state import Move
from tidepool.plan.change import StartMove

_MODEL_NAME = re.compile(r"[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?")
"""A SageMaker Model's name. A component defined by a container shows an image instead, which is none."""


@dataclass(frozen=True, slots=True)
class World:
    """What a move is judged on before it begins. held, frozen: who and why, '' when nobody. open: moves now open."""

    config: Config
    model: ModelConfig
    endpoints: Mapping[str, Endpoint]
    components: Mapping[str, Component]
    instance_types: Mapping[str, InstanceType]
    open: tuple[Move, ...] = ()
    held: str = ""
    frozen: str = ""


def source_of(ask: StartMove, world: World) -> Component | Endpoint | None:
    """The home the move leaves, or None when it is not there."""
    return world.components.get(ask.component) if ask.component else world.endpoints.get(ask.from_endpoint)


def preflight(ask: StartMove, to_component: str, world: World) -> tuple[str, ...]:
    """Every reason why the move may not begin; () when it may."""
    found = [*_people(ask, world), *_source(ask, world), *_target(ask, to_component, world)]
    found += _room(ask, world) if not found else []
    return tuple(found)


def effective_rung(ask: StartMove, world: World) -> Rung:
    """The lowest of the model's rung and those of the pools it leaves and enters."""
    pools = (pool_of_endpoint(world.config, name) for name in (ask.from_endpoint, ask.to_endpoint))
    return min([world.model.act, *(pool.act for pool in pools if pool is not None)])


def _people(ask: StartMove, world: World) -> list[str]:
    found = []
    if world.held:
        found.append(f"held: {world.held}")
    if world.frozen:
        found.append(f"frozen: {world.frozen}")
    rung = effective_rung(ask, world)
    if rung < Rung.ASK:
        found.append(f"fleet.yaml lets {ask.model} act up to '{rung.name.lower()}' there; a move needs 'ask'")
    if world.model.route.via is Via.NONE:
        found.append("no route: callers could not follow; declare `route` in fleet.yaml")
    same = [move.id for move in world.open if move.ask.model == ask.model]
    if same:
        found.append(f"move {same[0]} of the same model is open")
    limit = world.config.safety.limits.moves_at_once
    if len(world.open) >= limit:
        found.append(f"{len(world.open)} moves are open, {limit} may be")
    return found


def _source(ask: StartMove, world: World) -> list[str]:
    source = source_of(ask, world)
    if source is None:
        return [f"the source {ask.component or ask.from_endpoint} is not there"]
    found = []
    side = component_side(source) if isinstance(source, Component) else endpoint_side(source)
    if source.model != ask.model:
        found.append(f"{side.name} is a home of {source.model or 'nobody'}, not of {ask.model}")
    if isinstance(source, Component) and source.endpoint != ask.from_endpoint:
        found.append(f"{side.name} is on {source.endpoint}, the decision saw {ask.from_endpoint}")
    if isinstance(source, Endpoint) and source.kind is not EndpointKind.DEDICATED:
        found.append(f"{side.name} cannot move: {source.unmovable or 'it is not a dedicated endpoint'}")
    if side.status is not Status.IN_SERVICE:
        found.append(f"{side.name} is {side.status}: somebody is changing it")
    if not _MODEL_NAME.fullmatch(side.artifact):
        found.append(f"{side.name} runs {side.artifact or 'an unnamed container'}, not a SageMaker Model")
    found += _identity(ask, side, source.tags, world)
    return found


def _identity(ask: StartMove, side: Side, tags: Mapping[str, str], world: World) -> list[str]:
    """The target must be known as the same model, or the next decision would not know its home."""
    kept = identity_of(world.config.identity, "", target_tags(tags, ask.id))
    if kept == ask.model:
        return []
    return [
        f"{side.name} would lose its identity: fleet.yaml says `identity: {world.config.identity}`, and a new home"
        " has a new name; use `identity: tag:KEY`"
    ]


def _target(ask: StartMove, to_component: str, world: World) -> list[str]:
    found = []
    if ask.to_endpoint == ask.from_endpoint:
        found.append(f"{ask.to_endpoint} is where it lives")
    if world.model.shape(ask.to_hosting, ask.instance_type) is None:
        found.append(f"no shape of {ask.model} for {ask.to_hosting} on {ask.instance_type}: its capacity is unknown")
    match ask.to_hosting:
        case Hosting.SHARED:
            found += _pool(ask, to_component, world)
        case Hosting.DEDICATED:
            if ask.to_endpoint in world.endpoints:
                found.append(f"the name {ask.to_endpoint} is taken")
            if not _MODEL_NAME.fullmatch(ask.to_endpoint) or len(ask.to_endpoint) > NAME_MAX:
                found.append(f"{ask.to_endpoint!r} is not an endpoint's name of at most {NAME_MAX} characters")
    return found


def _pool(ask: StartMove, to_component: str, world: World) -> list[str]:
    pool = world.endpoints.get(ask.to_endpoint)
    if pool is None or pool.kind is not EndpointKind.POOL:
        return [f"{ask.to_endpoint} is not a pool that is there"]
    found = []
    if pool_of_endpoint(world.config, pool.name) is None:
        found.append(f"{pool.name} is no pool of fleet.yaml")
    if pool.status is not Status.IN_SERVICE:
        found.append(f"{pool.name} is {pool.status}: somebody is changing it")
    if pool.instance_type != ask.instance_type:
        found.append(f"{pool.name} has {pool.instance_type}, the decision saw {ask.instance_type}")
    if to_component in world.components:
        found.append(f"the name {to_component} is taken")
    return found


def _room(ask: StartMove, world: World) -> list[str]:
    """Instances that the target may still need, against the type's quota and the pool's maximum.

    SageMaker places copies; only accelerators are counted here, so this can only say no too late, never too soon.
    """
    kind = world.instance_types.get(ask.instance_type)
    if kind is None:
        return [f"accelerators and quota of {ask.instance_type} are not known"]
    used = sum(_instances(e) for e in world.endpoints.values() if e.instance_type == ask.instance_type)
    more, found = ask.size, []
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
            found.append(f"{pool.name} would need {needed} instances, its maximum is {pool.max_instances}")
    if used + more > kind.quota:
        found.append(f"quota: {used} of {kind.quota} {ask.instance_type} are in use, {more} more are needed")
    return found


def _instances(endpoint: Endpoint) -> int:
    return max(endpoint.instances_now, endpoint.instances_wanted)
