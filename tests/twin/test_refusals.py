"""SageMaker's refusals, by its own codes and words (sagemaker-facts.md)."""

from __future__ import annotations

import pytest

from builders.twin_world import BIG, POOL, SMALL, a_cloud, a_model, run, shown
from tidepool.errors import AlreadyExists, Busy, HostingError, NotFound, QuotaExceeded, Refused, Throttled
from tidepool.fleet import Status, Target
from tidepool_lab.twin.faults import Faults


def test_zero_copies_at_create_are_refused_and_reached_by_a_later_update():
    cloud = a_cloud()
    with pytest.raises(Refused, match="an integer larger than 0") as refused:
        cloud.create_component("m", POOL, model="m", copies=0)
    assert refused.value.code == "ValidationException"
    cloud.create_component("m", POOL, model="m", copies=1)
    run(cloud, 200)
    cloud.set_copies("m", 0)
    assert (shown(cloud).copies_now, shown(cloud).status) == (0, Status.IN_SERVICE)


def test_at_zero_copies_a_request_gets_awss_no_capacity_text():
    answer = a_cloud(copies={"m": 0}).probe(Target(POOL, "m", 100))
    assert (answer.ok, answer.status) == (False, 400)
    assert answer.why.startswith("Inference Component has no capacity to process this request.")


def test_names_are_unique_in_the_account():
    cloud = a_cloud(copies={"m": 1})
    with pytest.raises(AlreadyExists):
        cloud.create_component("m", POOL, model="m")
    with pytest.raises(AlreadyExists):
        cloud.create_endpoint(POOL, "m", instance_type=SMALL)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a" * 64, "a" + 62 * "-" + "b"])
def test_names_are_checked(name: str):
    with pytest.raises(Refused, match="failed to satisfy constraint"):
        a_cloud().create_component(name, POOL, model="m")


def test_a_deleted_endpoint_leaves_its_components_in_service_and_their_names_blocked():
    cloud = a_cloud(copies={"m": 1})
    cloud.delete_endpoint(POOL)
    run(cloud, 60)
    assert POOL not in cloud.endpoints()
    assert shown(cloud).status is Status.IN_SERVICE
    cloud.create_pool("next", BIG, maximum=3, settled=True)
    with pytest.raises(AlreadyExists):
        cloud.create_component("m", "next", model="m")
    with pytest.raises(NotFound):
        cloud.set_copies("m", 2)
    cloud.delete_component("m")
    cloud.create_component("m", "next", model="m")


def test_a_deleted_endpoint_drops_copies_that_were_starting_or_waiting_and_gives_its_machines_back():
    cloud = run(a_cloud(traffic=[[60]] * 9, quota=1, copies={"m": 2}), 60)
    cloud.set_copies("m", 12)
    cloud.delete_endpoint(POOL)
    run(cloud, 800).check_conservation()
    assert cloud.machines.held[BIG] == 0
    assert not cloud.probe(Target(POOL, "m", 100)).ok


def test_a_component_is_not_deleted_while_it_is_created_or_updated():
    cloud = a_cloud()
    cloud.create_component("m", POOL, model="m")
    with pytest.raises(Busy, match=r"delete .* while it is in state CREATE_IN_PROGRESS"):
        cloud.delete_component("m")
    run(cloud, 200)
    cloud.set_copies("m", 2)
    with pytest.raises(Busy, match=r"delete .* while it is in state UPDATE_RC_IN_PROGRESS"):
        cloud.delete_component("m")
    run(cloud, 100)
    cloud.delete_component("m")
    assert "m" not in cloud.components()


def test_what_is_not_there_is_not_found():
    cloud = a_cloud()
    for call in (
        lambda: cloud.component("x"),
        lambda: cloud.endpoint("x"),
        lambda: cloud.set_copies("x", 1),
        lambda: cloud.set_instances("x", 1),
        lambda: cloud.delete_component("x"),
        lambda: cloud.delete_endpoint("x"),
        lambda: cloud.create_component("m", "x", model="m"),
        lambda: cloud.update_endpoint("x", "c", minimum=0, maximum=1),
    ):
        with pytest.raises(NotFound, match="Could not find"):
            call()


