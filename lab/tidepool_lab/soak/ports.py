"""runtime.ports over the account: the adapters that ship where they run here, and a ledger that is a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tidepool.aws.hosting_writes import HostingWrites
from tidepool.aws.routes import Routes
from tidepool.config.load import load
from tidepool.config.types import Config, Via
from tidepool.errors import Conflict, NotFound, Throttled, Unreachable
from tidepool.fleet import Component, Endpoint, Evidence, InstanceType, LeftOut, Signal, SignalKind, Target
from tidepool.fleet.asked import Answer
from tidepool.fleet.demand import no_evidence
from tidepool.memory import Memory
from tidepool.move.attach import Attach
from tidepool.move.state import Move
from tidepool.runtime.ports import MetricTarget, Operation, Ports
from tidepool_lab.soak.account import GPUS, POOL_A, POOL_B, TYPE, Account
from tidepool_lab.soak.hazards import Hazards
from tidepool_lab.soak.router import MODEL_TARGET, NAME
from tidepool_lab.soak.story import Kind, Story
from tidepool_lab.soak.weather import Weather
from tidepool_lab.soak.wire import ROUTES_TABLE, Clients

FAST_DELAY_S = 20
"""Ten-second metrics are visible so late (docs/bench-rules.md 4.2)."""
LATE_S = 300
"""More than that late, while metrics come late. Ours."""
STACK = "tidepool"

FLEET = """
schema: 1
region: us-east-1
timezone: UTC
identity: tag:model
act: run
safety: {{limits: {{moves_at_once: 2, moves_per_day: 9}}}}
instances:
  {type}: {{accelerators: {gpus}, usd_per_hour: 25.2513, quota: 40, launch: 105s}}
pools:
  a: {{endpoint: {pool_a}, types: [{type}]}}
  b: {{endpoint: {pool_b}, types: [{type}]}}
models:
  {model}:
    class: standard
    act: {act}
    route: {route}
    retire: {retire}
    longest_request: {longest}s
    stream: {stream}
    {callers}
    {hold}
    shapes:
      shared: {{{type}: {{accelerators: 1, concurrency: 4, service: 10s, start: 220s}}}}
      dedicated: {{{type}: {{concurrency: 4, service: 10s, start: 220s}}}}
  "{second}*":
    class: standard
    route: {{via: table}}
    shapes:
      shared: {{{type}: {{accelerators: 1, concurrency: 4, service: 10s, start: 220s}}}}
      dedicated: {{{type}: {{concurrency: 4, service: 10s, start: 220s}}}}
"""
SECOND, NEW = "beside", "beside-new"
"""The model that moves beside the story's, and the one that is attached."""
CALLER = "arn:aws:iam::111122223333:role/callers"
ROUTE = {
    Via.TABLE: "{via: table}",
    Via.GATEWAY: "{via: gateway, ack: 120s}",
    Via.ROUTER: f"{{via: inference-router, router: {NAME}, target: {MODEL_TARGET}}}",
}


def fleet_file(story: Story, weather: Weather) -> str:
    """fleet.yaml as people have it now."""
    rung = "ask" if story.ask else "run"
    return FLEET.format(
        type=TYPE,
        gpus=GPUS,
        pool_a=POOL_A,
        pool_b=POOL_B,
        model="another" if weather.on(Kind.REMOVED) else MODEL_TARGET,
        act="watch" if weather.on(Kind.WATCH) else rung,
        route=ROUTE[story.via],
        retire="delete" if story.retire_delete else "keep",
        longest=int(story.traffic.longest_s) + 1,
        stream=str(story.traffic.stream).lower(),
        second=SECOND,
        callers=f"callers: [{CALLER}]" if story.more.declared else "",
        hold="hold: {until: 2026-12-01, why: CHG-1}" if weather.on(Kind.HOLD) else "",
    )


@lru_cache(maxsize=512)
def _loaded(text: str) -> Config:
    return load(text)


class Hosting(HostingWrites):
    """Reads straight from the account; writes through the adapter that ships."""

    def __init__(self, account: Account, clients: Any, weather: Weather) -> None:
        super().__init__(clients, stack=STACK)
        self._account, self._weather = account, weather

    def endpoints(self) -> Mapping[str, Endpoint]:
        self._answers()
        names = (POOL_A, POOL_B, *self._account.homes)
        return {name: found for name in names if (found := self._account.endpoint(name)) is not None}

    def components(self) -> Mapping[str, Component]:
        self._answers()
        names = tuple(self._account.homes)
        return {name: found for name in names if (found := self._account.component(name)) is not None}

    def left_out(self) -> tuple[LeftOut, ...]:
        return ()

    def endpoint(self, name: str) -> Endpoint:
        self._answers()
        found = self._account.endpoint(name)
        if found is None:
            raise NotFound("DescribeEndpoint", name, "ValidationException", "Could not find endpoint")
        return found

    def component(self, name: str) -> Component:
        self._answers()
        found = self._account.component(name)
        if found is None:
            raise NotFound("DescribeInferenceComponent", name, "ValidationException", "Could not find it")
        return found

    def probe(self, target: Target, sample: str) -> Answer:
        home = self._account.homes.get(target.name)
        serves = home is not None and home.serves
        return Answer(serves, 200 if serves else 503, 100.0, schema="shape", length=100, why="" if serves else "503")

    def _answers(self) -> None:
        if self._weather.throttles():
            raise Throttled("Describe", "", "ThrottlingException", "Rate exceeded")


