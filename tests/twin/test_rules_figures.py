"""Bench-rules section 6: the figures."""

from __future__ import annotations

import pytest

from builders.twin_world import POOL, SMALL, START, a_cloud, a_model, run
from tidepool_lab.twin.spec import Kind

LONG = 1e9


def test_rule_6_on_time_is_first_start_minus_first_arrival_at_most_wait_s():
    # 30 a minute, one a step; one slot that is freed by hand. The second waits exactly 10 s, the third 12.
    cloud = a_cloud(a_model(concurrency=1, service_s=LONG), traffic=[[30]], copies={"m": 1})
    run(cloud, 12)
    cloud.requests.busy[0] = 0
    run(cloud, 4)
    cloud.requests.busy[0] = 0
    run(cloud, 2)
    model = cloud.figures(START, START + 60).models[0]
    assert (model.started, model.on_time) == (3, 2)


def test_rule_6_rejected_timed_out_and_lost_are_late():
    cloud = run(a_cloud(a_model(service_s=LONG), traffic=[[60], [0], [0]], copies={"m": 1}), 180)
    figures = cloud.figures(START, START + 180)
    assert figures.on_time == pytest.approx(10 / 60)
    assert figures.models[0].timed_out == 50


def test_rule_6_shares_by_kind_mean_model_and_objectives():
    models = (
        a_model("good", service_s=1),
        a_model("bad"),
        a_model("batch", kind=Kind.BATCH, service_s=1),
        a_model("silent"),
    )
    cloud = a_cloud(*models, traffic=[[10, 30, 60, 0]], copies={"good": 9, "bad": 0, "batch": 9, "silent": 1})
    figures = run(cloud, 120).figures(START, START + 120)
    assert figures.on_time == pytest.approx(70 / 100)
    assert figures.on_time_interactive == pytest.approx(10 / 40)
    assert figures.on_time_batch == 1
    assert figures.on_time_mean_model == pytest.approx(2 / 3), "a model without a request has no share"
    assert figures.models_meeting_objective == pytest.approx(2 / 3)
    assert figures.no_capacity_share == pytest.approx(30 / 100)
    assert [m.met_objective for m in figures.models] == [True, False, True, None]


def test_rule_6_a_request_that_was_rejected_and_then_served_counts_once_as_no_capacity():
    cloud = a_cloud(a_model(kind=Kind.BATCH), traffic=[[30]], copies={"m": 0})
    cloud.set_copies("m", 3)
    figures = run(cloud, 900).figures(START, START + 900)
    assert (figures.on_time, figures.no_capacity_share) == (1, 1)


def test_rule_6_without_requests_there_is_no_share():
    figures = run(a_cloud(copies={"m": 1}), 60).figures(START, START + 60)
    assert (figures.on_time, figures.on_time_mean_model, figures.no_capacity_share) == (None, None, None)


def test_rule_6_copy_changes_are_accepted_calls_that_change_a_desired_count():
    cloud = a_cloud(a_model("m"), a_model("n"), copies={"m": 1})
    cloud.set_copies("m", 1)  # changes nothing
    cloud.set_copies("m", 2)
    run(cloud, 100)
    cloud.create_component("n", POOL, model="n")
    run(cloud, 100)
    cloud.delete_component("n")
    assert run(cloud, 60).figures(START, START + 600).copy_changes == 3


def test_rule_6_instance_changes_are_launches_and_releases():
    cloud = a_cloud(copies={"m": 8})
    cloud.set_copies("m", 9)
    run(cloud, 300)
    cloud.set_copies("m", 8)
    run(cloud, 900)
    assert cloud.figures(START, START + 1200).instance_changes == 2, "the start state's machine was not launched"


def test_rule_6_dedicated_counts_are_instance_changes_and_no_copy_changes():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL)
    figures = run(cloud, 300).figures(START, START + 300)
    assert (figures.copy_changes, figures.instance_changes) == (0, 1)


def test_rule_6_moves_are_moves_begun():
    cloud = run(a_cloud(), 60)
    cloud.note_move()
    assert [cloud.figures(START, START + t).moves for t in (60, 62)] == [0, 1]
