"""What the use cases need from the world, declared by the consumer.

`tidepool.aws` implements these over boto3, the twin implements them directly (the fast seam); one contract
test runs over both. Every port raises only errors of `tidepool.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tidepool.errors import NotFound, Unreachable
from tidepool.fleet.asked import Answer as Answer  # noqa: PLC0414 (re-exported)
from tidepool.fleet.asked import NewComponent as NewComponent  # noqa: PLC0414 (re-exported)
from tidepool.fleet.asked import NewEndpoint as NewEndpoint  # noqa: PLC0414 (re-exported)

# Every function imports its ports, and each a part of what they speak of.
if TYPE_CHECKING:
    from tidepool.config.types import Config, RouteConfig
    from tidepool.decision.record import Decision
    from tidepool.fleet import (
        Component,
        Endpoint,
        Evidence,
        InstanceType,
        LeftOut,
        Noted,
        Reservation,
        Route,
        ScalingTarget,
        Series,
        Signal,
        Taken,
        Target,
    )
    from tidepool.memory import Learned, Memory
    from tidepool.move.attach import Attach
    from tidepool.move.state import Move
    from tidepool.plan.change import Change
    from tidepool.report.entries import Sample


class Hosting(Protocol):
    """SageMaker. Reads show the true state now. Writes carry the change's id in the user agent."""

    def endpoints(self) -> Mapping[str, Endpoint]: ...
    def components(self) -> Mapping[str, Component]: ...
    def left_out(self) -> tuple[LeftOut, ...]:
        """What endpoints() and components() left out when they last read, since this role may not read it."""
        ...

    def endpoint(self, name: str) -> Endpoint: ...
    def component(self, name: str) -> Component: ...
    def set_copies(self, component: str, copies: int, *, change: str) -> None: ...
    def set_instances(self, endpoint: str, variant: str, instances: int, *, change: str) -> None: ...
    def set_bounds(self, endpoint: str, *, minimum: int, maximum: int, change: str) -> str:
        """UpdateEndpoint to a new config with these bounds was accepted; the new config's name."""
        ...

    def create_component(self, new: NewComponent, *, change: str) -> None: ...
    def create_endpoint(self, new: NewEndpoint, *, change: str) -> None: ...
    def delete_component(self, name: str, *, change: str) -> None: ...
    def delete_endpoint(self, name: str, *, change: str) -> None: ...
    def probe(self, target: Target, sample: str) -> Answer: ...


@dataclass(frozen=True, slots=True)
class MetricTarget:
    """Whose metrics: a component's, by its name, or a dedicated endpoint's, by its variant (component '').

    moving: a move judges it, so that `refused` is read as well. fields: of Evidence, those that are asked for; () = all
    but `refused`. What is not asked for is empty, or the truth where that costs nothing.
    """

    name: str
    endpoint: str
    variant: str
    component: str
    moving: bool = False
    fields: tuple[str, ...] = ()


class Metrics(Protocol):
    """CloudWatch. A period that CloudWatch has no datapoint for is NaN, never zero."""

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        """By target name: every series over [now - window_s, now), as far as it is visible at `now`."""
        ...

    def history(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, Series]:
        """By target name: Invocations per 60 s over [since, now), as far as visible."""
        ...

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        """latency_ms: the longest ModelLatency of each hour; concurrency: the most in flight of each minute."""
        ...

    def slowness(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, tuple[Series, Series]]:
        """By target name, in ms: each whole hour's mean ModelLatency without the slowest tenth, and of that tenth."""
        ...

    def keep_burst_alarms(self, components: Mapping[str, float], *, prefix: str) -> None:
        """Exactly these components have a burst alarm under `prefix`; name → 10-second concurrency threshold."""
        ...


class Prices(Protocol):
    def instance_types(self, names: Sequence[str]) -> Mapping[str, InstanceType]:
        """By type name. A type whose price or quota cannot be read is absent: missing evidence."""
        ...


class Routes(Protocol):
    """Where callers go. One adapter a way of routing; the composite picks it by RouteConfig.via."""

    def read(self, model: str, via: RouteConfig) -> Route | None: ...
    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        """The route is stored with version expected_version + 1. Conflict when somebody wrote first."""
        ...

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        """Every caller follows this version by `now` (cache age, acknowledgement, or the router's delay)."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to decide, until `until`. `fence` grows with each holder and goes into every write."""

    fence: int
    until: int


@dataclass(frozen=True, slots=True)
class Operation:
    """What one hand did about one change. `outcome`: done | already | superseded | busy | failed (AWS refused it) |
    unanswered (AWS was away or throttled); approved: what a person said of a move that waited; or came back: SageMaker
    took it and rolled it back, and people were told."""

    change: Change
    at: int
    outcome: str
    why: str = ""


