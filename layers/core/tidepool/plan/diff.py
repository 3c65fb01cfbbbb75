"""What a plan makes of the fleet, and what one fleet has that another has not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from tidepool.config.types import Hosting
from tidepool.fleet import Component, Endpoint, EndpointKind, Fleet, Status
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove


@dataclass(frozen=True, slots=True)
class Delta:
    """One figure that differs. `target` is a component or endpoint; what is new or gone has 0 on one side."""

    target: str
    what: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.target}: {self.what} {self.before} → {self.after}"


def applied(before: Fleet, changes: Sequence[Change]) -> Fleet:
    """The fleet once every change has settled: what was asked for is there, and is in service.

    A pool's machines are left as they are: SageMaker follows its copies by itself, within its bounds.
    Changes name what they saw; KeyError when the fleet does not hold it.
    """
    fleet = before
    for change in changes:
        match change:
            case ScaleCopies():
                fleet = _with_component(fleet, _sized(fleet.components[change.component], change.copies_to))
            case ScaleInstances():
                fleet = _with_endpoint(fleet, _counted(fleet.endpoints[change.endpoint], change.instances_to))
            case SetBounds():
                pool = fleet.endpoints[change.endpoint]
                fleet = _with_endpoint(fleet, replace(pool, min_instances=change.min_to, max_instances=change.max_to))
            case SetAutoscaling():
                known = fleet.scalers[change.target]
                scaler = replace(known, minimum=change.min_to, suspended=change.suspended_to)
                fleet = replace(fleet, scalers={**fleet.scalers, change.target: scaler})
            case StartMove():
                fleet = _moved(fleet, change)
            case _:
                assert_never(change)
    return fleet


def diff(before: Fleet, after: Fleet) -> tuple[Delta, ...]:
    """Every wanted size and bound that differs, components first, by name."""
    return (*_component_deltas(before, after), *_endpoint_deltas(before, after))


def _component_deltas(before: Fleet, after: Fleet) -> Iterator[Delta]:
    for name in sorted(before.components.keys() | after.components.keys()):
        was, will = (fleet.components.get(name) for fleet in (before, after))
        yield from _delta(name, "copies", was.copies_wanted if was else 0, will.copies_wanted if will else 0)


def _endpoint_deltas(before: Fleet, after: Fleet) -> Iterator[Delta]:
    for name in sorted(before.endpoints.keys() | after.endpoints.keys()):
        was, will = (fleet.endpoints.get(name) for fleet in (before, after))
        yield from _delta(name, "instances", was.instances_wanted if was else 0, will.instances_wanted if will else 0)
        yield from _delta(name, "minimum", was.min_instances if was else 0, will.min_instances if will else 0)
        yield from _delta(name, "maximum", was.max_instances if was else 0, will.max_instances if will else 0)


def _delta(target: str, what: str, before: int, after: int) -> Iterator[Delta]:
    if before != after:
        yield Delta(target, what, before, after)


def _moved(fleet: Fleet, move: StartMove) -> Fleet:
    """The model at its new home, in service with the size asked for, and the old home retired."""
    source = fleet.components.get(move.component)
    components = {name: one for name, one in fleet.components.items() if name != move.component}
    endpoints = dict(fleet.endpoints)
    tags = source.tags if source is not None else endpoints[move.from_endpoint].tags
    if source is None:
        del endpoints[move.from_endpoint]
    if move.to_hosting is Hosting.DEDICATED:
        endpoints[move.to_endpoint] = Endpoint(
            name=move.to_endpoint,
            kind=EndpointKind.DEDICATED,
            config_name=move.to_endpoint,
            variant="",
            status=Status.IN_SERVICE,
            instance_type=move.instance_type,
            instances_now=move.size,
            instances_wanted=move.size,
            changed_at=0,
            model=move.model,
            tags=tags,
        )
    else:
        name = f"tidepool-{move.id}"
        components[name] = Component(
            name=name,
            model=move.model,
            endpoint=move.to_endpoint,
            variant=endpoints[move.to_endpoint].variant,
            status=Status.IN_SERVICE,
            copies_wanted=move.size,
            copies_now=move.size,
            accelerators_per_copy=move.accelerators_per_copy,
            changed_at=0,
            tags=tags,
        )
    return replace(fleet, components=components, endpoints=endpoints)


def _sized(component: Component, copies: int) -> Component:
    return replace(component, copies_wanted=copies, copies_now=copies, status=Status.IN_SERVICE)


def _counted(endpoint: Endpoint, instances: int) -> Endpoint:
    return replace(endpoint, instances_wanted=instances, instances_now=instances, status=Status.IN_SERVICE)


def _with_component(fleet: Fleet, component: Component) -> Fleet:
    return replace(fleet, components={**fleet.components, component.name: component})


def _with_endpoint(fleet: Fleet, endpoint: Endpoint) -> Fleet:
    return replace(fleet, endpoints={**fleet.endpoints, endpoint.name: endpoint})