def test_over_quota_has_awss_text_and_changes_nothing():
    cloud = a_cloud()
    with pytest.raises(QuotaExceeded) as refused:
        cloud.create_endpoint("own", "m", instance_type=SMALL, instances=5)
    assert refused.value.code == "ResourceLimitExceeded"
    assert refused.value.message == (
        "The account-level service limit 'ml.small.xlarge for endpoint usage' is 4 Instances, with current "
        "utilization of 0 Instances and a request delta of 5 Instances."
    )
    assert "own" not in cloud.endpoints()
    cloud.create_endpoint("own", "m", instance_type=SMALL, instances=4)


def test_managed_scaling_of_a_single_model_endpoint_is_refused():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    with pytest.raises(Refused, match="ManagedInstanceScaling"):
        cloud.update_endpoint("own", "c2", minimum=1, maximum=2)


def test_a_managed_variants_instances_cannot_be_set():
    with pytest.raises(Refused, match="ManagedInstanceScaling"):
        a_cloud().set_instances(POOL, 2)


def test_minimum_zero_is_refused_where_the_region_refuses_it():
    cloud = a_cloud(copies={"m": 1})
    cloud.update_endpoint(POOL, "c2", minimum=0, maximum=3)
    elsewhere = a_cloud()
    object.__setattr__(elsewhere.spec, "min_zero_refused", True)
    with pytest.raises(Refused, match="needs to be greater than 0"):
        elsewhere.create_pool("other", BIG, minimum=0, maximum=3)


def test_a_model_does_not_run_where_it_has_no_capacity():
    cloud = a_cloud(a_model(accelerators=2))
    with pytest.raises(Refused, match="not enough hardware resources"):
        cloud.create_endpoint("own", "m", instance_type=SMALL)
    assert "own" not in cloud.endpoints()


@pytest.mark.parametrize("accelerators", [0, 1, 9])
def test_accelerators_are_whole_enough_for_the_model_and_fit_the_machine(accelerators: int):
    with pytest.raises(Refused):
        a_cloud(a_model(accelerators=2)).create_component("m", POOL, model="m", accelerators=accelerators)


def test_a_dedicated_endpoint_hosts_no_components():
    cloud = a_cloud()
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    with pytest.raises(Refused, match="does not host inference components"):
        cloud.create_component("m", "own", model="m")


def test_a_throttled_call_changes_nothing():
    cloud = a_cloud(copies={"m": 1})
    object.__setattr__(cloud.faults, "throttled", 1.0)
    with pytest.raises(Throttled, match="Rate exceeded"):
        cloud.set_copies("m", 2)
    assert shown(cloud).copies_wanted == 1


def test_throttling_comes_from_the_seed():
    def refused(seed: int) -> list[bool]:
        # Everything is settled at once here, so that only the fault can refuse.
        cloud = a_cloud(faults=Faults(seed=seed))
        object.__setattr__(cloud.faults, "throttled", 0.5)
        found = []
        for n in range(30):
            try:
                cloud.create_component(f"m{n}", POOL, model="m", settled=True)
                found.append(False)
            except HostingError:
                found.append(True)
        return found

    assert refused(1) == refused(1) != refused(2)
    assert 5 < sum(refused(1)) < 25


def test_a_start_state_tells_of_no_change():
    cloud = a_cloud(copies={"m": 1})
    cloud.create_endpoint("own", "m", instance_type=SMALL, settled=True)
    assert run(cloud, 60).events == []


def test_creating_an_endpoint_tells_its_states():
    cloud = a_cloud()
    cloud.create_pool("p2", BIG, maximum=2)
    with pytest.raises(Busy):
        cloud.create_component("m", "p2", model="m")
    run(cloud, 300)
    cloud.create_endpoint("own", "m", instance_type=SMALL)
    run(cloud, 300)
    cloud.delete_endpoint("own")
    assert [(e.endpoint, e.status) for e in cloud.events] == [
        ("p2", "Creating"),
        ("p2", "InService"),
        ("own", "Creating"),
        ("own", "InService"),
        ("own", "Deleting"),
        ("own", "Deleting"),
    ]
