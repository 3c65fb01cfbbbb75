"""The twin: one simulated account, region and its callers, on a virtual clock. (Interface first; the works follow.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidepool.fleet import Component, Endpoint, Route, Target
from tidepool.runtime.ports import Answer
from tidepool_lab.twin.faults import Faults
from tidepool_lab.twin.figures import Figures
from tidepool_lab.twin.spec import CloudSpec
from tidepool_lab.twin.traffic import Arrivals


@dataclass(frozen=True, slots=True)
class StateChange:
    """An endpoint's status changed: what EventBridge would tell (best effort). `status` as Describe spells it."""

    at_s: int
    kind: str
    endpoint: str
    status: str


class Cloud:
    """Control plane calls act at `now_s` and raise tidepool.errors.HostingError with AWS's own words."""

    now_s: int
    events: list[StateChange]

    def __init__(
        self,
        spec: CloudSpec,
        arrivals: Arrivals,
        *,
        seed: int,
        start_s: int,
        faults: Faults | None = None,
    ) -> None:
        raise NotImplementedError

    def run_to(self, t_s: int) -> None:
        """Everything up to `t_s` has happened; the clock shows it."""
        raise NotImplementedError

    # Endpoints. `settled=True` (start states only): in service at once, instances ready, nothing in progress.
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
    ) -> None:
        raise NotImplementedError

    def create_endpoint(
        self,
        name: str,
        model: str,
        *,
        instance_type: str,
        instances: int = 1,
        tags: Mapping[str, str] | None = None,
        settled: bool = False,
    ) -> None:
        """A dedicated endpoint. `model` is a ModelSpec's name or its artifact."""
        raise NotImplementedError

    def update_endpoint(
        self, name: str, config_name: str, *, minimum: int, maximum: int, scale_in: str | None = None
    ) -> None:
        raise NotImplementedError

    def set_instances(self, name: str, instances: int) -> None:
        raise NotImplementedError

    def delete_endpoint(self, name: str) -> None:
        raise NotImplementedError

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
        """`model` is a ModelSpec's name or its artifact; accelerators None = what its capacity says.
        settled also allows copies=0, which SageMaker refuses at create."""
        raise NotImplementedError

    def set_copies(self, name: str, copies: int) -> None:
        raise NotImplementedError

    def update_component(self, name: str, *, artifact: str) -> None:
        """Somebody else's new version: blue/green, double copies while it runs."""
        raise NotImplementedError

    def delete_component(self, name: str) -> None:
        raise NotImplementedError

    # What Describe shows: the true state now. `identity` is fleet.yaml's ("name" or "tag:KEY").
    def endpoints(self, identity: str = "tag:model") -> dict[str, Endpoint]:
        raise NotImplementedError

    def components(self, identity: str = "tag:model") -> dict[str, Component]:
        raise NotImplementedError

    def endpoint(self, name: str, identity: str = "tag:model") -> Endpoint:
        raise NotImplementedError

    def component(self, name: str, identity: str = "tag:model") -> Component:
        raise NotImplementedError

    # Callers.
    def set_route(self, route: Route) -> None:
        """Callers of route.model follow it times.route_s later. Until the first one they use the model's first home."""
        raise NotImplementedError

    def probe(self, target: Target) -> Answer:
        raise NotImplementedError

    def note_move(self) -> None:
        """A move began now (counted in Figures.moves)."""
        raise NotImplementedError

    # Accounts.
    def figures(self, from_s: int, to_s: int) -> Figures:
        raise NotImplementedError

    def check_conservation(self) -> None:
        """AssertionError, naming the model, unless arrived = served + in service + timed out + lost + waiting."""
        raise NotImplementedError
