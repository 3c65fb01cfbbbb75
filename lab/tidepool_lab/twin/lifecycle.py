"""What copies and instances live through: placed, started, serving, leaving, gone; launched, idle, released.

Everything here happens because of an accepted call or because its time has come (the agenda); refusals are
control's business. Rule numbers are bench-rules.md's.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from tidepool.fleet import EndpointKind, Status
from tidepool_lab.twin.clock import Agenda
from tidepool_lab.twin.machines import Machines
from tidepool_lab.twin.placing import choose_instance, choose_leaving, consolidation
from tidepool_lab.twin.requests import Requests
from tidepool_lab.twin.spec import CloudSpec
from tidepool_lab.twin.state import ComponentState, Copy, CopyState, EndpointState, Instance

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy of the "
    "inference component."
)
"""sagemaker-facts.md, Inference components, MEAS."""


class Lifecycle:
    def __init__(self, spec: CloudSpec, agenda: Agenda, machines: Machines, requests: Requests) -> None:
        self.spec, self.agenda, self.machines, self.requests = spec, agenda, machines, requests
        self.endpoints: dict[str, EndpointState] = {}
        self.components: dict[str, ComponentState] = {}
        self.on_status: Callable[[EndpointState], None] = lambda _endpoint: None
        self._short: list[ComponentState] = []
        """Components with copies that found no room, in order of asking."""
        self._retrying = False

    # Copies.

    def reach(self, component: ComponentState, *, settled: bool = False) -> None:
        """Copies are placed or leave until as many stay as are desired."""
        component.progress_s = self.agenda.now_s
        staying = [c for c in component.copies if c.state is not CopyState.LEAVING and c.replaces is None]
        missing = component.desired - len(staying) - component.waiting
        for _ in range(missing):
            self._add(component, settled=settled)
        for _ in range(-missing):
            self.leave(choose_leaving(component))
        if component.waiting:
            self._watch(component)
        self.settle(component)

    def _add(self, component: ComponentState, *, settled: bool = False, replaces: Copy | None = None) -> bool:
        """One more copy is placed by rule 3.3, or waits for room (3.2)."""
        now_s = self.agenda.now_s
        endpoint = component.endpoint
        may_launch = self.machines.may_launch(endpoint, now_s)
        avoid = replaces.instance if replaces else None
        at = None
        if not component.hidden:
            at = choose_instance(component, now_s, may_launch=may_launch, avoid=avoid)
        if at is None and may_launch:
            at = self.machines.launch(endpoint, now_s, settled=settled)
        if at is None:
            if replaces is None:
                component.waiting += 1
                if component not in self._short:
                    self._short.append(component)
                self._order(endpoint)
            return False
        self._place(component, at, settled=settled, replaces=replaces)
        return True

    def _place(
        self, component: ComponentState, at: Instance, *, settled: bool = False, replaces: Copy | None = None
    ) -> Copy:
        now_s = self.agenda.now_s
        # A machine that ran this model before gives no discount (3.4).
        ready_s = now_s if settled else max(now_s, at.ready_s) + component.start_s
        copy = Copy(component, at, ready_s, replaces=replaces)
        self.machines.on_change(at)
        at.room -= component.accelerators
        at.empty_since = None
        at.copies.append(copy)
        component.copies.append(copy)
        component.endpoint.touched_s = now_s
        component.progress_s = now_s
        if settled:
            self._serve(copy)
        else:
            self.agenda.at(ready_s, lambda: self._serve(copy))
        return copy

    def _serve(self, copy: Copy) -> None:
        if copy.state is not CopyState.STARTING:
            return
        self.machines.on_change(copy.instance)
        copy.state = CopyState.READY
        component = copy.component
        component.progress_s = self.agenda.now_s
        self._show_ready(component)
        old, copy.replaces = copy.replaces, None
        if old is not None:
            # Somebody may have taken the old copy out meanwhile: then this one is too many.
            self.leave(old if old.state is CopyState.READY else copy)
        self.settle(component)

    def leave(self, copy: Copy) -> None:
        """It takes no new request, finishes what it has and frees its accelerators when empty (3.5)."""
        component = copy.component
        component.endpoint.touched_s = self.agenda.now_s
        left_s = 0.0
        self.machines.on_change(copy.instance)
        if copy.state is CopyState.READY:
            copy.busy, left_s = self.requests.take_out(component.target, int(self.agenda.now_s))
        copy.state = CopyState.LEAVING
        if left_s:
            self.agenda.at(self.agenda.now_s + left_s, lambda: self._gone(copy))
        else:
            self._gone(copy)

    def _gone(self, copy: Copy) -> None:
        component, instance = copy.component, copy.instance
        self.machines.on_change(instance)
        self.requests.left(self.model_index(component), copy.busy)
        component.copies.remove(copy)
        instance.copies.remove(copy)
        instance.room += component.accelerators
        if component.hidden:
            instance.given_up = True
        if not instance.copies:
            self.empty(instance)
        self.fill_short()
        self.settle(component)

    def model_index(self, component: ComponentState) -> int:
        return int(self.requests.model_of[component.target])

    def _show_ready(self, component: ComponentState) -> None:
        endpoint = component.endpoint
        # A dedicated endpoint answers only once it is in service.
        if component.hidden and endpoint.status is Status.CREATING:
            return
        self.requests.set_ready(component.target, component.ready)

    # Waiting for room.

    def fill_short(self) -> None:
        """Copies that wait are placed where room has come, in order of asking."""
        for component in list(self._short):
            while component.waiting and self._add_waiting(component):
                pass
            if not component.waiting:
                self._short.remove(component)

    def _add_waiting(self, component: ComponentState) -> bool:
        component.waiting -= 1
        return self._add(component)

    def _watch(self, component: ComponentState) -> None:
        """Room that comes by itself (an outage ends) is looked for; without progress it gives up (3.2)."""
        now_s = self.agenda.now_s
        self.agenda.at(now_s + self.spec.times.give_up_s, lambda: self._give_up(component))
        if not self._retrying:
            self._retrying = True
            self.agenda.at(now_s + self.spec.times.ice_retry_s, self._retry)

    def _retry(self) -> None:
        self.fill_short()
        self._retrying = bool(self._short)
        if self._retrying:
            self.agenda.at(self.agenda.now_s + self.spec.times.ice_retry_s, self._retry)

    def _give_up(self, component: ComponentState) -> None:
        if not component.waiting:
            return
        due = component.progress_s + self.spec.times.give_up_s
        if self.agenda.now_s < due:
            self.agenda.at(due, lambda: self._give_up(component))
            return
        component.waiting = 0
        if component in self._short:
            self._short.remove(component)
        component.desired = sum(1 for c in component.copies if c.state is not CopyState.LEAVING)
        component.failure = NO_ROOM
        self.settle(component)

    # Statuses.

    def settle(self, component: ComponentState) -> None:
        """The component is in service once current = desired (3.6); a deleted one goes with its last copy."""
        now = int(self.agenda.now_s)
        if component.status is Status.DELETING:
            if not component.copies and self.components.get(component.name) is component:
                del component.endpoint.components[component.name]
                del self.components[component.name]
            return
        moving = component.waiting or len(component.copies) != component.desired
        moving = moving or any(copy.state is not CopyState.READY for copy in component.copies)
        if component.hidden:
            self._settle_dedicated(component, bool(moving))
            return
        if component.replacing:
            component.replacing = bool(moving)
        elif any(c.replaces for c in component.copies) and component.status is Status.IN_SERVICE:
            return  # CONSOLIDATION works behind the component's back: it stays in service.
        if moving or component.status not in {Status.CREATING, Status.UPDATING}:
            return
        failed = component.status is Status.CREATING and component.desired == 0 and component.failure != ""
        component.status = Status.FAILED if failed else Status.IN_SERVICE
        if not failed:
            component.failure = ""
        component.changed_at = now

    def _settle_dedicated(self, container: ComponentState, moving: bool) -> None:
        endpoint = container.endpoint
        if endpoint.status is Status.DELETING:
            if not container.copies and self.endpoints.get(endpoint.name) is endpoint:
                del self.endpoints[endpoint.name]
                self.on_status(endpoint)
            return
        if moving or endpoint.status not in {Status.CREATING, Status.UPDATING}:
            return
        if endpoint.status is Status.CREATING and container.desired == 0:
            endpoint.failure = container.failure
            self.set_status(endpoint, Status.FAILED)
            return
        for instance in endpoint.instances:
            self.machines.on_change(instance)
        self.set_status(endpoint, Status.IN_SERVICE)
        self.requests.set_ready(container.target, container.ready)

    def set_status(self, endpoint: EndpointState, status: Status) -> None:
        endpoint.status = status
        endpoint.changed_at = int(self.agenda.now_s)
        self.on_status(endpoint)

    # Instances.

    def empty(self, instance: Instance) -> None:
        """Its last copy left: it is released idle_release_s later, if none comes (3.9); at once after its plan."""
        now_s = max(self.agenda.now_s, instance.ready_s)
        plan = self.machines.plans.get(instance.endpoint.reservation)
        if plan is not None and self.agenda.now_s >= plan.until:
            self.machines.release(instance, self.agenda.now_s)
            return
        instance.empty_since = now_s
        self.agenda.at(now_s + self.spec.times.idle_release_s, lambda: self._release_if_idle(instance, now_s))

    def _release_if_idle(self, instance: Instance, since_s: float) -> None:
        endpoint = instance.endpoint
        if instance not in endpoint.instances or instance.copies or instance.empty_since != since_s:
            return
        if endpoint.kind is EndpointKind.POOL and len(endpoint.instances) <= endpoint.minimum:
            return
        self.machines.release(instance, self.agenda.now_s)
        self.fill_short()

    def keep_bounds(self, endpoint: EndpointState, *, settled: bool = False) -> None:
        """A pool has its minimum of instances; empty ones above it go when they have been idle long enough."""
        now_s = self.agenda.now_s
        while len(endpoint.instances) < endpoint.minimum and self.machines.may_launch(endpoint, now_s):
            self.empty(self.machines.launch(endpoint, now_s, settled=settled))
        self._order(endpoint)
        for instance in list(endpoint.instances):
            since_s = instance.empty_since
            if since_s is not None and now_s >= since_s + self.spec.times.idle_release_s:
                self._release_if_idle(instance, since_s)
        self.fill_short()

    def end_reservation(self, endpoint: EndpointState) -> None:
        """Its machines go with its training plan, and nothing serves there any more (sagemaker-facts, Scaling)."""
        until_s = self.machines.plans[endpoint.reservation].until
        if self.agenda.now_s < until_s:  # It was extended.
            self.agenda.at(until_s, lambda: self.end_reservation(endpoint))
            return
        for instance in endpoint.instances:
            instance.given_up = True
        for component in filter(None, (*endpoint.components.values(), endpoint.container)):
            for copy in [c for c in component.copies if c.state is not CopyState.LEAVING]:
                self.leave(copy)
            self.reach(component)
        for instance in [one for one in endpoint.instances if not one.copies]:
            self.empty(instance)

    # Scarce machines that were given back (decisions/0010-regain.md).

    def _order(self, endpoint: EndpointState) -> None:
        """As many instances are on order as the endpoint lacks, where they have to be waited for."""
        if not self.machines.waits(endpoint.type.name):
            return
        while self.machines.ordered.get(endpoint, 0) < self._lacking(endpoint) and self.machines.order(endpoint):
            self.agenda.at(self.agenda.now_s + self.spec.times.regain_s, lambda: self._regain(endpoint))

    def _regain(self, endpoint: EndpointState) -> None:
        """What a pool asked for comes, also when nobody waits for it any more: then it is idle, and paid. A dedicated
        endpoint has no machine without a copy."""
        container = endpoint.container
        there = self.machines.take_order(endpoint, self.agenda.now_s)
        if not there or self.endpoints.get(endpoint.name) is not endpoint or (container and not container.waiting):
            return
        instance = self.machines.launch(endpoint, self.agenda.now_s)
        if container:
            container.waiting -= 1
            self._place(container, instance)
        else:
            self.empty(instance)
        self.fill_short()

    def _lacking(self, endpoint: EndpointState) -> int:
        """Instances that the copies without room would fill, each critical copy one of its own; or the minimum's."""
        waiting = [c for c in self._short if c.endpoint is endpoint]
        alone = sum(c.waiting for c in waiting if c.model.critical)
        together = sum(c.waiting * c.accelerators for c in waiting if not c.model.critical)
        missing = endpoint.minimum - len(endpoint.instances)
        return max(alone + ceil(together / endpoint.type.accelerators), missing)

    # CONSOLIDATION and new versions: replacements first, then the old copies leave.

    def consider_consolidation(self, endpoint: EndpointState) -> None:
        """With CONSOLIDATION, one instance's copies move onto the others after each cooldown."""
        if endpoint.scale_in != "CONSOLIDATION":
            endpoint.consolidation_due = False
            return
        now_s, cooldown_s = self.agenda.now_s, self.spec.times.consolidation_cooldown_s
        quiet = now_s >= endpoint.touched_s + cooldown_s
        if quiet and endpoint.status is Status.IN_SERVICE:
            for copy, to in consolidation(endpoint.instances, now_s):
                self._place(copy.component, to, replaces=copy)
        endpoint.consolidation_due = True
        due_s = max(now_s + 60, endpoint.touched_s + cooldown_s)
        self.agenda.at(due_s, lambda: self.consider_consolidation(endpoint))

    def replace_all(self, component: ComponentState) -> None:
        """Every copy gets a successor: double copies while it runs. Without room the old ones stay."""
        component.replacing = True
        for old in [copy for copy in component.copies if copy.state is CopyState.READY]:
            self._add(component, replaces=old)
        self.settle(component)
