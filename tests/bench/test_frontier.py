"""--frontier: every policy at every setting, kept on disk, and everybody at equal on-time (bench-rules.md §6)."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool.errors import BadInput, BadTrace
from tidepool_lab.bench import bench, run_bench
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.equal import FEWEST_POINTS
from tidepool_lab.bench.frontier import KNOWN, frontier, that_can_run
from tidepool_lab.bench.frontier_chart import frontier_chart
from tidepool_lab.bench.frontier_table import (
    OUTSIDE,
    cheapest_at,
    equal_rows_of,
    fewest_misses_at,
    frontier_notes_of,
    frontier_rows_of,
    lower_frontier,
    plain_frontier,
)
from tidepool_lab.bench.result import BenchResult, FrontierPoint, result_of
from tidepool_lab.bench.run import run_native, run_tidepool
from tidepool_lab.bench.settings import OTHERS, SWEPT, TIDEPOOL_DIALS, Setting, run_setting, settings_of
from tidepool_lab.bench.stored import FOLDER, LAB, RULES, case_sha256, code_sha256, store_of
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model
from tidepool_lab.rivals.registry import RIVALS

MakeFleet = Callable[..., ReferenceFleet]
NATIVE = settings_of("native")


def wave(*, minutes: int = 90, seed: int = 1) -> Case:
    """One model whose traffic rises and falls within 80 minutes: too careless a setting is late."""
    fleet = reference_fleet((reference_model("a", SIZES["32B"]),), minutes=1440)
    counts = np.round(600 + 300 * np.sin(2 * np.pi * np.arange(1440) / 80)).astype(np.int64)[:, None]
    return replace(a_case(fleet, counts, only_minutes=minutes), seed=seed)


@pytest.fixture(scope="module")
def swept() -> BenchResult:
    """native and tidepool on the wave, nothing kept."""
    return frontier(wave(), ("native", "tidepool", "floor"), folder=None)


# what is swept


@pytest.mark.parametrize("policy", SWEPT)
def test_rule_6_every_curve_has_at_least_six_settings_and_no_setting_twice(policy: str):
    settings = settings_of(policy)
    assert len(set(settings)) == len(settings)
    for curve in {one.curve for one in settings}:
        assert len({one.dial for one in settings if one.curve == curve}) >= FEWEST_POINTS


def test_rule_6_every_rival_is_swept_in_both_homes_and_who_places_by_hand_in_his_own():
    assert len(OTHERS) >= 1 and set(OTHERS) <= set(RIVALS)
    for name in OTHERS:
        homes = {one.by_hand for one in settings_of(name)}
        assert homes == ({False, True} if RIVALS[name].both_homes else {True})
    assert {one.by_hand for one in NATIVE} == {False} and {s.by_hand for s in settings_of("native_best")} == {True}


def test_rule_6_the_default_dial_is_on_the_grid_of_tidepool_and_of_native():
    assert 1.0 in TIDEPOOL_DIALS
    assert [one.dial for one in NATIVE if one.default] == [0.7]
    assert [one.words for one in settings_of("tidepool") if one.default] == ["dial 1"]


@pytest.mark.parametrize("name", OTHERS)
def test_a_rival_runs_at_its_most_careful_setting_in_either_home(name: str):
    case = wave(minutes=20)
    for by_hand in {one.by_hand for one in settings_of(name)}:
        try:
            row = run_setting(case, Setting(name, RIVALS[name].dials[0], by_hand))
        except BadInput as missing:
            pytest.skip(str(missing.problems[0].hint))
        assert row.name == name and row.cost_usd > 0 and (row.on_time or 0) > 0.3


# what is found


def test_the_rows_of_the_plain_table_are_those_of_the_plain_bench(swept: BenchResult):
    native, tidepool = run_native(wave()), run_tidepool(wave())
    plainly = {"decide_ms_p50", "decide_ms_max", "dial", "setting", "variant"}
    assert [row.name for row in swept.policies] == ["native", "tidepool", "floor"]
    for row, alone in zip(swept.policies, (native, tidepool), strict=False):
        assert row.model_dump(exclude=plainly) == alone.model_dump(exclude=plainly)


def test_native_best_and_the_oracle_have_the_best_row_of_their_whole_grids():
    case, policies = wave(minutes=30), ("native_best", "oracle")
    found, plainly = frontier(case, policies, folder=None), bench(case, ("native_best", "oracle", "floor"))
    assert [row.name for row in found.policies] == ["native_best", "oracle", "floor"]
    for name in policies:
        row, other = found.row(name), plainly.row(name)
        assert row is not None and other is not None
        assert row.cost_usd <= other.cost_usd and row.setting.startswith(("target", "dial"))
    # Native was run for its on-time, and has no line of its own.
    assert {point.policy for point in found.frontier} == set(policies)
    assert len(found.frontier) == sum(len(settings_of(name)) for name in policies)


def test_an_oracle_that_is_nowhere_on_time_has_the_row_that_is_most_so_as_in_the_plain_bench(tmp_path: Path):
    """Of kept rows the third dial's is the most on time, at 99 %: neither the most careful one nor the cheapest."""
    case, dials = wave(minutes=30), settings_of("oracle")
    row, store = run_native(case).model_copy(update={"name": "oracle"}), store_of(case, tmp_path)
    for number, setting in enumerate(dials):
        interactive = 0.99 - 0.01 * abs(number - 2)
        store.write(setting, row.model_copy(update={"on_time_interactive": interactive, "dial": setting.dial}))
    found = frontier(case, ("oracle",), folder=tmp_path).row("oracle")
    assert found is not None and found.dial == dials[2].dial


