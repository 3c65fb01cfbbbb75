"""The ports of a move over builders.move_world: hosting, metrics, prices, ledger, bus, config, alarms, routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from builders import P4D
from tidepool.config.types import Config, RouteConfig
from tidepool.errors import AlreadyExists, Busy, Conflict, NotFound, QuotaExceeded, Unreachable
from tidepool.fleet import Component, Endpoint, Evidence, InstanceType, LeftOut, Route, Signal, Status, Target
from tidepool.fleet.asked import Answer, NewComponent, NewEndpoint
from tidepool.memory import Memory
from tidepool.move.state import Move
from tidepool.runtime.ports import MetricTarget, Operation

if TYPE_CHECKING:
    from builders.move_world import World

START_MINUTES = 5

WRITES = (
    "create_component",
    "create_endpoint",
    "delete_component",
    "delete_endpoint",
    "set_copies",
    "set_instances",
    "probe",
    "save_move",
    "record",
    "announce",
)


class Fakes:
    """Hosting, metrics, prices, ledger, bus, config and alarms over one World."""

    def __init__(self, world: World, wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> None:
        self._world, self.wrap = world, wrap
        for name in WRITES:
            setattr(self, name, wrap(name, getattr(self, f"_{name}")))

    def endpoints(self) -> Mapping[str, Endpoint]:
        return dict(self._world.endpoints)

    def components(self) -> Mapping[str, Component]:
        return dict(self._world.components)

    def left_out(self) -> tuple[LeftOut, ...]:
        return ()

    def endpoint(self, name: str) -> Endpoint:
        found = self._world.endpoints.get(name)
        if found is None:
            raise NotFound("DescribeEndpoint", name, "ValidationException", "Could not find endpoint")
        return replace(found, instances_now=0) if self._world._is_dead(name) else found

    def component(self, name: str) -> Component:
        found = self._world.components.get(name)
        if found is None:
            raise NotFound("DescribeInferenceComponent", name, "ValidationException", "Could not find it")
        return replace(found, copies_now=0) if self._world._is_dead(name) else found

    def _create_component(self, new: NewComponent, *, change: str) -> None:
        world = self._world
        self._may_write(new.name)
        if new.name in world.components:
            raise AlreadyExists("CreateInferenceComponent", new.name, "ValidationException", "already exists")
        world.components[new.name] = Component(
            name=new.name,
            model=new.tags.get("model", ""),
            endpoint=new.endpoint,
            variant=new.variant,
            status=Status.CREATING,
            copies_wanted=new.copies,
            copies_now=0,
            accelerators_per_copy=new.accelerators_per_copy,
            memory_mb=new.memory_mb,
            changed_at=world.now,
            artifact=new.sagemaker_model,
            strategy=new.strategy,
            settings=new.settings,
            tags={**new.tags, "tidepool:change": change},
        )
        world.ready_at[new.name] = world.now + 60 * START_MINUTES

    def _create_endpoint(self, new: NewEndpoint, *, change: str) -> None:
        world = self._world
        self._may_write(new.name)
        world.configs.add(new.name)
        if new.name in world.endpoints:
            raise AlreadyExists("CreateEndpoint", new.name, "ValidationException", "already existing endpoint")
        tags = {**new.tags, "tidepool:change": change}
        world.endpoints[new.name] = replace(
            world._dedicated(new.name, new.instances, tags, Status.CREATING), settings=new.settings
        )
        world.ready_at[new.name] = world.now + 60 * START_MINUTES

    def _may_write(self, name: str) -> None:
        since, until = self._world.trouble.busy
        if since <= self._world.now < until:
            raise Busy("Create", name, "ValidationException", "Cannot update in-progress endpoint")
        if self._world.trouble.create_refused:
            raise QuotaExceeded("Create", name, "ResourceLimitExceeded", "The account-level service limit is 0")

    def _delete_component(self, name: str, *, change: str) -> None:
        found = self.component(name)
        if found.status in {Status.CREATING, Status.UPDATING}:
            raise Busy("DeleteInferenceComponent", name, "ValidationException", "it is CREATE_IN_PROGRESS")
        self._goes(name)
        self._world.components[name] = replace(found, status=Status.DELETING)

    def _delete_endpoint(self, name: str, *, change: str) -> None:
        world = self._world
        if name not in world.endpoints:
            world.configs.discard(name)
        found = self.endpoint(name)
        if found.status in {Status.CREATING, Status.UPDATING}:
            raise Busy("DeleteEndpoint", name, "ValidationException", "Cannot update in-progress endpoint")
        self._goes(name)
        world.endpoints[name] = replace(found, status=Status.DELETING)

    def _goes(self, name: str) -> None:
        """What still runs there when it goes is lost: nothing may have been sent in the last minute."""
        world = self._world
        world.lost += world.sent.get(name, {}).get(world.now - 60, 0.0)
        world.gone_at[name] = world.now + 120

    def _set_copies(self, component: str, copies: int, *, change: str) -> None:
        found = self.component(component)
        if copies == 0:
            self._world.lost += self._world.sent.get(component, {}).get(self._world.now - 60, 0.0)
        if found.status.busy:
            raise Busy("UpdateInferenceComponentRuntimeConfig", component, "ValidationException", "in-progress")
        if copies > found.copies_now:
            self._world.components[component] = replace(found, copies_wanted=copies, status=Status.UPDATING)
            self._world.ready_at[component] = self._world.now + 60 * START_MINUTES
        else:
            self._world.components[component] = replace(found, copies_wanted=copies, copies_now=copies)

    def _set_instances(self, endpoint: str, variant: str, instances: int, *, change: str) -> None:
        found = self.endpoint(endpoint)
        assert variant == found.variant
        if found.status.busy:
            raise Busy("UpdateEndpointWeightsAndCapacities", endpoint, "ValidationException", "in-progress")
        if instances > found.instances_now:
            self._world.endpoints[endpoint] = replace(found, instances_wanted=instances, status=Status.UPDATING)
            self._world.ready_at[endpoint] = self._world.now + 60 * START_MINUTES
        else:
            self._world.endpoints[endpoint] = replace(found, instances_wanted=instances, instances_now=instances)

    def _probe(self, target: Target, sample: str) -> Answer:
        is_target = target.name != self._world._source_name()
        if is_target and self._world.trouble.target_mute:
            return Answer(False, 500, 10.0, why="no answer")
        return Answer(self._world.serves(target.endpoint, target.component), 200, 10.0, schema="shape")

    def _cloudwatch(self) -> None:
        since, until = self._world.trouble.cloudwatch_away
        if since <= self._world.now < until:
            raise Unreachable("CloudWatch does not answer")

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        self._cloudwatch()
        return {target.name: self._world.evidence_of(target.name) for target in targets}

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        if self._world.trouble.extremes_away:
            raise Unreachable("CloudWatch does not answer")
        assert target.name == self._world._source_name()
        return self._world.extremes

    def instance_types(self, names: Sequence[str]) -> Mapping[str, InstanceType]:
        return {P4D.name: P4D}

    def memory(self) -> Memory:
        return self._world.memory

    def signals(self, now: int) -> tuple[Signal, ...]:
        return tuple(self._world.signals)

    def _record(self, operation: Operation) -> None:
        self._world.operations.append(operation)

    def moves(self) -> tuple[Move, ...]:
        return tuple(move for move in self._world.stored.values() if not move.phase.ended)

    def ended_moves(self, since: int) -> tuple[Move, ...]:
        return tuple(m for m in self._world.stored.values() if m.phase.ended and m.since >= since)

    def _save_move(self, move: Move, *, expected_version: int) -> None:
        found = self._world.stored.get(move.id)
        if (found.version if found else 0) != expected_version:
            raise Conflict(f"move {move.id} is at another version")
        self._world.stored[move.id] = replace(move, version=expected_version + 1)

    def _announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        assert kind == "move"
        self._world.told.append(detail)

    def current(self) -> tuple[Config, str]:
        return self._world.config(), "commit"

    def frozen_by(self, config: Config, now: int) -> tuple[str, ...]:
        self._cloudwatch()
        return ()


class FakeRoutes:
    """A versioned store. Callers follow 30 s later; a silent gateway never does."""

    def __init__(self, world: World, fakes: Fakes) -> None:
        self._world = world
        self.write = fakes.wrap("write_route", self._write)

    def _away(self) -> None:
        since, until = self._world.trouble.store_away
        if since <= self._world.now < until:
            raise Unreachable("the route store does not answer")

    def read(self, model: str, via: RouteConfig) -> Route | None:
        self._away()
        return self._world.routes.get(model)

    def _write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        self._away()
        found = self._world.routes.get(route.model)
        if (found.version if found else 0) != expected_version:
            raise Conflict(f"route of {route.model} is at another version")
        assert sum(target.weight for target in route.targets) == 100
        for target in route.targets:
            asleep = target.component and self._world.components[target.component].copies_wanted == 0
            serves = self._world.serves(target.endpoint, target.component)
            assert serves or asleep or not target.weight, f"the route sends callers to nobody: {route}"
        self._world.routes[route.model] = replace(route, version=expected_version + 1)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        return not self._world.trouble.gateway_silent and now - route.changed_at >= 45
