"""The other rivals, each with a worked example of its rule (bench-rules.md §5)."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tidepool.errors import BadTrace
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.reference import Machine, ReferenceFleet
from tidepool_lab.rivals.dedicated import Dedicated, cost_usd, dedicated_cheapest, dedicated_peak, without_quota
from tidepool_lab.rivals.floor import floor_usd
from tidepool_lab.rivals.grid import cheapest_good_enough
from tidepool_lab.rivals.native_best import LOADS, VARIANTS, homes_by_hand
from tidepool_lab.rivals.oracle import DIALS, Truth
from tidepool_lab.rivals.own_cost import own_cost_usd
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.traffic import TableArrivals

P4D, P5EN = "ml.p4d.24xlarge", "ml.p5en.48xlarge"
START_S = 1_736_121_600


def with_quota(fleet: ReferenceFleet, **quota: int) -> ReferenceFleet:
    """The fleet with other quotas: p4d=1 → ml.p4d.24xlarge."""
    names = {"p4d": P4D, "p5": "ml.p5.48xlarge", "p5en": P5EN, "g6e": "ml.g6e.xlarge", "g6e12": "ml.g6e.12xlarge"}
    changed = {names[short]: number for short, number in quota.items()}
    types: dict[str, Machine] = {
        name: machine.model_copy(update={"quota": changed.get(name, machine.quota)})
        for name, machine in fleet.instance_types.items()
    }
    return fleet.model_copy(update={"instance_types": types})


# floor


def test_rule_5_the_floor_of_one_model_on_p4d_is_its_accelerator_seconds_times_the_price(make_fleet):
    fleet = make_fleet("a", size="32B").only([P4D])
    # 600 requests × 11.9 s ÷ 19 slots × 2 accelerators = 751.6 accelerator-seconds, at $25.2513 ÷ 3600 ÷ 8.
    expected = 600 * 11.9 / 19 * 2 * 25.2513 / 3600 / 8
    assert floor_usd(fleet, np.full((10, 1), 60)) == pytest.approx(expected)
    assert floor_usd(fleet, np.full((25, 1), 24)) == pytest.approx(expected)


def test_rule_5_the_floor_takes_the_cheapest_type_first_and_overflows_at_its_quota(make_fleet):
    fleet = with_quota(make_fleet("a", size="8B"), p5=0, p5en=0, g6e=0, g6e12=1)
    counts = np.array([[60_000]])
    p4d = 11.6 / 57 * 25.2513 / 3600 / 8
    l40s = 10.4 / 19 * 13.12 / 3600 / 4
    assert p4d < l40s
    # One p4d holds 8 accelerators for 60 s, which serve 8 × 60 × 57 ÷ 11.6 = 2,359 requests; the rest overflows.
    on_p4d = 8 * 60 * 57 / 11.6
    fleet = with_quota(fleet, p4d=1, g6e12=400)
    assert floor_usd(fleet, counts) == pytest.approx(on_p4d * p4d + (60_000 - on_p4d) * l40s)


def test_rule_5_work_beyond_every_quota_has_no_floor(make_fleet):
    fleet = with_quota(make_fleet("a", size="8B"), p4d=1, p5=0, p5en=0, g6e=0, g6e12=0)
    with pytest.raises(BadTrace, match="fits the quotas"):
        floor_usd(fleet, np.array([[60_000]]))


def test_rule_5_the_floor_shares_no_code_with_the_planner():
    """All that it imports, in turn too, is the fleet's file, the trace, and the words of errors and units."""
    code = (
        "import sys, tidepool_lab.rivals.floor; print(*(name for name in sys.modules if name.startswith('tidepool.')))"
    )
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {name.split(".")[1] for name in imported} == {"config", "errors", "units"}


def test_rule_5_silence_costs_the_floor_nothing(make_fleet):
    assert floor_usd(make_fleet("a", "b"), np.zeros((30, 2), dtype=np.int64)) == 0.0


# dedicated


def test_rule_5_dedicated_peak_is_ceil_of_copies_over_what_a_machine_holds(make_fleet):
    counts = np.zeros((1440, 1), dtype=np.int64)
    counts[700] = 1000
    (home,) = dedicated_peak(make_fleet("a", size="32B"), counts)
    # 1,000 a minute × 11.9 s = 198.3 in flight; ÷ 13.3 → 15 copies; 4 on a machine → 4 machines.
    assert (home.instance_type, home.instances) == (P4D, 4)
    assert cost_usd((home,), 24) == pytest.approx(4 * 25.2513 * 24)


def test_a_silent_model_has_one_machine_and_a_critical_one_two(make_fleet):
    homes = dedicated_peak(make_fleet("a", "b", critical=("b",)), np.zeros((1440, 2), dtype=np.int64))
    assert [home.instances for home in homes] == [1, 2]


