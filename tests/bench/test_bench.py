"""One run and the whole table: windows, start, figures, JSON (bench-rules.md §1, §3, §6)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool.errors import BadTrace
from tidepool_lab.bench import POLICIES, ask, bench, plain_table, run_bench
from tidepool_lab.bench.case import RULES_FILE, Case, load_case, rules_sha256
from tidepool_lab.bench.result import PolicyResult, result_of
from tidepool_lab.bench.run import run_native, run_tidepool, simulate
from tidepool_lab.bench.search import best_of_variants
from tidepool_lab.inputs.clock import EPOCH_S
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.synthetic import Shape, Traffic, draw_trace
from tidepool_lab.inputs.trace import Trace
from tidepool_lab.twin.cloud import Cloud

DAY = 1440


def small_case(
    make_fleet: Callable[..., ReferenceFleet],
    *,
    from_day: int = 1,
    days: int = 1,
    seed: int = 1,
    only_minutes: int | None = None,
) -> Case:
    """Three small models over three days, scored on the second."""
    fleet = make_fleet("steady", "bursty", "batch", batch=("batch",), critical=("steady",), minutes=3 * DAY)
    traffic = {
        "steady": Traffic(Shape.STEADY, 200.0),
        "bursty": Traffic(Shape.BURSTY, 60.0),
        "batch": Traffic(Shape.INTERMITTENT, 10.0),
    }
    case = a_case(fleet, draw_trace(traffic, 3 * DAY, seed=5), from_day=from_day, days=days, seed=seed)
    return replace(case, only_minutes=only_minutes)


def short_case(make_fleet: Callable[..., ReferenceFleet], *, seed: int = 1) -> Case:
    """The first two hours of it, without warm-up: 130 simulated minutes."""
    return small_case(make_fleet, from_day=0, seed=seed, only_minutes=120)


class Watching:
    """A policy that does nothing and remembers when it was run to."""

    def __init__(self) -> None:
        self.began = 0
        self.stops: list[int] = []

    def start(self, cloud: Cloud) -> None:
        self.began = cloud.now_s

    def run_to(self, cloud: Cloud, until_s: int) -> None:
        self.stops.append(until_s)
        cloud.run_to(until_s)


def test_rule_1_2_the_scored_window_counts_days_from_zero(make_fleet):
    case = small_case(make_fleet, from_day=1, days=2)
    assert case.scored == (DAY, 3 * DAY)
    assert len(case.window) == 2 * DAY


def test_rule_1_3_a_run_begins_360_minutes_before_and_ends_10_minutes_after(make_fleet):
    watching = Watching()
    case = small_case(make_fleet)
    simulate(case, watching, name="watching")
    assert watching.began == EPOCH_S + (DAY - 360) * 60
    assert watching.stops[-1] == EPOCH_S + (2 * DAY + 10) * 60


def test_rule_1_3_from_day_0_has_no_warm_up(make_fleet):
    assert small_case(make_fleet, from_day=0).simulated == (0, DAY + 10)


def test_rule_1_4_the_start_is_sized_by_the_first_ten_minutes_of_the_run(make_fleet):
    case = small_case(make_fleet)
    assert (case.first_minutes == case.prepared.counts[DAY - 360 : DAY - 350]).all()


def test_rule_6_figures_of_a_policy_that_serves_nothing(make_fleet):
    # No component exists, so nobody can be served: everything is late, and nothing is paid.
    row = simulate(small_case(make_fleet), Watching(), name="watching")
    assert row.cost_usd == 0 and row.on_time == 0 and row.on_time_mean_model == 0
    assert row.models_meeting_objective == 0 and row.copy_changes == 0


def test_rule_6_native_and_tidepool_give_a_whole_row(make_fleet):
    case = short_case(make_fleet)
    native, tidepool = run_native(case), run_tidepool(case)
    for row in (native, tidepool):
        assert row.cost_usd > 0 and 0.5 < (row.on_time or 0) <= 1
        assert row.copy_changes is not None and row.instance_changes is not None
    assert native.decide_ms_p50 is None and native.own_cost_usd is None
    assert tidepool.decide_ms_p50 is not None and tidepool.decide_ms_max is not None
    assert 0 < tidepool.decide_ms_p50 <= tidepool.decide_ms_max
    assert tidepool.own_cost_usd is not None and tidepool.own_cost_usd > 0


def test_the_same_case_gives_the_same_row_and_another_seed_another_one(make_fleet):
    first = run_native(short_case(make_fleet))
    assert run_native(short_case(make_fleet)) == first
    assert run_native(short_case(make_fleet, seed=2)) != first


def test_two_processes_give_the_rows_that_one_gives_and_tell_their_progress(make_fleet):
    case = short_case(make_fleet)
    told: list[tuple[str, int, int]] = []
    policies = ("dedicated_cheapest", "native", "floor")
    alone = bench(case, policies)
    together = bench(case, policies, jobs=2, progress=lambda *one: told.append(one))
    assert together == alone
    assert [row.name for row in alone.policies] == list(policies)
    total = 130 * 60
    assert ("native", total, total) in told
    steps = [done for name, done, _ in told if name == "native"]
    assert steps == sorted(steps) and len(steps) >= 3


def test_no_policy_passes_the_floor(make_fleet):
    result = bench(short_case(make_fleet), ("native", "floor", "dedicated_cheapest"))
    floor = result.row("floor")
    assert floor is not None
    assert all(row.cost_usd >= floor.cost_usd for row in result.policies)


def test_rule_5_native_best_is_the_cheapest_that_is_no_worse_on_time_than_native():
    rows = tuple(
        PolicyResult(name="native_best", cost_usd=cost, on_time=on_time)
        for cost, on_time in ((90.0, 0.98), (100.0, 0.9896), (110.0, 0.999))
    )
    assert best_of_variants(rows, 0.99).cost_usd == 100.0
    assert best_of_variants(rows, 0.9999).cost_usd == 110.0


def test_the_json_has_exactly_the_agreed_keys(make_fleet):
    case = small_case(make_fleet)
    rows = (PolicyResult(name="floor", cost_usd=1.5, on_time=1.0, setting="not written"),)
    written = json.loads(result_of(case, rows).json_text())
    assert list(written) == [
        "schema",
        "rules",
        "trace",
        "fleet",
        "sha256",
        "from_day",
        "days",
        "seed",
        "requests_capped",
        "policies",
    ]
    assert (written["schema"], written["rules"]) == (1, 1)
    assert list(written["sha256"]) == ["trace", "fleet", "rules"]
    (row,) = written["policies"]
    assert list(row) == [
        "name",
        "cost_usd",
        "own_cost_usd",
        "on_time",
        "on_time_interactive",
        "on_time_batch",
        "on_time_mean_model",
        "models_meeting_objective",
        "no_capacity_share",
        "copy_changes",
        "instance_changes",
        "moves",
        "decide_ms_p50",
        "decide_ms_max",
    ]
    assert row["decide_ms_p50"] is None


def test_rule_7_the_json_names_what_the_table_depends_on(tmp_path: Path):
    case = load_case(None, None, from_day=2, days=1)
    assert case.hashes.rules == rules_sha256() and len(case.hashes.trace) == len(case.hashes.fleet) == 64
    assert "Rules of the benchmark (version 1)" in RULES_FILE.read_text()


def test_rule_5_the_oracle_never_stands_without_the_floor_nor_the_peak_without_the_cheapest():
    assert ask(("oracle",)) == ("oracle", "floor")
    assert ask(("dedicated_peak", "native")) == ("dedicated_peak", "dedicated_cheapest", "native")
    assert ask(POLICIES) == POLICIES


def test_unknown_policies_are_refused_all_at_once():
    with pytest.raises(BadTrace) as refused:
        run_bench(None, None, from_day=0, days=1, policies=("native", "magic", "luck"))
    assert [problem.value for problem in refused.value.problems] == ["magic", "luck"]


@pytest.mark.parametrize(("from_day", "days"), [(7, 1), (-1, 1), (5, 3), (0, 0)])
def test_a_window_outside_the_trace_is_refused(from_day: int, days: int):
    with pytest.raises(BadTrace, match="day"):
        load_case(None, None, from_day=from_day, days=days)


def test_a_trace_without_its_fleet_is_refused():
    with pytest.raises(BadTrace, match="--fleet"):
        load_case(Path("t.csv.gz"), None, from_day=0, days=1)


def test_the_table_prints_dashes_where_a_policy_has_no_figure(make_fleet):
    case = small_case(make_fleet)
    rows = (
        PolicyResult(name="native", cost_usd=12345.6, on_time=0.98823, copy_changes=4039, moves=0),
        PolicyResult(name="tidepool", cost_usd=6172.8, own_cost_usd=20.5, decide_ms_p50=6.84, decide_ms_max=33.3),
        PolicyResult(name="floor", cost_usd=1234.56, on_time=1.0, setting="a note"),
    )
    text = plain_table(result_of(case, rows))
    lines = text.splitlines()
    assert lines[0] == "small, day 1: on the twin, not on AWS"
    native, tidepool = (next(line for line in lines if line.startswith(name)) for name in ("native", "tidepool"))
    assert native.split("  ")[0] == "native" and "98.82 %" in native and "4,039" in native and "10.000" in native
    assert "$6,172.80" in tidepool and "0.500" in tidepool and "6.8 / 33" in tidepool
    assert "floor: a note" in lines and "tidepool's own AWS bill, not in its cost: $20.50" in lines


def test_rule_2_2_what_the_cap_dropped_inside_the_window_is_reported(make_fleet):
    fleet = make_fleet("a", minutes=2 * DAY)
    counts = np.full((2 * DAY, 1), 2880, dtype=np.int64)
    counts[DAY + 5] = 3000
    counts[5] = 9999
    case = a_case(fleet, Trace(("a",), counts, "0" * 64), from_day=1, days=1)
    assert case.requests_capped == 120
