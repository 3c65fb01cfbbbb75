"""Precedence: hold > no evidence > ladder > busy > freeze > quota > budget (never below floors) > limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tidepool.guard.limits import Allowance, allowance, moves_left
from tidepool.guard.verdict import Asked, passes

PLENTY = Allowance(copies=100, lowered=100, instances=100)
UP = Asked(2, 6, 1, False, "", "", "", "", "", 100, 3.0)
DOWN = replace(UP, size_from=6, size_to=2)


def bound(asked: Asked, left: Allowance = PLENTY, budget: float | None = None) -> tuple[str, int]:
    passed = passes(asked, allowance=left, budget_left=budget)
    return passed.bound, passed.size_to


def test_each_rule_binds_before_the_ones_below_it() -> None:
    asked = replace(DOWN, held="h", evidence="e", rung_forbids="r", busy="b", frozen="f")
    for field, name in [("held", "hold"), ("evidence", "no evidence"), ("rung_forbids", "ladder"), ("busy", "busy")]:
        assert bound(asked) == (name, 6)
        asked = replace(asked, **{field: ""})
    assert bound(asked) == ("freeze", 6)
    assert bound(replace(asked, frozen="")) == ("", 2)


def test_a_freeze_lets_raising_go_on() -> None:
    assert bound(replace(UP, frozen="change freeze")) == ("", 6)


def test_a_hold_is_hands_off_both_ways() -> None:
    assert bound(replace(UP, held="audit")) == ("hold", 2)


def test_quota_lets_through_what_fits() -> None:
    assert bound(replace(UP, room=1)) == ("quota", 3)
    assert bound(replace(UP, room=0)) == ("quota", 2)


def test_the_budget_binds_but_never_below_the_floor() -> None:
    assert bound(UP, budget=6.5) == ("budget", 4)
    assert bound(replace(UP, floor=5), budget=0.0) == ("budget", 5)
    assert bound(UP, budget=-50.0) == ("budget", 2)


def test_limits_let_part_of_a_change_through_and_floors_pass_them() -> None:
    assert bound(UP, replace(PLENTY, copies=1)) == ("limits", 3)
    assert bound(replace(UP, floor=4), replace(PLENTY, copies=1)) == ("limits", 4)
    assert bound(DOWN, replace(PLENTY, lowered=3)) == ("limits", 3)


@pytest.mark.parametrize(("copies", "per_tick"), [(5, 2), (100, 10), (101, 11)])
def test_a_tick_changes_a_tenth_of_the_fleet_and_two_at_least(copies: int, per_tick: int) -> None:
    left = allowance(
        fleet_copies=copies,
        copies_per_tick=None,
        lowered_per_hour=0.2,
        instances_per_hour=2,
        lowered=(),
        instance_changes=(),
        now=10_000,
    )
    assert left.copies == per_tick


def test_the_hour_and_the_day_remember() -> None:
    left = allowance(
        fleet_copies=100,
        copies_per_tick=8,
        lowered_per_hour=0.2,
        instances_per_hour=2,
        lowered=((1, 50), (9_000, 15)),
        instance_changes=((9_500, 1),),
        now=10_000,
    )
    assert left == Allowance(copies=8, lowered=5, instances=1)
    assert moves_left(at_once=2, per_day=2, under_way=1, begun=(9_999,), now=10_000) == 1
    assert moves_left(at_once=2, per_day=2, under_way=0, begun=(9_998, 9_999), now=10_000) == 0