def test_the_json_has_every_setting_beside_the_document_that_was_there(swept: BenchResult):
    written = json.loads(swept.json_text())
    without = json.loads(swept.model_copy(update={"frontier": ()}).json_text())
    assert list(written) == [*without, "frontier"] and "frontier" not in without
    assert len(written["frontier"]) == len(NATIVE) + len(TIDEPOOL_DIALS)
    agreed = ["policy", "setting", "homes", "dial", "cost_usd", "on_time", "on_time_mean_model"]
    assert all(list(point) == agreed for point in written["frontier"])
    assert {point["homes"] for point in written["frontier"]} == {"start"}
    cost = {point["dial"]: point["cost_usd"] for point in written["frontier"] if point["policy"] == "native"}
    assert cost[0.3] > cost[0.9]


def test_stress_is_run_at_the_settings_that_the_sweep_found():
    case = wave(minutes=30)
    found = frontier(case, ("native", "floor"), folder=None, stress=1.5)
    assert found.stress == bench(case, ("native", "floor"), stress=1.5).stress
    assert len(found.frontier) == len(NATIVE)


# what is kept


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path: Path):
    case, ended = wave(minutes=30), []

    def stop_in_the_fourth(_policy: str, done_s: int, of_s: int) -> None:
        if done_s > 3 * of_s / len(NATIVE):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frontier(case, ("native",), folder=tmp_path, progress=stop_in_the_fourth)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 3 and all(path.suffix == ".json" for path in kept)
    for path in kept:  # what is read again is what stands there, and not a new run
        path.write_text(path.read_text().replace('"copy_changes": ', '"copy_changes": 9999'))
    result = frontier(case, ("native",), folder=tmp_path, progress=lambda *one: ended.append(one))
    assert len(list(tmp_path.iterdir())) == len(NATIVE)
    store = store_of(case, tmp_path)
    read = [store.read(setting) for setting in NATIVE]
    assert [str(row and row.copy_changes).startswith("9999") for row in read] == [True] * 3 + [False] * 4
    assert ended[-1][1] == ended[-1][2] and [point.dial for point in result.frontier] == [one.dial for one in NATIVE]


def test_a_kept_row_comes_back_with_its_setting(tmp_path: Path):
    case, setting = wave(minutes=20), settings_of("native_best")[8]
    row, store = run_setting(case, setting), store_of(case, tmp_path)
    assert store.read(setting) is None
    store.write(setting, row)
    assert store.read(setting) == row
    assert (row.dial, row.variant) == (setting.dial, 1) and row.setting == setting.words
    assert store.read(replace(setting, variant=2)) is None


def test_a_row_that_cannot_be_read_is_measured_anew(tmp_path: Path):
    case = wave(minutes=20)
    first = frontier(case, ("native",), folder=tmp_path)
    for path in tmp_path.iterdir():
        path.write_text(path.read_text()[:100])
    assert frontier(case, ("native",), folder=tmp_path) == first


def test_a_row_is_found_for_the_very_same_case_alone(tmp_path: Path):
    case = wave()
    counts = case.prepared.counts.copy()
    counts[5] += 1
    others = (
        replace(case, seed=2),
        replace(case, only_minutes=91),
        replace(case, weeks_later=1),
        replace(case, start_up=1.5),
        replace(case, concurrency=1.5),
        replace(case, fleet_yaml=case.fleet_yaml + "\n"),
        replace(case, fleet=case.fleet.timed(regain_s=1800.0)),
        replace(case, fleet=case.fleet.timed(image_pull_s=333)),
        replace(case, prepared=replace(case.prepared, counts=counts)),
    )
    assert case_sha256(wave()) == case_sha256(case)
    assert len({case_sha256(one) for one in (case, *others)}) == 1 + len(others)


