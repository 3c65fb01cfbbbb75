"""The twin: one simulated account, its region and its callers, on a virtual clock, from one seed.

It is the one thing behind both seams and every rival. Calls act at `now_s` and are refused as SageMaker refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tidepool.fleet import Component, Endpoint, Reservation, Route, Target
from tidepool.runtime.ports import Answer
from tidepool_lab.inputs.clock import EPOCH_S
from tidepool_lab.twin.clock import Agenda
from tidepool_lab.twin.control import ControlPlane
from tidepool_lab.twin.describe import describe_component, describe_endpoint
from tidepool_lab.twin.faults import Faults
from tidepool_lab.twin.figures import Figures
from tidepool_lab.twin.history import History
from tidepool_lab.twin.lifecycle import Lifecycle
from tidepool_lab.twin.machines import Machines
from tidepool_lab.twin.metrics import Metrics
from tidepool_lab.twin.refusals import NO_CAPACITY
from tidepool_lab.twin.requests import Requests
from tidepool_lab.twin.spec import CloudSpec
from tidepool_lab.twin.state import EndpointState
from tidepool_lab.twin.traffic import STEP_S, Arrivals


@dataclass(frozen=True, slots=True)
class StateChange:
    """An endpoint's status changed: what EventBridge would tell (best effort), spelled as Describe does."""

    at_s: int
    kind: str
    endpoint: str
    status: str


