"""Bench-rules section 3: machines, copies, money."""

from __future__ import annotations

import pytest

from builders.twin_world import BIG, POOL, SMALL, START, a_cloud, a_model, fate, on_instances, run, shown
from tidepool.errors import Busy, QuotaExceeded, Refused
from tidepool.fleet import Status, Target
from tidepool_lab.twin.spec import Times

LONG = 1e9


def test_rule_3_1_an_empty_pool_costs_nothing_and_has_no_instance():
    cloud = run(a_cloud(), 3600)
    assert cloud.endpoint(POOL).instances_wanted == 0
    assert cloud.figures(START, START + 3600).cost_usd == 0


def test_rule_3_2_quota_is_per_type_over_pools_dedicated_and_launching():
    cloud = a_cloud(quota=3, copies={"m": 8})
    cloud.create_endpoint("own", "m", instance_type=BIG, instances=1)
    cloud.set_copies("m", 9)  # launches the third
    assert cloud.machines.quota_left(BIG) == 0
    with pytest.raises(QuotaExceeded, match=r"is 3 Instances, with current utilization of 3 Instances and a request"):
        cloud.create_endpoint("other", "m", instance_type=BIG, instances=1)


def test_rule_3_2_copies_beyond_quota_wait_partly_placed():
    cloud = run(a_cloud(quota=1, copies={"m": 4}), 10)
    cloud.set_copies("m", 12)
    run(cloud, 300)
    assert (shown(cloud).copies_now, shown(cloud).copies_wanted, shown(cloud).status) == (8, 12, Status.UPDATING)


def test_rule_3_2_copies_that_wait_are_placed_when_room_comes():
    cloud = a_cloud(a_model("m"), a_model("n"), quota=1, copies={"m": 4, "n": 4})
    cloud.set_copies("m", 6)
    run(cloud, 100)
    cloud.set_copies("n", 2)
    run(cloud, 102)
    assert (shown(cloud).copies_now, shown(cloud).status) == (6, Status.IN_SERVICE)


def test_rule_3_2_without_progress_for_1800_seconds_desired_falls_back_to_current():
    cloud = a_cloud(quota=1, copies={"m": 4})
    cloud.set_copies("m", 12)
    run(cloud, 100 + 1798)  # the last progress is the copies that serve after 100 s
    assert shown(cloud).copies_wanted == 12
    run(cloud, 2)
    assert (shown(cloud).copies_wanted, shown(cloud).copies_now, shown(cloud).status) == (8, 8, Status.IN_SERVICE)
    cloud.set_copies("m", 7)


def test_rule_3_2_a_component_created_without_any_room_fails_in_the_end():
    cloud = a_cloud(a_model("m"), a_model("n"), quota=1, copies={"m": 8})
    cloud.create_component("n", POOL, model="n")
    assert shown(run(cloud, 1798), "n").status is Status.CREATING
    assert shown(run(cloud, 2), "n").status is Status.FAILED
    assert "not enough hardware resources" in shown(cloud, "n").failure


def test_rule_3_3_a_new_copy_goes_to_the_fullest_ready_instance_with_room():
    models = (a_model("a", accelerators=5), a_model("b", accelerators=4), a_model("m"))
    cloud = a_cloud(*models, copies={"a": 1, "b": 1})
    cloud.create_component("m", POOL, model="m", copies=4)
    assert on_instances(cloud) == [{"a": 1, "m": 3}, {"b": 1, "m": 1}]


def test_rule_3_3_among_equals_the_oldest_instance_takes_it():
    models = (a_model("a", accelerators=5), a_model("m"))
    cloud = a_cloud(*models, copies={"a": 3})
    cloud.create_component("m", POOL, model="m", copies=4)
    assert on_instances(cloud) == [{"a": 1, "m": 3}, {"a": 1, "m": 1}, {"a": 1}]


def test_rule_3_3_then_a_launching_one_with_room_else_a_new_one_at_once():
    cloud = a_cloud(a_model("a", accelerators=8), a_model("m", accelerators=3), copies={"a": 1})
    cloud.create_component("m", POOL, model="m", copies=3)
    assert on_instances(cloud) == [{"a": 1}, {"m": 2}, {"m": 1}]


def test_rule_3_3_a_ready_instance_is_preferred_to_a_fuller_one_that_launches():
    models = (a_model("a", accelerators=7), a_model("b", accelerators=8), a_model("m"))
    cloud = a_cloud(*models, copies={"m": 1})
    cloud.create_component("a", POOL, model="a")  # 7 + 1 fit on the first machine
    cloud.create_component("b", POOL, model="b")
    run(cloud, 2)
    cloud.create_component("c", POOL, model="a")  # a third machine, launching, 7 of 8 used
    cloud.set_copies("m", 2)
    assert on_instances(cloud) == [{"m": 1, "a": 1}, {"b": 1}, {"c": 1, "m": 1}]


