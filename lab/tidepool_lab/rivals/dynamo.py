"""NVIDIA Dynamo's planner: a floor from the predicted traffic, and a loop that steps above it with the load.

Source: ai-dynamo/dynamo 1.6 dynamo/planner/core (throughput_scaling.py, load_scaling.py, load/predictors.py) and
config/defaults.py: every 180 s floor = ceil(predicted rps ÷ rps of one engine at the objective), at most 8 replicas
from where it stands; every 5 s one engine more when all are beyond the objective, one less only if load × N ÷ (N − 1)
stays within 80 % of it; nothing while a change is under way. Predictors: constant, and Kalman with its defaults.
What ran: these formulas, written anew. The planner of ai-dynamo 1.6.1 does not install from PyPI by itself (its
aisimulate 0.13.0 is a stub that fetches its wheel from NVIDIA's index) and sizes by tokens and an engine model that
the twin does not have. Put together by hand in an environment of 1.3 GB it did run, and the worked examples of
tests/bench/test_rival_dynamo.py are its answers.
What differs: one aggregated engine, whose load is its slots in use: the objective is a share of them. The load loop is
asked every 10 s, the finest period of the metric, and knows the mean of all copies, not each. ARIMA and Prophet,
its other predictors, are not dependencies.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tidepool.units import MINUTE_S
from tidepool_lab.rivals.scaling import FAST_S, View

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The committed grid: the load at which an engine just meets its objective, as a share of its slots."""
TICK_S = FAST_S
"""load_adjustment_interval_seconds is 5; the metric has a datapoint every 10."""
THROUGHPUT_S = 180
"""throughput_adjustment_interval_seconds."""
MAX_STEP = 8
"""max_throughput_scaling_replicas."""
SENSITIVITY = 0.8
"""load_scaling_down_sensitivity 80."""
Q_LEVEL, Q_TREND, R, MIN_POINTS = 1.0, 0.1, 10.0, 5
"""kalman_q_level, kalman_q_trend, kalman_r, kalman_min_points."""
UNKNOWN = 1000.0
"""The filter's first variances (KalmanPredictor: P × 1000)."""


class Predictor(Protocol):
    """Says what the next interval brings from those there were."""

    def next_after(self, requests: float) -> float:
        """The interval that has just ended brought `requests`; what the next one will."""
        ...


@dataclass(slots=True)
class Constant:
    """The next interval is like the last."""

    def next_after(self, requests: float) -> float:
        return requests


@dataclass(slots=True)
class Kalman:
    """A level and a trend, filtered; the level one step ahead, never negative.

    Leading silence is skipped, and the last value is repeated until there are 5.
    """

    _level: float = 0.0
    _trend: float = 0.0
    _variance: tuple[float, float, float] = (UNKNOWN, 0.0, UNKNOWN)
    _seen: int = 0
    _ahead: bool = False

    def next_after(self, requests: float) -> float:
        if self._seen == 0:
            if requests == 0:
                return 0.0
            self._level, self._seen = requests, 1
            return requests
        if not self._ahead:
            self._predict()
        self._update(requests)
        self._seen += 1
        self._ahead = self._seen >= MIN_POINTS
        if not self._ahead:
            return requests
        self._predict()
        return max(0.0, self._level)

    def _predict(self) -> None:
        """x ← F x, P ← F P Fᵀ + Q, with F = [[1, 1], [0, 1]]."""
        level, both, trend = self._variance
        self._level += self._trend
        self._variance = (level + 2 * both + trend + Q_LEVEL, both + trend, trend + Q_TREND)

    def _update(self, requests: float) -> None:
        """x ← x + K (z − H x), P ← (1 − K H) P, with H = [1, 0]."""
        level, both, trend = self._variance
        error, of_level, of_trend = requests - self._level, level / (level + R), both / (level + R)
        self._level += of_level * error
        self._trend += of_trend * error
        self._variance = ((1 - of_level) * level, (1 - of_level) * both, trend - of_trend * both)


def floor_copies(predicted_rps: float, *, rps_at_objective: float, current: int) -> int:
    """ceil(predicted ÷ rate of one engine at the objective), at least 1, within 8 of what there is.

    Worked, from test_throughput_scaling.py: 40 there and 180 needed → 48; 24 there and 8 needed → 16.
    """
    needed = math.ceil(predicted_rps / rps_at_objective)
    return max(1, min(max(needed, current - MAX_STEP), current + MAX_STEP))


def step_by_load(load: float, *, objective: float, copies: int) -> int:
    """One copy more beyond the objective, one less if the others could take its load within 80 % of it.

    Worked: 4 copies at 59 with an objective of 100: 59 × 4 ÷ 3 = 78.7 < 80 → 3; at 60 it is 80 → 4.
    """
    if load > objective:
        return copies + 1
    if copies > 1 and load * copies / (copies - 1) < SENSITIVITY * objective:
        return copies - 1
    return copies


@dataclass(slots=True)
class Dynamo:
    """One model's planner."""

    load: float
    make_predictor: Callable[[], Predictor] = Constant
    _predictor: Predictor = field(init=False)
    _next_s: int = 0
    _floor: int = 1

    def __post_init__(self) -> None:
        self._predictor = self.make_predictor()

    def desired(self, view: View, now: int) -> int:
        objective = self.load * view.slots
        if now >= self._next_s:
            self._next_s = now + THROUGHPUT_S
            predicted = self._predictor.next_after(float(view.minutes(THROUGHPUT_S // MINUTE_S).sum()))
            rate = objective / view.service_s
            self._floor = floor_copies(predicted / THROUGHPUT_S, rps_at_objective=rate, current=view.wanted)
        in_flight = view.mean(TICK_S)
        # A change is under way, or there is no metric: only observed.
        if view.copies != view.wanted or view.copies == 0 or math.isnan(in_flight):
            return view.wanted
        stepped = step_by_load(in_flight / view.copies, objective=objective, copies=view.copies)
        return max(stepped, self._floor)
