"""The static hybrid: who gets machines of his own, and that nothing but the shared part changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.hybrid import Hybrid, copies_at_peak, is_steady, split_by_hand
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.traffic import TableArrivals

START_S = 1_736_121_600
P4D = "ml.p4d.24xlarge"

MakeFleet = Callable[..., ReferenceFleet]


def traffic(minutes: int = 120) -> np.ndarray:
    """[minutes, 3]: steady and busy; as busy, but only for a third of the time; steady and small."""
    table = np.tile([1000, 0, 6], (minutes, 1))
    table[minutes // 3 : 2 * minutes // 3, 1] = 1000
    return table


def test_a_dedicated_model_is_sized_for_its_peak(make_fleet: MakeFleet):
    fleet = make_fleet("a", size="32B")
    capacity = fleet.capacity(fleet.models[0], P4D)
    assert capacity is not None
    # 1,000 a minute × 11.9 s = 198.3 in flight; ÷ 13.3 → 15 copies; at 0.9, ÷ 17.1 → 12.
    assert copies_at_peak(1000, capacity, load=0.7) == 15
    assert copies_at_peak(1000, capacity, load=0.9) == 12


def test_steady_is_a_mean_of_at_least_half_the_highest_minute_and_more_than_a_copy():
    assert is_steady(mean=50, peak=100, copies=2)
    assert not is_steady(mean=49, peak=100, copies=2)
    assert not is_steady(mean=100, peak=100, copies=1)


def test_only_the_steady_busy_model_gets_machines_of_its_own_and_they_are_taken_from_the_quota(make_fleet: MakeFleet):
    fleet = make_fleet("steady", "variable", "small", size="32B").only([P4D])
    split = split_by_hand(fleet, traffic(), load=0.7)
    # 15 copies of 2 accelerators, 4 on a machine: 4 machines.
    assert [(home.model, home.instance_type, home.instances) for home in split.dedicated] == [("steady", P4D, 4)]
    assert split.shared.names == ("variable", "small")
    assert split.shared.instance_types[P4D].quota == fleet.instance_types[P4D].quota - 4


def test_a_steady_model_without_room_stays_on_the_shared_pool(make_fleet: MakeFleet):
    fleet = make_fleet("steady", size="32B").only([P4D])
    few = {P4D: fleet.instance_types[P4D].model_copy(update={"quota": 4})}
    split = split_by_hand(fleet.model_copy(update={"instance_types": few}), np.full((60, 1), 1000), load=0.7)
    assert split.dedicated == () and split.shared.names == ("steady",)


def test_target_tracking_runs_the_shared_part_and_the_dedicated_machines_stay(make_fleet: MakeFleet):
    fleet, table = make_fleet("steady", "variable", "small", size="32B").only([P4D]), traffic()
    split = split_by_hand(fleet, table, load=0.7)
    hybrid = Hybrid(fleet, table[:10], table, split, 0.7)
    cloud = Cloud(account_of(fleet), TableArrivals(fleet.names, table), seed=1, start_s=START_S)
    hybrid.start(cloud)
    hybrid.run_to(cloud, START_S + 75 * 60)
    assert cloud.component("variable").copies_now > 10
    assert cloud.endpoint("dedicated-steady").instances_now == 4
    hybrid.run_to(cloud, START_S + 120 * 60)
    assert cloud.component("variable").copies_now < 10
    assert cloud.endpoint("dedicated-steady").instances_now == 4
    assert cloud.figures(START_S, START_S + 110 * 60).on_time == pytest.approx(1, abs=0.3)
    cloud.check_conservation()