def test_rule_3_3_removal_takes_the_copy_on_the_instance_with_fewest_accelerators_in_use():
    models = (a_model("a", accelerators=6), a_model("m"))
    cloud = a_cloud(*models, copies={"a": 2, "m": 3})
    assert on_instances(cloud) == [{"a": 1, "m": 2}, {"a": 1, "m": 1}]
    cloud.set_copies("m", 2)
    assert on_instances(cloud) == [{"a": 1, "m": 2}, {"a": 1}]


def test_rule_3_3_among_equals_removal_takes_the_youngest_instance():
    cloud = a_cloud(a_model("m", accelerators=4), copies={"m": 6})
    cloud.set_copies("m", 4)
    assert on_instances(cloud) == [{"m": 2}, {"m": 2}, {}]
    cloud_of_equals = a_cloud(a_model("m", accelerators=8), copies={"m": 3})
    cloud_of_equals.set_copies("m", 2)
    assert on_instances(cloud_of_equals) == [{"m": 1}, {"m": 1}, {}]


def test_rule_3_3_critical_copies_never_meet_if_another_has_or_can_get_room():
    cloud = a_cloud(a_model(critical=True), quota=2, copies={"m": 2})
    assert on_instances(cloud) == [{"m": 1}, {"m": 1}]
    cloud.set_copies("m", 3)  # no third machine can be had
    assert sorted(sum(i.values()) for i in on_instances(cloud)) == [1, 2]


def test_rule_3_3_spread_goes_where_the_component_has_fewest_copies():
    cloud = a_cloud(a_model("a", accelerators=6), a_model("m"), copies={"a": 2})
    cloud.create_component("m", POOL, model="m", copies=2, strategy="SPREAD")
    assert on_instances(cloud) == [{"a": 1, "m": 1}, {"a": 1, "m": 1}]


def serving_after(cloud_seconds: int, *, new_machine: bool) -> bool:
    cloud = a_cloud(
        a_model("other"), a_model(weights_s=30, engine_s=20), copies={} if new_machine else {"other": 1},
        times=Times(instance_launch_s=100, image_pull_s=10),
    )  # fmt: skip
    cloud.create_component("m", POOL, model="m")
    return run(cloud, cloud_seconds).probe(Target(POOL, "m", 100)).ok


def test_rule_3_4_a_copy_serves_after_image_weights_and_engine():
    assert not serving_after(58, new_machine=False)
    assert serving_after(60, new_machine=False)


def test_rule_3_4_on_a_new_instance_the_launch_comes_first():
    assert not serving_after(158, new_machine=True)
    assert serving_after(160, new_machine=True)


def test_rule_3_4_a_copy_holds_its_accelerators_from_placement():
    cloud = a_cloud(quota=1, copies={"m": 8})
    cloud.set_copies("m", 7)
    cloud.set_copies("m", 8)
    assert cloud.life.endpoints[POOL].instances[0].room == 0


def test_rule_3_4_a_machine_that_ran_this_model_gives_no_discount():
    cloud = a_cloud(copies={"m": 2})
    cloud.set_copies("m", 1)
    cloud.set_copies("m", 2)
    assert shown(run(cloud, 98)).copies_now == 1
    assert shown(run(cloud, 2)).copies_now == 2


def test_rule_3_5_leaving_copies_take_no_new_request_and_finish_what_they_have():
    cloud = run(a_cloud(traffic=[[60], [60], [60]], copies={"m": 4}), 60)
    busy = int(cloud.requests.busy[0])
    cloud.set_copies("m", 2)
    staying, leaving = int(cloud.requests.busy[0]), int(cloud.requests.leaving_busy[0])
    assert staying + leaving == busy and abs(staying - leaving) <= 2, "spread evenly over the four"
    run(cloud, 120)
    assert cloud.requests.leaving_busy.tolist() == [0]
    assert fate(cloud)["on_time"] == fate(cloud)["arrived"] == 180
    cloud.check_conservation()


def test_rule_3_5_accelerators_are_free_when_empty_and_after_60_seconds_at_most():
    cloud = run(a_cloud(a_model(service_s=LONG), traffic=[[20]], copies={"m": 2}), 60)
    cloud.set_copies("m", 1)
    instance = cloud.life.endpoints[POOL].instances[0]
    assert (run(cloud, 58).requests.leaving_busy.tolist(), instance.room) == ([10], 6)
    assert (run(cloud, 2).requests.leaving_busy.tolist(), instance.room) == ([0], 7)


def test_rule_3_5_an_idle_copy_leaves_at_once():
    cloud = a_cloud(copies={"m": 2})
    cloud.set_copies("m", 1)
    assert (shown(cloud).copies_now, shown(cloud).status) == (1, Status.IN_SERVICE)


