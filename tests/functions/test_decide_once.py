"""One wake of decide on fakes: stored, sent, once; and what an error leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from builders import NOW, a_component, a_config, a_model, evidence
from builders.use_case_account import Account, ports_of
from tidepool.errors import Throttled
from tidepool.fleet import (
    Endpoint,
)
from tidepool.runtime.decide import LEASE_S, decide
from tidepool_lab.twin.fast_ledger import FastLedger


def test_a_decision_is_stored_sent_and_handed_on() -> None:
    account, ledger = Account(seen={"a": evidence(60.0, 2)}), FastLedger(keep_records=True)
    decision = decide(ports_of(account, ledger), NOW)
    assert decision is not None and decision.config_commit == "abc"
    assert account.sent == list(decision.changes) and len(account.sent) == 1
    assert ledger.memory().at == NOW and len(ledger.records) == 1 and len(ledger.samples(0)) == 1


def test_an_alarm_is_looked_into_though_a_tick_that_did_not_ask_of_every_model_came_before_it() -> None:
    ports = ports_of(Account())
    assert decide(ports, NOW, thorough=False) is not None, "the first of five minutes asks of every model"
    assert decide(ports, NOW + 60, thorough=False) is not None
    assert decide(ports, NOW + 62, asked_at=NOW + 59, thorough=True) is not None
    assert decide(ports, NOW + 64, asked_at=NOW + 59, thorough=True) is None, "a hundred alarms cost one decision"
    assert decide(ports, NOW + 64, asked_at=NOW + 61, thorough=False) is None


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


@pytest.mark.parametrize("what", ["endpoints", "components", "evidence"])
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