class Cloud:
    """`events` holds the endpoints' state changes until somebody drains it; `history` is for pictures."""

    def __init__(
        self,
        spec: CloudSpec,
        arrivals: Arrivals,
        *,
        seed: int,
        start_s: int,
        faults: Faults | None = None,
        epoch_s: int = EPOCH_S,
    ) -> None:
        if start_s % 60:
            raise ValueError(f"start_s {start_s} has to be a whole minute")
        if arrivals.models != tuple(model.name for model in spec.models):
            raise ValueError("arrivals and spec have to name the same models in the same order")
        self.spec, self.arrivals = spec, arrivals
        self.start_s = self.now_s = start_s
        self.events: list[StateChange] = []
        self.history = History()
        self.moves: list[int] = []
        self.faults = faults or Faults()
        self._step_s = start_s
        self._epoch_s = epoch_s
        self._agenda = Agenda(start_s)
        self.machines = Machines(spec, self.faults)
        self.requests = Requests(
            spec.models,
            arrivals,
            times=spec.times,
            rng=np.random.default_rng([seed, 0x71DE]),
            start_s=start_s,
            epoch_s=epoch_s,
        )
        self.life = Lifecycle(spec, self._agenda, self.machines, self.requests)
        self.control = ControlPlane(self.life)
        self.metrics = Metrics(self.requests, times=spec.times, start_s=start_s, seed=seed)
        self.requests.on_minute = self._end_minute
        self.life.on_status = self._tell
        self._homes: set[int] = set()
        first_minute = max(0, (start_s - epoch_s) // 60)
        if first_minute:
            self.metrics.set_past(arrivals.per_minute(0, first_minute))

    @property
    def training_plans(self) -> dict[str, Reservation]:
        """By ARN, to be written before an endpoint is bound to it; a later `until` extends it."""
        return self.machines.plans

    # Time.

    def run_to(self, t_s: int) -> None:
        """Everything up to `t_s` has happened, what is due at a boundary `t_s` included; the clock shows it."""
        while self._step_s < t_s:
            self._agenda.happen(self._step_s)
            minute_end_s = self._step_s - self._step_s % 60 + 60
            stop_s = min(t_s, minute_end_s, self._agenda.next_s())
            steps = max(1, -(-(int(-(-stop_s // 1)) - self._step_s) // STEP_S))
            end_s = min(self._step_s + steps * STEP_S, minute_end_s)
            self.requests.run(self._step_s, end_s)
            self._step_s = end_s
        # What falls between two boundaries waits for the next one.
        self._agenda.happen(t_s - (t_s - self.start_s) % STEP_S)
        self.now_s = self._agenda.now_s = t_s

    def _end_minute(self, minute_s: int) -> None:
        self.metrics.end_minute(minute_s)
        self.history.note(minute_s + 60, self.life)

    # Endpoints. settled (start states only): in service at once, instances ready, nothing in progress.

    def create_pool(
        self,
        name: str,
        instance_type: str,
        *,
        minimum: int = 0,
        maximum: int,
        scale_in: str = "IDLE_RELEASE",
        tags: Mapping[str, str] | None = None,
        settled: bool = False,
        reservation: str = "",
    ) -> None:
        """CreateEndpoint with ManagedInstanceScaling and no model: it hosts components. `reservation` is the ARN of one
        of training_plans."""
        self.control.create_pool(
            name,
            instance_type,
            minimum=minimum,
            maximum=maximum,
            scale_in=scale_in,
            tags=tags or {},
            settled=settled,
            reservation=reservation,
        )

    def create_endpoint(
        self,
        name: str,
        model: str,
        *,
        instance_type: str,
        instances: int = 1,
        tags: Mapping[str, str] | None = None,
        settled: bool = False,
        reservation: str = "",
    ) -> None:
        """CreateEndpoint for one model alone. `model` is a ModelSpec's name or its SageMaker Model's."""
        self.control.create_dedicated(
            name,
            model,
            instance_type=instance_type,
            instances=instances,
            tags=tags or {},
            settled=settled,
            reservation=reservation,
        )
        container = self.life.endpoints[name].container
        if container is not None:
            self._watch(name, container.target)

    def update_endpoint(
        self, name: str, config_name: str, *, minimum: int, maximum: int, scale_in: str | None = None
    ) -> None:
        """UpdateEndpoint to a config with these bounds. Look afterwards which config came back."""
        self.control.update_endpoint(name, config_name, minimum=minimum, maximum=maximum, scale_in=scale_in)

    def set_instances(self, name: str, instances: int) -> None:
        """UpdateEndpointWeightsAndCapacities."""
        self.control.set_instances(name, instances)

    def delete_endpoint(self, name: str) -> None:
        self.control.delete_endpoint(name)

    # Components.

    def create_component(
        self,
        name: str,
        endpoint: str,
        *,
        model: str,
        accelerators: int | None = None,
        copies: int = 1,
        strategy: str = "BINPACK",
        memory_mb: int | None = None,
        tags: Mapping[str, str] | None = None,
        settled: bool = False,
    ) -> None:
        """CreateInferenceComponent. `model` is a ModelSpec's name or its SageMaker Model's; accelerators None =
        what its capacity says. settled also allows copies=0, which SageMaker refuses at create."""
        self.control.create_component(
            name,
            endpoint,
            model=model,
            accelerators=accelerators,
            copies=copies,
            strategy=strategy,
            memory_mb=memory_mb,
            tags=tags or {},
            settled=settled,
        )
        self._watch(name, self.life.components[name].target)

    def set_copies(self, name: str, copies: int) -> None:
        """UpdateInferenceComponentRuntimeConfig."""
        self.control.set_copies(name, copies)

    def update_component(self, name: str, *, artifact: str) -> None:
        """UpdateInferenceComponent by somebody else: a new version, blue/green, double copies while it runs."""
        self.control.update_component(name, artifact=artifact)

    def delete_component(self, name: str) -> None:
        self.control.delete_component(name)

    # What Describe shows. `identity` is fleet.yaml's: "name" or "tag:KEY".

    def endpoints(self, identity: str = "tag:model") -> dict[str, Endpoint]:
        return {name: self._described(endpoint, identity) for name, endpoint in sorted(self.life.endpoints.items())}

    def components(self, identity: str = "tag:model") -> dict[str, Component]:
        return {n: describe_component(c, identity) for n, c in sorted(self.life.components.items())}

    def endpoint(self, name: str, identity: str = "tag:model") -> Endpoint:
        """NotFound when there is none."""
        return self._described(self.control.endpoint("DescribeEndpoint", name), identity)

    def _described(self, endpoint: EndpointState, identity: str) -> Endpoint:
        return describe_endpoint(endpoint, identity, self.now_s, reserved=self.machines.reserved(endpoint))

    def component(self, name: str, identity: str = "tag:model") -> Component:
        """NotFound when there is none."""
        return describe_component(self.control.component("DescribeInferenceComponent", name), identity)

    # Callers.

    def set_route(self, route: Route) -> None:
        """Callers follow it times.route_s later (2.8). Until the first one they use the model's first home."""

        def follow() -> None:
            rows = [
                (row, t.weight) for t in route.targets if (row := self._row_of(t.endpoint, t.component)) is not None
            ]
            if model is not None:
                self.requests.follow(model, rows, int(self._agenda.now_s))

        # The route speaks of an identity; whose requests they are is known by where they go.
        homes = (self._row_of(target.endpoint, target.component) for target in route.targets)
        model = next((int(self.requests.model_of[row]) for row in homes if row is not None), None)
        if model is None:
            model = self.control.model_index(route.model)
        self._agenda.at(self.now_s + self.spec.times.route_s, follow)

    def probe(self, target: Target) -> Answer:
        """One request of our own; it takes no slot."""
        row = self._row_of(target.endpoint, target.component)
        if row is None:
            return Answer(False, 400, 0.0, why="Could not find the endpoint or inference component.")
        if not self.requests.ready[row]:
            return Answer(False, 400, 0.0, why=NO_CAPACITY)
        return Answer(True, 200, 1000 * float(self.requests.service_s[row]), schema="twin", length=1)

    # Accounts.

    def note_move(self) -> None:
        """A move began now (counted in Figures.moves)."""
        self.moves.append(self.now_s)

    def figures(self, from_s: int, to_s: int) -> Figures:
        """Bench-rules 6 for the window [from_s, to_s): requests by arrival, dollars by accrual."""

        def inside(times: list[float] | list[int]) -> int:
            return sum(1 for t in times if from_s <= t < to_s)

        return self.requests.outcomes.figures(
            from_s,
            to_s,
            cost_usd=self.machines.cost(from_s, to_s),
            copy_changes=inside(self.control.copy_changes),
            instance_changes=inside(self.machines.changes),
            moves=inside(self.moves),
        )

    def check_conservation(self) -> None:
        """AssertionError, naming the models, unless arrived = served + in service + timed out + lost + waiting."""
        outcomes, requests = self.requests.outcomes, self.requests
        ended = requests.served() + outcomes.total("timed_out") + outcomes.total("lost")
        missing = outcomes.total("arrived") - ended - requests.in_service() - requests.still_waiting()
        if missing.any():
            names = [f"{self.spec.models[i].name}: {missing[i]}" for i in np.flatnonzero(missing)]
            raise AssertionError(f"requests not accounted for at {self.now_s}: {', '.join(names)}")
        started = requests.served() + requests.in_service()
        if (started != outcomes.total("started")).any():
            raise AssertionError(f"requests were served without a slot before {self.now_s}")

    def _row_of(self, endpoint: str, component: str) -> int | None:
        if component:
            found = self.life.components.get(component)
            return found.target if found else None
        at = self.life.endpoints.get(endpoint)
        return at.container.target if at and at.container else None

    def _watch(self, name: str, target: int) -> None:
        """Its metrics are filed under the name; a model's first home is where its callers go."""
        model = int(self.requests.model_of[target])
        at_start = self.now_s == self.start_s and model not in self._homes
        self.metrics.watch(name, target, past_of=model if at_start else None)
        if model not in self._homes:
            self._homes.add(model)
            self.requests.follow(model, [(target, 100)], self.now_s)

    def _tell(self, endpoint: EndpointState) -> None:
        at = int(self._agenda.now_s)
        self.events.append(StateChange(at, "endpoint", endpoint.name, endpoint.status.value))
