"""Copies for a demand, machines for copies."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidepool.packing.instances import instances_for
from tidepool.sizing.copies import copies_for, slots_for


def test_forty_in_flight_on_nineteen_slots_are_three_copies() -> None:
    assert slots_for(40.0) == pytest.approx(40 + math.sqrt(40))
    assert copies_for(40.0, 19) == 3


def test_large_models_run_hotter_than_small_ones() -> None:
    def utilisation(in_flight: float) -> float:
        return in_flight / (copies_for(in_flight, 20) * 20)

    assert utilisation(1000) > 0.95
    assert utilisation(12) < 0.7


def test_no_demand_needs_no_copy() -> None:
    assert copies_for(0.0, 19) == 0


def test_a_wider_dial_never_means_fewer_copies() -> None:
    assert [copies_for(40, 19, dial=dial) for dial in (0, 1, 3, 9)] == sorted(
        copies_for(40, 19, dial=dial) for dial in (0, 1, 3, 9)
    )


copies = st.lists(st.tuples(st.integers(0, 30), st.sampled_from([1, 2, 4, 8])), max_size=8)


@given(copies)
def test_packing_never_exceeds_a_machine_and_is_optimal_for_sizes_that_divide_each_other(
    wanted: list[tuple[int, int]],
) -> None:
    machines = instances_for(wanted, 8)
    assert machines == math.ceil(sum(count * size for count, size in wanted) / 8)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 8)), max_size=8))
def test_any_sizes_fit_within_the_bound_of_first_fit_decreasing(wanted: list[tuple[int, int]]) -> None:
    machines = instances_for(wanted, 8)
    least = math.ceil(sum(count * size for count, size in wanted) / 8)
    one_each = sum(count for count, _ in wanted)
    assert least <= machines <= one_each


def test_a_copy_larger_than_any_machine_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match="a copy of 8 accelerators does not fit a machine of 4"):
        instances_for([(1, 8)], 4)
