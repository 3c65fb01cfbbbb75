"""The same policies where the world is harder than declared (bench-rules.md §6, --stress), on small fleets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool.config.load import load
from tidepool.config.types import Hosting
from tidepool.errors import BadTrace
from tidepool_lab.bench import bench, run_bench
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.result import BenchResult, Kind, PolicyResult
from tidepool_lab.bench.run import run_dedicated, run_tidepool
from tidepool_lab.bench.stress import run_stressed, stressed
from tidepool_lab.bench.stress_table import plain_stress_table
from tidepool_lab.demo.compared import run
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.fleetyaml import fleet_yaml, pool_name
from tidepool_lab.inputs.prepare import prepare
from tidepool_lab.inputs.reference import START_TYPE, ReferenceFleet
from tidepool_lab.inputs.trace import Trace
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.tidepool import Tidepool
from tidepool_lab.twin.cloud import Cloud

MINUTES = 60
MakeFleet = Callable[..., ReferenceFleet]


def hour_of(fleet: ReferenceFleet, *per_minute: int) -> Case:
    """So many requests of each model in every minute; the first hour is scored."""
    counts = np.tile(np.array(per_minute, dtype=np.int64), (1440, 1))
    return a_case(fleet, counts, only_minutes=MINUTES)


@pytest.fixture
def hour(make_fleet: MakeFleet) -> Case:
    """A 14B model at 1,000 a minute: 158.3 in flight, 12 copies of 19 slots at 0.7; and a quiet batch model."""
    return hour_of(make_fleet("a", "b", batch=("b",)), 1000, 30)


def cloud_of(case: Case) -> Cloud:
    first, _ = case.simulated
    account = account_of(case.fleet, start_up=case.start_up)
    return Cloud(account, case.arrivals(), seed=case.seed, start_s=case.at_s(first), epoch_s=case.epoch_s)


# what is harder


def test_rule_6_stress_on_traffic_is_the_thinning_of_rule_2_3_before_the_cap(make_fleet):
    fleet = make_fleet("a", "b")
    trace = Trace(("a", "b"), np.random.default_rng(4).integers(0, 4000, (1440, 2)), "0" * 64)
    plainly, scaled = (prepare(trace, fleet, seed=7, scale=scale) for scale in (1.0, 1.5))
    case = hour_of(fleet, 0, 0)
    case = Case(**{**{name: getattr(case, name) for name in case.__slots__}, "prepared": plainly, "seed": 7})
    harder = stressed(case, Kind.TRAFFIC, 1.5)
    assert (harder.prepared.counts == scaled.counts).all() and (harder.prepared.dropped == scaled.dropped).all()
    assert plainly.dropped.any() and harder.requests_capped > case.requests_capped
    drawn, before = ((p.counts + p.dropped).sum() for p in (harder.prepared, plainly))
    assert drawn == pytest.approx(1.5 * before, rel=0.001)
    assert harder.fleet_yaml == case.fleet_yaml and account_of(harder.fleet) == account_of(case.fleet)


def test_rule_6_stress_on_concurrency_declares_1_5_times_what_the_twins_copies_have(hour: Case):
    harder = stressed(hour, Kind.CONCURRENCY, 1.5)
    declared, truly, account = load(harder.fleet_yaml), load(hour.fleet_yaml), cloud_of(harder).spec
    assert account == cloud_of(hour).spec
    seen = 0
    for model in account.models:
        for name in account.types:
            capacity = account.capacity(model.name, name)
            shape = declared.names[model.name].shape(Hosting.SHARED, name)
            assert capacity is not None and shape is not None
            assert shape.concurrency == 1.5 * capacity.concurrency_per_copy
            assert (shape.accelerators, shape.service_s) == (capacity.accelerators_per_copy, capacity.service_s)
            for hosting in (Hosting.SHARED, Hosting.DEDICATED):
                wrong, right = (config.names[model.name].shape(hosting, name) for config in (declared, truly))
                assert wrong is not None and right is not None and right.concurrency is not None
                assert wrong.concurrency == 1.5 * right.concurrency and wrong.start_s == right.start_s
                seen += 1
    assert seen == 2 * 2 * len(account.types)
    assert declared.instances == truly.instances and harder.prepared is hour.prepared


def test_rule_6_stress_on_start_up_is_true_1_5_times_the_declared(hour: Case):
    harder = stressed(hour, Kind.START_UP, 1.5)
    assert harder.fleet_yaml == hour.fleet_yaml and harder.declared == hour.fleet
    took = []
    for case in (hour, harder):
        cloud = cloud_of(case)
        cloud.create_pool(pool_name(START_TYPE), START_TYPE, minimum=0, maximum=4, settled=True)
        cloud.create_component("a", pool_name(START_TYPE), model="a", copies=1, tags={"model": "a"})
        began = cloud.now_s
        while cloud.component("a").copies_now == 0:
            cloud.run_to(cloud.now_s + 2)
        took.append(cloud.now_s - began)
    # 105 s of launch, 120 s of weights and 70 s of engine are 295 s; 1.5 times that are 442.5 s; steps of 2 s.
    assert took == [296, 444]


# who believes it


def test_rule_6_whoever_sizes_by_hand_reads_the_declared_concurrency(hour: Case):
    harder = stressed(hour, Kind.CONCURRENCY, 1.5)
    for policy in (
        Native(harder.declared, harder.first_minutes),
        Tidepool(harder.declared, harder.fleet_yaml, harder.first_minutes),
    ):
        cloud = cloud_of(harder)
        policy.start(cloud)
        # 158.3 in flight ÷ (0.7 × 28.5) = 7.9.
        assert cloud.component("a").copies_now == 8


def test_rule_6_a_rival_that_believes_too_much_pays_less_and_is_late(make_fleet):
    case = hour_of(make_fleet("a"), 1000)
    plainly = run_dedicated(case, "dedicated_peak")
    harder = run_stressed(case, Kind.CONCURRENCY, 1.5, plainly)
    # 12 copies are two machines of 8, 8 are one; and 8 × 19 slots are fewer than 158 in flight.
    assert harder.cost_usd == plainly.cost_usd / 2
    assert plainly.on_time == 1 and (harder.on_time or 0) < 0.95


def test_rule_6_native_tracks_seven_tenths_of_the_declared_concurrency(make_fleet):
    case = hour_of(make_fleet("a"), 760)
    copies = []
    for one in (case, stressed(case, Kind.CONCURRENCY, 1.5)):
        cloud, policy = cloud_of(one), Native(one.declared, one.first_minutes)
        policy.start(cloud)
        policy.run_to(cloud, cloud.now_s + MINUTES * 60)
        copies.append(cloud.component("a").copies_wanted)
    truly, believing = copies
    # 120.3 in flight want 120.3 ÷ 13.3 → 10 copies and a little for the maxima. With 0.7 × 28.5 = 19.95 as the target,
    # 8 copies of 15 in flight are at rest, which 13.3 would never let be.
    assert truly >= 10 and 7 <= believing <= 9


def test_rule_6_a_setting_that_was_swept_is_kept_under_stress(make_fleet):
    case = hour_of(make_fleet("a"), 60)
    told: list[str] = []
    best = PolicyResult(name="native_best", cost_usd=1.0, variant=3, dial=0.4)
    row = run_stressed(case, Kind.TRAFFIC, 1.5, best, progress=lambda policy, *_: told.append(policy))
    assert row.setting == "target 0.4 of a copy's slots, 60 s metric, CONSOLIDATION"
    assert set(told) == {"native_best 60 s, CONSOLIDATION, 0.4, traffic × 1.5"}
    told.clear()
    oracle = PolicyResult(name="oracle", cost_usd=1.0, dial=0.25)
    row = run_stressed(case, Kind.START_UP, 1.5, oracle, progress=lambda policy, *_: told.append(policy))
    assert row.name == "oracle" and set(told) == {"oracle, dial 0.25, start-up × 1.5"}


# the whole of it


@pytest.fixture(scope="module")
def result() -> tuple[Case, BenchResult]:
    """tidepool, native and the floor on one small model, plainly and under the three stresses."""
    from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model

    case = hour_of(reference_fleet((reference_model("a", SIZES["14B"]),), minutes=1440), 200)
    return case, bench(case, ("native", "tidepool", "floor"), stress=1.5)


def test_rule_6_stress_is_one_run_each_of_three_kinds_at_the_factor(result: tuple[Case, BenchResult]):
    case, found = result
    names = ["native", "tidepool", "floor"]
    assert [(one.kind, one.factor) for one in found.stress] == [(kind, 1.5) for kind in Kind]
    assert all([row.name for row in one.policies] == names for one in found.stress)
    plainly = found.row("floor")
    assert plainly is not None
    traffic, concurrency, start_up = (one.policies[2].cost_usd for one in found.stress)
    assert traffic == pytest.approx(1.5 * plainly.cost_usd, rel=0.02)
    # The floor is told the truth and starts nothing up.
    assert concurrency == start_up == plainly.cost_usd
    again = run_tidepool(stressed(case, Kind.CONCURRENCY, 1.5))
    row = found.stress[1].policies[1]
    assert (row.cost_usd, row.on_time, row.copy_changes) == (again.cost_usd, again.on_time, again.copy_changes)


def test_rule_6_the_json_gains_one_key_and_changes_no_other(result: tuple[Case, BenchResult]):
    _, found = result
    without = json.loads(found.model_copy(update={"stress": ()}).json_text())
    written = json.loads(found.json_text())
    assert "stress" not in without and list(written) == [*without, "stress"]
    assert {key: value for key, value in written.items() if key != "stress"} == without
    assert [(one["kind"], one["factor"]) for one in written["stress"]] == [
        ("traffic", 1.5),
        ("concurrency", 1.5),
        ("start_up", 1.5),
    ]
    assert all(list(one) == ["kind", "factor", "policies"] for one in written["stress"])
    assert all(list(row) == list(without["policies"][0]) for one in written["stress"] for row in one["policies"])


def test_rule_6_the_table_puts_each_policy_beside_itself_unstressed(result: tuple[Case, BenchResult]):
    _, found = result
    native = PolicyResult(name="native", cost_usd=200.0, on_time=0.995, on_time_interactive=0.995)
    harder = PolicyResult(name="native", cost_usd=250.0, on_time=0.98, on_time_interactive=0.996)
    stress = tuple(one.model_copy(update={"policies": (harder,)}) for one in found.stress)
    text = plain_stress_table(found.model_copy(update={"policies": (native,), "stress": stress}))
    line = next(line for line in text.splitlines() if line.startswith("native, declared concurrency × 1.5"))
    assert line.split("  ")[0] == "native, declared concurrency × 1.5"
    for cell in ("$250.00", "1.250", "98.00 % (-1.50)", "99.60 % (+0.10)", "-"):
        assert cell in line
    notes = [line for line in plain_stress_table(found).splitlines() if "of its cost" in line]
    assert [note.split(":")[0] for note in notes] == ["traffic × 1.5", "declared concurrency × 1.5", "start-up × 1.5"]


# what is refused


@pytest.mark.parametrize("factor", [1.0, 0.5, 2.1, float("nan"), float("inf")])
def test_a_factor_that_makes_nothing_harder_or_swells_beyond_rule_2_3_is_refused(factor: float):
    with pytest.raises(BadTrace) as refused:
        run_bench(None, None, from_day=0, days=1, policies=("floor",), stress=factor, scale=0.5)
    assert [problem.path for problem in refused.value.problems] == ["--stress", "--scale"]


def test_a_fleet_yaml_of_ones_own_is_not_stressed(tmp_path: Path, make_fleet):
    (tmp_path / "fleet.yaml").write_text(fleet_yaml(make_fleet("a")))
    (tmp_path / "trace.csv").write_text("minute,model,requests\n0,a,5\n")
    with pytest.raises(BadTrace, match="--stress"):
        run(
            tmp_path / "trace.csv",
            tmp_path / "fleet.yaml",
            from_day=0,
            days=1,
            seed=1,
            scale=1.0,
            policies=("tidepool",),
            types=(),
            stress=1.5,
            jobs=1,
            progress=lambda *_: None,
        )