class Ledger(Protocol):
    """What Tidepool remembers. Every write is conditional and may run twice."""

    def lease(self, now: int, seconds: int) -> Lease | None:
        """The lease, or None when another holds it (and `look_again` is set for the holder)."""
        ...

    def release(self, lease: Lease, now: int) -> bool:
        """The lease is free; True when somebody asked to look again meanwhile."""
        ...

    def memory(self) -> Memory:
        """What the last tick handed over, with what learn wrote last; Memory.empty() at the very first."""
        ...

    def save_decision(self, decision: Decision, lease: Lease) -> str:
        """Record and memory are stored; returns the record's key. LeaseLost when the fence is behind."""
        ...

    def save_learned(self, learned: Learned, now: int) -> None: ...
    def decision(self, key: str | None = None) -> bytes | None:
        """The canonical JSON of one record (the newest without a key)."""
        ...

    def signals(self, now: int) -> tuple[Signal, ...]: ...
    def put_signal(self, signal: Signal) -> None: ...
    def note(self, noted: Noted) -> None:
        """A write that CloudTrail told of is kept for a day; the same one twice is kept once."""
        ...

    def noted(self, since: int) -> tuple[Noted, ...]: ...
    def taken(self) -> tuple[Taken, ...]:
        """Every scaling target that was ever changed, as its owner left it and as we set it last."""
        ...

    def save_taken(self, taken: Taken, *, expected_version: int) -> None:
        """As save_move."""
        ...

    def record(self, operation: Operation) -> None: ...
    def operations(self, since: int) -> tuple[Operation, ...]: ...
    def moves(self) -> tuple[Move, ...]:
        """Every open move."""
        ...

    def ended_moves(self, since: int) -> tuple[Move, ...]: ...
    def save_move(self, move: Move, *, expected_version: int) -> None:
        """Stored with version expected_version + 1; 0 = must not exist. Conflict if somebody wrote first."""
        ...

    def attaches(self) -> tuple[Attach, ...]:
        """Every attach that is kept, open or ended."""
        ...

    def save_attach(self, attach: Attach, *, expected_version: int) -> None:
        """As save_move."""
        ...

    def save_sample(self, sample: Sample) -> None:
        """The fleet at one moment is kept for the daily report; the same moment twice is kept once."""
        ...

    def samples(self, since: int) -> tuple[Sample, ...]:
        """Every sample kept since then, oldest first."""
        ...

    def save_report(self, page: bytes, now: int) -> str:
        """The report's page is stored; where."""
        ...


class Bus(Protocol):
    def send(self, changes: Sequence[Change], *, decision_key: str, now: int) -> None:
        """Each change is on its way to its hand, exactly one event a change."""
        ...

    def announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        """Something people may subscribe to happened: a move's step, a refused file."""
        ...


class ConfigStore(Protocol):
    def current(self) -> tuple[Config, str]:
        """The last good fleet.yaml and its commit. BadFleetFile when there has never been a good one."""
        ...

    def consider(self, version_id: str | None, now: int) -> tuple[Config, str]:
        """The uploaded file is in force, or BadFleetFile and the last good one stays."""
        ...


class Alarms(Protocol):
    def frozen_by(self, config: Config, now: int) -> tuple[str, ...]:
        """Names of freeze alarms in ALARM and of freeze calendars that are CLOSED."""
        ...


class Autoscaling(Protocol):
    """Application Auto Scaling of components' copies and dedicated endpoints' instances."""

    def targets(self, *, at_most_s: int = 0) -> Mapping[str, ScalingTarget]:
        """By component or endpoint name; as they were at most so many seconds ago."""
        ...

    def set(self, target: ScalingTarget, *, change: str) -> None:
        """Its minimum and its suspension are these; maximum, policies and schedules stay."""
        ...


class Reservations(Protocol):
    """Capacity reservations, by ARN."""

    def read(self, arns: Sequence[str]) -> Mapping[str, Reservation]:
        """What each has, and until when. One that cannot be read is absent: its end is not known."""
        ...


class Principals(Protocol):
    """IAM: what callers may do."""

    def refused(
        self, principal: str, target: Target, *, beside: str, tags: Mapping[str, str], stream: bool = False
    ) -> str:
        """What the principal may not do at a target that is not there yet; '' when it may invoke it.

        beside: an endpoint of the same account and Region. HostingError or Unreachable when nobody can tell.
        """
        ...


class NobodyTells:
    """Where IAM is not asked: what callers may do is unknown."""

    def refused(
        self, principal: str, target: Target, *, beside: str, tags: Mapping[str, str], stream: bool = False
    ) -> str:
        raise Unreachable("IAM is not asked here")


class NoAutoscaling:
    """An account where nothing is registered with Application Auto Scaling."""

    def targets(self, *, at_most_s: int = 0) -> Mapping[str, ScalingTarget]:
        return {}

    def set(self, target: ScalingTarget, *, change: str) -> None:
        raise NotFound("RegisterScalableTarget", target.resource, "ObjectNotFoundException", "nothing is registered")


class NoReservations:
    """Where no reservation is read."""

    def read(self, arns: Sequence[str]) -> Mapping[str, Reservation]:
        return {}


NOTHING_REGISTERED = NoAutoscaling()
NOTHING_RESERVED = NoReservations()
NOBODY_TELLS = NobodyTells()


@dataclass(frozen=True, slots=True)
class Ports:
    """All of them, as wiring (or the twin) made them."""

    hosting: Hosting
    metrics: Metrics
    prices: Prices
    routes: Routes
    ledger: Ledger
    bus: Bus
    config: ConfigStore
    alarms: Alarms
    autoscaling: Autoscaling = NOTHING_REGISTERED
    principals: Principals = NOBODY_TELLS
    reservations: Reservations = NOTHING_RESERVED
