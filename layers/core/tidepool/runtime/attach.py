"""Gives new models their first home on a pool, and takes each as far as it can go. Any number may run at once.

As in advance_moves: look → the pure machine says what is next → save, with the version that was read → only then act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Config, Hosting, ModelConfig, PoolConfig, Rung, Via
from tidepool.errors import (
    AlreadyExists,
    BadEvent,
    Busy,
    Conflict,
    HostingError,
    NotFound,
    Problem,
    Throttled,
    TidepoolError,
    Unreachable,
)
from tidepool.fleet import Component, Endpoint, EndpointKind, Status
from tidepool.fleet.asked import Answer
from tidepool.fleet.identity import identity_of
from tidepool.move.attach import Attach, AttachSeen, attach_step
from tidepool.move.command import Command, CreateTarget, Delete, Probe, WriteRoute, intent
from tidepool.move.host_memory import memory_mb, unsaid
from tidepool.move.naming import target_name, target_tags
from tidepool.move.seen import component_side
from tidepool.move.state import Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.look_at_move import People, people
from tidepool.runtime.observe import instance_types
from tidepool.runtime.ports import Ports

TURNS = 8
"""Turns of one attach in one run: a way through without waiting has five. Ours."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`pool` is one of fleet.yaml; `memory_mb` 0 = as fleet.yaml says (move/host_memory.py), `copies` 0 = the model's
    floor; `id` is the attach's.
    """

    id: str
    model: str
    pool: str
    sagemaker_model: str
    who: str
    why: str
    memory_mb: int = 0
    copies: int = 0


def begin_attach(ports: Ports, wanted: Wanted, now: int) -> Attach:
    """The attach is stored, created next; or superseded with every reason, and nothing is made. Asked twice is one.

    BadEvent when the words name no pool of fleet.yaml.
    """
    known = next((attach for attach in ports.ledger.attaches() if attach.id == wanted.id), None)
    if known is not None:
        if known.version == 1:
            # Its event comes again when this failed after the attach was stored: nobody has heard of it then.
            _announce(ports, known, now)
        return known
    attach = replace(_judged(ports, wanted, now), version=1)
    try:
        ports.ledger.save_attach(attach, expected_version=0)
    except Conflict:
        return attach
    _announce(ports, attach, now)
    return attach


def advance_attaches(ports: Ports, now: int) -> tuple[Attach, ...]:
    """Every open attach has gone as far as it can at `now`. One's error leaves it for the next run."""
    attaches = [attach for attach in ports.ledger.attaches() if not attach.phase.ended]
    if not attaches:
        return ()
    asked = people(ports, now)
    done, errors = [], []
    for attach in attaches:
        try:
            done.append(_advance(ports, attach, asked, now))
        except (Conflict, Busy, Throttled, Unreachable):
            done.append(attach)
        except TidepoolError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return tuple(done)


def _advance(ports: Ports, attach: Attach, asked: People, now: int) -> Attach:
    probed: Answer | None = None
    refused, before = "", None
    for _ in range(TURNS):
        turn = attach_step(attach, _look(ports, attach, asked, now, probed=probed, refused=refused), now)
        if turn.command is None:
            if turn.attach == attach:
                break
            attach, probed, refused = _saved(ports, attach, turn.attach, now), None, ""
            continue
        if refused or turn.command == before:
            break
        attach, before = _saved(ports, attach, replace(attach, intent=intent(turn.command)), now), turn.command
        probed, refused = _act(ports, attach, turn.command, asked.config)
    return attach


def _look(ports: Ports, attach: Attach, asked: People, now: int, *, probed: Answer | None, refused: str) -> AttachSeen:
    model = model_config(asked.config, attach.model)
    try:
        home = ports.hosting.component(attach.component)
    except NotFound:
        home = None
    routed = model.route.via is not Via.NONE
    return AttachSeen(
        target=component_side(home) if home is not None else None,
        route=ports.routes.read(attach.model, model.route) if routed else None,
        routed=routed,
        sample=model.sample,
        probed=probed,
        refused=refused,
        held=asked.seeing([home], now).stopped(_as_move(attach), now),
    )


