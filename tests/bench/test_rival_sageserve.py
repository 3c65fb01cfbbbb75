"""SageServe-like: the forecast, the hourly plan, and the loop beside it."""

from __future__ import annotations

import numpy as np
import pytest

from tidepool.fleet.demand import Values
from tidepool_lab.rivals.sageserve import DAY, HOUR, SageServe, forecast, overrun, planned_copies
from tidepool_lab.rivals.scaling import View

CALM = 30.0


def daily(days: float) -> Values:
    """A sine over the day: 100 ± 80 a minute, its peak at 6 hours."""
    return 100 + 80 * np.sin(2 * np.pi * np.arange(int(days * DAY)) / DAY)


def view(history: Values, *, copies: int = 4, in_flight: float = CALM) -> View:
    steady = np.full(18, in_flight)
    return View(copies, copies, 1, 40, slots=19, service_s=9.5, in_flight=steady, minutes=lambda n: history[-n:])


def test_the_plan_is_the_maximum_of_the_next_hour_and_a_tenth():
    # 600 a minute × 9.5 s = 95 in flight; 1.1 × 95 ÷ (0.7 × 19) = 7.86 → 8.
    assert planned_copies(600, service_s=9.5, slots=19, load=0.7) == 8
    assert planned_copies(0, service_s=9.5, slots=19, load=0.7) == 0


def test_the_regression_continues_a_daily_shape_into_the_next_hour():
    whole = daily(3)
    at = 2 * DAY + 200
    assert forecast(whole[:at], HOUR) == pytest.approx(whole[at : at + HOUR], rel=0.01)


def test_a_jump_that_came_at_the_same_minute_of_every_day_is_expected_at_it():
    counts = np.full(3 * DAY, 10.0)
    for day in range(3):
        counts[day * DAY + 600 : day * DAY + 660] = 200
    counts += np.random.default_rng(1).normal(0, 1, len(counts))
    ahead = forecast(counts[: 2 * DAY + 590], HOUR)
    assert ahead[:9].max() < 40 and ahead[12:].mean() > 120


def test_a_short_history_repeats_its_last_hour_and_none_says_nothing():
    assert forecast(np.arange(100.0), HOUR).tolist() == list(range(40, 100))
    assert forecast(np.array([7.0]), HOUR).tolist() == [7.0] * HOUR
    assert forecast(np.zeros(0), HOUR).tolist() == [0.0] * HOUR


def test_a_forecast_is_never_negative_and_never_runs_away():
    growing = np.exp(np.arange(2 * DAY) / 500)
    ahead = forecast(growing, HOUR)
    assert ahead.min() >= 0 and ahead.max() <= 2 * growing.max()


def test_the_loop_adds_one_above_nine_tenths_of_the_slots_or_five_times_the_forecast():
    # The thresholds of arbiter.py: memory > 0.9; observed ÷ forecast > arima_checking_scaling_threshhold = 5.
    assert overrun(in_flight=69, slots=76, observed=10, expected=10)
    assert not overrun(in_flight=68, slots=76, observed=10, expected=10)
    assert overrun(in_flight=0, slots=76, observed=51, expected=10)
    assert not overrun(in_flight=0, slots=76, observed=50, expected=10)


def test_it_plans_once_an_hour_and_steps_up_in_between():
    scaler, history = SageServe(0.7), np.full(600, 300.0)
    # 300 a minute are 47.5 in flight: 1.1 × 47.5 ÷ 13.3 = 3.93 → 4 copies.
    assert scaler.desired(view(history), 0) == 4
    assert scaler.desired(view(np.full(600, 30.0)), 1800) == 4
    assert scaler.desired(view(history, in_flight=75.0), 1860) == 5
    assert scaler.desired(view(np.full(600, 30.0), copies=5), 3600) == 1


def test_without_any_request_so_far_the_start_state_is_kept():
    assert SageServe(0.7).desired(view(np.zeros(0), copies=3), 0) == 3
