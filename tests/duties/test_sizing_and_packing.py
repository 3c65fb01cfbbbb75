"""Copies for a demand, machines for copies."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidepool.packing.instances import instances_for, packed
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
few = st.lists(st.integers(1, 8), max_size=7)


@given(copies)
def test_packing_never_exceeds_a_machine_and_is_optimal_for_sizes_that_divide_each_other(
    wanted: list[tuple[int, int]],
) -> None:
    free, held = packed(wanted, 8), sum(count * size for count, size in wanted)
    assert all(0 <= left < 8 for left in free)
    assert 8 * len(free) - sum(free) == held, "every copy is placed, once"
    assert len(free) == math.ceil(held / 8)


def fewest(sizes: tuple[int, ...], machines: tuple[int, ...] = ()) -> int:
    """The optimum by trying every machine for every copy."""
    if not sizes:
        return len(machines)
    first, rest = sizes[0], sizes[1:]
    tries = [fewest(rest, (*machines, 8 - first))]
    for i, left in enumerate(machines):
        if left >= first:
            tries.append(fewest(rest, (*machines[:i], left - first, *machines[i + 1 :])))
    return min(tries)


@given(few)
def test_any_sizes_fit_within_the_bound_of_first_fit_decreasing(sizes: list[int]) -> None:
    free = packed([(1, size) for size in sizes], 8)
    assert all(left >= 0 for left in free)
    assert 8 * len(free) - sum(free) == sum(sizes)
    best = fewest(tuple(sorted(sizes, reverse=True)))
    assert best <= len(free) <= 11 / 9 * best + 6 / 9


def test_a_copy_larger_than_any_machine_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match="a copy of 8 accelerators does not fit a machine of 4"):
        instances_for([(1, 8)], 4)
