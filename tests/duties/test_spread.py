"""How much service times vary, from two trimmed means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOW, a_config, a_fleet, evidence
from tidepool.decision.pipeline import decide
from tidepool.memory import Learned, Memory, ModelLearned
from tidepool.plan.change import ScaleCopies
from tidepool.sizing.spread import ENOUGH, LEAST, MOST, smoothed, spread_of, stepped

positive = st.floats(1e-3, 1e9)


def measured(times: np.ndarray) -> float:
    """As CloudWatch's two trimmed means of these times say it."""
    ordered = np.sort(times)
    tenth = len(ordered) // 10
    return spread_of(float(ordered[:-tenth].mean()), float(ordered[-tenth:].mean()))


def lognormal(spread: float, count: int, rng: np.random.Generator) -> np.ndarray:
    sigma = math.sqrt(math.log(1 + spread))
    return rng.lognormal(-sigma * sigma / 2, sigma, count)


def test_exponential_times_have_a_spread_of_one_and_even_ones_none() -> None:
    rng = np.random.default_rng(1)
    assert measured(rng.exponential(10.0, 300_000)) == pytest.approx(1.0, abs=0.01)
    assert spread_of(10_000.0, 10_000.0) == pytest.approx(0.0, abs=1e-12)


def test_of_other_times_the_spread_is_a_quarter_off_at_most_within_what_is_believed() -> None:
    """Erlang's of four stages 0.20 of 0.25, gamma 2.17 of 2, lognormal 0.97 of 1 and 2.94 of 4."""
    rng = np.random.default_rng(1)
    found = {
        spread: measured(times)
        for spread, times in (
            (0.25, rng.gamma(4, 0.25, 300_000)),
            (2.0, rng.gamma(0.5, 2.0, 300_000)),
            (1.0, lognormal(1.0, 300_000, rng)),
            (4.0, lognormal(4.0, 300_000, rng)),
        )
    }
    assert found == pytest.approx({0.25: 0.20, 2.0: 2.17, 1.0: 0.97, 4.0: 2.94}, rel=0.03)


def test_as_few_requests_as_are_enough_say_it_within_a_seventh() -> None:
    rng = np.random.default_rng(1)
    found = [measured(rng.exponential(1.0, ENOUGH)) for _ in range(500)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.03)
    assert np.std(found) == pytest.approx(0.14, abs=0.02)


@given(positive, positive, positive)
def test_the_unit_of_time_says_nothing(others: float, slowest: float, unit: float) -> None:
    one, other = spread_of(others, slowest), spread_of(others * unit, slowest * unit)
    assert math.isnan(one) == math.isnan(other)
    assert math.isnan(one) or one == pytest.approx(other, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    "pair", [(math.nan, 1.0), (1.0, math.nan), (0.0, 0.0), (-1.0, -1.0), (2.0, 1.0), (1.0, math.inf)]
)
def test_latencies_that_are_no_numbers_change_nothing(pair: tuple[float, float]) -> None:
    assert math.isnan(spread_of(*pair))
    assert smoothed(1.7, spread_of(*pair)) == 1.7


@given(st.floats(LEAST, MOST), st.lists(st.one_of(st.floats(0, 1e9), st.just(math.nan)), max_size=60))
def test_whatever_comes_the_spread_stays_in_its_bounds(before: float, hours: list[float]) -> None:
    for newest in hours:
        before = smoothed(before, newest)
    assert LEAST * (1 - 1e-8) <= before <= MOST * (1 + 1e-8)
    assert 0.08 < stepped(before) < 9


def test_two_thirds_of_a_change_is_believed_after_ten_hours() -> None:
    spread = 1.0
    for _ in range(10):
        spread = smoothed(spread, 4.0)
    assert (spread - 1) / 3 == pytest.approx(0.65, abs=0.01)


def test_sizes_follow_steps_of_the_spread_and_not_its_noise() -> None:
    assert [stepped(spread) for spread in (0.86, 1.0, 1.15)] == [1.0, 1.0, 1.0]
    assert [round(stepped(spread), 2) for spread in (0.5, 0.8, 1.3, 2.1, 9.0)] == [0.5, 0.71, 1.41, 2.0, 8.0]


@pytest.mark.parametrize(
    ("in_flight", "spread", "copies", "told"),
    [
        (110.0, 1.1, 8, ""),
        (110.0, 0.25, 7, ", service spread 0.25 (exponential: 1)"),
        (103.0, 1.1, 7, ""),
        (103.0, 9.0, 8, ", service spread 8 (exponential: 1)"),
    ],
)
def test_copies_are_sized_by_how_much_service_times_vary_and_the_record_says_so(
    in_flight: float, spread: float, copies: int, told: str
) -> None:
    known = Memory(homes_checked=NOW, learned=Learned(models={"a": ModelLearned(spread=spread)}))
    decision = decide(a_fleet({"a": evidence(in_flight, 2)}), a_config(), known, NOW)
    step = next(step for step in decision.steps if step.stage == "size")
    assert step.because.endswith(f"20 a copy{told}")
    assert [change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)] == [copies]
