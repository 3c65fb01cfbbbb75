"""The HPA, by the worked examples of Kubernetes' documentation and tests."""

from __future__ import annotations

import math

import numpy as np

from tidepool_lab.rivals.hpa import Hpa, Stabilised, limited_up, recommend
from tidepool_lab.rivals.scaling import View


def view(*, copies: int, per_copy: float) -> View:
    in_flight = np.full(18, copies * per_copy)
    return View(copies, copies, 1, 40, slots=19, service_s=9.5, in_flight=in_flight, minutes=np.zeros)


def test_fifty_copies_at_90_with_a_target_of_75_become_60():
    # kubernetes.io/blog/2025/04/28: ceil(50 × 90 ÷ 75) = 60.
    assert recommend(in_flight=50 * 90, target=75, ready=50, wanted=50) == 60


def test_the_examples_of_the_replica_calculator_hold():
    # TestReplicaCalcScaleUpCM: 20, 10 and 30 with a target of 15 → ceil(60 ÷ 15) = 4.
    assert recommend(in_flight=60, target=15, ready=3, wanted=3) == 4
    # TestReplicaCalcScaleUpCMUnreadyHotCpuNoLessScale: 50, 10 and 30 → 6.
    assert recommend(in_flight=90, target=15, ready=3, wanted=3) == 6


def test_a_tenth_above_or_below_the_target_changes_nothing():
    assert recommend(in_flight=10 * 10.9, target=10, ready=10, wanted=10) == 10
    assert recommend(in_flight=10 * 9.1, target=10, ready=10, wanted=10) == 10
    assert recommend(in_flight=10 * 11.1, target=10, ready=10, wanted=10) == 12
    assert recommend(in_flight=10 * 8.9, target=10, ready=10, wanted=10) == 9


def test_copies_that_are_still_starting_count_as_idle_on_the_way_up():
    # 2 of 4 ready at 15 each, target 10: 30 ÷ 4 is below the target: nothing more; at 25 each: ceil(50 ÷ 10) = 5.
    assert recommend(in_flight=30, target=10, ready=2, wanted=4) == 4
    assert recommend(in_flight=50, target=10, ready=2, wanted=4) == 5


def test_up_goes_by_4_or_by_doubling_whichever_is_more():
    steps = [1]
    while steps[-1] < 40:
        steps.append(limited_up(steps[-1], 100))
    assert steps == [1, 5, 10, 20, 40]


def test_down_goes_to_the_highest_recommendation_of_the_last_300_seconds():
    down = Stabilised()
    assert down.settle(10, wanted=10, now=0) == 10
    assert down.settle(4, wanted=10, now=15) == 10
    assert down.settle(6, wanted=10, now=299) == 10
    # The 10 is 300 s old: of 4 and 6, 6.
    assert down.settle(5, wanted=10, now=300) == 6
    assert down.settle(12, wanted=10, now=315) == 12


def test_what_it_finds_is_its_first_recommendation():
    down = Stabilised()
    assert down.settle(3, wanted=8, now=0) == 8
    assert down.settle(3, wanted=8, now=285) == 8
    assert down.settle(3, wanted=8, now=300) == 3


def test_the_target_is_a_share_of_a_copys_slots_and_without_a_metric_nothing_is_asked_for():
    # 4 copies at 19 with a target of 0.5 × 19 → 8.
    assert Hpa(0.5).desired(view(copies=4, per_copy=19), 0) == 8
    assert Hpa(0.5).desired(view(copies=4, per_copy=math.nan), 0) == 4
