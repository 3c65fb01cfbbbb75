"""Reads the world once, for one decision: declared pools, their components, dedicated endpoints, evidence.

An error of any read goes through to the caller: the whole decision is then skipped and the last good state
held. It never becomes an empty fleet, because an empty fleet would look like one that nobody needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tidepool.config.resolve import model_config
from tidepool.config.types import Config, InstanceConfig, Via
from tidepool.errors import HostingError, Unreachable
from tidepool.fleet import (
    UNREAD,
    Component,
    Endpoint,
    EndpointKind,
    Evidence,
    Fleet,
    InstanceType,
    Route,
    named_twice,
)
from tidepool.fleet.demand import no_evidence
from tidepool.fleet.hold_tag import holds_by_tag
from tidepool.memory import Memory
from tidepool.move.overdue import overdue
from tidepool.move.state import Move, Phase
from tidepool.runtime.ports import MetricTarget, Ports
from tidepool.runtime.reading import sparing
from tidepool.units import MINUTE_S, rounded

NO_MEMORY = Memory.empty()
WINDOW_S = 900
"""How far back a tick looks: the 15 minutes that target tracking's scale-in looks back (sagemaker-facts)."""


def observe(ports: Ports, config: Config, now: int, memory: Memory = NO_MEMORY, *, thorough: bool = True) -> Fleet:
    """The fleet as it is at `now`, every mapping in order of its keys: same world, same bytes.

    `memory` is the last tick's: with it only those metrics are read that can change a decision (runtime/reading.py).
    """
    account = ports.hosting.endpoints()
    endpoints = _reserved(ports, _ours(account, config))
    components = {
        name: component
        for name, component in sorted(ports.hosting.components().items())
        if component.endpoint in endpoints and endpoints[component.endpoint].kind is EndpointKind.POOL
    }
    moves = sorted(ports.ledger.moves(), key=lambda move: (move.ask.model, move.id))
    moving = _moving(moves)
    every = metric_targets(endpoints, components)
    targets = sparing(
        every,
        config,
        memory,
        endpoints=endpoints,
        components=components,
        moving=moving,
        now=now,
        thorough=thorough,
    )
    seen = ports.metrics.evidence(targets, now, WINDOW_S)
    # A port may tell more than it was asked: a decision is made on what was asked for, whichever port it is.
    seen = {target.name: _asked(seen[target.name], target) for target in targets if target.name in seen}
    return Fleet(
        endpoints=endpoints,
        components=components,
        evidence={target.name: seen.get(target.name, no_evidence()) for target in every},
        instance_types=_left_for_us(_instance_types(ports, config, endpoints), account, endpoints),
        routes=_routes(ports, config, endpoints, components),
        moving=moving,
        standing_still=_standing_still(moves, now),
        signals=(*ports.ledger.signals(now), *holds_by_tag((*components.values(), *endpoints.values()), now)),
        frozen_by=frozen_by(ports, config, now),
    )


def _asked(found: Evidence, target: MetricTarget) -> Evidence:
    return Evidence(**{field: getattr(found, field) for field in target.fields}) if target.fields else found


def _left_for_us(
    types: Mapping[str, InstanceType], account: Mapping[str, Endpoint], ours: Mapping[str, Endpoint]
) -> dict[str, InstanceType]:
    """The types with their quota less what the account's other endpoints hold: a quota is the whole account's."""
    others: Counter[str] = Counter()
    for name, endpoint in account.items():
        if name not in ours:
            others[endpoint.instance_type] += max(endpoint.instances_now, endpoint.instances_wanted)
    return {name: replace(of, quota=max(0, of.quota - others[name])) for name, of in types.items()}


def frozen_by(ports: Ports, config: Config, now: int) -> tuple[str, ...]:
    """What freezes now. Alarms and calendars that cannot be read freeze too, and nothing else waits for them: raising
    goes on.
    """
    try:
        return ports.alarms.frozen_by(config, now)
    except (HostingError, Unreachable) as error:
        return (f"{UNREAD} ({error})",)


def metric_targets(endpoints: Mapping[str, Endpoint], components: Mapping[str, Component]) -> tuple[MetricTarget, ...]:
    """Whose metrics a decision needs: every component, and every dedicated endpoint, by name. Not who share a name."""
    twice = named_twice(endpoints, components)
    shared = (
        MetricTarget(name=c.name, endpoint=c.endpoint, variant=c.variant, component=c.name)
        for c in components.values()
        if c.name not in twice
    )
    dedicated = (
        MetricTarget(name=e.name, endpoint=e.name, variant=e.variant, component="")
        for e in endpoints.values()
        if e.kind is EndpointKind.DEDICATED and e.name not in twice
    )
    return tuple(sorted((*shared, *dedicated), key=lambda target: target.name))