def test_a_row_is_not_found_once_the_code_it_came_from_has_changed(tmp_path: Path):
    (tmp_path / "rule.py").write_text("A = 1\n")
    before = code_sha256(tmp_path)
    assert code_sha256(tmp_path) == before
    (tmp_path / "rule.py").write_text("A = 2\n")
    assert code_sha256(tmp_path) != before
    store = store_of(wave(minutes=20), tmp_path / "kept")
    store.write(NATIVE[0], run_native(wave(minutes=20)))
    assert store.read(NATIVE[0]) is not None
    assert replace(store, rules_sha256=before).read(NATIVE[0]) is None
    assert replace(store, others_sha256=before, ours_sha256=before).read(NATIVE[0]) is not None


def test_tidepools_rows_depend_on_what_ships_and_a_rivals_on_every_rival():
    store = store_of(wave(), None)
    assert len({store.ours_sha256, store.rules_sha256, store.others_sha256}) == 3
    # Or a change of another rival would have to change the rows of the rules' policies.
    for name in RULES:
        tree = ast.parse((LAB / "rivals" / f"{name}.py").read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        rivals = {
            str(module).rsplit(".", 1)[1] for module in imported if str(module).startswith("tidepool_lab.rivals.")
        }
        assert rivals <= set(RULES), name


def test_processes_share_the_sweep_and_each_policy_has_one_progress(tmp_path: Path):
    told: list[tuple[str, int, int]] = []
    case = wave(minutes=20)
    together = frontier(case, ("native",), folder=tmp_path, jobs=2, progress=lambda *one: told.append(one))
    assert together == frontier(case, ("native",), folder=None)
    assert {name for name, _, _ in told} == {"native"}
    assert told[-1] == ("native", 7 * 30 * 60, 7 * 30 * 60)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


# at equal on-time


def point(policy: str, cost_usd: float, on_time: float, *, curve: int = 0, default: bool = False) -> FrontierPoint:
    return FrontierPoint(
        policy=policy,
        setting=f"dial {cost_usd:g}",
        homes="by hand" if curve else "start",
        dial=cost_usd,
        cost_usd=cost_usd,
        on_time=on_time,
        on_time_mean_model=on_time,
        curve=curve,
        default=default,
    )


def line(policy: str, factor: float, *, curve: int = 0, default: float = 0.0, late: float = 1.0) -> list[FrontierPoint]:
    """Six settings from $600 × factor at 10⁻³·⁵ of misses to $100 × factor at 10⁻¹, `late` times as late."""
    return [
        point(policy, cost * factor, 1 - late * 10 ** -(cost / 200 + 0.5), curve=curve, default=cost == default)
        for cost in (600.0, 500.0, 400.0, 300.0, 200.0, 100.0)
    ]


def of(*points: list[FrontierPoint]) -> BenchResult:
    return result_of(wave(), (), frontier=tuple(one for several in points for one in several))


def test_the_lower_frontier_has_what_no_other_setting_beats_the_cheapest_first():
    points = [point("x", cost, on_time) for cost, on_time in ((3, 0.99), (1, 0.9), (2, 0.95), (2.5, 0.94), (2, 0.93))]
    assert [one.cost_usd for one in lower_frontier(points)] == [1, 2, 3]


def test_at_equal_on_time_the_better_of_both_homes_counts():
    points = [*line("x", 2.0), *line("x", 1.0, curve=1)]
    assert cheapest_at(points, 1 - 10**-1.75, "on_time") == pytest.approx(250.0)
    assert fewest_misses_at(points, 250.0, "on_time") == pytest.approx(10**-1.75)


def test_a_cheaper_setting_that_is_more_on_time_counts_too():
    # The second home begins at fewer misses than are asked for, and is cheaper there.
    points = [*line("x", 2.0), *line("x", 0.5, curve=1, late=0.1)]
    assert cheapest_at(points, 1 - 10**-1.25, "on_time") == 50.0
    assert fewest_misses_at(points, 1000.0, "on_time") == pytest.approx(0.1 * 10**-3.5)


def test_nothing_is_said_of_an_on_time_that_no_setting_has_nor_of_a_cost_below_all():
    points = line("x", 1.0)
    assert cheapest_at(points, 0.99999, "on_time") is None and cheapest_at(points, 0.5, "on_time") is None
    assert fewest_misses_at(points, 99.0, "on_time") is None
    assert fewest_misses_at(points, 700.0, "on_time") == pytest.approx(10**-3.5), "it need not spend more"


def test_rule_6_the_table_puts_everybody_beside_tidepool_at_equal_on_time():
    result = of(line("tidepool", 1.0, default=300), line("native", 2.0, default=200), line("hpa", 1.25))
    # At $400 hpa is late as tidepool is at $320: 10⁻²·¹.
    rows = {(row[0], row[1]): row[2:] for row in equal_rows_of(result)}
    assert rows["on time", "hpa"] == ("$375.00", "0.800", "0.800 to 0.800 (6 of 6)", "0.794 %")
    assert rows["mean model", "native"][:3] == ("$600.00", "0.500", "0.500 to 0.500 (6 of 6)")
    assert rows["on time", "tidepool"][:2] == ("$300.00", "1.000")
    # Native's default is $400 at 10⁻¹·⁵; tidepool at $400 has 10⁻²·⁵, a tenth of it.
    assert "late at native's cost or less: tidepool 0.316 %, native 3.162 %, 0.10 of it (on time)" in frontier_notes_of(
        result
    )


def test_rule_6_what_lies_outside_the_points_is_said_to_and_not_made_up():
    later = of(line("tidepool", 1.0, default=600), line("x", 1.0, late=3.0), line("y", 9.0, late=1e-4))
    rows = {row[1]: row[2:] for row in equal_rows_of(later) if row[0] == "on time"}
    assert rows["x"][:2] == (OUTSIDE, "-") and rows["x"][2].endswith("(5 of 6)")
    assert rows["y"] == (OUTSIDE, "-", OUTSIDE, "-")
    dear = of(line("tidepool", 9.0, default=600), line("native", 1.0, default=200))
    assert "all of tidepool's points cost more than native (on time)" in frontier_notes_of(dear)
    assert equal_rows_of(of(line("x", 1.0))) == []


def test_both_tables_are_printed_whole(swept: BenchResult):
    text = plain_frontier(swept)
    assert "small: cost against on-time" in text and "At equal on-time" in text
    assert f"{len(swept.frontier)} settings" in text
    assert 2 <= len(frontier_rows_of(swept)) <= len(swept.frontier)
    assert all(row[1] in text for row in frontier_rows_of(swept))


# the picture


def test_the_picture_has_one_line_a_policy_with_its_name_and_a_ring_at_each_default(swept: BenchResult):
    crowd = of(*(line(f"rival{number}", 1.0 + number / 50) for number in range(12)), line("tidepool", 1.0, default=300))
    for result in (swept, crowd):
        svg = ElementTree.fromstring(frontier_chart(result))
        space = "{http://www.w3.org/2000/svg}"
        names = {one.policy for one in result.frontier}
        assert len(svg.findall(f"{space}path")) == len(names)
        words = [element.text for element in svg.findall(f"{space}text")]
        assert names <= set(words) and "late requests" in words
        rings = [circle for circle in svg.findall(f"{space}circle") if circle.get("r") == "7"]
        assert len(rings) == sum(one.default for one in result.frontier)
        assert "not AWS" in frontier_chart(result) and svg.find(f"{space}desc") is not None


def test_no_name_in_the_picture_covers_another():
    crowd = of(*(line(f"rival{number}", 1.0) for number in range(5)))
    svg = ElementTree.fromstring(frontier_chart(crowd))
    at = [float(t.get("y") or 0) for t in svg.iter("{http://www.w3.org/2000/svg}text") if "rival" in (t.text or "")]
    assert len(at) == 5 and min(abs(a - b) for a in at for b in at if a is not b) >= 13


def test_a_policy_that_is_never_late_stands_on_the_bottom_line():
    perfect = [point("x", cost, 1.0) for cost in (100.0, 200.0)]
    svg = ElementTree.fromstring(frontier_chart(of(line("tidepool", 1.0), perfect)))
    lowest = max(float(dot.get("cy") or 0) for dot in svg.iter("{http://www.w3.org/2000/svg}circle"))
    grid = [
        float(one.get("y1") or 0)
        for one in svg.iter("{http://www.w3.org/2000/svg}line")
        if one.get("y1") == one.get("y2")
    ]
    assert lowest == max(grid)


# what is refused


def test_unknown_policies_are_named_with_the_rivals_among_what_is_allowed():
    with pytest.raises(BadTrace) as refused:
        run_bench(None, None, from_day=0, days=1, policies=("magic", "native"), frontier=FOLDER)
    (problem,) = refused.value.problems
    assert problem.value == "magic" and all(name in problem.allowed for name in KNOWN)


def test_a_rival_that_cannot_run_here_is_left_out_unless_it_was_asked_for(monkeypatch: pytest.MonkeyPatch):
    for module in ("ray", "ray.serve", "ray.serve.autoscaling_policy", "ray.serve.config"):
        monkeypatch.setitem(sys.modules, module, None)
    asked, left_out = that_can_run(wave(), ("native", "ray_serve"), strict=False)
    assert asked == ("native",) and "ray_serve is left out" in left_out[0]
    assert left_out[0] in frontier_notes_of(result_of(wave(), (), frontier=(), left_out=left_out))
    with pytest.raises(BadInput) as refused:
        frontier(wave(), ("native", "ray_serve"), folder=None)
    assert refused.value.problems[0].path == "ray_serve"
