"""The real week gives the rows that an independent run of the rules gave (slow; skips without ../shared)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidepool_lab.bench.case import Case, load_case
from tidepool_lab.bench.equal import worse_figures
from tidepool_lab.bench.run import run_floor, run_native, run_tidepool
from tidepool_lab.rivals.dedicated import cost_usd, dedicated_cheapest, dedicated_peak

TRACES = Path(__file__).parents[3] / "shared" / "traces"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TRACES.is_dir(), reason="../shared/traces is not there"),
]


@pytest.fixture(scope="module")
def week() -> Case:
    trace, fleet = TRACES / "servegen-week1.csv.gz", TRACES / "fleet-servegen-week1.json"
    return load_case(trace, fleet, from_day=2, days=3)


def test_dedicated_peak_is_316348_dollars_as_published(week: Case):
    assert cost_usd(dedicated_peak(week.fleet, week.window), 72) == pytest.approx(316_348, abs=1)


def test_dedicated_cheapest_is_cheaper_than_dedicated_peak_and_dearer_than_the_floor(week: Case):
    cheapest = cost_usd(dedicated_cheapest(week.fleet, week.window), 72)
    assert run_floor(week).cost_usd < cheapest < 316_348


def test_native_is_within_5_percent_of_the_published_row(week: Case):
    row = run_native(week)
    assert row.cost_usd == pytest.approx(124_000, rel=0.05)
    assert row.on_time == pytest.approx(0.988, abs=0.002)
    assert row.on_time_mean_model == pytest.approx(0.984, abs=0.002)
    assert row.models_meeting_objective == pytest.approx(0.59, abs=0.03)
    assert row.copy_changes == pytest.approx(4000, rel=0.05)


@pytest.mark.parametrize("types", [(), ("ml.p4d.24xlarge",)], ids=["all types", "p4d alone"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rule_6_tidepool_is_no_dearer_than_native_at_no_worse_on_time(types: tuple[str, ...], seed: int):
    trace, fleet = TRACES / "servegen-week1.csv.gz", TRACES / "fleet-servegen-week1.json"
    case = load_case(trace, fleet, from_day=2, days=3, seed=seed, types=types)
    native, tidepool = run_native(case), run_tidepool(case)
    assert worse_figures(tidepool, native) == ()
    assert tidepool.cost_usd + (tidepool.own_cost_usd or 0) <= native.cost_usd
