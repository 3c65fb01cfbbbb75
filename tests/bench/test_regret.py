"""What forecasts are worth: their error beside the last value's, and what following them cost beyond the best."""

from __future__ import annotations

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool_lab.bench.regret import Score, scores_of, text_of
from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model

MINUTES = 3 * 1440
FLAT = 120
STEPS = np.where((np.arange(MINUTES) % 1440) // 180 % 2 == 0, 900, 120)
"""Fifteen a second for three hours and two a second for three, every day alike."""


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:

    names = ("flat", "steps", "silent")
    fleet = reference_fleet(tuple(reference_model(name, SIZES["14B"]) for name in names), minutes=MINUTES)
    columns = (np.full(MINUTES, FLAT), STEPS, np.zeros(MINUTES, dtype=int))
    return {one.model: one for one in scores_of(a_case(fleet, np.stack(columns, axis=1), from_day=2))}


def test_of_a_flat_load_nothing_is_lacked_and_nothing_regretted(scores: dict[str, Score]) -> None:
    flat = scores["flat"]
    assert flat.error == pytest.approx(0.0, abs=1e-5) and flat.last == pytest.approx(0.0, abs=1e-5)
    assert (flat.late, flat.best_late) == (0.0, 0.0)
    assert flat.usd == pytest.approx(flat.best_usd) and flat.usd > 0


def test_a_tide_that_returns_each_day_is_foretold_better_than_by_the_last_value(scores: dict[str, Score]) -> None:
    assert scores["steps"].error < 0.7 * scores["steps"].last


def test_of_what_returns_each_day_little_is_regretted_once_it_was_seen(scores: dict[str, Score]) -> None:
    """The third day: a twentieth of its dollars at most, and less than a minute of the high steps.

    The first day is judged without having been seen: what would have foretold it is believed only by and by.
    """
    steps = scores["steps"]
    assert steps.best_usd > 2 * scores["flat"].best_usd
    assert abs(steps.usd - steps.best_usd) < 0.05 * steps.best_usd
    assert 0 <= steps.late - steps.best_late + 1e-3 < 900


def test_who_is_silent_has_no_score(scores: dict[str, Score]) -> None:
    assert set(scores) == {"flat", "steps"}


def test_each_model_has_a_line_the_dearest_regret_first_and_the_fleet_has_the_sum() -> None:
    a = Score("a", error=0.1, last=0.2, aside=0.5, usd=12.0, late=30.0, best_usd=10.0, best_late=10.0)
    b = Score("b", error=0.3, last=0.2, aside=1.0, usd=9.0, late=5.0, best_usd=4.0, best_late=7.0)
    head, first, second, last = text_of([a, b]).splitlines()
    assert head.split()[:3] == ["model", "error", "last"]
    assert first.split() == ["b", "0.300", "0.200", "100", "%", "$5.00", "5", "-2"]
    assert second.split()[0] == "a"
    assert last == (
        "$21.00 of copies, $7.00 more than the best of each model in hindsight; 35 late, 18 more; "
        "the ensemble beats the last value for 1 of 2"
    )
