"""UpdateEndpoint (both answers to the UNKNOWN), CONSOLIDATION, new versions, outages (sagemaker-facts.md)."""

from __future__ import annotations

import pytest

from builders.twin_world import BIG, POOL, SMALL, START, a_cloud, a_model, fate, on_instances, run, shown
from tidepool.errors import Busy
from tidepool.fleet import Status
from tidepool_lab.twin.faults import Faults, Outage, seeded_faults
from tidepool_lab.twin.spec import BoundsUpdate, Times


def test_bounds_change_through_a_new_config_while_the_endpoint_is_updating():
    cloud = a_cloud(copies={"m": 1})
    cloud.update_endpoint(POOL, "c2", minimum=2, maximum=5)
    before = cloud.endpoint(POOL)
    assert (before.status, before.config_name, before.max_instances) == (Status.UPDATING, "pool-config", 20)
    after = run(cloud, 60).endpoint(POOL)
    assert (after.status, after.config_name) == (Status.IN_SERVICE, "c2")
    assert (after.min_instances, after.max_instances, after.instances_wanted) == (2, 5, 2)


def test_while_it_is_updating_it_refuses_another_update_and_copy_changes():
    cloud = a_cloud(copies={"m": 1})
    cloud.update_endpoint(POOL, "c2", minimum=0, maximum=5)
    for call in (
        lambda: cloud.update_endpoint(POOL, "c3", minimum=0, maximum=6),
        lambda: cloud.set_copies("m", 2),
    ):
        with pytest.raises(Busy, match="Cannot update in-progress endpoint"):
            call()


def test_where_updates_do_not_block_copies_they_go_on():
    cloud = a_cloud(copies={"m": 1}, update_blocks_copies=False)
    cloud.update_endpoint(POOL, "c2", minimum=0, maximum=5)
    cloud.set_copies("m", 2)


def test_an_update_may_come_back_in_service_on_the_old_config():
    cloud = a_cloud(copies={"m": 1}, faults=Faults(update_reverts=1.0))
    cloud.update_endpoint(POOL, "c2", minimum=2, maximum=5)
    after = run(cloud, 60).endpoint(POOL)
    assert (after.status, after.config_name, after.max_instances) == (Status.IN_SERVICE, "pool-config", 20)
    assert "rolled back" in after.failure


def test_a_rebuild_replaces_every_machine_bills_both_and_never_stops_serving():
    cloud = a_cloud(traffic=[[30]] * 10, copies={"m": 9}, bounds_update=BoundsUpdate.REBUILD)
    cloud.update_endpoint(POOL, "c2", minimum=0, maximum=5)
    old = {i.number for i in cloud.life.endpoints[POOL].instances[:2]}
    run(cloud, 198)
    assert cloud.endpoint(POOL).status is Status.UPDATING
    assert len(cloud.life.endpoints[POOL].instances) == 4
    run(cloud, 402)
    assert cloud.endpoint(POOL).config_name == "c2"
    assert on_instances(cloud) == [{"m": 8}, {"m": 1}]
    assert not old & {i.number for i in cloud.life.endpoints[POOL].instances}
    # Two machines for 600 s, and two more from the end of their launch (100 s) to the change-over (200 s).
    assert cloud.figures(START, START + 600).cost_usd == pytest.approx(2 * 600 + 2 * 100)
    assert fate(cloud)["on_time"] == fate(cloud)["arrived"]


def test_a_rebuild_without_quota_for_both_comes_back_on_the_old_config():
    cloud = a_cloud(quota=3, copies={"m": 9}, bounds_update=BoundsUpdate.REBUILD)
    cloud.update_endpoint(POOL, "c2", minimum=0, maximum=3)
    assert run(cloud, 60).endpoint(POOL).config_name == "pool-config"


def test_a_rebuild_refuses_copy_changes_even_where_updates_do_not():
    cloud = a_cloud(copies={"m": 1}, bounds_update=BoundsUpdate.REBUILD, update_blocks_copies=False)
    cloud.update_endpoint(POOL, "c2", minimum=0, maximum=5)
    with pytest.raises(Busy):
        cloud.set_copies("m", 2)


def test_a_lower_minimum_lets_idle_machines_go():
    cloud = a_cloud(copies={"m": 1})
    cloud.update_endpoint(POOL, "c2", minimum=3, maximum=5)
    run(cloud, 1000)
    assert cloud.endpoint(POOL).instances_now == 3
    cloud.update_endpoint(POOL, "c3", minimum=0, maximum=5)
    assert run(cloud, 60).endpoint(POOL).instances_now == 1


def test_a_pools_maximum_binds_like_quota():
    cloud = a_cloud(maximum=1, copies={"m": 8})
    cloud.set_copies("m", 9)
    run(cloud, 300)
    assert (shown(cloud).copies_now, shown(cloud).status) == (8, Status.UPDATING)


def scattered(scale_in: str, **spec: object):
    """Two machines that one could hold: a on the first, m on the second, room for both on either."""
    models = (a_model("a", accelerators=5), a_model("m", accelerators=3), a_model("x", accelerators=3))
    cloud = a_cloud(*models, traffic=[[0, 30, 0]] * 60, copies={"a": 1, "x": 1, "m": 1}, scale_in=scale_in, **spec)
    cloud.set_copies("x", 0)
    assert on_instances(cloud) == [{"a": 1}, {"m": 1}]
    return cloud


