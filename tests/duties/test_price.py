"""Which candidate would have cost least: copies kept, requests late, changes made, and the objective."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidepool.sizing.price import CHANGE_USD, OBJECTIVE_SHARE, cheapest

ARRIVED = 10_000.0

candidate = st.tuples(st.integers(0, 100), st.integers(0, 2000), st.integers(0, 50))
"""Copy hours, late requests, changes."""
several = st.lists(candidate, min_size=1, max_size=8)
prices = st.lists(st.integers(0, 256), min_size=2, max_size=2, unique=True).map(sorted)


def chosen(
    candidates: list[tuple[int, int, int]],
    *,
    unit_usd: float = 3.0,
    miss_usd: float = 0.01,
    attain: float = 0.99,
) -> tuple[int, int, int]:
    held, late, turned = np.array(candidates, dtype=float).T
    return candidates[cheapest(held, late, turned, ARRIVED, unit_usd=unit_usd, miss_usd=miss_usd, attain=attain)]


@given(several, prices, st.integers(0, 8), st.sampled_from([0.0, 0.9, 0.995, 1.0]))
def test_a_dearer_miss_never_chooses_more_late_requests(
    candidates: list[tuple[int, int, int]], miss: list[int], unit: int, attain: float
) -> None:
    cheap, dear = (chosen(candidates, unit_usd=unit, miss_usd=usd / 64, attain=attain) for usd in miss)
    assert dear[1] <= cheap[1]


@given(several, prices, st.integers(0, 64))
def test_dearer_copies_never_choose_more_copy_hours_while_everybody_keeps_the_objective(
    candidates: list[tuple[int, int, int]], unit: list[int], miss: int
) -> None:
    """2,000 of 10,000 late are what an objective of 80 % allows."""
    cheap, dear = (chosen(candidates, unit_usd=usd / 8, miss_usd=miss / 64, attain=0.8) for usd in unit)
    assert dear[0] <= cheap[0]


@given(several, prices, st.integers(0, 64))
def test_dearer_copies_never_choose_more_copy_hours_than_the_objective_is_worth(
    candidates: list[tuple[int, int, int]], unit: list[int], miss: int
) -> None:
    """What the objective is worth grows with what copies cost: a share of the least copy hours, and no more."""
    cheap, dear = (chosen(candidates, unit_usd=usd / 8, miss_usd=miss / 64) for usd in unit)
    assert dear[0] <= cheap[0] + OBJECTIVE_SHARE * min(held for held, _, _ in candidates) + 1e-6


def test_the_price_of_a_late_request_is_weighed_against_that_of_a_copy_hour() -> None:
    """20 copy hours of 3 dollars more keep 1,000 requests from being late: worth it from 6 cents a request."""
    few, many = (80, 1500, 0), (100, 500, 0)
    assert chosen([few, many], miss_usd=0.059, attain=0.0) == few
    assert chosen([few, many], miss_usd=0.061, attain=0.0) == many


def test_a_change_weighs_as_much_as_fifty_cents() -> None:
    """12 changes at 50 cents are two copy hours of 3 dollars."""
    assert pytest.approx(0.5) == CHANGE_USD
    restless = (50, 0, 12)
    assert chosen([restless, (52, 0, 0)]) == restless, "a tie, and it is the first"
    assert chosen([restless, (51, 0, 0)]) == (51, 0, 0)


def test_ties_go_to_the_first() -> None:
    same = np.full(3, 5.0)
    assert cheapest(same, same, same, ARRIVED, unit_usd=3.0, miss_usd=0.01, attain=0.99) == 0
    assert cheapest(np.array([6.0, 5.0, 5.0]), same, same, ARRIVED, unit_usd=3.0, miss_usd=0.01, attain=0.99) == 1


def test_keeping_the_objective_is_worth_a_share_of_what_the_model_costs() -> None:
    """Late requests cost nothing here. 1 % of 10,000 may be late; twice that costs 30 of 100 copy hours, in full."""
    misses = (100, 200, 0)
    assert chosen([misses, (129, 100, 0)], miss_usd=0.0) == (129, 100, 0)
    assert chosen([misses, (131, 100, 0)], miss_usd=0.0) == misses


def test_beyond_the_objective_it_is_paid_in_proportion_up_to_twice_what_may_be_late() -> None:
    """150 late of 100 allowed cost half of the share: 15 copy hours. 1,000 late cost no more than 200."""
    assert chosen([(100, 150, 0), (114, 100, 0)], miss_usd=0.0) == (114, 100, 0)
    assert chosen([(100, 150, 0), (116, 100, 0)], miss_usd=0.0) == (100, 150, 0)
    assert chosen([(101, 200, 0), (100, 1000, 0)], miss_usd=0.0) == (100, 1000, 0)


def test_within_the_objective_nothing_is_paid_for_it() -> None:
    assert chosen([(101, 0, 0), (100, 100, 0)], miss_usd=0.0) == (100, 100, 0)
