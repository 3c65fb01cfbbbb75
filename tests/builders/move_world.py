"""A small world for moves: one model, two pools, its callers, a ledger, a route store. Minute by minute, no chance.

It is kept apart from the twin so that every crash point of every kind of move runs in milliseconds, and so that two
separate simulations judge the same protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from builders import NOW, P4D, a_component, a_config, a_model, a_pool
from builders.move_fakes import FakeRoutes, Fakes
from tidepool.config.types import Config, Hosting, InstanceConfig, PoolConfig, RouteConfig, Shape, Via
from tidepool.fleet import (
    Component,
    Endpoint,
    EndpointKind,
    Evidence,
    Route,
    Series,
    Signal,
    Status,
    Target,
)
from tidepool.fleet.demand import no_evidence
from tidepool.memory import Memory
from tidepool.move.state import Move
from tidepool.plan.change import StartMove
from tidepool.runtime.ports import Operation, Ports

POOL_A, POOL_B, OWN = "pool-a", "pool-b", "own"
MODEL = "m"
TAGS = {"model": MODEL, "tidepool:managed": "true", "team": "codegen"}
REQUESTS_A_MINUTE = 600.0
SERVICE_S = 20.0
FIRST_S = NOW - 1800


def a_move(source: str = POOL_A, target: str = POOL_B, *, id_: str = "0123456789abcdef", size: int = 2) -> StartMove:
    """From POOL_A, POOL_B or OWN (a dedicated endpoint) to another of them, or to a new dedicated one (any name)."""
    shared_from, shared_to = source in (POOL_A, POOL_B), target in (POOL_A, POOL_B)
    return StartMove(
        id=id_,
        model=MODEL,
        from_hosting=Hosting.SHARED if shared_from else Hosting.DEDICATED,
        from_endpoint=source,
        component=MODEL if shared_from else "",
        to_hosting=Hosting.SHARED if shared_to else Hosting.DEDICATED,
        to_endpoint=target,
        instance_type=P4D.name,
        accelerators_per_copy=1,
        size=size,
        because="a test wants it",
        usd_per_hour=-1.0,
        move_cost_usd=1.0,
    )


@dataclass
class Trouble:
    """What goes wrong, and when: [from, until) in seconds since 1970, (0, 0) = never."""

    target_fails: bool = False
    target_mute: bool = False
    target_errors: bool = False
    target_slow: bool = False
    target_never_ready: bool = False
    create_refused: bool = False
    target_refuses: bool = False
    denied: float = 0.0
    """The share of callers who may not invoke the target: the source answers them while the route names it."""
    direct_caller: bool = False
    sessions_until: int = 0
    """60 requests a minute belong to sessions that began on the source, and end then."""
    gateway_silent: bool = False
    busier_from: int = 0
    metrics_away: tuple[int, int] = (0, 0)
    cloudwatch_away: tuple[int, int] = (0, 0)
    extremes_away: bool = False
    store_away: tuple[int, int] = (0, 0)
    source_dead: tuple[int, int] = (0, 0)
    busy: tuple[int, int] = (0, 0)


@dataclass
class World:
    """The account and its callers. `lost` counts requests that a home which does not serve was sent."""

    source: str = POOL_A
    via: Via = Via.TABLE
    model_changes: Mapping[str, object] = field(default_factory=dict)
    source_tags: Mapping[str, str] = field(default_factory=lambda: dict(TAGS))
    trouble: Trouble = field(default_factory=Trouble)
    now: int = NOW
    lost: float = 0.0
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)
    configs: set[str] = field(default_factory=set)
    ready_at: dict[str, int] = field(default_factory=dict)
    gone_at: dict[str, int] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    followed_targets: tuple[Target, ...] = ()
    stored: dict[str, Move] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    extremes: Evidence = field(default_factory=no_evidence)
    memory: Memory = field(default_factory=Memory.empty)
    told: list[Mapping[str, object]] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    sent: dict[str, dict[int, float]] = field(default_factory=dict)
    ready: dict[str, set[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for pool in (POOL_A, POOL_B):
            self.endpoints[pool] = a_pool(name=pool, config_name=f"{pool}-config")
        if self.source == OWN:
            self.endpoints[OWN] = self._dedicated(OWN, 2, self.source_tags, Status.IN_SERVICE)
            self.configs.add(OWN)
        else:
            self.components[MODEL] = a_component(
                MODEL, copies=2, endpoint=self.source, artifact="artifact-m", tags=dict(self.source_tags)
            )
        component = "" if self.source == OWN else MODEL
        self.followed_targets = (Target(self.source, component, 100),)
        for minute in range(FIRST_S, self.now, 60):
            self._account(minute)

    # Time.

    def minute(self) -> None:
        """One minute passes: things become ready or go, callers call, and follow the route half a minute late."""
        self.now += 60
        for name, at in list(self.ready_at.items()):
            if at <= self.now and not self.trouble.target_never_ready:
                self._settle(name)
        for name, at in list(self.gone_at.items()):
            if at <= self.now:
                self.components.pop(name, None)
                self.endpoints.pop(name, None)
                del self.gone_at[name]
        self._account(self.now - 60)
        route = self.routes.get(MODEL)
        if route is not None and self.now - route.changed_at >= 30 and not self.trouble.gateway_silent:
            self.followed_targets = route.targets

    def serves(self, endpoint: str, component: str) -> bool:
        if self._is_dead(component or endpoint):
            return False
        if component:
            found = self.components.get(component)
            return found is not None and found.copies_now > 0 and found.status is not Status.DELETING
        home = self.endpoints.get(endpoint)
        return home is not None and home.instances_now > 0 and home.status is not Status.DELETING

    def _account(self, minute: int) -> None:
        for name in (*self.components, *self.endpoints):
            if name in self.components or self.endpoints[name].kind is EndpointKind.DEDICATED:
                component = name if name in self.components else ""
                if self.serves(self._endpoint_of(name), component):
                    self.ready.setdefault(name, set()).add(minute)
        callers = list(self.followed_targets)
        source = Target(self.source, "" if self.source == OWN else MODEL, 5)
        if self.trouble.direct_caller:
            callers.append(source)
        if minute < self.trouble.sessions_until:
            callers.append(replace(source, weight=10))
        for target in callers:
            busier = self.trouble.busier_from and minute >= self.trouble.busier_from
            requests = REQUESTS_A_MINUTE * target.weight / 100 * (3 if busier else 1)
            if self.trouble.denied and target.name != source.name:
                fallen = requests * self.trouble.denied
                requests -= fallen
                if any(other.name == source.name for other in self.followed_targets):
                    self._send(source.name, minute, fallen)
                else:
                    self.lost += fallen
            if requests == 0:
                continue
            if not self.serves(target.endpoint, target.component):
                self.lost += requests
                continue
            self._send(target.name, minute, requests)

    def _send(self, name: str, minute: int, requests: float) -> None:
        minutes = self.sent.setdefault(name, {})
        minutes[minute] = minutes.get(minute, 0.0) + requests

    def _endpoint_of(self, name: str) -> str:
        return self.components[name].endpoint if name in self.components else name

    def _is_dead(self, name: str) -> bool:
        since, until = self.trouble.source_dead
        return name == self._source_name() and since <= self.now < until

    def _source_name(self) -> str:
        return OWN if self.source == OWN else MODEL

    def _size_of(self, name: str) -> int:
        if name in self.components:
            return max(1, self.components[name].copies_now)
        return max(1, self.endpoints[name].instances_now) if name in self.endpoints else 1

    def _settle(self, name: str) -> None:
        del self.ready_at[name]
        if name in self.components:
            found = self.components[name]
            if self.trouble.target_fails:
                self.components[name] = replace(found, status=Status.FAILED, failure="the container crashed")
            else:
                self.components[name] = replace(found, status=Status.IN_SERVICE, copies_now=found.copies_wanted)
        elif name in self.endpoints:
            home = self.endpoints[name]
            status = Status.FAILED if self.trouble.target_fails else Status.IN_SERVICE
            now = 0 if self.trouble.target_fails else home.instances_wanted
            failure = "the container crashed" if self.trouble.target_fails else ""
            self.endpoints[name] = replace(home, status=status, instances_now=now, failure=failure)

    def _dedicated(self, name: str, instances: int, tags: Mapping[str, str], status: Status) -> Endpoint:
        return Endpoint(
            name=name,
            kind=EndpointKind.DEDICATED,
            config_name=name,
            variant="AllTraffic",
            status=status,
            instance_type=P4D.name,
            instances_now=instances if status is Status.IN_SERVICE else 0,
            instances_wanted=instances,
            changed_at=self.now,
            model=tags.get("model", ""),
            sagemaker_model="artifact-m",
            tags=dict(tags),
        )

    # What the ports are made of.

    def config(self) -> Config:
        shapes = (
            Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=170.0, service_s=SERVICE_S, start_s=220.0),
            Shape(Hosting.DEDICATED, P4D.name, accelerators=8, concurrency=170.0, service_s=SERVICE_S, start_s=220.0),
        )
        route = RouteConfig(self.via, ack_s=120)
        model = a_model(MODEL, **{"route": route, "shapes": shapes, **self.model_changes})
        return a_config(
            model,
            identity="tag:model",
            pools={name: PoolConfig(name, name) for name in (POOL_A, POOL_B)},
            instances={P4D.name: InstanceConfig(P4D.name, 8, P4D.usd_per_hour, P4D.quota, 105.0)},
        )

    def ports(self, wrap: Callable[[str, Callable[..., Any]], Callable[..., Any]] | None = None) -> Ports:
        """The world behind every port; `wrap` may stand between a run and each of its writes."""
        one: Any = Fakes(self, wrap or (lambda _, call: call))
        return Ports(
            hosting=one,
            metrics=one,
            prices=one,
            routes=FakeRoutes(self, one),
            ledger=one,
            bus=one,
            config=one,
            alarms=one,
        )

    def series(self, values: Mapping[int, float], step: int, until: int) -> Series:
        """One value a minute, the same for each step inside it."""
        minutes = range(FIRST_S, until, 60)
        array = np.array([values.get(minute, np.nan) for minute in minutes], dtype=float)
        return Series(FIRST_S, step, np.repeat(array, 60 // step))

    def evidence_of(self, name: str) -> Evidence:
        """Invocations only where there were any; utilisation for each minute something was ready; a minute late."""
        away_from, away_to = self.trouble.metrics_away
        until = min(self.now - 60, away_from - 60) if away_from <= self.now < away_to else self.now - 60
        sent = self.sent.get(name, {})
        ready = self.ready.get(name, set())
        is_target = name != self._source_name()
        errors = {m: n * 0.2 for m, n in sent.items()} if is_target and self.trouble.target_errors else {}
        refused = {m: n * 0.2 for m, n in sent.items()} if is_target and self.trouble.target_refuses else {}
        slow = 5.0 if is_target and self.trouble.target_slow else 1.0
        size = self._size_of(name)
        in_flight = {m: sent.get(m, 0.0) * SERVICE_S / 60 / size for m in ready}
        return Evidence(
            invocations=self.series(sent, 60, until),
            concurrency=self.series(in_flight, 10, until),
            rejected=self.series({}, 60, until),
            utilisation=self.series(dict.fromkeys(ready, 10.0), 60, until),
            latency_ms=self.series(dict.fromkeys(sent, 1000 * SERVICE_S * slow), 60, until),
            errors=self.series(errors, 60, until),
            refused=self.series(refused, 60, until),
        )
