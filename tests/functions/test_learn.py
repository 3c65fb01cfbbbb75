"""One wake of learn on fakes: whose past is whose, and which alarms are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_model, a_pool
from builders.use_case_account import BOUNDS, Account, a_move, ports_of
from tidepool.config.types import Hosting as Home
from tidepool.config.types import Shape
from tidepool.decision.pipeline import decide
from tidepool.fleet import Series, Status
from tidepool.memory import Learned, Memory, ModelLearned, ModelMemory
from tidepool.move.state import Phase
from tidepool.runtime.learn import burst_thresholds, learn, main_homes, served_by_model
from tidepool.runtime.ports import Operation
from tidepool_lab.twin.fast_ledger import FastLedger


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


def test_models_of_one_class_are_a_group_and_share_its_tide() -> None:
    """60 and 180 requests a minute: the class's mean is 2 a second. The only model of its class has no group."""
    names = ("a", "b", "c")
    config = a_config(a_model("a"), a_model("b"), a_model("c", class_name="background"))
    account = Account(
        file=config,
        parts={name: a_component(name) for name in names},
        past={"a": an_hour(60.0), "b": an_hour(180.0), "c": an_hour(60.0)},
    )
    learned = learn(ports_of(account), NOW)
    assert [learned.models[name].group for name in names] == ["interactive", "interactive", "background"]
    assert {group: max(tide) for group, tide in learned.groups.items()} == {"interactive": 2.0}


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
    account.pools = {POOL: a_pool(config_name="tidepool-x")}
    learn(ports_of(account, ledger), NOW)
    assert account.told == []
    account.pools = {POOL: a_pool()}
    learn(ports_of(account, ledger), NOW)
    assert account.told == ["bounds-came-back"]


def test_an_endpoint_that_is_busy_for_hours_is_told_of_once_when_it_has_settled() -> None:
    ledger, account = FastLedger(), Account()
    ledger.record(Operation(BOUNDS, NOW, "done"))
    for hour in range(1, 6):
        account.pools = {POOL: a_pool(status=Status.UPDATING if hour < 3 else Status.IN_SERVICE)}
        learn(ports_of(account, ledger), NOW + hour * 3600)
        assert account.told == (["bounds-came-back"] if hour >= 3 else [])


def test_bounds_of_an_endpoint_that_is_gone_stop_nothing() -> None:
    ledger, account = FastLedger(), Account(pools={}, parts={})
    ledger.record(Operation(BOUNDS, NOW - 1800, "done"))
    learned = learn(ports_of(account, ledger), NOW)
    assert (ledger.memory().learned, account.told) == (learned, [])


def hours(*spread: float, start: int) -> tuple[Series, Series]:
    """The two means of hours whose service times have these spreads, with a mean of 10 s."""
    slowest = 10_000 * (1 + np.sqrt(spread) * np.log(10))
    return Series(start, 3600, (100_000 - slowest) / 9), Series(start, 3600, slowest)


HOUR = NOW // 3600 * 3600
LEARNS = HOUR + 420


def spread_after(
    spread: float, *, requests: float = 60.0, learned_until: int = HOUR - 3000, panic_at: int = 0
) -> float:
    """Of a model whose last hour had that spread and so many requests a minute."""
    known = Learned(until=learned_until, models={"a": ModelLearned()} if learned_until else {})
    ledger = FastLedger()
    lease = ledger.lease(NOW, 60)
    assert lease is not None
    seen = Memory(models={"a": ModelMemory(panic_at=panic_at)})
    ledger.save_decision(replace(decide(a_fleet(), a_config(), seen, NOW), memory=seen), lease)
    ledger.save_learned(known, NOW - 3600)
    account = Account(past={"a": an_hour(requests, HOUR - 3600, 67)}, slow={"a": hours(spread, start=HOUR - 3600)})
    grown = learn(ports_of(account, ledger), LEARNS)
    assert account.slow_asked == ([(("a",), HOUR - 3600, LEARNS)] if learned_until else [])
    return grown.models["a"].spread


def test_an_hour_without_a_queue_teaches_how_much_service_times_vary() -> None:
    assert spread_after(4.0) == pytest.approx(1.3)
    assert spread_after(0.25) == pytest.approx(0.925)


def test_an_hour_in_which_a_queue_stood_teaches_nothing() -> None:
    """Its latencies may hold the waits. A queue before it has gone by then."""
    assert spread_after(4.0, panic_at=HOUR - 3600) == spread_after(4.0, panic_at=HOUR - 60) == 1.0
    assert spread_after(4.0, panic_at=HOUR - 3601) == pytest.approx(1.3)


def test_an_hour_with_few_requests_teaches_nothing() -> None:
    assert spread_after(4.0, requests=4.9) == 1.0
    assert spread_after(4.0, requests=5.0) == pytest.approx(1.3)


def test_before_any_tick_has_looked_for_queues_nothing_is_asked() -> None:
    assert spread_after(4.0, learned_until=0) == 1.0


def test_hours_that_learn_missed_teach_as_well_and_each_once() -> None:
    """Two metrics a model, however many hours were missed."""
    ledger = FastLedger()
    ledger.save_learned(Learned(until=HOUR - 6600, models={"a": ModelLearned()}), NOW - 7200)
    account = Account(past={"a": an_hour(60.0, HOUR - 7200, 127)}, slow={"a": hours(4.0, 4.0, start=HOUR - 7200)})
    assert learn(ports_of(account, ledger), LEARNS).models["a"].spread == pytest.approx(1 + 3 * (1 - 0.9**2))
    account.slow = {"a": hours(start=HOUR)}
    assert learn(ports_of(account, ledger), LEARNS + 60).models["a"].spread == pytest.approx(1 + 3 * (1 - 0.9**2))
    assert account.slow_asked[-1] == (("a",), HOUR, LEARNS + 60)


def test_the_largest_home_alone_teaches_it() -> None:
    ledger = FastLedger()
    ledger.save_learned(Learned(until=HOUR - 3000, models={"a": ModelLearned()}), NOW - 3600)
    parts = {name: a_component(name=name, copies=copies) for name, copies in (("a-v1", 1), ("a-v2", 3))}
    account = Account(parts=parts, past={name: an_hour(60.0) for name in parts})
    learn(ports_of(account, ledger), LEARNS)
    assert account.slow_asked == [(("a-v2",), HOUR - 3600, LEARNS)]


def test_the_past_is_judged_by_copies_of_the_learned_spread() -> None:
    """13.6 requests a second of 10 s: eight copies of 20 where service times are exponential, seven where even."""
    homes = main_homes(a_config(), {POOL: a_pool()}, {"a": a_component()}, Memory())

    def copies(spread: float) -> float:
        served = served_by_model(homes, Memory(learned=Learned(models={"a": ModelLearned(spread=spread)})))
        return float(served["a"].copies(np.array(13.6)))

    assert (copies(1.0), copies(0.25)) == (8, 7)