def test_rule_5_dedicated_cheapest_takes_the_type_that_costs_least_for_each_model(make_fleet):
    silent = np.zeros((1440, 1), dtype=np.int64)
    assert dedicated_cheapest(make_fleet("a", size="14B"), silent)[0].instance_type == "ml.g6e.xlarge"
    # 32B runs on no L40S: one p4d is the cheapest machine that is left.
    assert dedicated_cheapest(make_fleet("a", size="32B"), silent)[0].instance_type == P4D


def test_rule_5_dedicated_runs_on_the_twin_beyond_every_quota_and_changes_nothing(make_fleet):
    fleet = with_quota(make_fleet("a", "b", size="32B"), p4d=1)
    counts = np.full((30, 2), 1000)
    homes = dedicated_peak(fleet, counts)
    cloud = Cloud(account_of(without_quota(fleet, homes)), TableArrivals(("a", "b"), counts), seed=1, start_s=START_S)
    policy = Dedicated(homes)
    policy.start(cloud)
    policy.run_to(cloud, START_S + 30 * 60)
    figures = cloud.figures(START_S, START_S + 20 * 60)
    assert figures.on_time == 1.0 and figures.instance_changes == 0
    assert figures.cost_usd == pytest.approx(cost_usd(homes, 20 / 60))


# native_best


def test_rule_5_homes_by_hand_are_the_cheapest_per_request_heaviest_first_within_80_percent_of_quota(make_fleet):
    fleet = with_quota(make_fleet("small", "large", "tiny", size="32B"), p5=0, p5en=1)
    # p5en costs 12.7 ÷ 57 × 72.795 ÷ 8 a request, p4d 11.9 ÷ 19 × 2 × 25.2513 ÷ 8: p5en is cheaper by half.
    usd = {name: fleet.usd_per_request(fleet.models[0], name) for name in (P4D, P5EN)}
    assert (usd[P5EN] or 0) < (usd[P4D] or 0)
    # 80 % of 8 accelerators are 6.4. Large: 900 ÷ 60 × 12.7 ÷ 39.9 → 5; small: 400 → 3; tiny: 60 → 1.
    homes = homes_by_hand(fleet, np.array([[400, 900, 60]] * 60))
    assert homes == {"small": P4D, "large": P5EN, "tiny": P5EN}


def test_rule_5_a_pools_peak_is_the_peak_of_its_sum(make_fleet):
    fleet = with_quota(make_fleet("day", "night", size="32B"), p5=0, p5en=1)
    counts = np.zeros((60, 2), dtype=np.int64)
    counts[:30, 0] = counts[30:, 1] = 900
    # 5 + 1 accelerators at every moment: within 6.4, though the peaks together are 10.
    assert set(homes_by_hand(fleet, counts).values()) == {P5EN}


def test_rule_5_the_grid_of_native_best_is_the_committed_one():
    assert LOADS == (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert {(variant.metric.value, variant.scale_in) for variant in VARIANTS} == {
        ("10 s", "IDLE_RELEASE"),
        ("10 s", "CONSOLIDATION"),
        ("60 s", "IDLE_RELEASE"),
        ("60 s", "CONSOLIDATION"),
    }


@pytest.mark.parametrize("last_good", range(7))
def test_bisection_finds_what_a_full_sweep_finds(last_good: int):
    grid = list(range(7))
    runs: list[float] = []

    def run(at: float) -> float:
        runs.append(at)
        return at

    assert cheapest_good_enough(grid, run=run, good=lambda row: row <= last_good) == (last_good, last_good)
    assert len(runs) <= 3


def test_when_nothing_is_good_enough_the_most_careful_setting_is_the_answer():
    assert cheapest_good_enough([3.0, 2.0, 1.0], run=lambda at: at, good=lambda row: False) == (3.0, 3.0)


# oracle


def test_rule_5_the_oracle_sees_the_true_counts_of_at_most_24_hours_and_silence_after_the_trace():
    truth = Truth(("a", "b"), np.arange(6000).reshape(3000, 2), START_S)
    assert truth("b", START_S + 600, START_S + 780).tolist() == [21, 23, 25]
    assert len(truth("a", START_S, START_S + 3 * 86_400)) == 1440
    assert truth("a", START_S + 2999 * 60, START_S + 3002 * 60).tolist() == [5998, 0, 0]


def test_rule_5_the_oracles_grid_has_at_least_six_points_from_careful_to_cheap():
    assert len(DIALS) >= 6 and list(DIALS) == sorted(DIALS, reverse=True)


# what Tidepool itself costs


def test_rule_6_reading_66_models_each_minute_for_three_days_costs_what_cloudwatch_charges():
    # 66 targets × 6 metrics × 4,320 looks × $0.01 per 1,000 = $17.11, and no more than as much again for the rest.
    own = own_cost_usd([66] * 4320)
    assert 17.11 < own < 2 * 17.11
