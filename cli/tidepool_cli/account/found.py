"""What was found in an account. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tidepool.fleet import Component, Endpoint, EndpointKind, InstanceType
from tidepool.fleet.identity import identity_of
from tidepool_cli.account.asker import Gap


@dataclass(frozen=True, slots=True)
class Scaler:
    """One target of Application Auto Scaling. `home` is a component or an endpoint; `suspended`: it writes nothing."""

    home: str
    resource: str
    dimension: str
    minimum: int
    maximum: int
    suspended: bool
    policies: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reservation:
    """Machines that an endpoint is bound to. `ends` is seconds since 1970, 0 = could not be read."""

    endpoint: str
    name: str
    instances: int
    ends: int


@dataclass(frozen=True, slots=True)
class Written:
    """A write that CloudTrail tells of. `agent` is the user agent of whoever called."""

    what: str
    resource: str
    who: str
    agent: str
    at: int


@dataclass(frozen=True, slots=True)
class Load:
    """What one home was seen to serve: requests by minute (only minutes with some), by seconds since 1970.

    busiest: the most requests at once of one copy (shared) or instance (dedicated), 0 = not seen.
    latency_s: the mean of the days' mean ModelLatency, 0 = not seen.
    """

    requests: Mapping[int, int] = field(default_factory=dict)
    busiest: float = 0.0
    latency_s: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.requests.values())


@dataclass(frozen=True, slots=True)
class Account:
    """One account and region at the moment `at`.

    types: of the types in use, those whose price, accelerators and quota could be read. loads: by home. seen: homes
    with a datapoint of the last 15 minutes, None = nobody looked. history: [since, until) of the loads. unread:
    endpoints that are there, and of which not enough was answered; None = not even their list.
    """

    account: str
    region: str
    at: int
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)
    types: Mapping[str, InstanceType] = field(default_factory=dict)
    scalers: tuple[Scaler, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    loads: Mapping[str, Load] = field(default_factory=dict)
    history: tuple[int, int] = (0, 0)
    seen: frozenset[str] | None = None
    written: tuple[Written, ...] = ()
    gaps: tuple[Gap, ...] = ()
    unread: frozenset[str] | None = frozenset()

    @property
    def pools(self) -> tuple[Endpoint, ...]:
        return tuple(e for e in self.endpoints.values() if e.kind is EndpointKind.POOL)

    @property
    def dedicated(self) -> tuple[Endpoint, ...]:
        return tuple(e for e in self.endpoints.values() if e.kind is EndpointKind.DEDICATED)

    @property
    def homes(self) -> tuple[Component | Endpoint, ...]:
        """Whatever hosts one model: components, then dedicated endpoints."""
        return (*self.components.values(), *self.dedicated)

    def identified(self, identity: str) -> Account:
        """The same account with every home's model named by `identity` ('name' or 'tag:KEY')."""
        return replace(
            self,
            components={n: replace(c, model=identity_of(identity, n, c.tags)) for n, c in self.components.items()},
            endpoints={
                n: replace(e, model=identity_of(identity, n, e.tags)) if e.kind is EndpointKind.DEDICATED else e
                for n, e in self.endpoints.items()
            },
        )
