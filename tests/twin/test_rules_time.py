"""Bench-rules section 1: time, window, start."""

from __future__ import annotations

import numpy as np
import pytest

from builders.twin_world import BIG, POOL, START, a_cloud, a_model, fate, on_instances, run, shown
from tidepool.fleet import Status, Target
from tidepool_lab.twin.spec import Times


def test_rule_1_1_a_copy_serves_at_the_first_step_boundary_at_or_after_its_time():
    cloud = a_cloud(a_model(weights_s=2, engine_s=1), times=Times(instance_launch_s=0))
    cloud.create_component("m", POOL, model="m")
    target = Target(POOL, "m", 100)
    assert not run(cloud, 3).probe(target).ok, "ready at 3 s, which is no boundary"
    assert run(cloud, 1).probe(target).ok


def test_rule_1_1_minute_0_is_monday_2025_01_06():
    # One request in minute 0 of the trace and none before or after.
    cloud = run(a_cloud(traffic=[[1]], copies={"m": 1}), 60)
    assert START == 1_736_121_600
    assert fate(cloud)["arrived"] == 1


def test_rule_1_2_requests_are_scored_when_they_arrive_and_dollars_when_they_accrue():
    cloud = run(a_cloud(traffic=[[10], [20], [40]], copies={"m": 1}), 180)
    figures = cloud.figures(START + 60, START + 120)
    assert figures.requests == 20
    assert figures.cost_usd == 60.0, "one machine at a dollar a second, for one minute"


def test_rule_1_3_requests_of_the_window_may_start_after_it():
    # 90 arrive in the first minute, one copy of 10 slots and 10 s serves about 60 of them; the rest start later.
    cloud = run(a_cloud(a_model(wait_s=60), traffic=[[90]], copies={"m": 1}), 60)
    before = cloud.figures(START, START + 60).models[0]
    after = run(cloud, 600).figures(START, START + 60).models[0]
    assert before.waiting > 0 and after.waiting == 0
    assert after.on_time > before.on_time


def test_rule_1_4_the_start_state_is_packed_by_3_3_in_service_and_nothing_in_progress():
    models = (a_model("a", accelerators=2), a_model("b"), a_model("idle"))
    cloud = a_cloud(*models, copies={"a": 5, "b": 3, "idle": 0})
    assert on_instances(cloud) == [{"a": 4}, {"a": 1, "b": 3}]
    assert all(c.status is Status.IN_SERVICE for c in cloud.components().values())
    assert [(c.copies_now, c.copies_wanted) for c in cloud.components().values()] == [(5, 5), (3, 3), (0, 0)]
    assert cloud.machines.usd_per_hour(START) == 7200.0


def test_rule_1_5_history_before_the_run_is_the_trace_from_minute_0():
    cloud = a_cloud(traffic=[[3], [0], [5], [7]], start_s=START + 180, copies={"m": 1})
    past = cloud.metrics.history(["m"], START, START + 300)["m"]
    # The newest minute is not visible before metric_delay_s; a minute without requests has no datapoint.
    np.testing.assert_array_equal(past.values[:3], [3, np.nan, 5])
    assert (past.start_s, past.step_s) == (START, 60)


def test_rule_1_5_history_and_run_meet_without_a_seam():
    cloud = run(a_cloud(traffic=[[3], [4], [5], [7]], start_s=START + 120, copies={"m": 1}), 180)
    past = cloud.metrics.history(["m"], START, START + 300)["m"]
    np.testing.assert_array_equal(past.values, [3, 4, 5, 7])


def test_a_component_that_is_made_later_has_no_history_before_it():
    cloud = run(a_cloud(traffic=[[3], [4], [5], [7]], start_s=START + 120, copies={"m": 1}), 60)
    cloud.create_component("later", POOL, model="m")
    assert cloud.metrics.history(["later"], START, START + 300)["later"].last_seen_s() is None


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    def busy(seed: int) -> list[dict[str, int]]:
        return run(a_cloud(traffic=[[50]] * 5, copies={"m": 2}, seed=seed), 300).history.busy

    assert busy(1) == busy(1)
    assert busy(1) != busy(2)


def test_stopping_often_changes_nothing():
    def steps(seconds: int) -> dict[str, int]:
        cloud = a_cloud(traffic=[[120]] * 10, copies={"m": 1})
        for _ in range(600 // seconds):
            run(cloud, seconds)
        return fate(cloud)

    assert steps(2) == steps(60) == steps(300)


def test_the_history_for_pictures_has_one_entry_a_minute():
    cloud = a_cloud(traffic=[[6]] * 3, copies={"m": 2})
    cloud.set_copies("m", 3)
    run(cloud, 180)
    assert cloud.history.at_s == [START + 60, START + 120, START + 180]
    assert cloud.history.series("m", "copies") == [2, 3, 3]
    assert cloud.history.series("m", "wanted") == [3, 3, 3]
    assert cloud.history.series(POOL, "instances") == [1, 1, 1]
    assert cloud.history.usd_per_hour == [cloud.spec.types[BIG].usd_per_hour] * 3
    assert shown(cloud).copies_now == 3


def test_the_history_follows_a_name_through_its_lives_and_knows_dedicated_endpoints():
    cloud = a_cloud(copies={"m": 2})
    cloud.create_endpoint("own", "m", instance_type=BIG, instances=2, settled=True)
    run(cloud, 60).delete_component("m")
    run(cloud, 60).create_component("m", POOL, model="m", copies=3, settled=True)
    run(cloud, 60)
    assert cloud.history.series("m", "copies") == [2, 0, 3]
    assert cloud.history.series("own", "copies") == cloud.history.series("own", "wanted") == [2, 2, 2]
    assert cloud.history.series("nobody", "busy") == [0, 0, 0]
    assert cloud.history.series(POOL, "accelerators_used") == [2, 0, 3]
    with pytest.raises(KeyError, match="one of copies, wanted, busy"):
        cloud.history.series("m", "dollars")
