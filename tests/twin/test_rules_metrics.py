"""Bench-rules section 4: what a policy sees."""

from __future__ import annotations

import numpy as np
import pytest

from builders.twin_world import BIG, POOL, SMALL, START, a_cloud, a_model, run, shown
from tidepool.sizing.spread import spread_of
from tidepool_lab.twin.spec import Kind, Times

LONG = 1e9


def test_rule_4_1_describe_shows_the_true_state_now():
    cloud = a_cloud(copies={"m": 1})
    cloud.set_copies("m", 3)
    assert (shown(cloud).copies_wanted, shown(cloud).copies_now) == (3, 1)
    assert (shown(run(cloud, 100)).copies_wanted, shown(cloud).copies_now) == (3, 3)


def test_rule_4_1_a_models_identity_is_its_name_or_a_tag():
    cloud = a_cloud()
    cloud.create_component("m-v2", POOL, model="m", tags={"model": "m", "team": "x"}, settled=True)
    assert [cloud.component("m-v2", by).model for by in ("name", "tag:model", "tag:none")] == ["m-v2", "m", ""]


@pytest.mark.parametrize("metric", ["Invocations", "ModelLatency"])
def test_rule_4_2_minute_metrics_are_visible_metric_delay_s_after_the_period(metric: str):
    cloud = run(a_cloud(traffic=[[6]] * 5, copies={"m": 1}, times=Times(metric_delay_s=60)), 300)
    assert len(cloud.metrics.raw("m", metric, START, START + 119).values) == 0
    assert cloud.metrics.raw("m", metric, START, START + 120).end_s == START + 60


def test_rule_4_2_invocations_are_accepted_requests():
    cloud = run(a_cloud(a_model(service_s=LONG, kind=Kind.BATCH), traffic=[[60], [0]], copies={"m": 1}), 120)
    values = cloud.metrics.raw("m", "Invocations", START, START + 180).values
    np.testing.assert_array_equal(values, [60, np.nan])


def test_rule_4_2_rejected_requests_are_no_invocations():
    cloud = run(a_cloud(traffic=[[60]], copies={"m": 0}), 60)
    assert np.isnan(cloud.metrics.raw("m", "Invocations", START, START + 120).values).all()
    assert cloud.metrics.raw("m", "NoCapacityInvocationFailures", START, START + 120).values == [60]


def test_rule_4_2_a_period_without_requests_has_no_datapoint_but_utilisation_has():
    cloud = run(a_cloud(traffic=[[6], [0], [6]], copies={"m": 1}), 180)
    seen = cloud.metrics.evidence(["m"], START + 240, 240)["m"]
    np.testing.assert_array_equal(np.isnan(seen.invocations.values), [False, True, False])
    np.testing.assert_array_equal(np.isnan(seen.utilisation.values), [False, False, False])
    np.testing.assert_array_equal(np.isnan(seen.latency_ms.values), [False, True, False])


def test_rule_4_2_without_a_ready_copy_there_is_no_utilisation_and_no_concurrency():
    cloud = run(a_cloud(traffic=[[6]], copies={"m": 0}), 120)
    seen = cloud.metrics.evidence(["m"], START + 180, 180)["m"]
    assert np.isnan(seen.utilisation.values).all()
    assert np.isnan(seen.concurrency.values).all()


def test_rule_4_2_concurrency_is_the_maximum_of_busy_and_queued_over_ready_copies_per_10_seconds():
    # 2 a step, none ever ends: 2, 4, … 10 in the first 10 s, on two copies.
    cloud = run(a_cloud(a_model(service_s=LONG), traffic=[[60]], copies={"m": 2}), 60)
    series = cloud.metrics.evidence(["m"], START + 80, 80)["m"].concurrency
    assert (series.start_s, series.step_s) == (START, 10)
    np.testing.assert_array_equal(series.values, [5, 10, 15, 20, 25, 30])
    least = cloud.metrics.raw("m", "ConcurrentRequestsPerCopy", START, START + 80, statistic="Minimum").values
    np.testing.assert_array_equal(least, [1, 6, 11, 16, 21, 26])


def test_rule_4_2_concurrency_is_visible_20_seconds_after_its_period():
    cloud = run(a_cloud(traffic=[[60]], copies={"m": 2}), 60)
    assert len(cloud.metrics.evidence(["m"], START + 29, 29)["m"].concurrency.values) == 0
    assert len(cloud.metrics.evidence(["m"], START + 30, 30)["m"].concurrency.values) == 1


