"""An account as plain values behind every port but the ledger, for tests of the use cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builders import NOW, P4D, POOL, a_component, a_config, a_pool, evidence
from tidepool.config.types import Config, RouteConfig
from tidepool.config.types import Hosting as Home
from tidepool.errors import BadFleetFile, NotFound, Throttled
from tidepool.fleet import (
    Component,
    Endpoint,
    Evidence,
    InstanceType,
    LeftOut,
    Route,
    Series,
)
from tidepool.move.state import Move, Phase
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetBounds, StartMove
from tidepool.runtime.ports import MetricTarget, Ports
from tidepool_lab.twin.fast_ledger import FastLedger


@dataclass
class Account:
    """Every port but the ledger, as plain values that a test sets. `refusal` is raised by every write."""

    pools: dict[str, Endpoint] = field(default_factory=lambda: {POOL: a_pool()})
    parts: dict[str, Component] = field(default_factory=lambda: {"a": a_component()})
    seen: dict[str, Evidence] = field(default_factory=lambda: {"a": evidence(25.0, 2)})
    past: dict[str, Series] = field(default_factory=dict)
    slow: dict[str, tuple[Series, Series]] = field(default_factory=dict)
    listed: dict[str, InstanceType] = field(default_factory=dict)
    stored: dict[str, Route] = field(default_factory=dict)
    file: Config | None = field(default_factory=a_config)
    frozen: tuple[str, ...] = ()
    refusal: Exception | None = None
    broken: str = ""
    unread: tuple[LeftOut, ...] = ()
    written: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    slow_asked: list[tuple[tuple[str, ...], int, int]] = field(default_factory=list)
    sent: list[Change] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def _read(self, what: str) -> None:
        if self.broken == what:
            raise Throttled(what, "*", "ThrottlingException", "Rate exceeded")

    def endpoints(self) -> Mapping[str, Endpoint]:
        self._read("endpoints")
        return self.pools

    def components(self) -> Mapping[str, Component]:
        self._read("components")
        return self.parts

    def left_out(self) -> tuple[LeftOut, ...]:
        return self.unread

    def endpoint(self, name: str) -> Endpoint:
        if name not in self.pools:
            raise NotFound("DescribeEndpoint", name, "ValidationException", "Could not find endpoint")
        return self.pools[name]

    def component(self, name: str) -> Component:
        if name not in self.parts:
            raise NotFound("DescribeInferenceComponent", name, "ValidationException", "Could not find")
        return self.parts[name]

    def _write(self, *what: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.written.append(what)

    def set_copies(self, component: str, copies: int, *, change: str) -> None:
        self._write(component, copies, change)

    def set_instances(self, endpoint: str, variant: str, instances: int, *, change: str) -> None:
        self._write(endpoint, variant, instances, change)

    def set_bounds(self, endpoint: str, *, minimum: int, maximum: int, change: str) -> str:
        self._write(endpoint, minimum, maximum, change)
        return "new"

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        self._read("evidence")
        self.asked.append(tuple(target.name for target in targets))
        return {target.name: self.seen[target.name] for target in targets if target.name in self.seen}

    def history(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, Series]:
        self.asked.append(tuple(target.name for target in targets))
        return self.past

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        return Evidence()

    def slowness(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, tuple[Series, Series]]:
        self.slow_asked.append((tuple(target.name for target in targets), since, now))
        return {target.name: self.slow[target.name] for target in targets if target.name in self.slow}

    def keep_burst_alarms(self, components: Mapping[str, float], *, prefix: str) -> None:
        self.told.append(f"alarms {sorted(components)} under {prefix}")

    def instance_types(self, names: Sequence[str]) -> Mapping[str, InstanceType]:
        self._read("prices")
        self.asked.append(tuple(names))
        return {name: self.listed[name] for name in names if name in self.listed}

    def read(self, model: str, via: RouteConfig) -> Route | None:
        return self.stored.get(model)

    def send(self, changes: Sequence[Change], *, decision_key: str, now: int) -> None:
        self._read("bus")
        self.sent.extend(changes)

    def announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        self.told.append(kind)

    def current(self) -> tuple[Config, str]:
        if self.file is None:
            raise BadFleetFile("fleet.yaml", ())
        return self.file, "abc"

    def frozen_by(self, config: Config, now: int) -> tuple[str, ...]:
        self._read("alarms")
        return self.frozen


def ports_of(account: Account, ledger: FastLedger | None = None) -> Ports:
    """All ports on that account. A fake that a test does not reach is the account too."""
    every: Any = account
    made = ledger or FastLedger(keep_records=True)
    return Ports(every, every, every, every, made, every, every, every)


COPIES = ScaleCopies("c1", "a", "a", POOL, 2, 3, "more", 3.0)
INSTANCES = ScaleInstances("i1", "a", "own", "main", 1, 2, "more", 25.0)
BOUNDS = SetBounds("b1", "p4d", POOL, "main", "pool-config", 0, 1, 20, 30, "room", 0.0)
MOVE = StartMove("m1", "a", Home.SHARED, POOL, "a", Home.DEDICATED, "tidepool-a", P4D.name, 8, 1, "cheaper", -1.0, 5.0)


def a_move(phase: Phase, **changes: Any) -> Move:
    return replace(Move("m1", 1, MOVE, phase, 0, NOW, NOW, variant="main"), **changes)
