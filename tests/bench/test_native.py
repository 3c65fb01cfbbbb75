"""Native is AWS target tracking, number by number (bench-rules.md §5, sagemaker-facts 'Application Auto Scaling')."""

from __future__ import annotations

import numpy as np
import pytest

from tidepool.fleet.demand import Values
from tidepool_lab.inputs.account import account_of
from tidepool_lab.rivals.native import Cooldown, Metric, Native, Rule
from tidepool_lab.rivals.policy import copies_for, in_flight
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.traffic import TableArrivals

START_S = 1_736_121_600
TARGET = 0.7 * 19


def rule(*, minimum: int = 1, maximum: int = 40, metric: Metric = Metric.FAST) -> Rule:
    return Rule(TARGET, minimum, maximum, metric)


def points(*tail: float, before: float = 12.5, number: int = 90) -> Values:
    """Datapoints between 0.9 T and T, which ask for nothing, and then `tail`."""
    return np.array([before] * (number - len(tail)) + list(tail))


def test_rule_5_scaling_out_asks_for_ceil_of_copies_times_metric_over_target():
    # The formula of the AWS documentation: 4 copies at 20 in flight each, target 13.3 → ceil(4 × 20 ÷ 13.3) = 7.
    assert rule().wanted(4, points(20, 20, 20, 20, 20, 20)) == 7
    # The mean of the six, not the newest: (14 + 14 + 14 + 14 + 14 + 26) ÷ 6 = 16 → ceil(4 × 16 ÷ 13.3) = 5.
    assert rule().wanted(4, points(14, 14, 14, 14, 14, 26)) == 5


def test_rule_5_five_of_six_datapoints_above_the_target_are_not_enough():
    assert rule().wanted(4, points(13, 20, 20, 20, 20, 20)) == 4
    assert rule().wanted(4, points(20, 20, 20, 20, 20)) == 4


def test_rule_5_scaling_in_needs_all_90_datapoints_of_15_minutes_below_nine_tenths_of_the_target():
    low = np.full(90, 5.0)
    # ceil(10 × 5 ÷ 13.3) = 4.
    assert rule().wanted(10, low) == 4
    assert rule().wanted(10, np.append(low[1:], 0.9 * TARGET)) == 10
    assert rule().wanted(10, np.append(0.9 * TARGET, low[1:])) == 10
    assert rule().wanted(10, low[:89]) == 10


def test_rule_5_the_classic_metric_needs_three_minutes_out_and_fifteen_in():
    classic = rule(metric=Metric.CLASSIC)
    assert classic.wanted(4, np.array([12.5] * 12 + [20.0] * 3)) == 7
    assert classic.wanted(4, np.array([12.5] * 13 + [20.0] * 2)) == 4
    assert classic.wanted(10, np.full(15, 5.0)) == 4
    assert classic.wanted(10, np.full(14, 5.0)) == 10


def test_rule_5_a_missing_datapoint_means_do_nothing():
    assert rule().wanted(4, points(20, 20, np.nan, 20, 20, 20)) == 4
    low = np.full(90, 5.0)
    low[40] = np.nan
    assert rule().wanted(10, low) == 10
    assert rule().wanted(10, np.full(90, np.nan)) == 10


def test_rule_5_bounds_hold_whatever_the_metric_says():
    assert rule(maximum=40).wanted(39, points(*[100.0] * 6)) == 40
    assert rule(minimum=2).wanted(5, np.zeros(90)) == 2
    assert rule(minimum=1).wanted(0, np.full(90, np.nan)) == 1


def test_a_scale_in_is_never_a_scale_out():
    # 1 copy at 12.4 with a target of 13.3 gives ceil(0.93) = 1; 3 copies at 11.9 give ceil(2.68) = 3.
    assert rule().wanted(3, np.full(90, 11.9)) == 3


def test_rule_5_cooldowns_are_300_s_each_and_an_out_may_interrupt_the_cooldown_of_an_in():
    after_out = Cooldown(out_at=1000)
    assert not after_out.allows(1299, out=True) and after_out.allows(1300, out=True)
    assert not after_out.allows(1299, out=False) and after_out.allows(1300, out=False)
    after_in = Cooldown(in_at=1000)
    assert not after_in.allows(1299, out=False) and after_in.allows(1300, out=False)
    assert after_in.allows(1060, out=True)


@pytest.fixture
def ramp(make_fleet) -> tuple[Native, Cloud]:
    """One 14B model: 60 a minute for 20 minutes (9.5 in flight, one copy), then 600 a minute (95 in flight)."""
    fleet = make_fleet("a", minutes=120)
    table = np.array([[60]] * 20 + [[600]] * 100)
    native = Native(fleet, table[:10])
    cloud = Cloud(account_of(fleet), TableArrivals(("a",), table), seed=1, start_s=START_S)
    native.start(cloud)
    return native, cloud


def test_rule_1_4_native_starts_with_one_component_a_model_on_p4d_sized_at_seven_tenths(make_fleet):
    fleet = make_fleet("a", "b", "c", critical=("b",), minutes=60)
    first = np.array([[600, 60, 0]] * 10)
    native = Native(fleet, first)
    cloud = Cloud(account_of(fleet), TableArrivals(("a", "b", "c"), first), seed=1, start_s=START_S)
    native.start(cloud)
    components = cloud.components()
    # 600 a minute × 9.5 s = 95 in flight; 95 ÷ 13.3 = 7.14 → 8 copies. Critical: at least 2. No traffic: none.
    capacity = fleet.capacity(fleet.models[0], "ml.p4d.24xlarge")
    assert capacity is not None
    assert in_flight(600, capacity) == pytest.approx(95) and copies_for(95, capacity) == 8
    assert {name: c.copies_now for name, c in components.items()} == {"a": 8, "b": 2, "c": 0}
    assert {c.endpoint for c in components.values()} == {"pool-ml-p4d-24xlarge"}
    assert all(c.status == "InService" for c in components.values())


def test_rule_3_6_native_is_refused_while_updating_and_tries_again(ramp: tuple[Native, Cloud]):
    native, cloud = ramp
    native.run_to(cloud, START_S + 23 * 60)
    first = cloud.component("a")
    assert first.status == "Updating" and first.copies_wanted > 1
    asked = first.copies_wanted
    # 190 s of start-up and the 300 s of cooldown later the queue is still there, and more is asked for.
    native.run_to(cloud, START_S + 40 * 60)
    assert cloud.component("a").copies_wanted > asked
    cloud.check_conservation()


def test_native_comes_to_rest_at_its_target(ramp: tuple[Native, Cloud]):
    native, cloud = ramp
    native.run_to(cloud, START_S + 120 * 60)
    # 95 in flight ÷ 13.3 = 7.14, and the maximum of each 10 s is above the mean: 8 to 10 copies.
    assert 8 <= cloud.component("a").copies_now <= 10
