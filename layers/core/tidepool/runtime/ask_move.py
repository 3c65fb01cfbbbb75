"""A person asks for a move: from their few words to the whole change, by what the account shows now.

The hand and `tidepool move --dry-run` both come through here, so that what is shown is what begins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Config, Hosting, ModelConfig, Shape, Via
from tidepool.errors import BadEvent, Problem
from tidepool.fleet import Component, Endpoint, EndpointKind, InstanceType
from tidepool.hosting.home import move_cost
from tidepool.move.naming import target_name
from tidepool.move.state import Move
from tidepool.plan.change import StartMove
from tidepool.runtime.begin_moves import begin, let_begin, tell_begun
from tidepool.runtime.observe import instance_types
from tidepool.runtime.ports import Ports
from tidepool.units import DAY_S, rounded

DEDICATED = "dedicated"
"""The word for a home of its own; any other is a pool of fleet.yaml."""


@dataclass(frozen=True, slots=True)
class Wish:
    """`to` is 'dedicated' or a pool of fleet.yaml. `instance_type` of a dedicated home, '' = the one it has now, or the
    only one with a shape. `id` is the move's.
    """

    id: str
    model: str
    to: str
    who: str
    why: str
    instance_type: str = ""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The one home that the model leaves."""

    hosting: Hosting
    endpoint: Endpoint
    component: Component | None
    size: int

    @property
    def name(self) -> str:
        """The component's, or the dedicated endpoint's."""
        return self.endpoint.name if self.component is None else self.component.name


def begin_asked(ports: Ports, wish: Wish, now: int) -> Move:
    """The move is stored; under rung `ask` the person who asks has approved it. Asked twice is one move."""
    moves = (*ports.ledger.moves(), *ports.ledger.ended_moves(now - DAY_S))
    known = next((move for move in moves if move.id == wish.id), None)
    # Once it is under way the model has two homes, and the same words would be refused.
    move = tell_begun(ports, known, now) if known else begin(ports, asked(ports, wish), now)
    return let_begin(ports, move, now, who=wish.who, why=wish.why)


def asked(ports: Ports, wish: Wish) -> StartMove:
    """The change that the wish means. BadEvent with everything that is wrong with the words themselves."""
    config, _ = ports.config.current()
    model = model_config(config, wish.model)
    endpoints = ports.hosting.endpoints()
    components = ports.hosting.components()
    unread = tuple(one.name for one in ports.hosting.left_out())
    leaving = _leaving(endpoints, components, wish, routed_to(ports, model), unread)
    to_endpoint, instance_type, problem = _place(endpoints, config, model, wish, leaving)
    problems = [found for found in (leaving, problem) if isinstance(found, Problem)]
    if problems or isinstance(leaving, Problem):
        raise BadEvent("move", tuple(problems))
    hosting = Hosting.DEDICATED if wish.to == DEDICATED else Hosting.SHARED
    kinds = instance_types(ports, config, [instance_type, leaving.endpoint.instance_type])
    shape = model.shape(hosting, instance_type)
    accelerators = _accelerators(leaving, shape, kinds.get(instance_type))
    size = _size(model, leaving, shape)
    there = _usd(kinds.get(instance_type), hosting, accelerators, size)
    here_each = leaving.component.accelerators_per_copy if leaving.component is not None else 0
    here = _usd(kinds.get(leaving.endpoint.instance_type), leaving.hosting, here_each, leaving.size)
    return StartMove(
        id=wish.id,
        model=wish.model,
        from_hosting=leaving.hosting,
        from_endpoint=leaving.endpoint.name,
        component="" if leaving.component is None else leaving.component.name,
        to_hosting=hosting,
        to_endpoint=to_endpoint or target_name(wish.model, wish.id),
        instance_type=instance_type,
        accelerators_per_copy=accelerators,
        size=size,
        because=f"asked for by {wish.who}: {wish.why}",
        usd_per_hour=rounded(there - here),
        move_cost_usd=rounded(move_cost(there, here)),
    )


def routed_to(ports: Ports, model: ModelConfig) -> str:
    """The home that all callers are sent to: a component, or a dedicated endpoint; '' when no route says so."""
    route = ports.routes.read(model.name, model.route) if model.route.via is not Via.NONE else None
    return next((target.name for target in route.targets if target.weight == 100), "") if route is not None else ""


