"""Bench-rules section 2: arrivals, slots, queues, rejections, routes."""

from __future__ import annotations

import numpy as np
import pytest

from builders.twin_world import POOL, SMALL, START, a_cloud, a_model, fate, run
from tidepool.fleet import Route, Target
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import Kind, Times
from tidepool_lab.twin.traffic import STEPS, TableArrivals

LONG = 1e9
"""Service that never ends within a test: what has a slot keeps it."""


def test_rule_2_4_every_request_of_a_minute_falls_on_one_of_its_30_steps():
    arrivals = TableArrivals(("a", "b"), [[7, 61]])
    counts = arrivals.counts(0)
    assert counts.shape == (2, STEPS)
    assert counts.sum(axis=1).tolist() == [7, 61]
    assert arrivals.counts(1).sum() == 0


def test_rule_2_4_every_policy_meets_the_very_same_arrivals():
    few = run(a_cloud(traffic=[[90]] * 5, copies={"m": 0}), 300)
    many = run(a_cloud(traffic=[[90]] * 5, copies={"m": 9}, seed=2), 300)
    np.testing.assert_array_equal(few.requests.outcomes.arrived, many.requests.outcomes.arrived)


def test_rule_2_5_a_ready_copy_is_concurrency_slots_and_no_request_shares_one():
    cloud = run(a_cloud(a_model(service_s=LONG), traffic=[[60]], copies={"m": 2}), 60)
    assert fate(cloud)["started"] == 20, "two copies of ten slots"
    assert cloud.requests.in_service().tolist() == [20]


def test_rule_2_5_in_flight_is_arrivals_per_second_times_service():
    # 600 a minute, 10 s each: 100 in flight on 200 slots. A slot is held for whole steps, so it is 110 right after
    # the arrivals of a step and 90 right after its endings; the mean over the step is what Little's law speaks of.
    cloud = a_cloud(traffic=[[600]] * 180, copies={"m": 20})
    means = []
    for _ in range(180):
        run(cloud, 60)
        after, started = cloud.requests.busy_rows[:, 0], cloud.requests.start_rows[:, 0]
        means.append(float((after - started / 2).mean()))
    # 3 hours: standard error about 0.5.
    assert np.mean(means[5:]) == pytest.approx(100, abs=2)


def test_rule_2_5_service_times_are_exponential_with_the_mean_of_the_accelerator():
    # 1,000 requests in the first step, then silence: after t seconds the share exp(-t/10) is left.
    model = a_model(concurrency=1000)
    cloud = a_cloud(model, copies={"m": 1})
    cloud.requests.busy[0] = 1000
    left = [int(run(cloud, 10).requests.busy[0]) for _ in range(3)]
    for seconds, count in zip((10, 20, 30), left, strict=True):
        share = np.exp(-seconds / 10)
        # Binomial: four standard deviations.
        assert abs(count - 1000 * share) < 4 * np.sqrt(1000 * share * (1 - share))


def test_rule_2_5_there_is_no_slowdown_below_full():
    cloud = run(a_cloud(traffic=[[9]] * 30, copies={"m": 1}), 1800)
    assert fate(cloud)["on_time"] == fate(cloud)["arrived"] == 270


def test_rule_2_6_one_queue_first_in_first_out():
    cloud = a_cloud(a_model(service_s=LONG, wait_s=10), traffic=[[60], [0], [0]], copies={"m": 1})
    run(cloud, 40)
    cloud.requests.busy[0] -= 5  # five requests end: the five oldest in the queue start
    run(cloud, 2)
    queue = cloud.requests._queues[0]
    # 2 a step: 10 at once, then the steps at 10, 12 and half of 14 s have started.
    assert [(queue[0].first_s - START, queue[0].count), queue[1].first_s - START] == [(14, 1), 16]


def test_rule_2_6_interactive_waits_60_seconds_then_leaves_unserved():
    cloud = a_cloud(a_model(service_s=LONG), traffic=[[60]], copies={"m": 1})
    # The first that queue arrive at 10 s and leave at 70 s.
    assert fate(run(cloud, 70))["timed_out"] == 0
    assert fate(run(cloud, 2))["timed_out"] == 2
    run(cloud, 60)
    assert fate(cloud)["timed_out"] == 50
    assert cloud.requests.still_waiting().tolist() == [0]


def test_rule_2_6_batch_waits_its_wait_s():
    cloud = a_cloud(a_model(service_s=LONG, kind=Kind.BATCH, wait_s=300), traffic=[[60]], copies={"m": 1})
    assert fate(run(cloud, 310))["timed_out"] == 0
    assert fate(run(cloud, 60))["timed_out"] == 50


def test_rule_2_6_a_queue_has_no_length_limit():
    cloud = run(a_cloud(a_model(service_s=LONG, kind=Kind.BATCH), traffic=[[100_000]], copies={"m": 1}), 60)
    assert cloud.requests.still_waiting().tolist() == [99_990]