def _act(ports: Ports, attach: Attach, command: Command, config: Config) -> tuple[Answer | None, str]:
    """The command is carried out, once; (what a probe saw, why asking again is of no use)."""
    try:
        match command:
            case CreateTarget():
                ports.hosting.create_component(attach.new, change=attach.id)
            case Probe():
                return ports.hosting.probe(attach.targets[0], command.sample), ""
            case WriteRoute():
                via = model_config(config, attach.model).route
                ports.routes.write(command.route, via, expected_version=command.route.version - 1)
            case Delete():
                ports.hosting.delete_component(command.name, change=attach.id)
            case _:
                raise AssertionError(f"an attach never asks for {command}")
    except (AlreadyExists, NotFound) as error:
        # Made already, or gone already: the next look shows which. A SageMaker Model or a sample must be there.
        return None, str(error) if isinstance(command, Probe) or isinstance(error, NotFound) else ""
    except (Busy, Throttled, Unreachable):
        raise
    except HostingError as error:
        return None, str(error)
    return None, ""


def _judged(ports: Ports, wanted: Wanted, now: int) -> Attach:
    """The attach as it begins."""
    asked = people(ports, now)
    config = asked.config
    pool = config.pools.get(wanted.pool) or pool_of_endpoint(config, wanted.pool)
    if pool is None:
        allowed = ", ".join(sorted(config.pools)) or "none: fleet.yaml declares no pool"
        raise BadEvent("attach", (Problem("attach.pool", wanted.pool, allowed, "`tidepool pool scaffold` prints one"),))
    model = model_config(config, wanted.model)
    endpoints, components = ports.hosting.endpoints(), ports.hosting.components()
    endpoint = endpoints.get(pool.endpoint)
    kind = endpoint.instance_type if endpoint is not None else ""
    shape = model.shape(Hosting.SHARED, kind)
    key = config.identity.removeprefix("tag:")
    guessed = unsaid(wanted.model, kind, shape, wanted.memory_mb)
    attach = Attach(
        id=wanted.id,
        version=0,
        model=wanted.model,
        endpoint=pool.endpoint,
        variant=endpoint.variant if endpoint is not None else "",
        component=target_name(wanted.model, wanted.id),
        sagemaker_model=wanted.sagemaker_model,
        accelerators_per_copy=(shape.accelerators if shape is not None else None) or 1,
        memory_mb=wanted.memory_mb or memory_mb(shape),
        copies=wanted.copies or max(1, model.min_copies),
        because=f"asked for by {wanted.who}: {wanted.why}{f'; {guessed}' if guessed else ''}",
        phase=Phase.CREATE,
        since=now,
        began=now,
        strategy="SPREAD" if model.zones > 1 else "BINPACK",
        tags=target_tags({key: wanted.model}, wanted.id),
        commit=asked.commit,
    )
    reasons = [
        *_against(asked, attach, model, pool, now),
        *_lives(ports, attach, model, endpoints, components),
        *([] if shape is not None else [f"no shape of {attach.model} for shared on {kind or 'an unknown type'}"]),
        *_no_room(ports, config, attach, endpoints, components),
    ]
    return replace(attach, phase=Phase.SUPERSEDED, why="; ".join(reasons)) if reasons else attach


def _against(asked: People, attach: Attach, model: ModelConfig, pool: PoolConfig, now: int) -> list[str]:
    """What people have said against it."""
    found = []
    held, frozen = asked.held(_as_move(attach), now), asked.frozen(_as_move(attach), now) or asked.unread
    if held:
        found.append(f"held: {held}")
    if frozen:
        found.append(f"frozen: {frozen}")
    rung = min(model.act, pool.act)
    if rung < Rung.ASK:
        found.append(f"fleet.yaml lets {attach.model} act up to '{rung.name.lower()}' there; an attach needs 'ask'")
    if pool.tenants and model.tenant not in pool.tenants:
        found.append(f"pool {pool.name} is for the tenants {', '.join(pool.tenants)}, not {model.tenant or 'nobody'}")
    identity = asked.config.identity
    if identity_of(identity, attach.component, attach.tags) != attach.model:
        found.append(f"fleet.yaml says `identity: {identity}`, and a new home has a new name: use `identity: tag:KEY`")
    return found


