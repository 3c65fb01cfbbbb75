"""A component and a dedicated endpoint of one name cannot be told apart by it: both are left alone, and it is said."""

from __future__ import annotations

from dataclasses import replace

from builders import NOW, a_component, a_config, a_model, a_pool, evidence
from builders.use_case_account import Account, ports_of
from tidepool.config.types import Config
from tidepool.fleet import Endpoint, EndpointKind
from tidepool.runtime.decide import decide
from tidepool_cli.account.checks import Check, State, checks
from tidepool_cli.account.found import Account as AccountSeen
from tidepool_lab.twin.fast_ledger import FastLedger

MODELS = a_config(a_model("a"), a_model("b"), a_model("c"))


def own(name: str, instances: int = 3) -> Endpoint:
    pool = a_pool(name=name, kind=EndpointKind.DEDICATED, model="b", instances_now=instances)
    return replace(pool, instances_wanted=instances, max_instances=0, scale_in="", tags={"tidepool:managed": "true"})


def an_account(endpoint: Endpoint) -> Account:
    """Component a and b's endpoint are both far too busy, and so is c."""
    parts = {"a": a_component("a", copies=2), "c": a_component("c", copies=2)}
    busy = {name: evidence(200.0, 2) for name in ("a", "c", endpoint.name)}
    return Account(pools={"pool-p4d": a_pool(), endpoint.name: endpoint}, parts=parts, seen=busy, file=MODELS)


def test_both_homes_of_one_name_are_left_alone_tick_after_tick_and_the_record_says_so() -> None:
    account, ledger = an_account(own("a")), FastLedger()
    ports = ports_of(account, ledger)
    for now in (NOW, NOW + 60, NOW + 240):
        decision = decide(ports, now)
        assert decision is not None
        assert {change.model for change in decision.changes} <= {"c"}
        told = {step.subject: step.because for step in decision.steps if step.stage == "hold"}
        assert set(told) == {"a", "b"} and all("both named a" in because for because in told.values())
        assert "a" not in decision.memory.knobs
    assert {change.model for change in account.sent} == {"c"}
    assert account.told == [] and ledger.signals(NOW + 240) == (), "nobody is taken for who set the other's count"
    assert all("a" not in asked for asked in account.asked)


def test_the_same_fleet_under_two_names_is_scaled() -> None:
    account = an_account(own("b-own"))
    decide(ports_of(account, FastLedger()), NOW)
    assert {change.model for change in account.sent} >= {"a", "c"}
    assert ("a", "b-own", "c") in account.asked


def test_the_doctor_names_it_where_fleet_yaml_speaks_of_both() -> None:
    def identity(name: str, config: Config) -> list[Check]:
        seen = an_account(own(name))
        account = AccountSeen("1", "us-east-1", NOW, endpoints=seen.pools, components=seen.parts)
        return [one for one in checks(account, config, None) if one.about == "identity"]

    (wrong,) = identity("a", MODELS)
    assert wrong.state is State.WRONG and wrong.said.endswith(": a") and wrong.fix
    assert [one.state for one in identity("b-own", MODELS)] == [State.WELL]
    assert [one.state for one in identity("a", a_config(a_model("a"), a_model("c"), pools={}))] == [State.WELL]
