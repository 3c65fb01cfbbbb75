"""The frontier as tables: each policy's lower frontier, and everybody at equal on-time (bench-rules.md §6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from tidepool.units import usd
from tidepool_lab.bench.equal import Point, cost_at, misses_at
from tidepool_lab.bench.result import BenchResult, FrontierPoint
from tidepool_lab.bench.table import plain

Figure = Literal["on_time", "on_time_mean_model"]
FIGURES: dict[Figure, str] = {"on_time": "on time", "on_time_mean_model": "mean model"}

FRONTIER_HEADINGS = ("policy", "setting", "cost", "on time", "mean model")
EQUAL_HEADINGS = (
    "at equal",
    "policy",
    "its cost at tidepool's",
    "tidepool ÷ it",
    "tidepool ÷ it at its points",
    "late at native's cost",
)
"""'tidepool's': the on-time of tidepool's default, or better. 'its points': the policy's lower frontier, as far as
tidepool's settings span it; the least and the greatest ratio. 'native's cost': of its default, or less."""
OUTSIDE = "outside its points"
"""Nothing is extrapolated."""


def lower_frontier(points: Iterable[FrontierPoint], figure: Figure = "on_time") -> list[FrontierPoint]:
    """The points that no other beats: none is both as cheap and as much on time; the cheapest first."""
    best: list[FrontierPoint] = []
    for point in sorted(points, key=lambda p: (p.cost_usd, -_figure(p, figure))):
        if not best or _figure(point, figure) > _figure(best[-1], figure):
            best.append(point)
    return best


def cheapest_at(points: Sequence[FrontierPoint], on_time: float, figure: Figure) -> float | None:
    """What a policy costs at that on-time or better; None outside of what its points span.

    The cheapest of what its curves cost there (bench/equal.py) and of its points that are as much on time: a curve that
    bends back, or homes that suit the policy better, must not make it look dearer than it can be.
    """
    if on_time < min(_figure(point, figure) for point in points):
        return None
    between = (cost_at(curve, on_time) for curve in _curves(points, figure))
    there = (point.cost_usd for point in points if _figure(point, figure) >= on_time)
    return min((*(cost for cost in between if cost is not None), *there), default=None)


def fewest_misses_at(points: Sequence[FrontierPoint], cost_usd: float, figure: Figure) -> float | None:
    """The share that a policy is late with at that cost or less, likewise; None where all its points cost more."""
    between = (misses_at(curve, cost_usd) for curve in _curves(points, figure))
    there = (1 - _figure(point, figure) for point in points if point.cost_usd <= cost_usd)
    return min((*(misses for misses in between if misses is not None), *there), default=None)


def frontier_rows_of(result: BenchResult) -> list[tuple[str, ...]]:
    """The lower frontier of every policy, the policies in their order, each from its cheapest point on."""
    return [
        (policy, point.setting, usd(point.cost_usd), _share(point.on_time), _share(point.on_time_mean_model))
        for policy, points in by_policy(result).items()
        for point in lower_frontier(points)
    ]


def equal_rows_of(result: BenchResult) -> list[tuple[str, ...]]:
    """Every policy beside tidepool at equal on-time, by requests and by models; none without tidepool's sweep."""
    policies = by_policy(result)
    ours = policies.get("tidepool", [])
    mine, native = _default(ours), _default(policies.get("native", []))
    if mine is None:
        return []
    return [
        (
            words,
            policy,
            *_at_tidepools(policy, points, mine, figure),
            _at_its_points(policy, points, ours, figure),
            "-" if native is None else _late(fewest_misses_at(points, native.cost_usd, figure)),
        )
        for figure, words in FIGURES.items()
        for policy, points in policies.items()
    ]


def frontier_notes_of(result: BenchResult) -> list[str]:
    """How many settings were run, what was left out, and tidepool's misses at native's cost as a share of native's."""
    policies = by_policy(result)
    native, ours = _default(policies.get("native", [])), policies.get("tidepool", [])
    notes = [
        f"{len(result.frontier)} settings; above are those that no other of the policy beats, --json has all",
        *result.left_out,
    ]
    if native is not None and ours:
        notes += [_at_natives_cost(ours, native, figure) for figure in FIGURES]
    return notes


def frontier_title_of(result: BenchResult) -> str:
    return f"{result.trace}: cost against on-time, the lower frontier of each policy's settings"


def plain_frontier(result: BenchResult) -> str:
    """Both tables as plain text."""
    rows, equal = frontier_rows_of(result), equal_rows_of(result)
    text = plain(frontier_title_of(result), FRONTIER_HEADINGS, rows, frontier_notes_of(result))
    return text + ("\n" + plain("At equal on-time", EQUAL_HEADINGS, equal, ()) if equal else "")


def by_policy(result: BenchResult) -> dict[str, list[FrontierPoint]]:
    """The points of each policy, in the order in which they were swept."""
    found: dict[str, list[FrontierPoint]] = {}
    for point in result.frontier:
        found.setdefault(point.policy, []).append(point)
    return found


def _at_tidepools(policy: str, points: Sequence[FrontierPoint], mine: FrontierPoint, figure: Figure) -> tuple[str, str]:
    """The policy's cost at the on-time of tidepool's default, and tidepool's share of it."""
    if policy == "tidepool":
        return usd(mine.cost_usd), "1.000"
    cost = cheapest_at(points, _figure(mine, figure), figure)
    return (OUTSIDE, "-") if cost is None else (usd(cost), f"{mine.cost_usd / cost:.3f}")


def _at_its_points(policy: str, points: Sequence[FrontierPoint], ours: Sequence[FrontierPoint], figure: Figure) -> str:
    """'0.712 to 0.930 (5 of 7)': tidepool's cost over the policy's, at the on-time of the policy's own points."""
    if policy == "tidepool":
        return "-"
    best = lower_frontier(points, figure)
    costs = [(cheapest_at(ours, _figure(point, figure), figure), point.cost_usd) for point in best]
    ratios = [mine / its for mine, its in costs if mine is not None and its]
    if not ratios:
        return OUTSIDE
    return f"{min(ratios):.3f} to {max(ratios):.3f} ({len(ratios)} of {len(best)})"


def _curves(points: Sequence[FrontierPoint], figure: Figure) -> list[list[Point]]:
    """The points grid by grid, as bench/equal.py reads them."""
    return [
        [Point(point.cost_usd, _figure(point, figure)) for point in points if point.curve == number]
        for number in sorted({point.curve for point in points})
    ]


def _at_natives_cost(ours: Sequence[FrontierPoint], native: FrontierPoint, figure: Figure) -> str:
    misses, others = fewest_misses_at(ours, native.cost_usd, figure), 1 - _figure(native, figure)
    if misses is None:
        return f"all of tidepool's points cost more than native ({FIGURES[figure]})"
    share = f", {misses / others:.2f} of it" if others else ""
    return f"late at native's cost or less: tidepool {_late(misses)}, native {_late(others)}{share} ({FIGURES[figure]})"


def _default(points: Sequence[FrontierPoint]) -> FrontierPoint | None:
    return next((point for point in points if point.default), None)


def _figure(point: FrontierPoint, figure: Figure) -> float:
    return point.on_time if figure == "on_time" else point.on_time_mean_model


def _share(share: float) -> str:
    return f"{share * 100:.2f} %"


def _late(misses: float | None) -> str:
    return OUTSIDE if misses is None else f"{misses * 100:.3f} %"