@pytest.mark.parametrize("copies", [1, 3])
def test_rule_3_6_one_change_at_a_time_until_current_is_desired(copies: int):
    cloud = run(a_cloud(a_model(service_s=LONG), traffic=[[20]], copies={"m": 2}), 60)
    cloud.set_copies("m", copies)
    with pytest.raises(Busy, match="while it is in state UPDATE_RC_IN_PROGRESS") as refused:
        cloud.set_copies("m", 4)
    assert refused.value.code == "ValidationException"
    assert shown(cloud).status is Status.UPDATING
    run(cloud, 100)
    cloud.set_copies("m", 4)


def test_rule_3_6_an_endpoint_takes_one_change_at_a_time_too():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    cloud.set_instances("own", 2)
    with pytest.raises(Busy, match="Cannot update in-progress endpoint"):
        cloud.set_instances("own", 3)
    with pytest.raises(Busy):
        cloud.delete_endpoint("own")
    run(cloud, 200)
    cloud.set_instances("own", 3)


def test_rule_3_7_a_dedicated_instance_has_floor_accelerators_over_per_copy_times_concurrency_slots():
    cloud = a_cloud(a_model(accelerators=3, concurrency=7, service_s=LONG), traffic=[[99]])
    cloud.create_endpoint("own", "m", instance_type=BIG, settled=True)
    assert fate(run(cloud, 60))["started"] == 14, "8 ÷ 3 → 2 copies of 7 slots"


def test_rule_3_7_at_least_one_instance_while_the_endpoint_exists():
    cloud = a_cloud()
    with pytest.raises(Refused):
        cloud.create_endpoint("own", "m", instance_type=SMALL, instances=0)
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    with pytest.raises(Refused):
        cloud.set_instances("own", 0)


def test_rule_3_7_counts_change_in_place_and_up_takes_launch_weights_and_engine():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    cloud.set_instances("own", 2)
    assert cloud.endpoint("own").config_name == run(cloud, 198).endpoint("own").config_name
    assert cloud.endpoint("own").instances_now == 1
    assert run(cloud, 2).endpoint("own").instances_now == 2


def test_rule_3_7_given_up_instances_are_billed_idle_release_s_longer():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL, instances=3, settled=True)
    run(cloud, 60)
    cloud.set_instances("own", 1)
    run(cloud, 3600)
    # A dime a second: one for the whole time, two for 60 s and the 600 s after they were given up.
    assert cloud.figures(START, START + 3660).cost_usd == pytest.approx(0.1 * (3660 + 2 * 660))


def test_rule_3_7_a_deleted_endpoint_is_billed_idle_release_s_longer_and_its_quota_is_held_as_long():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL, instances=4, settled=True)
    cloud.delete_endpoint("own")
    assert "own" not in cloud.endpoints()
    with pytest.raises(QuotaExceeded):
        cloud.create_endpoint("other", "m", instance_type=SMALL)
    run(cloud, 600)
    cloud.create_endpoint("other", "m", instance_type=SMALL)
    assert cloud.figures(START, START + 600).cost_usd == pytest.approx(0.1 * 4 * 600)


def test_rule_3_7_shared_and_dedicated_slots_are_equally_fast():
    cloud = a_cloud(copies={"m": 1})
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    assert cloud.requests.p[0] == cloud.requests.p[1]


def test_rule_3_8_both_homes_are_billed_while_both_exist():
    cloud = a_cloud(copies={"m": 1})
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    run(cloud, 100)
    assert cloud.figures(START, START + 100).cost_usd == pytest.approx(100 + 10)


def test_rule_3_9_billing_is_per_second_from_the_end_of_the_launch():
    cloud = a_cloud()
    cloud.create_component("m", POOL, model="m")
    run(cloud, 130)
    assert cloud.figures(START, START + 130).cost_usd == pytest.approx(30)
    assert cloud.figures(START + 110, START + 117).cost_usd == pytest.approx(7)


def test_rule_3_9_release_is_idle_release_s_after_the_last_copy_left():
    cloud = a_cloud(copies={"m": 1})
    run(cloud, 60)
    cloud.set_copies("m", 0)
    assert cloud.endpoint(POOL).instances_now == run(cloud, 598).endpoint(POOL).instances_now == 1
    assert run(cloud, 2).endpoint(POOL).instances_now == 0
    assert cloud.figures(START, START + 3600).cost_usd == pytest.approx(660)


def test_rule_3_9_a_copy_that_comes_in_time_keeps_the_machine():
    cloud = a_cloud(copies={"m": 1})
    cloud.set_copies("m", 0)
    run(cloud, 400)
    cloud.set_copies("m", 1)
    run(cloud, 150)
    cloud.set_copies("m", 0)
    assert run(cloud, 598).endpoint(POOL).instances_now == 1, "the time counts from the second emptying"
    assert run(cloud, 2).endpoint(POOL).instances_now == 0


def test_rule_3_10_critical_is_two_copies_on_two_instances_from_the_start():
    cloud = a_cloud(a_model("c", critical=True), a_model("m"), copies={"c": 2, "m": 3})
    assert on_instances(cloud) == [{"c": 1, "m": 3}, {"c": 1}]
