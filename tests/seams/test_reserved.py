"""A training plan that fleet.yaml does not write: its machines are filled first, and left before they go."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seams.both import HEAD, on_the_fast_seam, on_the_true_seam
from seams.world import P4D, START_S, TAGS
from tidepool.decision.stored import read_record
from tidepool.fleet import Reservation
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, TypeSpec
from tidepool_lab.twin.traffic import TableArrivals

P5 = "ml.p5.48xlarge"
PLAN = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p5s"
MINUTES = 50
FLEET = (
    HEAD.replace("instances: {", "instances: {ml.p5.48xlarge: {accelerators: 8, usd_per_hour: 63.296, quota: 6},\n  ")
    + """\
pools:
  p4d: {endpoint: pool, types: [ml.p4d.24xlarge], give_back: {after: 0s}, tenants: [all]}
  p5: {endpoint: paid, types: [ml.p5.48xlarge], give_back: {after: 0s}, tenants: [all]}
models:
  "*":
    class: background
    tenant: all
    host: shared
    route: {via: table}
    retire: delete
    shapes:
      shared:
        ml.p4d.24xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}
        ml.p5.48xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}
"""
)


def a_cloud(*, at: str, ends_s: int | None) -> Callable[[], Cloud]:
    """Two pools, of which the dearer runs in a plan of one machine until then; None = in no plan."""

    def make() -> Cloud:
        capacity = {"A100": Capacity(1, 8, 4.0), "H100": Capacity(1, 8, 4.0)}
        models = (ModelSpec("a", capacity, weights_s=40, engine_s=20, kind=Kind.INTERACTIVE),)
        types = {P4D: TypeSpec(P4D, "A100", 8, 25.2513, 6), P5: TypeSpec(P5, "H100", 8, 63.296, 6)}
        table = np.full((60 + 120, 1), 60, dtype=np.int64)
        cloud = Cloud(CloudSpec(types, models), TableArrivals(("a",), table), seed=1, start_s=START_S)
        if ends_s is not None:
            cloud.training_plans[PLAN] = Reservation(1, ends_s)
        bound = PLAN if ends_s is not None else ""
        cloud.create_pool("pool", P4D, maximum=6, tags=TAGS, settled=True)
        cloud.create_pool("paid", P5, maximum=6, tags=TAGS, settled=True, reservation=bound)
        cloud.create_component("a", at, model="a", copies=1, tags={"model": "a", **TAGS}, settled=True)
        return cloud

    return make


def home(cloud: Cloud) -> set[str]:
    return {component.endpoint for component in cloud.components().values()}


def test_a_plan_that_nobody_wrote_is_filled_first_on_both_seams() -> None:
    until = START_S + MINUTES * 60
    far = a_cloud(at="pool", ends_s=START_S + 30 * 86_400)
    fast, records = on_the_fast_seam(far, until, fleet=FLEET)
    true, same = on_the_true_seam(far, until, fleet=FLEET)
    assert home(fast) == home(true) == {"paid"}
    assert records == same
    unbound, _ = on_the_fast_seam(a_cloud(at="pool", ends_s=None), until, fleet=FLEET)
    assert home(unbound) == {"pool"}, "by its list price a p5 costs two and a half times as much"


def test_a_plan_that_ends_is_left_on_both_seams_before_its_machines_go() -> None:
    ends_s = START_S + MINUTES * 60
    ending = a_cloud(at="paid", ends_s=ends_s)
    fast, records = on_the_fast_seam(ending, ends_s + 120, fleet=FLEET)
    true, same = on_the_true_seam(ending, ends_s + 120, fleet=FLEET)
    assert home(fast) == home(true) == {"pool"}
    assert fast.components() == true.components()
    assert records == same
    moves = [change for one in records for change in read_record(one).changes if "is left" in change.because]
    assert [change.because.split(":")[0] for change in moves] == ["its reservation ends at 2025-01-06 01"]


def test_the_twins_plan_takes_its_machines_when_it_ends_and_not_when_it_was_extended() -> None:
    cloud = a_cloud(at="paid", ends_s=START_S + 600)()
    cloud.run_to(START_S + 300)
    cloud.training_plans[PLAN] = Reservation(1, START_S + 1200)
    cloud.run_to(START_S + 900)
    assert cloud.components()["a"].copies_now == 1
    cloud.set_copies("a", 9)
    cloud.run_to(START_S + 1190)
    assert cloud.components()["a"].copies_now == 8, "one machine has room for eight"
    cloud.run_to(START_S + 1500)
    assert (cloud.endpoints()["paid"].instances_now, cloud.components()["a"].copies_now) == (0, 0)
