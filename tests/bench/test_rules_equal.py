"""Comparisons at equal on-time, and 'no worse on time' (bench-rules.md §6), each with a worked example."""

from __future__ import annotations

import pytest

from tidepool_lab.bench.equal import FIGURES, Point, cost_at, misses_at, no_worse_on_time, worse_figures
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.table import comparisons_of, ratios_of

GRID = (
    Point(400.0, 0.9999),
    Point(300.0, 0.9995),
    Point(200.0, 0.999),
    Point(150.0, 0.995),
    Point(100.0, 0.99),
    Point(50.0, 0.9),
)
"""A policy's six settings, from the most careful to the cheapest."""


def row(name: str = "tidepool", *, cost_usd: float = 100.0, **figures: float | None) -> PolicyResult:
    """A row that is on time to 99 % in everything but the given figures."""
    return PolicyResult(name=name, cost_usd=cost_usd, **{**dict.fromkeys(FIGURES, 0.99), **figures})


def test_rule_6_cost_at_a_given_on_time_is_linear_in_cost_and_the_logarithm_of_misses():
    # Between $50 with 10⁻¹ and $100 with 10⁻² of misses: 10⁻¹·⁵ = 3.162 % is half-way, $75.
    assert cost_at(GRID, 1 - 10**-1.5) == pytest.approx(75.0)
    # A quarter of the way from 10⁻² to 10⁻¹ is 10⁻¹·⁷⁵: $87.50.
    assert cost_at(GRID, 1 - 10**-1.75) == pytest.approx(87.5)


def test_rule_6_misses_at_a_given_cost_are_the_geometric_mean_half_way():
    assert misses_at(GRID, 75.0) == pytest.approx(10**-1.5)
    # $250 is between 0.1 % and 0.05 %: their geometric mean.
    assert misses_at(GRID, 250.0) == pytest.approx((0.001 * 0.0005) ** 0.5)


def test_rule_6_a_point_of_the_grid_gives_itself():
    for point in GRID:
        assert cost_at(GRID, point.on_time) == point.cost_usd
        assert misses_at(GRID, point.cost_usd) == point.misses


def test_rule_6_the_two_ways_to_compare_are_each_others_inverse():
    for cost in (60.0, 99.0, 120.0, 170.0, 350.0):
        misses = misses_at(GRID, cost)
        assert misses is not None
        assert cost_at(GRID, 1 - misses) == pytest.approx(cost)


@pytest.mark.parametrize(("on_time", "cost"), [(0.89, 49.99), (0.99991, 400.01), (1.0, 1000.0), (0.0, 0.0)])
def test_rule_6_nothing_is_extrapolated(on_time: float, cost: float):
    assert cost_at(GRID, on_time) is None
    assert misses_at(GRID, cost) is None


def test_rule_6_a_line_runs_between_neighbours_only_and_the_cheaper_of_two_crossings_counts():
    bent = (Point(500.0, 0.9999), Point(400.0, 0.99), Point(300.0, 0.9999), *GRID[2:])
    # 99.9 % is crossed half-way from $500 to $400, half-way from $400 to $300, and is the point at $200 itself.
    assert cost_at(bent, 0.999) == 200.0
    # 99.97 % is crossed at $467 on, at about $330, and between $300 and $200: the last is the cheapest.
    found = cost_at(bent, 0.9997)
    assert found is not None and 200 < found < 300


def test_rule_6_zero_misses_have_no_logarithm_so_only_the_point_itself_counts():
    perfect = (Point(500.0, 1.0), *GRID)
    assert cost_at(perfect, 1.0) == 500.0 and misses_at(perfect, 500.0) == 0.0
    assert cost_at(perfect, 0.99995) is None and misses_at(perfect, 450.0) is None


def test_rule_6_fewer_than_six_points_are_no_grid():
    with pytest.raises(ValueError, match="at least 6"):
        cost_at(GRID[1:], 0.999)
    with pytest.raises(ValueError, match="at least 6"):
        misses_at(GRID[1:], 200.0)


@pytest.mark.parametrize("figure", FIGURES)
def test_rule_6_no_worse_on_time_wants_each_of_the_five_figures(figure: str):
    assert no_worse_on_time(row(**{figure: 0.98951}), row())
    assert not no_worse_on_time(row(**{figure: 0.98949}), row())
    assert worse_figures(row(**{figure: 0.98949}), row()) == (figure,)


def test_rule_6_no_worse_on_time_has_five_figures():
    assert FIGURES == (
        "on_time",
        "on_time_interactive",
        "on_time_batch",
        "on_time_mean_model",
        "models_meeting_objective",
    )


def test_rule_6_a_kind_that_does_not_exist_is_not_worse_and_a_missing_figure_proves_nothing():
    assert no_worse_on_time(row(on_time_batch=None), row(on_time_batch=None))
    assert no_worse_on_time(row(), row(on_time_batch=None))
    assert not no_worse_on_time(row(on_time_batch=None), row())


def test_rule_6_the_table_says_whether_tidepool_is_no_worse_and_at_what_share_of_the_cost():
    rows = (
        row("native", cost_usd=400.0),
        row("native_best", cost_usd=160.0, on_time_batch=0.98, models_meeting_objective=0.97),
        row(on_time_batch=0.975, models_meeting_objective=0.9),
    )
    assert comparisons_of(rows) == [
        "tidepool is worse on time than native (on_time_batch 97.50 % against 99.00 %, "
        "models_meeting_objective 90.00 % against 99.00 %), at 0.250 of its cost",
        "tidepool is worse on time than native_best (on_time_batch 97.50 % against 98.00 %, "
        "models_meeting_objective 90.00 % against 97.00 %), at 0.625 of its cost",
    ]
    assert comparisons_of((rows[0], row())) == ["tidepool is no worse on time than native, at 0.250 of its cost"]
    assert comparisons_of((rows[0], rows[1])) == [] and comparisons_of((row(),)) == []


def test_rule_5_the_notes_say_the_ratios_of_which_both_rows_are_there():
    costs = {"dedicated_peak": 600.0, "dedicated_cheapest": 400.0, "tidepool": 150.0, "oracle": 120.0, "floor": 60.0}
    rows = [row(name, cost_usd=cost) for name, cost in costs.items()]
    assert ratios_of(rows) == [
        "cost: tidepool ÷ oracle 1.25, oracle ÷ floor 2.00, dedicated_peak ÷ tidepool 4.00, "
        "dedicated_cheapest ÷ tidepool 2.67"
    ]
    assert ratios_of(rows[3:]) == ["cost: oracle ÷ floor 2.00"]
    assert ratios_of([rows[0], rows[3]]) == []
