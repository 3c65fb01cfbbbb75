"""The fast seam: the use cases that are deployed, on the twin in memory, at the template's moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from builders.twin_world import BIG, POOL, SMALL, START, a_cloud, fate, run, shown
from tidepool.config.load import load
from tidepool.decision.record import Decision
from tidepool.fleet import Signal, SignalKind
from tidepool.move.state import Phase
from tidepool.plan.change import ScaleCopies
from tidepool.runtime.learn import learn
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastBus, fast_ports
from tidepool_lab.twin.fast_ledger import FastLedger
from tidepool_lab.twin.fast_run import FastRun
from tidepool_lab.twin.faults import Faults

FLEET = """
schema: 1
region: us-east-1
identity: tag:model
act: run
safety:
  limits: {{copies_per_tick: 100, lowered_per_hour: 100%, instances_per_hour: 100, moves_at_once: 2, moves_per_day: 10}}
instances:
  ml.big.8xlarge: {{accelerators: 8, usd_per_hour: 3600, quota: 20, launch: 100s}}
  ml.small.xlarge: {{accelerators: 1, usd_per_hour: 360, quota: 4, launch: 100s}}
pools:
  pool: {{types: [ml.big.8xlarge], give_back: {{after: 0s}}, tenants: [t]}}
models:
  "*":
    class: interactive
    start_within: 10s
    attain: 99.5%
    min_copies: {floor}
    max_copies: 40
    zones: 1
    zero: {zero}
    host: {host}
    tenant: t
    {more}
    route: {{via: table}}
    shapes:
      shared: {{ml.big.8xlarge: {{accelerators: 1, concurrency: 10, service: 10s, start: 100s}}}}
      dedicated:
        ml.big.8xlarge: {{accelerators: 8, concurrency: 80, service: 10s, start: 100s}}
        ml.small.xlarge: {{accelerators: 1, concurrency: 10, service: 10s, start: 100s}}
