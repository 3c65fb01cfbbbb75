"""Dynamo's planner, by its own tests and by what ai-dynamo 1.6.1 answered when it was run (see rivals/dynamo.py)."""

from __future__ import annotations

import numpy as np
import pytest

from tidepool_lab.rivals.dynamo import Constant, Dynamo, Kalman, floor_copies, step_by_load
from tidepool_lab.rivals.scaling import View


def test_the_floor_is_ceil_of_the_predicted_rate_over_one_engines():
    # 10.1 requests a second, 2.5 of them an engine: 4.04 → 5.
    assert floor_copies(10.1, rps_at_objective=2.5, current=4) == 5
    assert floor_copies(0, rps_at_objective=2.5, current=4) == 1


def test_the_floor_moves_by_at_most_8_an_observation():
    # test_disagg_throughput_caps_persisted_lower_bounds_once_per_observation: 24 → 8 is 16, 40 → 180 is 48.
    assert floor_copies(8, rps_at_objective=1, current=24) == 16
    assert floor_copies(180, rps_at_objective=1, current=40) == 48


@pytest.mark.parametrize(
    ("load", "copies", "expected"),
    [(101, 4, 5), (100, 4, 4), (61, 4, 4), (60, 4, 4), (59, 4, 3), (40, 2, 2), (39, 2, 1), (10, 1, 1)],
)
def test_the_load_loop_answers_as_the_planner_did(load: float, copies: int, expected: int):
    # LoadScalingMixin._decode_load_decision of 1.6.1, with a latency in proportion to the load, 50 ms at 100.
    assert step_by_load(load, objective=100, copies=copies) == expected


def test_the_kalman_predictor_answers_as_the_planners_did():
    # KalmanPredictor of 1.6.1 with its defaults (q_level 1, q_trend 0.1, r 10, 5 points).
    kalman = Kalman()
    asked = [0, 100, 110, 120, 130, 140, 150, 150, 90, 0]
    answered = [0, 100, 110, 120, 130, 149.9478, 159.9685, 162.8322, 124.7332, 50.8053]
    assert [kalman.next_after(requests) for requests in asked] == pytest.approx(answered, abs=1e-4)


def test_the_constant_predictor_repeats_the_last_interval():
    # TestConstantPredictor.test_returns_last_added_value.
    assert [Constant().next_after(requests) for requests in (10.0, 20.0, 30.0)] == [10.0, 20.0, 30.0]


def test_a_floor_holds_what_the_load_loop_would_take_away_and_nothing_moves_while_a_change_is_under_way():
    def view(copies: int, wanted: int, per_copy: float, per_minute: float = 600.0) -> View:
        in_flight = np.full(18, copies * per_copy)
        minutes = np.full(3, per_minute)
        return View(copies, wanted, 1, 40, slots=20, service_s=10, in_flight=in_flight, minutes=lambda n: minutes[-n:])

    # 600 a minute are 10 a second; an engine at 0.5 × 20 slots serves 1 a second: a floor of 10.
    planner = Dynamo(0.5)
    assert planner.desired(view(10, 10, per_copy=1.0), 0) == 10
    assert planner.desired(view(10, 10, per_copy=11.0), 10) == 11
    assert planner.desired(view(10, 11, per_copy=30.0), 20) == 11
    # 180 s later there is hardly any traffic: the floor sinks by 8, and the load loop steps down by one.
    assert planner.desired(view(11, 11, per_copy=1.0, per_minute=6.0), 180) == 10
