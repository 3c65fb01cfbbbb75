"""A fleet from one instance type to another: who goes where, in which order, who cannot, and what it needs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Config, Hosting, Limits
from tidepool.fleet import Component, Endpoint, EndpointKind, InstanceType
from tidepool.move.state import Move, Phase
from tidepool.units import DAY_S

DEDICATED = "dedicated"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one model should go: `to` and `instance_type` as `tidepool move` takes them; or why it cannot, `stuck`."""

    model: str
    to: str = ""
    instance_type: str = ""
    stuck: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """One type: instances in use now, those that the whole migration adds, and what the account allows."""

    instance_type: str
    used: int
    more: int
    allowed: int | None

    @property
    def short(self) -> int:
        """Instances that are missing; 0 when there are enough, or nobody knows."""
        return 0 if self.allowed is None else max(0, self.used + self.more - self.allowed)


def destinations(
    config: Config,
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    routed: Mapping[str, str],
    *,
    from_type: str,
    to_type: str,
) -> tuple[Destination, ...]:
    """Each model of fleet.yaml that lives on `from_type`, and where it goes; cheapest risk first.

    routed: where all callers of a model are sent. A home that they have left is not where it lives.
    """
    here = {name for name, endpoint in endpoints.items() if endpoint.instance_type == from_type}
    shared = [c for c in components.values() if c.endpoint in here and routed.get(c.model, c.name) == c.name]
    alone = [e for e in endpoints.values() if e.name in here and e.kind is not EndpointKind.POOL]
    homes = {c.model: Hosting.SHARED for c in shared}
    homes |= {e.model: Hosting.DEDICATED for e in alone if routed.get(e.model, e.name) == e.name}
    awake = {c.model for c in components.values() if c.copies_wanted > 0} | {e.model for e in alone}
    named = sorted(model for model in homes if model and model_config(config, model).matched)
    pools = [
        pool
        for name, pool in sorted(config.pools.items())
        if pool.endpoint in endpoints and endpoints[pool.endpoint].instance_type == to_type
    ]

    def to(model: str) -> Destination:
        terms = model_config(config, model)
        hosting = homes[model]
        if model not in awake:
            return Destination(model, stuck="asleep at no copies: it can move once something has woken it")
        if terms.shape(hosting, to_type) is None:
            return Destination(
                model, stuck=f"fleet.yaml has no shape of it for {hosting} on {to_type}: measure it first"
            )
        if hosting is Hosting.DEDICATED:
            return Destination(model, DEDICATED, to_type)
        open_to_it = [pool.name for pool in pools if not pool.tenants or terms.tenant in pool.tenants]
        if not open_to_it:
            why = f"no pool of fleet.yaml is on {to_type}" if not pools else f"no pool on {to_type} is for its tenant"
            return Destination(model, stuck=f"{why} (`tidepool pool scaffold` prints one)")
        return Destination(model, terms.host if terms.host in open_to_it else open_to_it[0])

    return tuple(sorted((to(model) for model in named), key=lambda d: risk(config, d.model)))


def risk(config: Config, model: str) -> tuple[int, float, float, str]:
    """What a move of it could cost, as fleet.yaml prices it: the last to be served first, then the cheapest to miss."""
    terms = model_config(config, model)
    return (-terms.priority, terms.miss_usd, terms.attain, model)


def quotas(
    moves: Iterable[Move],
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    kinds: Mapping[str, InstanceType],
    *,
    from_type: str,
    to_type: str,
) -> tuple[Quota, Quota]:
    """Both sides. Nothing is given back on the first before its models have left, so both are held at once."""
    kind = kinds.get(to_type)
    entering: dict[str, int] = {}
    more = 0
    for move in moves:
        if move.ask.to_hosting is Hosting.DEDICATED:
            more += move.ask.size
        else:
            wanted = move.ask.size * move.ask.accelerators_per_copy
            entering[move.ask.to_endpoint] = entering.get(move.ask.to_endpoint, 0) + wanted
    if kind is not None and kind.accelerators:
        for pool, wanted in entering.items():
            here = [c for c in components.values() if c.endpoint == pool]
            held = sum(max(c.copies_now, c.copies_wanted) * c.accelerators_per_copy for c in here)
            more += max(0, ceil((held + wanted) / kind.accelerators) - _instances(endpoints[pool]))
    return (
        Quota(from_type, _used(endpoints, from_type), 0, _allowed(kinds, from_type)),
        Quota(to_type, _used(endpoints, to_type), more, _allowed(kinds, to_type)),
    )


def slots(limits: Limits, at_a_time: int, moves: Sequence[Move], now: int) -> tuple[int, str]:
    """How many may begin now, and what bounds them. `moves`: those that are open, and that ended in the last day."""
    under_way = sum(not (move.phase.ended or move.phase is Phase.WAITING) for move in moves)
    today = sum(move.began > now - DAY_S for move in moves)
    found = {
        f"{under_way} were under way, --at-a-time is {at_a_time}": at_a_time - under_way,
        f"{under_way} were under way, limits.moves_at_once is {limits.moves_at_once}": limits.moves_at_once - under_way,
        f"{today} had begun in 24 hours, limits.moves_per_day is {limits.moves_per_day}": limits.moves_per_day - today,
    }
    bound = min(found, key=lambda why: found[why])
    return max(0, found[bound]), bound


def without_a_move(
    config: Config,
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    *,
    from_type: str,
    to_type: str,
) -> tuple[str, ...]:
    """Pools that could serve on the new type as well, without moving anybody.

    A shared endpoint takes up to five InstancePools by priority, and a component one Specification a type
    (sagemaker-facts, Inference components). SageMaker then places copies where there is capacity.
    """
    found = []
    for endpoint in endpoints.values():
        pool = pool_of_endpoint(config, endpoint.name)
        if pool is None or endpoint.instance_type != from_type:
            continue
        models = sorted({c.model for c in components.values() if c.endpoint == endpoint.name and c.model})
        both = [model for model in models if model_config(config, model).shape(Hosting.SHARED, to_type) is not None]
        if both:
            found.append(
                f"{endpoint.name} could serve {', '.join(both)} on {to_type} as well, without a move: give its variant"
                f" InstancePools ({from_type}, {to_type}) and each component a Specification for {to_type}, in your"
                " infrastructure code; SageMaker then takes whichever has capacity, by priority"
            )
    return tuple(found)


def _used(endpoints: Mapping[str, Endpoint], instance_type: str) -> int:
    return sum(_instances(e) for e in endpoints.values() if e.instance_type == instance_type)


def _instances(endpoint: Endpoint) -> int:
    return max(endpoint.instances_now, endpoint.instances_wanted)


def _allowed(kinds: Mapping[str, InstanceType], instance_type: str) -> int | None:
    return kinds[instance_type].quota if instance_type in kinds else None
