"""Every request is accounted for, at every step, whatever a policy does (bench-rules section 7)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.twin_world import BIG, POOL, SMALL, START, a_cloud, a_model, run
from tidepool.errors import HostingError
from tidepool.fleet import Route, Target
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.faults import Faults, Outage
from tidepool_lab.twin.spec import BoundsUpdate, Kind

MODELS = (
    a_model("i", service_s=8, concurrency=4),
    a_model("b", kind=Kind.BATCH, concurrency=4, accelerators=2),
    a_model("c", critical=True, service_s=3),
)


def act(cloud: Cloud, rng: np.random.Generator) -> None:
    """Something a clumsy operator might do."""
    name = ("i", "b", "c")[rng.integers(3)]
    match rng.integers(8):
        case 0 | 1 | 2:
            cloud.set_copies(name, int(rng.integers(0, 12)))
        case 3:
            cloud.create_endpoint(f"own-{name}", name, instance_type=BIG if name == "b" else SMALL)
        case 4:
            cloud.set_instances(f"own-{name}", int(rng.integers(1, 4)))
        case 5:
            cloud.delete_endpoint(f"own-{name}")
        case 6:
            share = int(rng.choice([0, 10, 50, 100]))
            targets = (Target(POOL, name, 100 - share), Target(f"own-{name}", "", share))
            cloud.set_route(Route(name, 1, targets, int(cloud.now_s)))
        case _:
            cloud.update_endpoint(POOL, f"c{cloud.now_s}", minimum=int(rng.integers(3)), maximum=20)


def mishandled(seed: int, *, minutes: int, each_s: int, **spec: object) -> Cloud:
    """A cloud that was acted on at random, conservation checked after each stop."""
    rng = np.random.default_rng(seed)
    traffic = rng.poisson(rng.uniform(0, 80, 3), (minutes, 3))
    faults = Faults(seed=seed, outages=(Outage(BIG, START + 300, START + 600),), throttled=0.05, update_reverts=0.3)
    scale_in = ("IDLE_RELEASE", "CONSOLIDATION")[seed % 2]
    cloud = a_cloud(*MODELS, traffic=traffic, copies={"i": 3, "b": 2, "c": 2}, seed=seed, quota=5, **spec)
    cloud.life.endpoints[POOL].scale_in = scale_in
    cloud.life.consider_consolidation(cloud.life.endpoints[POOL])
    cloud.machines.faults = faults
    while cloud.now_s < START + 60 * minutes:
        run(cloud, each_s).check_conservation()
        if rng.random() < 0.2:
            try:
                act(cloud, rng)
            except HostingError:
                continue
    return cloud


def test_rule_7_arrived_is_served_timed_out_lost_or_waiting_at_every_step():
    for seed in range(3):
        mishandled(seed, minutes=15, each_s=2)


@given(st.integers(10, 10_000), st.sampled_from(list(BoundsUpdate)))
@settings(max_examples=15, deadline=None)
def test_rule_7_whatever_is_done_no_machine_and_no_accelerator_is_lost(seed: int, bounds: BoundsUpdate):
    cloud = mishandled(seed, minutes=40, each_s=30, bounds_update=bounds)
    instances = [i for e in cloud.life.endpoints.values() for i in e.instances]
    for instance in instances:
        used = sum(copy.component.accelerators for copy in instance.copies)
        assert 0 <= instance.room == instance.type.accelerators - used
        assert all(copy.instance is instance for copy in instance.copies)
    for component in cloud.life.components.values():
        assert int(cloud.requests.ready[component.target]) == component.ready
        assert all(copy in copy.instance.copies for copy in component.copies)
    for name, held in cloud.machines.held.items():
        assert held <= cloud.spec.types[name].quota
        assert held >= sum(i.type.name == name for i in instances)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_rule_7_every_request_ends_once_the_traffic_does(seed: int):
    cloud = mishandled(seed, minutes=20, each_s=60)
    run(cloud, 1200).check_conservation()
    assert cloud.requests.still_waiting().sum() == 0
    figures = cloud.figures(START, START + 1200)
    for model in figures.models:
        assert model.arrived == model.started + model.timed_out + model.lost
        assert 0 <= model.on_time <= model.started


def test_rule_7_a_lost_request_would_be_found():
    cloud = run(a_cloud(traffic=[[60]], copies={"m": 9}), 30)
    cloud.requests.busy[0] -= 1
    with pytest.raises(AssertionError, match="m: 1"):
        cloud.check_conservation()


def test_rule_7_a_request_served_without_a_slot_would_be_found():
    cloud = run(a_cloud(traffic=[[60]], copies={"m": 0}), 30)
    cloud.requests.outcomes.lost[0] -= 1
    cloud.requests.finished[0] += 1
    with pytest.raises(AssertionError, match="without a slot"):
        cloud.check_conservation()
