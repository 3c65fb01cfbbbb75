"""Settings that are looked for: bisection gives what a sweep gives, and the oracle's dial is swept (rules §5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool_lab.bench.bench import bench
from tidepool_lab.bench.case import Case, load_case
from tidepool_lab.bench.equal import NO_WORSE
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.run import run_native
from tidepool_lab.bench.search import (
    best_of_dials,
    best_of_variant,
    best_of_variants,
    on_time,
    oracle_at,
    run_native_best,
)
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.trace import Trace
from tidepool_lab.rivals.native_best import LOADS, VARIANTS
from tidepool_lab.rivals.oracle import DIALS, INTERACTIVE_ON_TIME


def tides(make_fleet: Callable[..., ReferenceFleet]) -> Case:
    """Two hours of two models whose traffic rises and falls within 80 minutes: too careless a setting is late."""
    fleet = make_fleet("a", "b", size="32B", minutes=1440)
    wave = np.round(600 + 300 * np.sin(2 * np.pi * np.arange(1440) / 80))
    trace = Trace(("a", "b"), np.stack([wave, np.roll(wave, 40)], axis=1).astype(np.int64), "0" * 64)
    return a_case(fleet, trace, only_minutes=120)


@pytest.fixture(scope="module")
def shipped() -> Case:
    """The window of test_pinned."""
    return replace(load_case(None, None, from_day=2, days=1), only_minutes=600, cache=None)


def cheapest(rows: Sequence[PolicyResult], good: Callable[[PolicyResult], bool]) -> PolicyResult:
    """The cheapest good row of a whole sweep; the most careful setting's, which is the first, when none is good."""
    return min((row for row in rows if good(row)), key=lambda row: row.cost_usd, default=rows[0])


def swept_native_best(case: Case, number: int, wanted: float) -> PolicyResult:
    rows = [run_native_best(case, number=number, load=load) for load in LOADS]
    return cheapest(rows, lambda row: on_time(row) >= wanted - NO_WORSE)


def test_rule_5_each_variant_of_native_best_gives_the_cheapest_good_row_of_its_grid(make_fleet):
    case = tides(make_fleet)
    wanted = on_time(run_native(case))
    found = [best_of_variant(case, number, wanted) for number in range(len(VARIANTS))]
    assert found == [swept_native_best(case, number, wanted) for number in range(len(VARIANTS))]
    assert [row.dial for row in found] == [0.8, 0.8, 0.7, 0.7], "neither end of the grid"
    assert all(v.scale_in in (row.setting or "") for v, row in zip(VARIANTS, found, strict=True))


def test_rule_5_the_oracle_gives_the_cheapest_row_that_is_on_time_to_995_in_1000(make_fleet):
    case = tides(make_fleet)
    (found, _) = bench(case, ["oracle", "floor"]).policies
    rows = [oracle_at(case, dial) for dial in DIALS]
    good = [row for row in rows if (row.on_time_interactive or 0.0) >= INTERACTIVE_ON_TIME]
    assert found.cost_usd == min(row.cost_usd for row in good)
    assert len({row.cost_usd for row in rows}) > 1, "the dial does something here"


def test_rule_5_an_oracle_that_is_nowhere_on_time_shows_its_best() -> None:
    rows = [PolicyResult(name="oracle", cost_usd=cost, on_time_interactive=on) for cost, on in ((9, 0.98), (5, 0.9))]
    assert best_of_dials(rows) == rows[0]
    dear = rows[0].model_copy(update={"cost_usd": 20, "on_time_interactive": 0.996})
    assert best_of_dials([*rows, dear]) == dear


@pytest.mark.slow
def test_rule_5_on_the_shipped_week_bisection_finds_native_bests_winner_of_the_whole_grid(shipped: Case):
    wanted = on_time(run_native(shipped))
    swept = tuple(swept_native_best(shipped, number, wanted) for number in range(len(VARIANTS)))
    found = tuple(best_of_variant(shipped, number, wanted) for number in range(len(VARIANTS)))
    assert found == swept
    assert best_of_variants(found, wanted) == best_of_variants(swept, wanted)
    assert len({row.dial for row in found}) > 1, "the winners are not all at one end of the grid"