def _ours(endpoints: Mapping[str, Endpoint], config: Config) -> dict[str, Endpoint]:
    """The endpoints that fleet.yaml speaks of: declared pools, and dedicated endpoints of models it names."""
    pools = {pool.endpoint for pool in config.pools.values()}
    found = {}
    for name, endpoint in sorted(endpoints.items()):
        match endpoint.kind:
            case EndpointKind.POOL:
                ours = name in pools
            case EndpointKind.DEDICATED:
                ours = bool(endpoint.model and model_config(config, endpoint.model).matched)
            case EndpointKind.OTHER:
                ours = False
        if ours:
            found[name] = endpoint
    return found


def _reserved(ports: Ports, endpoints: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """The endpoints with what their capacity reservations say."""
    arns = sorted({endpoint.reservation for endpoint in endpoints.values() if endpoint.reservation})
    known = ports.reservations.read(arns) if arns else {}

    def read(endpoint: Endpoint) -> Endpoint:
        found = known.get(endpoint.reservation)
        if found is None:
            return endpoint
        return replace(endpoint, reserved=endpoint.reserved or found.instances, reserved_until=found.until)

    return {name: read(endpoint) for name, endpoint in endpoints.items()}


def _models(endpoints: Iterable[Endpoint], components: Iterable[Component]) -> list[str]:
    return sorted({c.model for c in components if c.model} | {e.model for e in endpoints if e.model})


def _instance_types(ports: Ports, config: Config, endpoints: Mapping[str, Endpoint]) -> dict[str, InstanceType]:
    """Types of every endpoint, pool and declared shape."""
    names = {e.instance_type for e in endpoints.values()} | set(config.instances)
    names |= {name for pool in config.pools.values() for name in pool.types}
    models = (*config.names.values(), *(model for _, model in config.globs))
    names |= {shape.instance_type for model in models for shape in model.shapes}
    return instance_types(ports, config, names)


def instance_types(ports: Ports, config: Config, names: Iterable[str]) -> dict[str, InstanceType]:
    """These types at the price that is paid; one whose figures are neither written nor readable is absent.

    What fleet.yaml says of a type wins over the account, which is asked only for what the file leaves out.
    `price_factor` is laid on list prices alone: a price written in the file is already what is paid.
    """
    names = sorted({name for name in names if name})
    unsaid = [name for name in names if not _complete(config.instances.get(name))]
    listed = ports.prices.instance_types(unsaid) if unsaid else {}
    known = {}
    for name in names:
        found = _overlaid(name, config.instances.get(name), listed.get(name), config.money.price_factor)
        if found is not None:
            known[name] = found
    return known


def _complete(said: InstanceConfig | None) -> bool:
    return said is not None and None not in (said.accelerators, said.usd_per_hour, said.quota)


def _overlaid(
    name: str, said: InstanceConfig | None, listed: InstanceType | None, price_factor: float
) -> InstanceType | None:
    """The type's figures, or None when one of them is neither written nor readable: missing evidence."""
    accelerators = said.accelerators if said else None
    price = said.usd_per_hour if said else None
    quota = said.quota if said else None
    if listed is not None:
        accelerators = listed.accelerators if accelerators is None else accelerators
        price = rounded(listed.usd_per_hour * price_factor) if price is None else price
        quota = listed.quota if quota is None else quota
    if accelerators is None or price is None or quota is None:
        return None
    return InstanceType(name=name, accelerators=accelerators, usd_per_hour=price, quota=quota)


def _routes(
    ports: Ports, config: Config, endpoints: Mapping[str, Endpoint], components: Mapping[str, Component]
) -> dict[str, Route]:
    found = {}
    for model in _models(endpoints.values(), components.values()):
        via = model_config(config, model).route
        try:
            route = ports.routes.read(model, via) if via.via is not Via.NONE else None
        except HostingError:
            # A router that leads to what is gone, or may not be read, tells nothing of this model's homes; its own move
            # says so. Everybody's copies go on.
            route = None
        if route is not None:
            found[model] = route
    return found


def _moving(moves: Iterable[Move]) -> dict[str, tuple[str, ...]]:
    """Models with an open move, and what each has created; a move that waits for a person has created
    nothing.
    """
    return {move.ask.model: () if move.phase is Phase.WAITING else (move.target_name,) for move in moves}


def _standing_still(moves: Iterable[Move], now: int) -> dict[str, tuple[str, str, str]]:
    """By id: model, phase and what is wrong, of every open move past its deadline."""
    return {
        move.id: (
            move.ask.model,
            str(move.phase),
            f"move {move.id} has been in {move.phase} for {(now - move.since) // MINUTE_S} min, past its deadline: "
            "with Hands=moves it goes on; `tidepool moves` says what to do",
        )
        for move in moves
        if overdue(move, now)
    }
