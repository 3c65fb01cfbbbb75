"""The control plane: SageMaker's calls, accepted or refused as it refuses them (bench-rules 3.2, 3.6, 3.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tidepool.fleet import EndpointKind, Status
from tidepool_lab.twin import refusals
from tidepool_lab.twin.bounds import update_bounds
from tidepool_lab.twin.lifecycle import NO_ROOM, Lifecycle
from tidepool_lab.twin.spec import Capacity, ModelSpec
from tidepool_lab.twin.state import ComponentState, CopyState, EndpointState

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
SCALE_IN = ("IDLE_RELEASE", "CONSOLIDATION")


class ControlPlane:
    def __init__(self, life: Lifecycle) -> None:
        self.life = life
        self.spec = life.spec
        self.copy_changes: list[float] = []
        """Times of accepted calls that change a desired copy count; create and delete are one each."""
        self._models = {m.name: i for i, m in enumerate(self.spec.models)}
        self._artifacts = {m.artifact: m.name for m in self.spec.models}

    # Endpoints.

    def create_pool(
        self,
        name: str,
        instance_type: str,
        *,
        minimum: int,
        maximum: int,
        scale_in: str,
        tags: Mapping[str, str],
        settled: bool,
        reservation: str = "",
    ) -> None:
        self._admit("CreateEndpoint", name)
        self._check_name("CreateEndpoint", name, "endpoint", name in self.life.endpoints)
        self._check_bounds("CreateEndpoint", name, minimum=minimum, maximum=maximum, scale_in=scale_in)
        self._check_quota("CreateEndpoint", name, instance_type, minimum)
        endpoint = self._endpoint(name, instance_type, EndpointKind.POOL, tags)
        endpoint.minimum, endpoint.maximum, endpoint.scale_in = minimum, maximum, scale_in
        self._bind(endpoint, reservation)
        self.life.keep_bounds(endpoint, settled=settled)
        self.life.consider_consolidation(endpoint)
        if settled:
            endpoint.status = Status.IN_SERVICE
        else:
            ready_s = self.now_s + self.spec.times.pool_ready_s
            self.life.agenda.at(ready_s, lambda: self.life.set_status(endpoint, Status.IN_SERVICE))
            self.life.on_status(endpoint)

    def create_dedicated(
        self,
        name: str,
        model: str,
        *,
        instance_type: str,
        instances: int,
        tags: Mapping[str, str],
        settled: bool,
        reservation: str = "",
    ) -> None:
        operation = "CreateEndpoint"
        self._admit(operation, name)
        self._check_name(operation, name, "endpoint", name in self.life.endpoints)
        spec, capacity = self._capacity(operation, name, model, instance_type)
        if instances < 1:
            raise refusals.refused(operation, name, "InitialInstanceCount must be at least 1.")
        self._check_quota(operation, name, instance_type, instances)
        endpoint = self._endpoint(name, instance_type, EndpointKind.DEDICATED, tags)
        per_instance = endpoint.type.accelerators // capacity.accelerators_per_copy
        if per_instance < 1:
            del self.life.endpoints[name]
            raise refusals.refused(operation, name, NO_ROOM)
        container = self._component(name, endpoint, spec, capacity, accelerators=endpoint.type.accelerators, tags=tags)
        container.slots = per_instance * capacity.concurrency_per_copy
        container.start_s = spec.weights_s + spec.engine_s  # 3.7 names no image pull
        container.hidden = True
        container.target = self._target(container, capacity)
        endpoint.container = container
        self._bind(endpoint, reservation)
        container.desired = instances
        if settled:
            endpoint.status = Status.IN_SERVICE
        else:
            self.life.on_status(endpoint)
        self.life.reach(container, settled=settled)

    def update_endpoint(self, name: str, config_name: str, *, minimum: int, maximum: int, scale_in: str | None) -> None:
        operation = "UpdateEndpoint"
        self._admit(operation, name)
        endpoint = self.endpoint(operation, name)
        if endpoint.status.busy:
            raise refusals.endpoint_busy(operation, name)
        if endpoint.kind is EndpointKind.DEDICATED:
            raise refusals.refused(operation, name, refusals.SME_SCALING)
        wanted = scale_in or endpoint.scale_in
        self._check_bounds(operation, name, minimum=minimum, maximum=maximum, scale_in=wanted)
        update_bounds(self.life, endpoint, config_name=config_name, minimum=minimum, maximum=maximum, scale_in=wanted)

    def set_instances(self, name: str, instances: int) -> None:
        operation = "UpdateEndpointWeightsAndCapacities"
        self._admit(operation, name)
        endpoint = self.endpoint(operation, name)
        if endpoint.status.busy:
            raise refusals.endpoint_busy(operation, name)
        container = endpoint.container
        if container is None:
            text = "DesiredInstanceCount cannot be set for a variant with ManagedInstanceScaling."
            raise refusals.refused(operation, name, text)
        if instances < 1:
            raise refusals.refused(operation, name, "DesiredInstanceCount must be at least 1.")
        self._check_quota(operation, name, endpoint.type.name, instances - container.desired)
        if instances == container.desired:
            return
        container.desired = instances
        self.life.set_status(endpoint, Status.UPDATING)
        self.life.reach(container)

    def delete_endpoint(self, name: str) -> None:
        """A pool's components stay behind "InService" and their names blocked (MEAS): delete them first."""
        operation = "DeleteEndpoint"
        self._admit(operation, name)
        endpoint = self.endpoint(operation, name)
        if endpoint.status in {Status.CREATING, Status.UPDATING, Status.DELETING}:
            raise refusals.endpoint_busy(operation, name)
        if endpoint.container is not None:
            endpoint.container.desired = 0
            self.life.set_status(endpoint, Status.DELETING)
            self.life.reach(endpoint.container)
            return
        for component in endpoint.components.values():
            component.waiting = 0
            for copy in [c for c in component.copies if c.state is not CopyState.LEAVING]:
                self.life.leave(copy)
        endpoint.minimum = endpoint.maximum = 0
        endpoint.status = Status.DELETING
        del self.life.endpoints[name]
        self.life.on_status(endpoint)

    # Components.

    def create_component(
        self,
        name: str,
        endpoint_name: str,
        *,
        model: str,
        accelerators: int | None,
        copies: int,
        strategy: str,
        memory_mb: int | None,
        tags: Mapping[str, str],
        settled: bool,
    ) -> None:
        operation = "CreateInferenceComponent"
        self._admit(operation, name)
        self._check_name(operation, name, "inference component", name in self.life.components)
        endpoint = self.endpoint(operation, endpoint_name)
        if endpoint.kind is EndpointKind.DEDICATED:
            text = f'Endpoint "{endpoint_name}" does not host inference components.'
            raise refusals.refused(operation, name, text)
        if endpoint.status is not Status.IN_SERVICE:
            raise refusals.endpoint_busy(operation, endpoint_name)
        if copies < 1 and not settled:
            raise refusals.refused(operation, name, refusals.COPIES_AT_CREATE)
        spec, capacity = self._capacity(operation, name, model, endpoint.type.name)
        needs = capacity.accelerators_per_copy if accelerators is None else accelerators
        if not 1 <= needs <= endpoint.type.accelerators or needs < capacity.accelerators_per_copy:
            raise refusals.refused(operation, name, NO_ROOM)
        component = self._component(name, endpoint, spec, capacity, accelerators=needs, tags=tags)
        component.strategy = strategy
        component.memory_mb = spec.memory_mb if memory_mb is None else memory_mb
        component.target = self._target(component, capacity)
        component.status = Status.CREATING
        component.desired = copies
        endpoint.components[name] = self.life.components[name] = component
        if not settled:
            self.copy_changes.append(self.now_s)
        self.life.reach(component, settled=settled)

    def set_copies(self, name: str, copies: int) -> None:
        operation = "UpdateInferenceComponentRuntimeConfig"
        component = self._writable(operation, name)
        if copies < 0:
            raise refusals.refused(operation, name, "CopyCount must be an integer of at least 0.")
        if copies == component.desired:
            return
        component.desired = copies
        component.status = Status.UPDATING
        component.changed_at = int(self.now_s)
        self.copy_changes.append(self.now_s)
        self.life.reach(component)

    def update_component(self, name: str, *, artifact: str) -> None:
        component = self._writable("UpdateInferenceComponent", name)
        component.artifact = artifact
        component.status = Status.UPDATING
        component.changed_at = int(self.now_s)
        self.life.replace_all(component)

    def delete_component(self, name: str) -> None:
        operation = "DeleteInferenceComponent"
        self._admit(operation, name)
        component = self.component(operation, name)
        if component.status.busy:
            raise refusals.component_busy(operation, name, component.status)
        component.status = Status.DELETING
        component.changed_at = int(self.now_s)
        component.desired = 0
        self.copy_changes.append(self.now_s)
        self.life.reach(component)

    # Look-ups and checks.

    @property
    def now_s(self) -> float:
        return self.life.agenda.now_s

    def endpoint(self, operation: str, name: str) -> EndpointState:
        if name not in self.life.endpoints:
            raise refusals.endpoint_missing(operation, name)
        return self.life.endpoints[name]

    def component(self, operation: str, name: str) -> ComponentState:
        if name not in self.life.components:
            raise refusals.component_missing(operation, name)
        return self.life.components[name]

    def model_index(self, model: str) -> int | None:
        """The position of a model, by its name or its SageMaker Model's."""
        return self._models.get(self._artifacts.get(model, model))

    def _writable(self, operation: str, name: str) -> ComponentState:
        """The component, when it takes a change now: one at a time for it and for its endpoint (3.6)."""
        self._admit(operation, name)
        component = self.component(operation, name)
        if component.status.busy:
            raise refusals.component_busy(operation, name, component.status)
        if component.status is Status.FAILED:
            raise refusals.refused(operation, name, refusals.state_text("update", name, component.status))
        endpoint = component.endpoint
        if endpoint.name not in self.life.endpoints:
            raise refusals.endpoint_missing(operation, endpoint.name)
        if endpoint.status.busy and (endpoint.update_blocks or self.spec.update_blocks_copies):
            raise refusals.endpoint_busy(operation, endpoint.name)
        return component

    def _admit(self, operation: str, name: str) -> None:
        faults = self.life.machines.faults
        if faults.strikes(faults.throttled):
            raise refusals.throttled(operation, name)

    def _check_name(self, operation: str, name: str, what: str, exists: bool) -> None:
        if len(name) > 63 or not NAME.fullmatch(name):
            text = f"1 validation error detected: {name!r} failed to satisfy constraint: {NAME.pattern}"
            raise refusals.refused(operation, name, text)
        if exists:
            raise refusals.taken(operation, name, what)

    def _check_bounds(self, operation: str, name: str, *, minimum: int, maximum: int, scale_in: str) -> None:
        if minimum == 0 and self.spec.min_zero_refused:
            raise refusals.refused(operation, name, refusals.MIN_ZERO)
        if not 0 <= minimum <= maximum or maximum < 1:
            text = f"MinInstanceCount {minimum} and MaxInstanceCount {maximum} are not a range."
            raise refusals.refused(operation, name, text)
        if scale_in not in SCALE_IN:
            raise refusals.refused(operation, name, f"ScaleInPolicy.Strategy must be one of {SCALE_IN}.")

    def _check_quota(self, operation: str, name: str, type_name: str, more: int) -> None:
        if type_name not in self.spec.types:
            raise refusals.refused(operation, name, f"Instance type {type_name} is not supported.")
        if more > self.life.machines.quota_left(type_name):
            raise refusals.over_quota(
                operation,
                name,
                type_name=type_name,
                quota=self.life.machines.quota(type_name),
                held=self.life.machines.held[type_name],
                more=more,
            )

    def _capacity(self, operation: str, name: str, model: str, type_name: str) -> tuple[ModelSpec, Capacity]:
        index = self.model_index(model)
        if index is None:
            raise refusals.refused(operation, name, f'Could not find model "{model}".')
        spec = self.spec.models[index]
        if type_name not in self.spec.types:
            raise refusals.refused(operation, name, f"Instance type {type_name} is not supported.")
        capacity = self.spec.capacity(spec.name, type_name)
        if capacity is None:
            raise refusals.refused(operation, name, NO_ROOM)
        return spec, capacity

    def _endpoint(self, name: str, instance_type: str, kind: EndpointKind, tags: Mapping[str, str]) -> EndpointState:
        spec = self.spec.types[instance_type]
        endpoint = EndpointState(name, kind, spec, f"{name}-config", Status.CREATING, int(self.now_s), tags=dict(tags))
        self.life.endpoints[name] = endpoint
        return endpoint

    def _bind(self, endpoint: EndpointState, reservation: str) -> None:
        """Its machines come from that training plan, '' = from no plan, and go when that ends."""
        plan = self.life.machines.plans.get(reservation)
        endpoint.reservation = reservation
        if plan is not None:
            self.life.agenda.at(plan.until, lambda: self.life.end_reservation(endpoint))

    def _component(
        self,
        name: str,
        endpoint: EndpointState,
        spec: ModelSpec,
        capacity: Capacity,
        *,
        accelerators: int,
        tags: Mapping[str, str],
    ) -> ComponentState:
        return ComponentState(
            name=name,
            endpoint=endpoint,
            model=spec,
            artifact=spec.artifact,
            accelerators=accelerators,
            slots=capacity.concurrency_per_copy,
            start_s=self.spec.times.image_pull_s + spec.weights_s + spec.engine_s,
            target=-1,
            changed_at=int(self.now_s),
            tags=dict(tags),
        )

    def _target(self, component: ComponentState, capacity: Capacity) -> int:
        return self.life.requests.add_target(
            component.name,
            self._models[component.model.name],
            concurrency=component.slots,
            service_s=capacity.service_s,
        )