class Metrics:
    """CloudWatch over the meters of the account's homes."""

    def __init__(self, account: Account, weather: Weather, delay_s: float) -> None:
        self._account, self._weather, self._delay_s = account, weather, delay_s

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        if self._weather.on(Kind.METRICS_AWAY):
            raise Unreachable("CloudWatch does not answer")
        late = LATE_S if self._weather.on(Kind.METRICS_LATE) else 0
        true_now = self._account.loop.now
        until, fast_until = int(true_now - self._delay_s - late), int(true_now - FAST_DELAY_S - late)
        homes = self._account.homes
        return {
            t.name: homes[t.name].meter.evidence(true_now, now - window_s, until, fast_until)
            for t in targets
            if t.name in homes
        }

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        return no_evidence()


class Prices:
    def instance_types(self, names: Sequence[str]) -> Mapping[str, InstanceType]:
        return {TYPE: InstanceType(TYPE, GPUS, 25.2513, 40)}


class Principals:
    """IAM, which knows what callers may now."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    def refused(self, principal: str, target: Target, **_: Any) -> str:
        if self._weather.throttles():
            raise Throttled("SimulatePrincipalPolicy", principal, "Throttling", "Rate exceeded")
        return "sagemaker:InvokeEndpoint: implicitDeny" if self._weather.on(Kind.DENIED) else ""


class Ledger:
    """Moves and attaches by id, each written onto the version that was read; every write is a point to be hurt at."""

    def __init__(self, weather: Weather, hazards: Hazards) -> None:
        self._weather, self._hazards = weather, hazards
        self.stored: dict[str, Move] = {}
        self.attached: dict[str, Attach] = {}
        self.said: list[Operation] = []
        self.moved: Callable[[Move], None] = lambda move: None

    def moves(self) -> tuple[Move, ...]:
        return tuple(move for move in self.stored.values() if not move.phase.ended)

    def ended_moves(self, since: int) -> tuple[Move, ...]:
        return tuple(move for move in self.stored.values() if move.phase.ended and move.since >= since)

    def operations(self, since: int) -> tuple[Operation, ...]:
        return tuple(said for said in self.said if said.at >= since)

    def signals(self, now: int) -> tuple[Signal, ...]:
        if not self._weather.on(Kind.FREEZE):
            return ()
        return (Signal(SignalKind.FREEZE, "*", now - 60, now + 3600, "ana", "audit"),)

    def memory(self) -> Memory:
        return Memory.empty()

    def save_move(self, move: Move, *, expected_version: int) -> None:
        def save() -> None:
            there = self.stored.get(move.id)
            if (there.version if there is not None else 0) != expected_version:
                raise Conflict(f"move {move.id} is at another version")
            self.stored[move.id] = replace(move, version=expected_version + 1)
            self.moved(self.stored[move.id])

        self._hazards.write("save_move", save, answer_lost=_unheard)

    def attaches(self) -> tuple[Attach, ...]:
        return tuple(self.attached.values())

    def save_attach(self, attach: Attach, *, expected_version: int) -> None:
        def save() -> None:
            there = self.attached.get(attach.id)
            if (there.version if there is not None else 0) != expected_version:
                raise Conflict(f"attach {attach.id} is at another version")
            self.attached[attach.id] = replace(attach, version=expected_version + 1)

        self._hazards.write("save_attach", save, answer_lost=_unheard)

    def record(self, operation: Operation) -> None:
        self._hazards.write("record", lambda: self.said.append(operation), answer_lost=_unheard)


class Bus:
    """Announcements of routes reach the gateway, if there is one."""

    def __init__(self, hazards: Hazards) -> None:
        self._hazards = hazards
        self.wanted: Callable[[Mapping[str, Any]], None] = lambda detail: None

    def announce(self, kind: str, detail: Mapping[str, Any], now: int) -> None:
        def told() -> None:
            if kind == "route_wanted":
                self.wanted(detail)

        self._hazards.write(f"announce {kind}", told, answer_lost=_unheard)


class FleetFile:
    def __init__(self, story: Story, weather: Weather) -> None:
        self._story, self._weather = story, weather

    def current(self) -> tuple[Config, str]:
        return _loaded(fleet_file(self._story, self._weather)), "commit"


class Alarms:
    def frozen_by(self, config: Config, now: int) -> tuple[str, ...]:
        return ()


def the_ports(story: Story, account: Account, clients: Clients, weather: Weather, ledger: Ledger, bus: Bus) -> Ports:
    """What a move needs of each port, and no more."""
    aws: Any = clients
    some: dict[str, Any] = {
        "hosting": Hosting(account, aws, weather),
        "metrics": Metrics(account, weather, story.metric_delay_s),
        "prices": Prices(),
        "routes": Routes(aws, table=ROUTES_TABLE, bus=bus),  # type: ignore[arg-type]
        "ledger": ledger,
        "bus": bus,
        "config": FleetFile(story, weather),
        "alarms": Alarms(),
        "principals": Principals(weather),
    }
    return Ports(**some)


def _unheard() -> Exception:
    return Unreachable("the answer was lost")
