"""What becomes of a change: made, already so, superseded, busy or failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from builders import NOW, POOL, a_component, a_pool
from builders.use_case_account import BOUNDS, COPIES, INSTANCES, Account, ports_of
from tidepool.errors import Busy, HostingError, NotFound, Refused, Throttled, Unreachable
from tidepool.fleet import (
    Component,
    Endpoint,
    EndpointKind,
    Signal,
    SignalKind,
    Status,
)
from tidepool.runtime.carry_out import BOUNDS_QUIET_S, carry_out
from tidepool.runtime.ports import Operation
from tidepool_lab.twin.fast_ledger import FastLedger


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
        (Throttled("Op", "a", "ThrottlingException", "Rate exceeded"), "unanswered"),
        (Unreachable("timed out"), "unanswered"),
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