def test_rule_2_7_without_a_ready_copy_interactive_requests_are_lost_at_once():
    cloud = run(a_cloud(traffic=[[60]], copies={"m": 0}), 60)
    assert fate(cloud) == {
        "arrived": 60, "started": 0, "on_time": 0, "timed_out": 0, "lost": 60, "rejected_once": 60,
    }  # fmt: skip


def test_rule_2_7_batch_callers_all_try_again_every_30_seconds_and_every_try_counts():
    cloud = run(a_cloud(a_model(kind=Kind.BATCH), traffic=[[30]], copies={"m": 0}), 180)
    rejected = cloud.metrics.raw("m", "NoCapacityInvocationFailures", START, START + 240).values
    # One a step. Minute 0: 30 first tries, and at 30 s the 15 that came before. Minutes 1 and 2: 30 twice each.
    np.testing.assert_array_equal(rejected[:3], [45, 60, 60])
    assert fate(cloud)["rejected_once"] == 30
    assert cloud.requests.still_waiting().tolist() == [30]


def test_rule_2_7_batch_requests_are_lost_600_seconds_after_first_arrival():
    cloud = a_cloud(a_model(kind=Kind.BATCH), traffic=[[30]], copies={"m": 0})
    assert fate(run(cloud, 600))["lost"] == 0
    assert fate(run(cloud, 2))["lost"] == 1, "the first came at 0 s and tried for the last time at 600 s"
    assert fate(run(cloud, 118))["lost"] == 30


def test_rule_2_7_batch_requests_that_come_back_in_time_are_served_oldest_first_and_on_time():
    cloud = a_cloud(a_model(kind=Kind.BATCH), traffic=[[30]], copies={"m": 0})
    cloud.set_copies("m", 1)  # serves 200 s later, on a new machine
    run(cloud, 600)
    assert fate(cloud)["started"] == fate(cloud)["on_time"] == 30
    assert fate(cloud)["rejected_once"] == 30


def test_rule_2_7_requests_already_queued_when_the_last_copy_goes_are_rejected_in_the_same_way():
    models = (a_model("i", service_s=LONG), a_model("b", service_s=LONG, kind=Kind.BATCH))
    cloud = run(a_cloud(*models, traffic=[[60, 60]], copies={"i": 1, "b": 1}), 50)
    queued = cloud.requests.queued[:2].tolist()
    assert queued == [40, 40]
    cloud.set_copies("i", 0)
    cloud.set_copies("b", 0)
    assert (fate(cloud, "i")["lost"], fate(cloud, "b")["lost"]) == (40, 0)
    assert cloud.requests.still_waiting().tolist() == [0, 40]
    cloud.check_conservation()


def test_rule_2_7_taking_copies_away_never_wins_anything():
    def on_time(down: bool) -> int:
        cloud = run(a_cloud(a_model(wait_s=60), traffic=[[120]] * 3, copies={"m": 1}), 100)
        if down:
            cloud.set_copies("m", 0)
        return fate(run(cloud, 200))["on_time"]

    assert on_time(down=True) < on_time(down=False)


def two_homes(*, weights: tuple[int, int]) -> Cloud:
    cloud = a_cloud(traffic=[[60]] * 4, copies={"m": 9})
    cloud.create_endpoint("own", "m", instance_type=SMALL, instances=4, settled=True)
    to_pool, to_own = weights
    cloud.set_route(Route("m", 1, (Target(POOL, "m", to_pool), Target("own", "", to_own)), START))
    return cloud


def taken(cloud: Cloud, name: str, minutes: int) -> list[float]:
    found = cloud.metrics.raw(name, "Invocations", START, START + 60 * minutes + 60).values
    return [0.0 if np.isnan(value) else float(value) for value in found]


def test_rule_2_8_callers_follow_a_route_30_seconds_after_it_was_written():
    cloud = run(two_homes(weights=(0, 100)), 120)
    assert taken(cloud, "m", 2) == [30, 0]
    assert taken(cloud, "own", 2) == [30, 60]


def test_rule_2_8_requests_follow_the_weights():
    cloud = run(two_homes(weights=(50, 50)), 240)
    there, here = taken(cloud, "own", 4), taken(cloud, "m", 4)
    assert [a + b for a, b in zip(there, here, strict=True)] == [60, 60, 60, 60]
    # Binomial(180, ½) over three minutes: four standard deviations are 27.
    assert abs(sum(there[1:]) - 90) < 27


def test_rule_2_8_until_a_route_is_written_a_model_has_one_home_its_first():
    cloud = a_cloud(traffic=[[60]] * 2, copies={"m": 2})
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    assert taken(run(cloud, 120), "own", 2) == [0, 0]


def test_rule_2_8_a_route_to_nothing_rejects_everybody():
    cloud = a_cloud(traffic=[[60]] * 2, copies={"m": 2}, times=Times(route_s=0))
    cloud.set_route(Route("m", 1, (Target(POOL, "gone", 100),), START))
    assert fate(run(cloud, 120))["lost"] == 120
