"""Finds the cheapest setting that is good enough on a committed grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Row = TypeVar("Row")


def cheapest_good_enough(
    grid: Sequence[float], *, run: Callable[[float], Row], good: Callable[[Row], bool]
) -> tuple[float, Row]:
    """The last setting of `grid` whose row is good, and its row; the first setting's when none is.

    The grid goes from the most careful setting to the cheapest, and on time gets worse along it (fewer copies at
    every moment). So the cheapest that is good enough is the last good one, and bisection finds it: three runs on
    a grid of seven instead of seven. Neighbours do change places by a little, in cost and on time; on the shipped
    week that moves no winner, which tests/bench/test_search.py holds to a sweep of the whole grid.
    """
    low, high = 0, len(grid)
    found: tuple[float, Row] | None = None
    while low < high:
        middle = (low + high) // 2
        row = run(grid[middle])
        if good(row):
            low, found = middle + 1, (grid[middle], row)
        else:
            high = middle
            if middle == 0:
                found = (grid[0], row)
    assert found is not None, "the grid is empty"
    return found
