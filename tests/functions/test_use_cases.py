"""The use cases on fakes: what is observed, decided once, carried out and learned, and what an error leaves alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_model, a_pool, evidence
from tidepool.config.types import Config, InstanceConfig, Money, RouteConfig, Shape, Via
from tidepool.config.types import Hosting as Home
from tidepool.errors import BadFleetFile, Busy, HostingError, NotFound, Refused, Throttled, Unreachable
from tidepool.fleet import (
    Component,
    Endpoint,
    EndpointKind,
    Evidence,
    InstanceType,
    Route,
    Series,
    Signal,
    SignalKind,
    Status,
    Target,
)
from tidepool.move.state import Move, Phase
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetBounds, StartMove
from tidepool.runtime.carry_out import BOUNDS_QUIET_S, carry_out
from tidepool.runtime.decide import LEASE_S, decide
from tidepool.runtime.learn import burst_thresholds, learn
from tidepool.runtime.observe import observe
from tidepool.runtime.ports import MetricTarget, Operation, Ports
from tidepool_lab.twin.fast_ledger import FastLedger


@dataclass
class Account:
    """Every port but the ledger, as plain values that a test sets. `refusal` is raised by every write."""

    pools: dict[str, Endpoint] = field(default_factory=lambda: {POOL: a_pool()})
    parts: dict[str, Component] = field(default_factory=lambda: {"a": a_component()})
    seen: dict[str, Evidence] = field(default_factory=lambda: {"a": evidence(25.0, 2)})
    past: dict[str, Series] = field(default_factory=dict)
    listed: dict[str, InstanceType] = field(default_factory=dict)
    stored: dict[str, Route] = field(default_factory=dict)
    file: Config | None = field(default_factory=a_config)
    frozen: tuple[str, ...] = ()
    refusal: Exception | None = None
    broken: str = ""
    written: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
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


# Observing.


def test_only_declared_pools_and_matching_dedicated_endpoints_are_seen() -> None:
    own = replace(a_pool(name="own", kind=EndpointKind.DEDICATED, model="a"))
    account = Account(
        pools={
            POOL: a_pool(),
            "undeclared": a_pool(name="undeclared"),
            "own": own,
            "strange": replace(own, name="strange", model="nobody-named-it"),
            "untagged": replace(own, name="untagged", model=""),
            "async": replace(own, name="async", kind=EndpointKind.OTHER),
        },
        parts={"a": a_component(), "b": a_component("b", endpoint="undeclared")},
    )
    fleet = observe(ports_of(account), a_config(), NOW)
    assert list(fleet.endpoints) == ["own", POOL]
    assert list(fleet.components) == ["a"]
    assert account.asked == [("a", "own")]
    assert list(fleet.evidence) == ["a", "own"]


def test_silence_of_the_metrics_is_no_evidence_and_not_absence() -> None:
    fleet = observe(ports_of(Account(seen={})), a_config(), NOW)
    assert len(fleet.evidence["a"].invocations.values) == 0


@pytest.mark.parametrize("what", ["endpoints", "components", "evidence", "alarms"])
def test_an_error_of_any_read_goes_through(what: str) -> None:
    with pytest.raises(Throttled):
        observe(ports_of(Account(broken=what)), a_config(), NOW)


def test_what_the_file_says_of_a_type_wins_and_is_not_asked_for() -> None:
    account = Account(listed={P4D.name: replace(P4D, usd_per_hour=99.0)})
    fleet = observe(ports_of(account), a_config(), NOW)
    assert fleet.instance_types == {P4D.name: P4D}
    assert account.asked == [("a",)], "only the evidence was asked for"


def test_what_the_file_leaves_out_is_asked_for_and_the_price_factor_is_laid_on_list_prices_alone() -> None:
    account = Account(listed={P4D.name: InstanceType(P4D.name, 8, 20.0, 4)})
    money = Money(price_factor=0.5)
    listed = observe(ports_of(account), a_config(instances={}, money=money), NOW).instance_types[P4D.name]
    assert listed == InstanceType(P4D.name, 8, 10.0, 4)
    partly = a_config(instances={P4D.name: InstanceConfig(P4D.name, usd_per_hour=30.0)}, money=money)
    assert observe(ports_of(account), partly, NOW).instance_types[P4D.name] == InstanceType(P4D.name, 8, 30.0, 4)


def test_a_type_without_price_or_quota_is_missing_evidence() -> None:
    config = a_config(instances={P4D.name: InstanceConfig(P4D.name, accelerators=8, usd_per_hour=1.0)})
    assert observe(ports_of(Account()), config, NOW).instance_types == {}


def test_routes_are_read_only_for_models_that_have_a_way() -> None:
    route = Route("a", 3, (Target(POOL, "a", 100),), NOW)
    account = Account(stored={"a": route})
    assert observe(ports_of(account), a_config(), NOW).routes == {"a": route}
    unrouted = a_config(a_model(route=RouteConfig(Via.NONE)))
    assert observe(ports_of(account), unrouted, NOW).routes == {}


def test_open_moves_are_seen_with_what_they_made_and_signals_with_the_freezes() -> None:
    ledger = FastLedger()
    hold = Signal(SignalKind.HOLD, "a", NOW, NOW + 60, "kim", "CHG-1")
    ledger.put_signal(hold)
    ledger.save_move(a_move(Phase.CREATE, to_component="tidepool-a"), expected_version=0)
    ledger.save_move(replace(a_move(Phase.WAITING), id="m2", ask=replace(MOVE, model="b")), expected_version=0)
    fleet = observe(ports_of(Account(frozen=("sev1",)), ledger), a_config(), NOW)
    assert fleet.moving == {"a": ("tidepool-a",), "b": ()}
    assert fleet.signals == (hold,) and fleet.frozen_by == ("sev1",)


@pytest.mark.parametrize(
    ("value", "until"),
    [
        ("2025-01-06", NOW + 43_200),  # the end of that day; NOW is its noon
        ("2025-01-06T13:00:00Z", NOW + 3600),
        ("2025-01-06T15:00:00+02:00", NOW + 3600),
        ("2025-01-05", None),
        ("2030-01-01", NOW + 30 * 86_400),
        ("next week", NOW + 3600),
    ],
)
def test_a_hold_by_tag_lasts_until_its_moment_and_one_that_cannot_be_read_holds(value: str, until: int | None) -> None:
    tagged = a_component(tags={"tidepool:hold-until": value})
    signals = observe(ports_of(Account(parts={"a": tagged})), a_config(), NOW).signals
    assert [(signal.kind, signal.scope, signal.until) for signal in signals] == (
        [] if until is None else [(SignalKind.HOLD, "a", until)]
    )


def test_a_hold_by_tag_keeps_hands_off() -> None:
    tagged = a_component(tags={"tidepool:hold-until": "2025-01-07"})
    account, ledger = Account(parts={"a": tagged}, seen={"a": evidence(60.0, 2)}), FastLedger()
    decision = decide(ports_of(account, ledger), NOW)
    assert decision is not None and account.sent == []
    assert any("tidepool:hold-until" in held.because for held in decision.held)


# Deciding.


def test_a_decision_is_stored_sent_and_handed_on() -> None:
    account, ledger = Account(seen={"a": evidence(60.0, 2)}), FastLedger(keep_records=True)
    decision = decide(ports_of(account, ledger), NOW)
    assert decision is not None and decision.config_commit == "abc"
    assert account.sent == list(decision.changes) and len(account.sent) == 1
    assert ledger.memory().at == NOW and len(ledger.records) == 1 and len(ledger.samples(0)) == 1


def test_what_has_no_identity_is_never_touched_not_even_by_a_glob_for_all() -> None:
    config = a_config(names={}, globs=(("*", a_model("*")),))
    nobodys = replace(a_component("a"), model="")
    busy = {"a": evidence(60.0, 2)}
    account = Account(file=config, parts={"a": nobodys}, seen=busy)
    decide(ports_of(account), NOW)
    assert account.sent == []
    account.parts = {"a": a_component("a")}
    decide(ports_of(account), NOW)
    assert len(account.sent) == 1, "with its identity the same component is scaled"


def test_who_finds_the_lease_taken_decides_nothing() -> None:
    ledger = FastLedger()
    assert ledger.lease(NOW, LEASE_S) is not None
    assert decide(ports_of(Account(), ledger), NOW + 1) is None
    assert ledger.newest is None


def test_a_holder_that_died_costs_one_tick_and_no_more() -> None:
    ledger = FastLedger()
    ledger.lease(NOW, LEASE_S)
    assert decide(ports_of(Account(), ledger), NOW + 60) is None
    assert decide(ports_of(Account(), ledger), NOW + 120) is not None


def test_without_a_file_in_force_nothing_is_decided_and_the_lease_is_free() -> None:
    ledger = FastLedger()
    assert decide(ports_of(Account(file=None), ledger), NOW) is None
    assert decide(ports_of(Account(), ledger), NOW) is not None


@pytest.mark.parametrize("what", ["endpoints", "components", "evidence", "alarms"])
def test_an_error_stores_and_sends_nothing_and_frees_the_lease(what: str) -> None:
    account, ledger = Account(seen={"a": evidence(60.0, 2)}, broken=what), FastLedger()
    with pytest.raises(Throttled):
        decide(ports_of(account, ledger), NOW)
    assert ledger.newest is None and account.sent == []
    account.broken = ""
    assert decide(ports_of(account, ledger), NOW) is not None


def test_an_event_that_a_decision_has_already_seen_needs_no_other() -> None:
    ports = ports_of(Account())
    assert decide(ports, NOW + 3) is not None
    assert decide(ports, NOW + 5, asked_at=NOW + 3) is None
    assert decide(ports, NOW + 5, asked_at=NOW + 4) is not None


def test_who_is_asked_to_look_again_looks_once_more_at_a_later_time() -> None:
    ledger = FastLedger(keep_records=True)
    times = iter([NOW + 4, NOW + 9])

    class Storm(Account):
        """An alarm finds the lease taken during every look."""

        def endpoints(self) -> Mapping[str, Endpoint]:
            assert ledger.lease(NOW + 1, LEASE_S) is None
            return super().endpoints()

    decision = decide(ports_of(Storm(), ledger), NOW, later=lambda: next(times))
    assert decision is not None and decision.now == NOW + 4
    assert len(ledger.records) == 2, "twice, although the second look was asked again too"


def test_the_pure_part_alone_is_timed() -> None:
    timed: list[float] = []
    ticks = iter([10.0, 10.25])
    decide(ports_of(Account()), NOW, timed=timed, perf=lambda: next(ticks))
    assert timed == [0.25]


def test_when_the_bus_is_down_the_next_tick_asks_again() -> None:
    account = Account(seen={"a": evidence(60.0, 2)}, broken="bus")
    ports = ports_of(account)
    with pytest.raises(Throttled):
        decide(ports, NOW)
    account.broken, account.seen = "", {"a": evidence(60.0, 2, at=NOW + 60)}
    decide(ports, NOW + 60)
    assert len(account.sent) == 1


# Carrying out.

COPIES = ScaleCopies("c1", "a", "a", POOL, 2, 3, "more", 3.0)
INSTANCES = ScaleInstances("i1", "a", "own", "main", 1, 2, "more", 25.0)
BOUNDS = SetBounds("b1", "p4d", POOL, "main", "pool-config", 0, 1, 20, 30, "room", 0.0)
MOVE = StartMove("m1", "a", Home.SHARED, POOL, "a", Home.DEDICATED, "tidepool-a", P4D.name, 8, 1, "cheaper", -1.0, 5.0)


def a_move(phase: Phase, **changes: Any) -> Move:
    return replace(Move("m1", 1, MOVE, phase, 0, NOW, NOW, variant="main"), **changes)


def carried(
    account: Account, change: Any, *signals: Signal, now: int = NOW, before: Sequence[Operation] = ()
) -> Operation:
    """What became of the change, as the ledger has it too."""
    ledger = FastLedger()
    for signal in signals:
        ledger.put_signal(signal)
    for operation in before:
        ledger.record(operation)
    operation = carry_out(ports_of(account, ledger), change, now)
    assert ledger.operations(now)[-1] == operation
    return operation


def test_each_kind_of_change_is_made_in_its_own_way() -> None:
    own = a_pool(name="own", kind=EndpointKind.DEDICATED, instances_wanted=1)
    account = Account(pools={POOL: a_pool(), "own": own})
    assert [carried(account, change).outcome for change in (COPIES, INSTANCES, BOUNDS)] == ["done"] * 3
    assert account.written == [("a", 3, "c1"), ("own", "main", 2, "i1"), (POOL, 1, 30, "b1")]


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (a_component(copies_wanted=3), "already"),
        (a_component(copies_wanted=3, status=Status.UPDATING), "already"),
        (a_component(copies_wanted=5), "superseded"),
        (a_component(copies_wanted=5, status=Status.UPDATING), "superseded"),
        (a_component(status=Status.UPDATING), "busy"),
        (a_component(endpoint="elsewhere"), "superseded"),
    ],
)
def test_the_world_is_looked_at_again_before_copies_are_set(now: Component, outcome: str) -> None:
    account = Account(parts={"a": now})
    assert carried(account, COPIES).outcome == outcome
    assert account.written == []


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (Busy("Op", "a", "ValidationException", "while it is in state UPDATE_RC_IN_PROGRESS"), "busy"),
        (NotFound("Op", "a", "ValidationException", "Could not find"), "superseded"),
        (Refused("Op", "a", "ValidationException", "no"), "failed"),
        (Unreachable("timed out"), "failed"),
    ],
)
def test_every_refusal_is_recorded_with_awss_words(refusal: HostingError | Unreachable, outcome: str) -> None:
    operation = carried(Account(refusal=refusal), COPIES)
    assert operation.outcome == outcome and str(refusal) in operation.why


@pytest.mark.parametrize(
    ("change", "kind", "scope", "stopped"),
    [
        (COPIES, SignalKind.HOLD, "a", True),
        (COPIES, SignalKind.HOLD, "b", False),
        (COPIES, SignalKind.FREEZE, "*", False),
        (replace(COPIES, copies_to=1), SignalKind.FREEZE, "*", True),
        (replace(COPIES, copies_to=1), SignalKind.SURGE, "*", False),
        (BOUNDS, SignalKind.FREEZE, "*", True),
        (BOUNDS, SignalKind.HOLD, "p4d", True),
    ],
)
def test_a_hold_stops_both_ways_and_a_freeze_only_lowering_and_bounds(
    change: Any, kind: SignalKind, scope: str, stopped: bool
) -> None:
    operation = carried(Account(), change, Signal(kind, scope, NOW, NOW + 60, "kim", "CHG-1"))
    assert (operation.outcome == "superseded") is stopped
    assert ("CHG-1" in operation.why) is stopped


@pytest.mark.parametrize(
    ("pool", "outcome"),
    [
        (a_pool(min_instances=1, max_instances=30, config_name="tidepool-x"), "already"),
        (a_pool(config_name="terraform-8"), "superseded"),
        (a_pool(max_instances=12), "superseded"),
        (a_pool(status=Status.UPDATING), "busy"),
    ],
)
def test_bounds_are_set_only_on_the_config_that_the_decision_saw(pool: Endpoint, outcome: str) -> None:
    account = Account(pools={POOL: pool})
    assert carried(account, BOUNDS).outcome == outcome
    assert account.written == []


def test_an_update_that_came_back_is_not_repeated_until_the_quiet_time_is_over() -> None:
    came_back = [Operation(replace(BOUNDS, id="b0"), NOW - 600, "done")]
    operation = carried(Account(), BOUNDS, before=came_back)
    assert operation.outcome == "failed" and "came back on the old config pool-config" in operation.why
    assert carried(Account(), BOUNDS, before=came_back, now=NOW + BOUNDS_QUIET_S).outcome == "done"


# Learning.


def an_hour(requests: float, start: int = NOW - 7200, minutes: int = 120) -> Series:
    return Series(start, 60, np.full(minutes, requests))


def test_versions_of_one_model_share_their_history() -> None:
    ledger = FastLedger()
    account = Account(
        parts={"a-v1": a_component(name="a-v1"), "a-v2": a_component(name="a-v2")},
        past={"a-v1": an_hour(60.0), "a-v2": an_hour(30.0)},
    )
    learned = learn(ports_of(account, ledger), NOW)
    assert list(learned.models) == ["a"] and max(learned.models["a"].profile) == 1.5
    assert ledger.memory().learned == learned


def test_time_before_a_models_first_request_is_not_silence() -> None:
    late = Series(NOW - 7200, 60, np.concatenate([np.full(60, np.nan), np.full(60, 60.0)]))
    learned = learn(ports_of(Account(past={"a": late})), NOW)
    assert learned.models["a"].minutes == 60


def test_the_last_hour_at_a_home_that_is_gone_is_the_models_too() -> None:
    ledger = FastLedger()
    ledger.save_move(a_move(Phase.DONE), expected_version=0)
    account = Account(parts={}, past={"a": an_hour(60.0)})
    assert list(learn(ports_of(account, ledger), NOW).models) == ["a"]
    assert account.asked == [("a",)]


def test_components_that_nobody_declared_are_not_learned_from() -> None:
    account = Account(parts={"x": a_component("x", endpoint="undeclared"), "y": replace(a_component("y"), model="")})
    learn(ports_of(account), NOW)
    assert account.asked == [()]


def test_burst_alarms_are_for_models_that_ask_and_are_measured() -> None:
    measured = a_model("a", burst_alarm=True)
    unmeasured = a_model("b", burst_alarm=True, shapes=(Shape(Home.SHARED, P4D.name, accelerators=1),))
    config = a_config(measured, unmeasured, a_model("c"))
    parts = {name: a_component(name) for name in ("a", "b", "c")}
    assert burst_thresholds(config, {POOL: a_pool()}, parts) == {"a": 20.0}


def test_without_a_prefix_no_alarm_is_touched() -> None:
    account = Account()
    learn(ports_of(account), NOW)
    assert account.told == []
    learn(ports_of(account), NOW, alarm_prefix="tp-")
    assert account.told == ["alarms [] under tp-"]


def test_bounds_that_came_back_are_announced() -> None:
    ledger, account = FastLedger(), Account()
    ledger.record(Operation(BOUNDS, NOW - 1800, "done"))
    learn(ports_of(account, ledger), NOW)
    assert account.told == ["bounds-came-back"]
    account.pools, account.told = {POOL: a_pool(config_name="tidepool-x")}, []
    learn(ports_of(account, ledger), NOW)
    assert account.told == []
