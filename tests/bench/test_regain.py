"""A scarce instance type that was given back takes its time to come again (docs/decisions/0010-regain.md)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool.config.load import load
from tidepool.errors import BadTrace, QuotaExceeded
from tidepool.fleet import Status
from tidepool_lab.bench import bench
from tidepool_lab.bench.case import Case, Options, load_case
from tidepool_lab.bench.result import Kind, result_of
from tidepool_lab.bench.run import no_progress, run_native
from tidepool_lab.bench.stress import stressed
from tidepool_lab.bench.table import notes_of
from tidepool_lab.demo.compared import run
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.arrivals import TraceArrivals
from tidepool_lab.inputs.clock import EPOCH_S
from tidepool_lab.inputs.fleetyaml import fleet_yaml, pool_name
from tidepool_lab.inputs.reference import START_TYPE, ReferenceFleet
from tidepool_lab.inputs.regain import regain_s, regain_text
from tidepool_lab.inputs.trace import Counts
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import BoundsUpdate

MakeFleet = Callable[..., ReferenceFleet]
CHEAP = "ml.g6e.12xlarge"
HALF_HOUR = 1800.0
START_UP_S = 105 + 120 + 70
"""A 14B copy on a new machine: launch, weights, engine."""


def silent(
    fleet: ReferenceFleet, *, instance_type: str = START_TYPE, copies: int = 16, rebuilds: bool = False
) -> Cloud:
    """An account without traffic; the first model has so many copies of one accelerator on a pool of the type."""
    arrivals = TraceArrivals(fleet.names, np.zeros((600, len(fleet.names)), dtype=np.int64), seed=1, cache=None)
    bounds_update = BoundsUpdate.REBUILD if rebuilds else BoundsUpdate.IN_PLACE
    account = replace(account_of(fleet), bounds_update=bounds_update)
    cloud = Cloud(account, arrivals, seed=1, start_s=EPOCH_S)
    cloud.create_pool(pool_name(instance_type), instance_type, minimum=0, maximum=30, settled=True)
    cloud.create_component("a", pool_name(instance_type), model="a", copies=copies, settled=True)
    return cloud


def later(cloud: Cloud, seconds: float) -> Cloud:
    cloud.run_to(cloud.now_s + int(seconds))
    return cloud


def case_of(fleet: ReferenceFleet, counts: Counts) -> Case:
    """Three hours of that traffic."""
    return a_case(fleet, counts, only_minutes=180)


def given_back(cloud: Cloud, *, copies: int = 8) -> Cloud:
    """The copies above `copies` have left, and the machines that they were on are released."""
    cloud.set_copies("a", copies)
    return later(cloud, 700)


def waited(cloud: Cloud, copies: int, *, at_most_s: int = 50_000) -> int:
    """Seconds until so many copies serve, with the ask repeated whenever the component takes one."""
    began = cloud.now_s
    while cloud.component("a").copies_now < copies and cloud.now_s < began + at_most_s:
        component = cloud.component("a")
        if component.status is Status.IN_SERVICE and component.copies_wanted != copies:
            cloud.set_copies("a", copies)
        later(cloud, 2)
    return cloud.now_s - began


# what waits


def test_what_was_given_back_is_launched_regain_after_it_was_asked_for(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=900.0)))
    assert cloud.machines.held[START_TYPE] == 1
    assert waited(cloud, 16) == 900 + START_UP_S + 1  # steps of 2 s


def test_two_minutes_are_the_launch_itself_and_change_nothing(make_fleet: MakeFleet):
    fleet = make_fleet("a")
    assert account_of(fleet.timed(regain_s=120.0)) == account_of(fleet)
    assert waited(given_back(silent(fleet)), 16) == START_UP_S + 1


def test_before_anything_was_given_back_every_launch_is_at_once(make_fleet: MakeFleet):
    assert waited(silent(make_fleet("a").timed(regain_s=math.inf)), 40) == START_UP_S + 1


def test_once_one_was_given_back_growth_beyond_what_was_ever_held_waits_too(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=900.0)))
    assert waited(cloud, 40) == 900 + START_UP_S + 1
    assert waited(cloud, 48) == 900 + START_UP_S + 1


def test_a_type_that_is_not_scarce_never_waits(make_fleet: MakeFleet):
    cloud = silent(make_fleet("a").timed(regain_s=math.inf), instance_type=CHEAP)
    cloud = given_back(cloud, copies=4)
    assert waited(cloud, 16) == START_UP_S + 1


def test_one_scarce_type_that_was_given_back_says_nothing_of_another(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a", "b").timed(regain_s=math.inf)))
    cloud.create_pool("other", "ml.p5.48xlarge", minimum=0, maximum=4, settled=True)
    cloud.create_component("b", "other", model="b", copies=1)
    assert later(cloud, START_UP_S + 1).component("b").copies_now == 1


def test_copies_that_wait_longer_than_the_rules_allow_fall_back_and_the_machine_still_comes(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=7200.0)))
    cloud.set_copies("a", 16)
    assert later(cloud, 1798).component("a").status is Status.UPDATING
    assert later(cloud, 4).component("a").copies_wanted == 8
    # Whoever asks again waits for the first ask's machine, not for one of its own.
    assert waited(cloud, 16) == pytest.approx(7200 - 1802 + START_UP_S, abs=2)
    assert cloud.machines.held[START_TYPE] == 2


def test_half_an_hour_is_had_before_the_copies_fall_back(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=HALF_HOUR)))
    cloud.set_copies("a", 16)
    assert later(cloud, HALF_HOUR + START_UP_S + 1).component("a").copies_now == 16


def test_as_many_machines_are_asked_for_as_the_copies_fill(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=900.0)))
    cloud.set_copies("a", 8 + 17)
    assert sum(cloud.machines.ordered.values()) == 3
    later(cloud, 600)  # ten looks for room ask for nothing more
    assert sum(cloud.machines.ordered.values()) == 3
    assert later(cloud, 302).machines.held[START_TYPE] == 4


def test_a_machine_that_nobody_needs_when_it_comes_is_paid_until_it_is_idle_long_enough(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=7200.0)))
    cloud.set_copies("a", 16)
    began = cloud.now_s
    assert later(cloud, 7200).machines.held[START_TYPE] == 2
    assert later(cloud, 105 + 600 + 2).machines.held[START_TYPE] == 1
    usd_per_s = cloud.spec.types[START_TYPE].usd_per_hour / 3600
    extra = cloud.machines.cost(began, cloud.now_s) - usd_per_s * (cloud.now_s - began)
    assert extra == pytest.approx(600 * usd_per_s, rel=0.01)


def test_a_dedicated_endpoint_waits_like_a_pool(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=900.0)))
    cloud.create_endpoint("own", "a", instance_type=START_TYPE, instances=2)
    assert later(cloud, 900 + START_UP_S - 2).endpoint("own").status is Status.CREATING
    assert later(cloud, 4).endpoint("own").status is Status.IN_SERVICE


def test_regain_never_leaves_the_account_with_what_it_holds(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=math.inf)))
    assert waited(cloud, 16, at_most_s=20_000) == 20_000
    assert cloud.machines.held[START_TYPE] == cloud.machines.quota(START_TYPE) == 1
    with pytest.raises(QuotaExceeded, match="is 1 Instances, with current utilization of 1 Instances"):
        cloud.create_endpoint("own", "a", instance_type=START_TYPE, instances=1)


def test_no_order_goes_beyond_quota_or_the_pools_bound(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=900.0)))
    cloud.set_copies("a", 400)
    assert sum(cloud.machines.ordered.values()) == 29


def test_a_pools_minimum_is_asked_for_like_copies(make_fleet: MakeFleet):
    cloud = given_back(silent(make_fleet("a").timed(regain_s=900.0)))
    cloud.update_endpoint(pool_name(START_TYPE), "higher", minimum=3, maximum=30)
    later(cloud, 60)  # the update itself
    assert sum(cloud.machines.ordered.values()) == 2
    assert later(cloud, 900 + 105 + 601).machines.held[START_TYPE] == 3


def test_a_rebuild_gives_nothing_back_and_fails_where_machines_have_to_be_waited_for(make_fleet: MakeFleet):
    cloud = silent(make_fleet("a").timed(regain_s=math.inf), rebuilds=True)
    cloud.update_endpoint(pool_name(START_TYPE), "new", minimum=0, maximum=29)
    assert later(cloud, START_UP_S + 1).endpoint(pool_name(START_TYPE)).config_name == "new"
    assert not cloud.machines.waits(START_TYPE) and cloud.machines.held[START_TYPE] == 2
    given_back(cloud)
    cloud.update_endpoint(pool_name(START_TYPE), "newer", minimum=0, maximum=28)
    assert later(cloud, START_UP_S + 1).endpoint(pool_name(START_TYPE)).config_name == "new"


def test_a_later_regain_never_serves_more_on_time(make_fleet: MakeFleet):
    fleet = make_fleet("a", minutes=1440)
    counts = np.full((1440, 1), 2000, dtype=np.int64)
    counts[10:60] = 100
    rows = []
    for seconds in (120.0, HALF_HOUR, math.inf):
        rows.append(run_native(case_of(fleet.timed(regain_s=seconds), counts)))
    shares = [row.on_time or 0.0 for row in rows]
    assert shares[0] > shares[1] > shares[2]
    assert rows[0].cost_usd > rows[2].cost_usd, "what never comes is not paid"


# what is told


@pytest.mark.parametrize(("text", "seconds"), [("2m", 120.0), ("90m", 5400.0), ("12h", 43_200.0), ("never", math.inf)])
def test_a_regain_time_is_read_and_written_alike(text: str, seconds: float):
    assert regain_s(text) == seconds and regain_text(seconds) == text
    assert regain_s(regain_text(150.5)) == 150.5


def test_fleet_yaml_tells_the_regain_time_of_scarce_types_and_only_when_it_is_not_the_launch(make_fleet: MakeFleet):
    fleet = make_fleet("a")
    assert "regain" not in fleet_yaml(fleet) and fleet_yaml(fleet.timed(regain_s=120.0)) == fleet_yaml(fleet)
    for text in ("30m", "never"):
        told = fleet_yaml(fleet.timed(regain_s=regain_s(text)))
        lines = [line for line in told.splitlines() if "regain" in line]
        assert [line.split(":")[0].strip() for line in lines] == [
            START_TYPE,
            "ml.p5.48xlarge",
            "ml.p5en.48xlarge",
        ]
        assert all(line.endswith(f", launch: 105s, regain: {text}}}") for line in lines)
        assert told.replace(f", regain: {text}", "") == fleet_yaml(fleet)


def test_an_image_pull_is_true_and_declared_and_a_dedicated_endpoint_has_none(make_fleet: MakeFleet):
    fleet = make_fleet("a").timed(image_pull_s=333)
    assert account_of(fleet).times.image_pull_s == 333
    config = load(fleet_yaml(fleet)).names["a"]
    starts = {(shape.hosting.value, shape.start_s) for shape in config.shapes}
    assert starts == {("shared", 333 + 190), ("dedicated", 190)}
    cloud = silent(fleet)
    cloud.set_copies("a", 17)
    assert waited(cloud, 17) == 333 + START_UP_S
    cloud.create_endpoint("own", "a", instance_type=START_TYPE, instances=1)
    assert later(cloud, START_UP_S + 1).endpoint("own").status is Status.IN_SERVICE


# options


def test_every_wrong_time_is_named_at_once():
    with pytest.raises(BadTrace) as refused:
        load_case(None, None, from_day=2, days=1, regain="1m", image_pull_s=-1)
    assert [(p.path, p.value) for p in refused.value.problems] == [("--regain", "1m"), ("--image-pull", -1)]
    with pytest.raises(BadTrace, match="--regain"):
        load_case(None, None, from_day=2, days=1, regain="soon")


def test_the_json_tells_which_options_were_on_and_has_no_key_for_those_that_were_not():
    plainly = load_case(None, None, from_day=2, days=1, regain="2m")
    without = result_of(plainly, ()).model_dump(exclude_defaults=True)
    assert "regain" not in result_of(plainly, ()).json_text() and "image_pull_s" not in without
    case = load_case(None, None, from_day=2, days=1, types=(START_TYPE,), scale=0.5, regain="30m", image_pull_s=333)
    result = result_of(case, ())
    written = result.model_dump(mode="json", exclude_defaults=True)
    assert {key: written[key] for key in ("types", "scale", "regain", "image_pull_s")} == {
        "types": [START_TYPE],
        "scale": 0.5,
        "regain": "30m",
        "image_pull_s": 333,
    }
    assert '"regain": "30m"' in result.json_text() and '"image_pull_s": 333' in result.json_text()
    assert "with types ml.p4d.24xlarge; traffic × 0.5; regain 30m; image pull 333 s" in notes_of(result)
    # The hashes are the files': options stand beside them.
    assert case.hashes == plainly.hashes and case.options != plainly.options


@pytest.mark.parametrize("kind", list(Kind))
def test_stress_keeps_every_option(kind: Kind):
    case = load_case(None, None, from_day=2, days=1, types=(START_TYPE,), regain="never", image_pull_s=333)
    harder = stressed(replace(case, only_minutes=60), kind, 1.5)
    assert harder.options == case.options == Options((START_TYPE,), regain="never", image_pull_s=333)
    account = account_of(harder.fleet, start_up=harder.start_up)
    assert list(account.types) == [START_TYPE] and account.times.regain_s == math.inf
    assert account.times.image_pull_s == 333 * (1.5 if kind is Kind.START_UP else 1)
    assert "regain: never" in harder.fleet_yaml and "start: 523s" in harder.fleet_yaml


@pytest.mark.parametrize("option", [{"regain": "30m"}, {"image_pull_s": 333}], ids=str)
def test_a_fleet_yaml_of_ones_own_says_its_own_times(tmp_path: Path, make_fleet: MakeFleet, option: dict[str, Any]):
    (tmp_path / "fleet.yaml").write_text(fleet_yaml(make_fleet("a")))
    (tmp_path / "trace.csv").write_text("minute,model,requests\n0,a,5\n")
    trace, fleet = tmp_path / "trace.csv", tmp_path / "fleet.yaml"
    window: dict[str, Any] = {"from_day": 0, "days": 1, "seed": 1, "scale": 1.0}
    with pytest.raises(BadTrace, match="with a reference fleet only"):
        run(trace, fleet, **window, policies=("floor",), types=(), jobs=1, progress=no_progress, **option)


def test_the_whole_bench_runs_with_every_option_at_once():
    case = load_case(None, None, from_day=0, days=1, types=(START_TYPE,), regain="never", image_pull_s=333)
    result = bench(replace(case, only_minutes=30, cache=None), ("native", "floor"), stress=1.5)
    assert result.regain == "never" and len(result.stress) == 3
    assert all(row.cost_usd > 0 for one in result.stress for row in one.policies)
