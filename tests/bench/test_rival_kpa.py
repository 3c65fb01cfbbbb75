"""The KPA, by the time tables of knative/serving's autoscaler_test.go."""

from __future__ import annotations

import numpy as np

from tidepool_lab.rivals.kpa import Kpa
from tidepool_lab.rivals.scaling import View


def test_a_slow_increase_ends_the_panic_after_one_stable_window():
    # TestAutoscalerUnpanicAfterSlowIncrease: 10 → 25 pods in panic, 41 at half time, 50 when it has ended.
    kpa = Kpa(0.7, max_up=10, max_down=10)
    assert kpa.decide(stable=11, panic=25, target=1, ready=10, now=0) == 25
    assert kpa.panic_since == 0
    assert kpa.decide(stable=30, panic=41, target=1, ready=40, now=30) == 41
    assert kpa.panic_since == 0
    assert kpa.decide(stable=50, panic=56, target=1, ready=55, now=62) == 50
    assert kpa.panic_since < 0


def test_a_surge_that_goes_on_extends_the_panic():
    # TestAutoscalerExtendPanicWindow.
    kpa = Kpa(0.7, max_up=10, max_down=10)
    assert kpa.decide(stable=11, panic=25, target=1, ready=10, now=0) == 25
    assert kpa.decide(stable=30, panic=80, target=1, ready=40, now=30) == 80
    assert kpa.panic_since == 30


def test_nothing_is_taken_away_while_it_panics():
    # TestAutoscalerPanicThenUnPanicScaleDown: 100 pods stay for 60 s after the surge, then 1.
    kpa = Kpa(0.7, max_up=10, max_down=10)
    assert kpa.decide(stable=100, panic=100, target=10, ready=1, now=0) == 10
    assert kpa.decide(stable=100, panic=1000, target=10, ready=10, now=0) == 100
    assert kpa.decide(stable=1, panic=1, target=10, ready=10, now=30) == 100
    assert kpa.decide(stable=1, panic=1, target=10, ready=10, now=61) == 1


def test_the_larger_of_the_stable_and_the_panic_window_counts_while_it_panics():
    # AutoscalerPanicStableLargerThanPanic, AutoscalerPanicStableLessThanPanic.
    def panicking() -> Kpa:
        return Kpa(0.7, max_up=10, max_down=10, panic_since=95, panic_copies=5)

    assert panicking().decide(stable=50, panic=30, target=1, ready=5, now=100) == 50
    assert panicking().decide(stable=20, panic=30, target=1, ready=5, now=100) == 30


def test_rates_bound_a_step_both_ways():
    # TestAutoscalerRateLimitScaleUp: 100 needed, × 10 allowed; …ScaleDown: 1 needed, ÷ 10 allowed.
    assert Kpa(0.7, max_up=10, max_down=10).decide(stable=1000, panic=1001, target=10, ready=1, now=0) == 10
    assert Kpa(0.7, max_up=10, max_down=10).decide(stable=1, panic=1, target=10, ready=100, now=0) == 10
    # Knative's own defaults: ÷ 2.
    assert Kpa(0.7).decide(stable=1, panic=1, target=10, ready=100, now=0) == 50


def test_a_scaler_that_meets_more_than_one_copy_keeps_them_for_a_stable_window():
    # TestStartInPanicMode.
    def view(copies: int) -> View:
        return View(copies, copies, 1, 40, slots=10, service_s=1, in_flight=np.ones(18), minutes=np.zeros)

    kpa = Kpa(0.7)
    assert kpa.desired(view(8), 0) == 8
    assert kpa.desired(view(8), 60) == 8
    assert kpa.desired(view(8), 70) == 4
    assert Kpa(0.7).desired(view(1), 0) == 1