"""


def fleet(*, floor: int = 1, zero: str = "never", host: str = "pool", more: str = "") -> str:
    return FLEET.format(floor=floor, zero=zero, host=host, more=more)


def a_run(cloud: Cloud, text: str | None = None, **options: object) -> FastRun:
    # A model's tag hands it over to Tidepool.
    for component in cloud.life.components.values():
        component.tags["tidepool:managed"] = "true"
    for endpoint in cloud.life.endpoints.values():
        endpoint.tags["tidepool:managed"] = "true"
    return FastRun(cloud, fast_ports(cloud, load(text or fleet()), keep_records=True), **options)  # type: ignore[arg-type]


def minutes(*counts: int) -> list[list[int]]:
    return [[count] for count in counts]


def asked(run: FastRun, kind: type = ScaleCopies) -> list[tuple[int, str]]:
    return [(o.at - START, o.outcome) for o in run.ports.ledger.operations(0) if isinstance(o.change, kind)]


def test_rule_4_3_tidepool_decides_on_each_minutes_tick():
    seen: list[int] = []
    fast = a_run(a_cloud(copies={"m": 1}), on_decision=lambda decision: seen.append(decision.now - START))
    fast.run_to(START + 240)
    assert seen == [0, 60, 120, 180], "what is due at the end runs next time"
    fast.run_to(START + 241)
    assert seen[-1] == 240


def test_rule_4_3_events_to_hands_take_two_seconds():
    fast = a_run(a_cloud(traffic=minutes(*[300] * 10), copies={"m": 1}))
    fast.run_to(START + 600)
    assert asked(fast)
    assert {at % 60 for at, _ in asked(fast)} == {2}
    assert {outcome for _, outcome in asked(fast)} == {"done"}


def test_rule_4_3_the_no_capacity_alarm_wakes_decide_60_seconds_after_the_minutes_end(monkeypatch: pytest.MonkeyPatch):
    # The only request comes in minute 3, at zero copies. Ticks are lost, the alarm is not.
    cloud = a_cloud(traffic=minutes(0, 0, 0, 30, 30, 30), copies={"m": 0})
    seen: list[int] = []
    fast = a_run(cloud, fleet(floor=0, zero="{after: 30m}"), on_decision=lambda d: seen.append(d.now - START))
    sent: list[int] = []

    def lost_unless_alarm(faults: Faults, at: int) -> tuple[int, ...]:
        sent.append(at - START)
        return (at,) if sent.count(at - START) == 1 and at > cloud.now_s else ()

    monkeypatch.setattr(Faults, "deliveries", lost_unless_alarm)
    fast.run_to(START + 600)
    assert seen == [300], "minute 3 ends at 240 s; refused on and on, it is one transition"


def test_rule_4_3_an_alarm_that_falls_on_a_tick_causes_no_second_decision():
    seen: list[int] = []
    cloud = a_cloud(traffic=minutes(0, 0, 0, 30, 30, 30), copies={"m": 0})
    fast = a_run(cloud, fleet(floor=0, zero="{after: 30m}"), on_decision=lambda d: seen.append(d.now - START))
    fast.run_to(START + 600)
    assert seen == list(range(0, 600, 60))


def test_a_model_at_zero_wakes_and_goes_back_to_zero_when_it_is_idle():
    # lowered_per_hour is 100 % of a fleet that has only this model: the last copies go an hour after the first.
    counts = [0] * 5 + [60] * 20 + [0] * 120
    fast = a_run(a_cloud(traffic=minutes(*counts), copies={"m": 0}), fleet(floor=0, zero="{after: 20m}"))
    fast.run_to(START + 15 * 60)
    assert shown(fast.cloud).copies_now >= 1
    fast.run_to(START + 145 * 60)
    assert (shown(fast.cloud).copies_wanted, fast.cloud.endpoint(POOL).instances_now) == (0, 0)
    assert fast.errors == []
    fast.cloud.check_conservation()


def test_copies_follow_demand_up_and_down():
    counts = [60] * 30 + [600] * 30 + [60] * 60
    fast = a_run(a_cloud(traffic=minutes(*counts), copies={"m": 2}))
    fast.run_to(START + 30 * 60)
    before = shown(fast.cloud).copies_wanted
    fast.run_to(START + 50 * 60)
    during = shown(fast.cloud).copies_wanted
    fast.run_to(START + 120 * 60)
    # 600 a minute of 10 s each are 100 in flight: at least ten copies of ten slots.
    assert during > 10 > shown(fast.cloud).copies_wanted >= 2
    assert before < 10


def test_learn_reads_the_past_once_before_the_first_tick_and_then_hourly(monkeypatch: pytest.MonkeyPatch):
    at: list[int] = []

    def noted(ports: object, now: int, **options: object) -> object:
        at.append(now - START)
        return learn(ports, now, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("tidepool_lab.twin.fast_run.learn", noted)
    cloud = a_cloud(traffic=minutes(*[10] * 200), copies={"m": 1}, start_s=START + 3600)
    fast = a_run(cloud)
    fast.run_to(START + 3 * 3600)
    # At the start, and at seven past each full hour, as the template's schedule says.
    assert at == [3600, 3600 + 420, 7200 + 420]
    assert fast.ports.ledger.memory().learned.models["m"].minutes >= 60


def records(fast: FastRun) -> dict[str, bytes]:
    assert isinstance(fast.ports.ledger, FastLedger)
    return fast.ports.ledger.records


def test_the_same_seed_gives_the_same_decision_records_byte_for_byte():
    def lived(seed: int) -> dict[str, bytes]:
        fast = a_run(a_cloud(traffic=minutes(*[100, 300] * 20), copies={"m": 1}, seed=seed))
        fast.run_to(START + 2400)
        return records(fast)

    assert lived(1) == lived(1)
    assert len(lived(1)) == 40
    assert lived(1) != lived(2)


@pytest.mark.parametrize("fault", ["events_lost", "events_late", "events_doubled"])
def test_lost_late_and_doubled_events_end_in_the_same_copies_once_demand_is_steady(fault: str):
    def lived(faults: Faults) -> int:
        cloud = a_cloud(traffic=minutes(*[10] * 5, *[280] * 175), copies={"m": 1}, faults=faults)
        a_run(cloud).run_to(START + 180 * 60)
        assert shown(cloud).copies_now == shown(cloud).copies_wanted
        return shown(cloud).copies_now

    # Service times are drawn, and other copies draw others: what is seen, and so the answer, wavers by one copy.
    assert abs(lived(Faults(seed=4, **{fault: 0.3})) - lived(Faults())) <= 1  # type: ignore[arg-type]


def test_a_hold_is_hands_off_both_ways():
    fast = a_run(a_cloud(traffic=minutes(*[600] * 30), copies={"m": 1}))
    fast.ports.ledger.put_signal(Signal(SignalKind.HOLD, "m", START, START + 1200, "ann", "audit"))
    fast.run_to(START + 1200)
    assert shown(fast.cloud).copies_wanted == 1
    fast.run_to(START + 1800)
    assert shown(fast.cloud).copies_wanted > 1


def test_a_burst_alarm_wakes_decide_between_ticks():
    seen: list[int] = []
    # Silence, then 20 a step from 300 s on: the one copy of ten slots is full at once.
    cloud = a_cloud(traffic=minutes(*[5] * 5, *[600] * 5), copies={"m": 1})
    fast = a_run(cloud, fleet(more="burst_alarm: true"), on_decision=lambda d: seen.append(d.now - START))
    fast.run_to(START + 480)
    # Two periods of 10 s that are visible 20 s after: 300 + 20 + 20.
    assert [at for at in seen if at % 60] == [340]
    assert cloud.metrics.burst_alarms == {"m": 10}


def test_a_model_moves_to_an_endpoint_of_its_own_without_losing_a_request():
    cloud = a_cloud(traffic=minutes(*[30] * 120), copies={"m": 2})
    cloud.create_pool("other", SMALL, maximum=4, settled=True)
    fast = a_run(cloud, fleet(host="dedicated"))
    fast.run_to(START + 2 * 3600)
    ended = fast.ports.ledger.ended_moves(0)
    assert [move.phase for move in ended] == [Phase.DONE]
    assert len(cloud.moves) == 1
    assert cloud.endpoints()[ended[0].target_name].instances_now >= 1
    assert shown(cloud).copies_wanted == 0
    counts = fate(run(cloud, 60))
    assert counts["lost"] == counts["timed_out"] == 0
    cloud.check_conservation()


def test_an_error_of_a_use_case_is_kept_and_the_next_minute_goes_on(monkeypatch: pytest.MonkeyPatch):
    cloud = a_cloud(copies={"m": 1})
    fast = a_run(cloud)
    fast.run_to(START + 60)
    held = fast.ports.ledger.lease(START + 60, 200)
    assert held is not None
    fast.run_to(START + 500)
    assert fast.ports.ledger.memory().at == START + 480, "the lease ran out, the tick alone was enough"


def test_changes_travel_once_each_and_are_recorded_with_their_outcome():
    cloud = a_cloud(traffic=minutes(*[300] * 10), copies={"m": 1})
    fast = a_run(cloud)
    decided: list[Decision] = []
    fast.on_decision = decided.append
    fast.run_to(START + 600)
    ids = [change.id for decision in decided for change in decision.changes]
    assert len(ids) == len(set(ids)) == len(fast.ports.ledger.operations(0)) > 0
    bus = fast.ports.bus
    assert isinstance(bus, FastBus) and not bus.waiting


def test_timing_is_of_the_pure_decision_only():
    ticks = iter(range(1000))
    fast = a_run(a_cloud(copies={"m": 1}), perf=lambda: float(next(ticks)))
    fast.run_to(START + 180)
    assert fast.timed == [(START, 1.0), (START + 60, 1.0), (START + 120, 1.0)]


def test_rule_4_1_the_ports_show_what_the_cloud_shows_and_no_more():
    cloud = a_cloud(copies={"m": 1})
    ports = a_run(cloud).ports
    assert ports.hosting.components()["m"].model == "m"
    assert ports.prices.instance_types([BIG, "ml.none"])[BIG].usd_per_hour == 3600
    assert "ml.none" not in ports.prices.instance_types([BIG, "ml.none"])
    public = {name for name in dir(ports) if not name.startswith("_")}
    assert public == {
        "alarms",
        "autoscaling",
        "bus",
        "config",
        "hosting",
        "ledger",
        "metrics",
        "prices",
        "principals",
        "reservations",
        "routes",
    }


def test_a_policy_is_not_told_where_the_window_is():
    def decisions(stop: Sequence[int]) -> dict[str, bytes]:
        fast = a_run(a_cloud(traffic=minutes(*np.arange(60) * 5), copies={"m": 1}))
        for at in stop:
            fast.run_to(START + at)
        return records(fast)

    assert decisions([3600]) == decisions([60, 1740, 3600])


@pytest.mark.parametrize("heard", [False, True])
def test_endpoint_events_wake_decide_where_they_are_asked_for(heard: bool):
    seen: list[int] = []
    cloud = a_cloud(copies={"m": 1})
    fast = a_run(cloud, on_decision=lambda d: seen.append(d.now - START), endpoint_events=heard)
    fast.run_to(START + 100)
    cloud.create_endpoint("own", "m", instance_type=SMALL)
    for at in (110, 360):
        fast.run_to(START + at)
    # It is created at 100 s, the cloud is looked at at 110 s, the bus takes 2 s. In service at 300 s: the tick of
    # that moment has seen it, so its event asks for nothing more.
    assert [at for at in seen if at % 60] == ([112] if heard else [])


def test_rule_2_5_exponential_service_times_are_learned_as_such_and_sizes_stay():
    """Three hours without a queue, each within its noise of 1; nothing is said of it."""
    fast = a_run(a_cloud(traffic=minutes(*[120] * 260), copies={"m": 4}), fleet(floor=4))
    fast.run_to(START + 4 * 3600 + 600)
    spread = fast.ports.ledger.memory().learned.models["m"].spread
    assert spread != 1.0 and spread == pytest.approx(1.0, abs=0.06)
    assert records(fast) and not any(b"service spread" in record for record in records(fast).values())
