"""Compares policies at equal on-time, and says what 'no worse on time' means (bench-rules.md §6)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tidepool_lab.bench.result import PolicyResult

NO_WORSE = 0.0005
"""What 'no worse on time' allows (bench-rules.md §6)."""
FIGURES = ("on_time", "on_time_interactive", "on_time_batch", "on_time_mean_model", "models_meeting_objective")
"""All of them must hold: request-weighted on-time alone would let a policy drop every small model."""
FEWEST_POINTS = 6
"""A grid of dials has at least so many settings (bench-rules.md §6)."""


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of a policy's dial: what it cost, and the share of requests on time."""

    cost_usd: float
    on_time: float

    @property
    def misses(self) -> float:
        return 1 - self.on_time


def no_worse_on_time(row: PolicyResult, other: PolicyResult) -> bool:
    """Every on-time figure of `row` is at least the other's - 0.0005."""
    return not worse_figures(row, other)


def worse_figures(row: PolicyResult, other: PolicyResult) -> tuple[str, ...]:
    """The on-time figures in which `row` is worse. Where the other has none, there was nothing to be late with."""
    return tuple(figure for figure in FIGURES if _worse(getattr(row, figure), getattr(other, figure)))


def cost_at(points: Sequence[Point], on_time: float) -> float | None:
    """What the policy costs at that on-time; None outside of what its points span.

    points: the settings of the committed grid, in its order. Linear between neighbours in (cost, log misses), never
    extrapolated. Worked: $100 at 99 % and $200 at 99.99 % make $150 at 99.9 %, half-way from 10⁻² to 10⁻⁴. Where
    noise bends the line back so that it passes an on-time twice, the cheaper of the two. A line to a point without
    misses has no logarithm: there the point itself counts, and nothing between.
    Raises ValueError for fewer than six points.
    """
    misses = 1 - on_time
    exact = (point.cost_usd for point in points if point.misses == misses)
    between = (
        a.cost_usd + (b.cost_usd - a.cost_usd) * _share(math.log(a.misses), math.log(b.misses), math.log(misses))
        for a, b in _lines(points)
        if min(a.misses, b.misses) < misses < max(a.misses, b.misses)
    )
    return min((*exact, *between), default=None)


def misses_at(points: Sequence[Point], cost_usd: float) -> float | None:
    """The share of requests that are late at that cost; None outside of what its points span. As `cost_at`.

    Worked: $100 with 1 % and $200 with 0.01 % make 0.1 % at $150, the geometric mean. Passed twice: the fewer misses.
    """
    exact = (point.misses for point in points if point.cost_usd == cost_usd)
    between = (
        math.exp(
            math.log(a.misses) + (math.log(b.misses / a.misses)) * _share(a.cost_usd, b.cost_usd, cost_usd),
        )
        for a, b in _lines(points)
        if min(a.cost_usd, b.cost_usd) < cost_usd < max(a.cost_usd, b.cost_usd)
    )
    return min((*exact, *between), default=None)


def _lines(points: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    if len(points) < FEWEST_POINTS:
        raise ValueError(f"{len(points)} points; a grid of dials has at least {FEWEST_POINTS}")
    return ((a, b) for a, b in pairwise(points) if a.misses > 0 and b.misses > 0)


def _share(first: float, last: float, at: float) -> float:
    """How far `at` is on the way from first to last."""
    return (at - first) / (last - first)


def _worse(figure: float | None, other: float | None) -> bool:
    return other is not None and (figure is None or figure < other - NO_WORSE)