def test_idle_release_never_moves_a_copy():
    cloud = run(scattered("IDLE_RELEASE"), 3600)
    assert on_instances(cloud) == [{"a": 1}, {"m": 1}]


def test_consolidation_moves_copies_onto_fewer_machines_after_the_cooldown():
    cloud = run(scattered("CONSOLIDATION"), 1198)
    assert on_instances(cloud) == [{"a": 1}, {"m": 1}]
    run(cloud, 2)
    assert on_instances(cloud) == [{"a": 1, "m": 1}, {"m": 1}], "the new copy first"
    run(cloud, 161)
    assert on_instances(cloud) == [{"a": 1, "m": 1}, {}], "then the old one leaves"
    assert shown(cloud).status is Status.IN_SERVICE
    run(cloud, 600)
    assert on_instances(cloud) == [{"a": 1, "m": 1}]
    run(cloud, 1000)
    assert fate(cloud, "m")["on_time"] == fate(cloud, "m")["arrived"] > 0
    cloud.check_conservation()


def test_consolidation_does_not_bring_critical_copies_together():
    cloud = run(a_cloud(a_model(critical=True), copies={"m": 2}, scale_in="CONSOLIDATION"), 4000)
    assert on_instances(cloud) == [{"m": 1}, {"m": 1}]


def test_a_copy_change_during_consolidation_ends_with_the_copies_that_were_asked_for():
    cloud = run(scattered("CONSOLIDATION"), 1200)
    cloud.set_copies("m", 3)
    run(cloud, 600)
    assert (shown(cloud).copies_now, shown(cloud).status) == (3, Status.IN_SERVICE)


def test_somebody_elses_new_version_needs_double_copies_while_it_runs():
    cloud = run(a_cloud(traffic=[[30]] * 10, copies={"m": 3}), 10)
    cloud.update_component("m", artifact="m-v2")
    assert (shown(cloud).status, shown(cloud).artifact) == (Status.UPDATING, "m-v2")
    with pytest.raises(Busy):
        cloud.set_copies("m", 4)
    assert sum(i["m"] for i in on_instances(cloud)) == 6
    run(cloud, 400)
    assert (shown(cloud).status, shown(cloud).copies_now, shown(cloud).copies_wanted) == (Status.IN_SERVICE, 3, 3)
    assert sum(i.get("m", 0) for i in on_instances(cloud)) == 3
    run(cloud, 300)
    assert fate(cloud)["on_time"] == fate(cloud)["arrived"]


def test_in_an_outage_copies_wait_and_come_when_it_ends():
    cloud = a_cloud(copies={"m": 8}, faults=Faults(outages=(Outage(BIG, START + 2, START + 900),)))
    run(cloud, 2).set_copies("m", 9)
    run(cloud, 890)
    assert (shown(cloud).copies_now, len(on_instances(cloud))) == (8, 1)
    assert shown(run(cloud, 270)).copies_now == 9


def test_an_outage_that_lasts_makes_a_component_fall_back():
    cloud = a_cloud(copies={"m": 8}, faults=Faults(outages=(Outage(BIG, START + 2, START + 9000),)))
    run(cloud, 2).set_copies("m", 9)
    assert shown(run(cloud, 1800)).copies_wanted == 8


def test_in_an_outage_a_dedicated_endpoint_that_gets_no_machine_fails():
    cloud = a_cloud(faults=Faults(outages=(Outage(SMALL, START, START + 9000),)))
    cloud.create_endpoint("own", "m", instance_type=SMALL)
    assert run(cloud, 1800).endpoint("own").status is Status.FAILED
    cloud.delete_endpoint("own")
    assert "own" not in run(cloud, 2).endpoints()


def test_seeded_faults_are_the_same_for_the_same_seed():
    def faults(seed: int) -> Faults:
        return seeded_faults(seed, (BIG, SMALL), start_s=START, days=30, outages_per_day=0.5)

    assert faults(1).outages == faults(1).outages != faults(2).outages
    assert 10 < len(faults(1).outages) < 60
    assert all(START <= outage.since < START + 30 * 86_400 for outage in faults(1).outages)


def test_events_are_lost_late_or_doubled_as_often_as_said():
    faults = seeded_faults(3, (), start_s=0, days=0, events_lost=0.1, events_late=0.2, events_doubled=0.3)
    sent = [faults.deliveries(1000) for _ in range(4000)]
    arrived = [d for d in sent if d]
    assert len(arrived) / 4000 == pytest.approx(0.9, abs=0.03)
    assert sum(d[0] == 1120 for d in arrived) / len(arrived) == pytest.approx(0.2, abs=0.03)
    assert sum(len(d) == 2 for d in arrived) / len(arrived) == pytest.approx(0.3, abs=0.03)


def test_without_faults_every_event_arrives_once_and_at_once():
    assert [Faults().deliveries(at) for at in (7, 8)] == [(7,), (8,)]


def test_a_minimum_of_the_pool_is_launched_when_it_is_made():
    cloud = a_cloud(times=Times(instance_launch_s=100))
    cloud.create_pool("p2", SMALL, minimum=2, maximum=3)
    run(cloud, 5000)
    assert cloud.endpoint("p2").instances_now == 2
    assert cloud.figures(START, START + 5000).cost_usd == pytest.approx(0.1 * 2 * 4900)
