"""The fast seam: the twin as runtime.ports, all in memory. The use cases are the very ones that are deployed.

Weeks of a hundred models take minutes here. What this leaves out (boto3, event patterns, roles) is the true
seam's to show; a test holds both to the same decision record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidepool.config.types import Config, RouteConfig
from tidepool.errors import Conflict
from tidepool.fleet import Component, Endpoint, Evidence, InstanceType, LeftOut, Reservation, Route, Series, Target
from tidepool.fleet.demand import no_evidence
from tidepool.plan.change import Change
from tidepool.runtime.ports import Answer, MetricTarget, NewComponent, NewEndpoint, Ports
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast_ledger import FastLedger

CREATED_BY_TAG = "tidepool:created-by"
CHANGE_TAG = "tidepool:change"


@dataclass(frozen=True, slots=True)
class FastHosting:
    """runtime.ports.Hosting straight on the twin."""

    cloud: Cloud
    identity: str
    stack: str

    def endpoints(self) -> Mapping[str, Endpoint]:
        return self.cloud.endpoints(self.identity)

    def components(self) -> Mapping[str, Component]:
        return self.cloud.components(self.identity)

    def left_out(self) -> tuple[LeftOut, ...]:
        return ()

    def endpoint(self, name: str) -> Endpoint:
        return self.cloud.endpoint(name, self.identity)

    def component(self, name: str) -> Component:
        return self.cloud.component(name, self.identity)

    def set_copies(self, component: str, copies: int, *, change: str) -> None:
        self.cloud.set_copies(component, copies)

    def set_instances(self, endpoint: str, variant: str, instances: int, *, change: str) -> None:
        self.cloud.set_instances(endpoint, instances)

    def set_bounds(self, endpoint: str, *, minimum: int, maximum: int, change: str) -> str:
        name = f"tidepool-{endpoint}"[:46].rstrip("-") + f"-{change}"
        self.cloud.update_endpoint(endpoint, name, minimum=minimum, maximum=maximum)
        return name

    def create_component(self, new: NewComponent, *, change: str) -> None:
        self.cloud.create_component(
            new.name,
            new.endpoint,
            model=new.sagemaker_model,
            accelerators=new.accelerators_per_copy,
            copies=new.copies,
            strategy=new.strategy,
            memory_mb=new.memory_mb,
            tags=self._tags(new.tags, change),
        )

    def create_endpoint(self, new: NewEndpoint, *, change: str) -> None:
        self.cloud.create_endpoint(
            new.name,
            new.sagemaker_model,
            instance_type=new.instance_type,
            instances=new.instances,
            tags=self._tags(new.tags, change),
        )

    def delete_component(self, name: str, *, change: str) -> None:
        self.cloud.delete_component(name)

    def delete_endpoint(self, name: str, *, change: str) -> None:
        self.cloud.delete_endpoint(name)

    def probe(self, target: Target, sample: str) -> Answer:
        return self.cloud.probe(target)

    def _tags(self, tags: Mapping[str, str], change: str) -> dict[str, str]:
        return {**tags, "tidepool:managed": "true", CREATED_BY_TAG: self.stack, CHANGE_TAG: change}


@dataclass(frozen=True, slots=True)
class FastMetrics:
    """runtime.ports.Metrics from the twin's store."""

    cloud: Cloud

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        return self.cloud.metrics.evidence(targets, now, window_s)

    def history(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, Series]:
        return self.cloud.metrics.history(targets, since, now)

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        """Nothing: the twin knows each minute's mean time alone."""
        return no_evidence()

    def slowness(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, tuple[Series, Series]]:
        return self.cloud.metrics.slowness(targets, since, now)

    def keep_burst_alarms(self, components: Mapping[str, float], *, prefix: str) -> None:
        self.cloud.metrics.burst_alarms = dict(components)


@dataclass(frozen=True, slots=True)
class FastPrices:
    """runtime.ports.Prices: the account's list."""

    cloud: Cloud

    def instance_types(self, names: Sequence[str]) -> Mapping[str, InstanceType]:
        known = self.cloud.spec.types
        return {
            name: InstanceType(name, known[name].accelerators, known[name].usd_per_hour, known[name].quota)
            for name in names
            if name in known
        }


@dataclass(frozen=True, slots=True)
class FastReservations:
    """runtime.ports.Reservations: the account's training plans."""

    cloud: Cloud

    def read(self, arns: Sequence[str]) -> Mapping[str, Reservation]:
        return {arn: self.cloud.training_plans[arn] for arn in arns if arn in self.cloud.training_plans}


@dataclass(slots=True)
class FastRoutes:
    """runtime.ports.Routes: a versioned table whose callers look again every times.route_s (bench-rules 2.8)."""

    cloud: Cloud
    stored: dict[str, Route] = field(default_factory=dict)

    def read(self, model: str, via: RouteConfig) -> Route | None:
        return self.stored.get(model)

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        before = self.stored.get(route.model)
        if (before.version if before else 0) != expected_version:
            raise Conflict(f"route of {route.model} is at version {before.version if before else 0}")
        written = replace(route, version=expected_version + 1)
        self.stored[route.model] = written
        self.cloud.set_route(written)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        return now >= route.changed_at + self.cloud.spec.times.route_s


@dataclass(slots=True)
class FastBus:
    """runtime.ports.Bus: changes wait here until the run carries them to their hands."""

    cloud: Cloud
    waiting: list[tuple[int, Change]] = field(default_factory=list)
    """(when it reaches its hand, change)."""
    told: list[tuple[int, str, Mapping[str, object]]] = field(default_factory=list)

    def send(self, changes: Sequence[Change], *, decision_key: str, now: int) -> None:
        for change in changes:
            for at in self.cloud.faults.deliveries(now):
                self.waiting.append((at + self.cloud.spec.times.bus_s, change))

    def announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        self.told.append((now, kind, detail))


@dataclass(frozen=True, slots=True)
class FastConfig:
    """runtime.ports.ConfigStore: one file, in force from the start."""

    config: Config
    commit: str = ""

    def current(self) -> tuple[Config, str]:
        return self.config, self.commit

    def consider(self, version_id: str | None, now: int) -> tuple[Config, str]:
        return self.config, self.commit


@dataclass(slots=True)
class FastAlarms:
    """runtime.ports.Alarms: the freeze alarms and calendars that whoever drives the run says are on."""

    frozen: tuple[str, ...] = ()

    def frozen_by(self, config: Config, now: int) -> tuple[str, ...]:
        return self.frozen


def fast_ports(
    cloud: Cloud,
    config: Config,
    *,
    commit: str = "",
    stack: str = "tidepool",
    keep_records: bool = False,
) -> Ports:
    """All ports, in memory, on that cloud. Models are told apart as fleet.yaml's `identity` says."""
    return Ports(
        hosting=FastHosting(cloud, config.identity, stack),
        metrics=FastMetrics(cloud),
        prices=FastPrices(cloud),
        routes=FastRoutes(cloud),
        ledger=FastLedger(keep_records=keep_records),
        bus=FastBus(cloud),
        config=FastConfig(config, commit),
        alarms=FastAlarms(),
        reservations=FastReservations(cloud),
    )