def _lives(
    ports: Ports,
    attach: Attach,
    model: ModelConfig,
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
) -> list[str]:
    """Homes that the model has, or is about to get, and where its callers go already."""
    homes = [c.name for c in components.values() if c.model == attach.model]
    homes += [e.name for e in endpoints.values() if e.model == attach.model]
    found = [f"{attach.model} lives in {name} already (`tidepool move` takes it elsewhere)" for name in homes]
    route = ports.routes.read(attach.model, model.route) if model.route.via is not Via.NONE else None
    if route is not None and not homes:
        found.append(f"callers of {attach.model} are routed to {', '.join(t.name for t in route.targets)} already")
    open_ones = [a.id for a in ports.ledger.attaches() if a.model == attach.model and not a.phase.ended]
    return [*found, *(f"attach {name} of the same model is open" for name in open_ones)]


def _no_room(
    ports: Ports,
    config: Config,
    attach: Attach,
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
) -> list[str]:
    """Why the pool cannot take it. Only accelerators are counted: this can say no too late, never too soon."""
    pool = endpoints.get(attach.endpoint)
    if pool is None or pool.kind is not EndpointKind.POOL:
        return [f"{attach.endpoint} is not a pool that is there"]
    if pool.status is not Status.IN_SERVICE:
        return [f"{pool.name} is {pool.status}: somebody is changing it"]
    kind = instance_types(ports, config, [pool.instance_type]).get(pool.instance_type)
    if kind is None or not kind.accelerators:
        return [f"accelerators and quota of {pool.instance_type} are not known"]
    here = [c for c in components.values() if c.endpoint == pool.name]
    held = sum(max(c.copies_now, c.copies_wanted) * c.accelerators_per_copy for c in here)
    needed = -(-(held + attach.copies * attach.accelerators_per_copy) // kind.accelerators)
    used = sum(_instances(e) for e in endpoints.values() if e.instance_type == kind.name)
    more, found = max(0, needed - _instances(pool)), []
    if needed > pool.max_instances:
        found.append(f"{pool.name} would need {needed} instances, its maximum is {pool.max_instances}")
    if used + more > kind.quota:
        found.append(f"quota: {used} of {kind.quota} {kind.name} are in use, {more} more are needed")
    return found


def _instances(endpoint: Endpoint) -> int:
    return max(endpoint.instances_now, endpoint.instances_wanted)


def _as_move(attach: Attach) -> StartMove:
    """The attach as holds and freezes know it: a move of the model into the pool."""
    return StartMove(
        id=attach.id,
        model=attach.model,
        from_hosting=Hosting.SHARED,
        from_endpoint="",
        component="",
        to_hosting=Hosting.SHARED,
        to_endpoint=attach.endpoint,
        instance_type="",
        accelerators_per_copy=attach.accelerators_per_copy,
        size=attach.copies,
        because=attach.because,
        usd_per_hour=0.0,
        move_cost_usd=0.0,
    )


def _saved(ports: Ports, before: Attach, after: Attach, now: int) -> Attach:
    """`after` is stored onto the version `before` was read with, and people are told of a step."""
    after = replace(after, version=before.version + 1)
    ports.ledger.save_attach(after, expected_version=before.version)
    if after.phase is not before.phase:
        _announce(ports, after, now)
    return after


def _announce(ports: Ports, attach: Attach, now: int) -> None:
    """Told after it is stored, in the words of a move's steps."""
    detail: Mapping[str, object] = {
        "attach": attach.id,
        "model": attach.model,
        "phase": str(attach.phase),
        "from": "",
        "to": attach.component,
        "because": attach.because,
        "why": attach.why,
    }
    ports.bus.announce("attach", detail, now)