def _leaving(
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    wish: Wish,
    routed: str,
    unread: tuple[str, ...],
) -> Leaving | Problem:
    """The model's one home, or why it cannot be told."""
    homes = [
        Leaving(Hosting.SHARED, endpoints[c.endpoint], c, max(c.copies_now, c.copies_wanted))
        for c in components.values()
        if c.model == wish.model and c.endpoint in endpoints
    ]
    homes += [
        Leaving(Hosting.DEDICATED, e, None, max(e.instances_now, e.instances_wanted))
        for e in endpoints.values()
        if e.model == wish.model and e.kind is not EndpointKind.POOL
    ]
    # A home that a move left to its owner, at its minimum, is not where the model lives: callers are elsewhere.
    awake = [home for home in homes if home.size > 0] or homes
    awake = [home for home in awake if home.name == routed] or awake
    if len(awake) == 1:
        return awake[0]
    if not awake:
        hint = "a new model gets its first home by `tidepool attach`; without its identity tag a home is nobody's"
        hint += f"; {', '.join(unread)} may not be read, and may be its home" if unread else ""
        return Problem("move.model", wish.model, "a model that lives somewhere", hint)
    names = ", ".join(home.name for home in awake)
    hint = "a move takes one home: end the open move, or remove the home that is not used"
    return Problem("move.model", f"{wish.model}, which lives in {names}", "a model with one home", hint)


def _place(
    endpoints: Mapping[str, Endpoint], config: Config, model: ModelConfig, wish: Wish, leaving: Leaving | Problem
) -> tuple[str, str, Problem | None]:
    """(endpoint, '' for a new one; instance type; what is wrong with `to` or the type)."""
    if wish.to == DEDICATED:
        kind, problem = _type(model, wish, leaving)
        return "", kind, problem
    pool = config.pools.get(wish.to) or pool_of_endpoint(config, wish.to)
    if pool is None:
        allowed = ", ".join([DEDICATED, *sorted(config.pools)])
        hint = "a pool is an endpoint that fleet.yaml declares under `pools`"
        return "", "", Problem("move.to", wish.to, allowed, hint)
    endpoint = endpoints.get(pool.endpoint)
    kind = endpoint.instance_type if endpoint is not None else ""
    if wish.instance_type and wish.instance_type != kind:
        hint = "a pool's type is its endpoint's own: leave the type out"
        return "", "", Problem("move.instance_type", wish.instance_type, kind or "none", hint)
    return pool.endpoint, kind, None


def _type(model: ModelConfig, wish: Wish, leaving: Leaving | Problem) -> tuple[str, Problem | None]:
    shaped = sorted(shape.instance_type for shape in model.shapes if shape.hosting is Hosting.DEDICATED)
    now = "" if isinstance(leaving, Problem) else leaving.endpoint.instance_type
    chosen = wish.instance_type or (now if now in shaped else shaped[0] if len(shaped) == 1 else "")
    if chosen:
        return chosen, None
    hint = f"say which with --instance-type; `shapes.dedicated` of {wish.model} in fleet.yaml declares them"
    return "", Problem("move.instance_type", "(none)", ", ".join(shaped) or "a type with a declared shape", hint)


def _accelerators(leaving: Leaving, shape: Shape | None, kind: InstanceType | None) -> int:
    """Of one copy (shared), or of the whole instance: as declared, else as it has now, at least one."""
    if shape is not None and shape.accelerators:
        return shape.accelerators
    if shape is not None and shape.hosting is Hosting.DEDICATED:
        return kind.accelerators if kind is not None else 1
    return leaving.component.accelerators_per_copy if leaving.component is not None else 1


def _size(model: ModelConfig, leaving: Leaving, shape: Shape | None) -> int:
    """Copies or instances that serve at once what the source's serve now, at least the floor.

    The move itself grows its target by what is in flight (move.capacity): this is where it begins.
    """
    here = model.shape(leaving.hosting, leaving.endpoint.instance_type)
    shared = shape is not None and shape.hosting is Hosting.SHARED
    floor = max(1, model.min_copies if shared else model.zones)
    if shape is None or here is None or not shape.concurrency or not here.concurrency:
        return floor
    size = math.ceil(leaving.size * here.concurrency / shape.concurrency - 1e-9)
    return max(floor, size if model.max_copies is None or not shared else min(size, model.max_copies))


def _usd(kind: InstanceType | None, hosting: Hosting, accelerators: int, size: int) -> float:
    """Dollars an hour of that home: whole instances, or the copies' share of theirs. 0 where the price is unknown."""
    if kind is None or not kind.accelerators:
        return 0.0
    share = 1.0 if hosting is Hosting.DEDICATED else accelerators / kind.accelerators
    return kind.usd_per_hour * share * size
