"""What one look at the world sees, and what an unreadable world is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_model, a_pool, evidence
from builders.use_case_account import MOVE, Account, a_move, ports_of
from tidepool.config.types import InstanceConfig, Money, RouteConfig, Via
from tidepool.errors import NotFound, Throttled
from tidepool.fleet import (
    UNREAD,
    EndpointKind,
    InstanceType,
    Route,
    Signal,
    SignalKind,
    Target,
)
from tidepool.move.state import Phase
from tidepool.runtime.decide import decide
from tidepool.runtime.observe import observe
from tidepool_lab.twin.fast_ledger import FastLedger


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


@pytest.mark.parametrize("what", ["endpoints", "components", "evidence"])
def test_an_error_of_any_read_goes_through(what: str) -> None:
    with pytest.raises(Throttled):
        observe(ports_of(Account(broken=what)), a_config(), NOW)


def test_what_freezes_and_cannot_be_read_freezes() -> None:
    (why,) = observe(ports_of(Account(broken="alarms")), a_config(), NOW).frozen_by
    assert why.startswith(UNREAD) and "Rate exceeded" in why


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


def test_the_quota_is_what_the_accounts_other_endpoints_leave() -> None:
    other = replace(a_pool(name="undeclared"), instances_now=2, instances_wanted=5)
    fleet = observe(ports_of(Account(pools={POOL: a_pool(), "undeclared": other})), a_config(), NOW)
    assert fleet.instance_types[P4D.name].quota == P4D.quota - 5
    many = replace(other, instances_now=P4D.quota + 1)
    crowded = observe(ports_of(Account(pools={POOL: a_pool(), "undeclared": many})), a_config(), NOW)
    assert crowded.instance_types[P4D.name].quota == 0


def test_a_route_that_one_model_cannot_have_read_stops_nobody() -> None:
    class Astray(Account):
        def read(self, model: str, via: RouteConfig) -> Route | None:
            raise NotFound("DescribeInferenceComponent", "gone", "ValidationException", "Could not find")

    fleet = observe(ports_of(Astray()), a_config(), NOW)
    assert fleet.routes == {} and sorted(fleet.components) == ["a"]


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