def test_rule_4_2_concurrency_can_be_run_with_60_seconds_too():
    cloud = run(a_cloud(traffic=[[60]] * 2, copies={"m": 2}, times=Times(fast_metric_delay_s=60)), 120)
    assert len(cloud.metrics.evidence(["m"], START + 120, 120)["m"].concurrency.values) == 6


def test_rule_4_2_a_dedicated_endpoints_concurrency_is_per_instance():
    cloud = a_cloud(a_model(service_s=LONG), traffic=[[60]])
    cloud.create_endpoint("own", "m", instance_type=BIG, instances=2, settled=True)
    values = run(cloud, 60).metrics.evidence(["own"], START + 80, 80)["own"].concurrency.values
    assert values[-1] == 30


def test_rule_4_2_sub_minute_data_lives_three_hours():
    cloud = run(a_cloud(copies={"m": 1}), 4 * 3600)
    now = START + 4 * 3600
    assert cloud.metrics.evidence(["m"], now, 4 * 3600)["m"].concurrency.start_s == now - 3 * 3600


def test_rule_4_2_metrics_can_be_read_in_the_middle_of_a_minute():
    read_early = a_cloud(a_model(service_s=LONG), traffic=[[60]], copies={"m": 2})
    for _ in range(30):
        run(read_early, 2).metrics.evidence(["m"], read_early.now_s, 60)
    read_late = run(a_cloud(a_model(service_s=LONG), traffic=[[60]], copies={"m": 2}), 60)
    early, late = (c.metrics.evidence(["m"], START + 80, 80)["m"] for c in (read_early, read_late))
    np.testing.assert_array_equal(early.concurrency.values, late.concurrency.values)


def test_latency_is_the_wait_and_the_service():
    # One slot, 10 s a request on average; latency grows with the queue, and is the service alone when there is none.
    alone = run(a_cloud(traffic=[[6]], copies={"m": 9}), 60).metrics.raw("m", "ModelLatency", START, START + 120)
    assert alone.values == [10_000]
    queued = run(a_cloud(a_model(concurrency=1), traffic=[[12]], copies={"m": 1}), 60)
    assert queued.metrics.raw("m", "ModelLatency", START, START + 120).values > 12_000


def test_requests_that_time_out_are_server_errors():
    cloud = run(a_cloud(a_model(service_s=LONG), traffic=[[60]], copies={"m": 1}), 180)
    np.testing.assert_array_equal(
        cloud.metrics.raw("m", "Invocation5XXErrors", START, START + 240).values, [np.nan, 50, np.nan]
    )


def test_rule_4_3_the_minute_with_a_rejection_is_known_at_its_end():
    cloud = a_cloud(a_model("m"), a_model("n"), traffic=[[1, 0], [0, 1]], copies={"m": 0, "n": 1})
    assert run(cloud, 60).metrics.rejected_in(START) == ("m",)
    assert run(cloud, 60).metrics.rejected_in(START + 60) == ()


def test_a_name_that_is_made_again_shows_its_new_life():
    cloud = run(a_cloud(traffic=[[6]] * 3, copies={"m": 1}), 60)
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    cloud.delete_component("m")
    run(cloud, 62)
    cloud.create_component("m", POOL, model="m")
    assert np.isnan(cloud.metrics.raw("m", "Invocations", START, START + 120).values).all()


def test_rule_2_5_latencies_spread_as_exponential_times_do_unless_callers_wait():
    """Room: a spread of about 1. A queue of three quarters of an hour stands in the latencies, and is no spread."""
    room, queue = (
        run(a_cloud(traffic=[[120]] * 61, copies={"m": copies}, times=Times(metric_delay_s=0)), 3660)
        for copies in (4, 2)
    )
    found = []
    for cloud in (room, queue):
        others, slowest = cloud.metrics.slowness(["m"], START, START + 3600)["m"]
        found.append((0.9 * others.values[0] + 0.1 * slowest.values[0], spread_of(others.values[0], slowest.values[0])))
    (calm_ms, calm), (late_ms, _) = found
    assert calm_ms == pytest.approx(10_000, rel=0.05)
    assert calm == pytest.approx(1.0, abs=0.2)
    mean_ms = queue.metrics.raw("m", "ModelLatency", START, START + 3600).values
    started = queue.metrics.raw("m", "Invocations", START, START + 3600).values
    assert late_ms == pytest.approx(float(np.average(mean_ms, weights=started)), rel=0.1) and late_ms > 15_000
