"""A move as it is judged before it begins, by everything that its preflight and its life need of the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tidepool.config.resolve import model_config
from tidepool.config.types import Hosting, ModelConfig, RouteConfig, Rung
from tidepool.decision.measured import key, long_enough
from tidepool.decision.others import autoscaled
from tidepool.errors import HostingError, Throttled, Unreachable
from tidepool.fleet import Component, Endpoint, InstanceType, Route, Target, named_twice
from tidepool.memory import ModelMemory
from tidepool.move.host_memory import memory_mb
from tidepool.move.longest import LOOK_BACK_S, longest_s
from tidepool.move.naming import CREATED_TAG, target_name, target_tags
from tidepool.move.notes import notes
from tidepool.move.preflight import Caller, World, declared, effective_rung, preflight, source_of
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.look_at_move import People, people
from tidepool.runtime.observe import instance_types
from tidepool.runtime.ports import MetricTarget, Ports
from tidepool.units import DAY_S, rounded


def judged(ports: Ports, ask: StartMove, now: int) -> Move:
    """The move as it begins: everything it needs of the source is in it, so that no crash loses it."""
    asked = people(ports, now)
    to_component = target_name(ask.model, ask.id) if ask.to_hosting is Hosting.SHARED else ""
    world = _world(ports, ask, to_component, asked, now)
    reasons = preflight(ask, to_component, world)
    phase = Phase.WAITING if effective_rung(ask, world) is Rung.ASK else Phase.CREATE
    home = world.endpoints.get(ask.from_endpoint)
    from_type = home.instance_type if home is not None else ""
    move = Move(
        id=ask.id,
        version=0,
        ask=ask,
        phase=Phase.SUPERSEDED if reasons else phase,
        step=0,
        since=now,
        began=now,
        from_type=from_type,
        to_component=to_component,
        why="; ".join(reasons or notes(ask, to_component, from_type, world)),
        measured=world.measured,
        commit=asked.commit,
    )
    source = source_of(ask, world)
    if source is None:
        return move
    target = world.endpoints.get(ask.to_endpoint)
    has_mb = source.memory_mb if isinstance(source, Component) else 0
    held = source.accelerators_per_copy if isinstance(source, Component) else None
    needs = ask.accelerators_per_copy if ask.to_hosting is Hosting.SHARED else None
    move = replace(
        move,
        variant=source.variant,
        to_variant=target.variant if target is not None else "",
        tags=dict(source.tags),
        memory_mb=memory_mb(world.model.shape(ask.to_hosting, ask.instance_type), has_mb),
        source_was_ours=CREATED_TAG in source.tags,
        from_usd=_usd(world.instance_types.get(from_type), held),
        to_usd=_usd(world.instance_types.get(ask.instance_type), needs),
    )
    if not reasons and not world.model.longest_request_written:
        move = replace(move, longest_s=_longest_s(ports, move, stream=world.model.stream, now=now))
    if isinstance(source, Component):
        return replace(move, sagemaker_model=source.artifact, strategy=source.strategy)
    # A dedicated endpoint has no strategy: its instances are spread over the zones by SageMaker.
    strategy = "SPREAD" if world.model.zones > 1 else "BINPACK"
    return replace(move, sagemaker_model=source.sagemaker_model, strategy=strategy)


def against(ports: Ports, move: Move, now: int) -> tuple[str, ...]:
    """Why a move that has waited for a person may not begin now, up to a day after it was judged; () when it may."""
    world = _world(ports, move.ask, move.to_component, people(ports, now), now)
    return preflight(move.ask, move.to_component, world, again=True)


def _longest_s(ports: Ports, move: Move, *, stream: bool, now: int) -> float:
    """How long a request runs at most, as the source's metrics show; 0 while CloudWatch is away."""
    target = MetricTarget(move.source_name, move.ask.from_endpoint, move.variant, move.ask.component)
    try:
        return longest_s(ports.metrics.extremes(target, now - LOOK_BACK_S, now), stream=stream)
    except (HostingError, Unreachable):
        return 0.0


def _usd(kind: InstanceType | None, accelerators: int | None) -> float:
    """Dollars an hour of one instance, or of one copy's share of it; 0 where the type is not known."""
    if kind is None:
        return 0.0
    share = 1.0 if accelerators is None else max(1, accelerators) / max(1, kind.accelerators)
    return rounded(kind.usd_per_hour * share)


def _world(ports: Ports, ask: StartMove, to_component: str, asked: People, now: int) -> World:
    endpoints = ports.hosting.endpoints()
    model = model_config(asked.config, ask.model)
    home = endpoints.get(ask.from_endpoint)
    components = ports.hosting.components()
    asked = asked.seeing((*components.values(), *endpoints.values()), now)
    source = components.get(ask.component) if ask.component else home
    names = dict.fromkeys([ask.instance_type, *([home.instance_type] if home is not None else [])])
    kinds = instance_types(ports, asked.config, list(names))
    return World(
        config=asked.config,
        model=model,
        endpoints=endpoints,
        components=components,
        instance_types=kinds,
        now=now,
        open=ports.ledger.moves(),
        ended=ports.ledger.ended_moves(now - DAY_S),
        held=asked.held(ask, now) or named_twice(endpoints, components).get(ask.component or ask.from_endpoint, ""),
        frozen=asked.frozen(ask, now) or asked.unread,
        route=_route(ports, ask.model, model.route),
        left_alone=autoscaled(ports.autoscaling.targets().get(ask.component or ask.from_endpoint), asked.config),
        callers=_callers(ports, ask, to_component, model, source),
        left_out={one.name: one.why for one in ports.hosting.left_out()},
        measured=0.0 if declared(ask, model) else _measured(ports, ask, source, kinds, now),
    )


def _measured(
    ports: Ports,
    ask: StartMove,
    source: Component | Endpoint | None,
    kinds: Mapping[str, InstanceType],
    now: int,
) -> float:
    """What this artifact was seen to serve well on that hosting and type, for long enough; 0 where nobody saw."""
    artifact = source.artifact if isinstance(source, Component) else source.sagemaker_model if source else ""
    kind = kinds.get(ask.instance_type)
    whole = kind.accelerators if kind is not None else 1
    accelerators = max(1, ask.accelerators_per_copy if ask.to_hosting is Hosting.SHARED else whole)
    remembered = ports.ledger.memory().models.get(ask.model, ModelMemory())
    found = remembered.measured.get(key(ask.to_hosting, ask.instance_type, accelerators, artifact))
    return found.concurrency if artifact and found is not None and long_enough(found, now) else 0.0


def _callers(
    ports: Ports, ask: StartMove, to_component: str, model: ModelConfig, source: Component | Endpoint | None
) -> tuple[Caller, ...]:
    """Whether each declared caller may invoke the target, with the tags that it will have."""
    target = Target(ask.to_endpoint, to_component, 100)
    tags = target_tags(source.tags if source is not None else {}, ask.id)
    found = []
    for principal in model.callers:
        try:
            said = ports.principals.refused(principal, target, beside=ask.from_endpoint, tags=tags, stream=model.stream)
            found.append(Caller(principal, refused=said))
        except (HostingError, Unreachable) as error:
            # Missing evidence means hold.
            found.append(Caller(principal, unknown=str(error)))
    return tuple(found)


def _route(ports: Ports, model: str, via: RouteConfig) -> Route | None:
    """Where callers go now; None while the store is away: the move's first step reads it again."""
    try:
        return ports.routes.read(model, via)
    except (Throttled, Unreachable):
        return None
