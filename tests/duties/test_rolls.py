"""Which copies are rolled onto fuller machines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOW, POOL, a_config, a_fleet, a_pool
from tidepool.decision.pipeline import decide
from tidepool.memory import Loose, Memory, Minute, ModelMemory
from tidepool.packing.rolls import DWELL_H, RELEASED_BEFORE, TRIED_BEFORE, Rollable, rolls
from tidepool.plan.change import ScaleCopies

A, B, C = Rollable("a", 1, 300, 2.0), Rollable("b", 1, 100, 2.0), Rollable("c", 1, 200, 2.0)


def chosen(*rollable: Rollable, **changes: float) -> list[str]:
    """Of a pool of ten-dollar machines whose rolls nobody knows: one of four releases one, so a roll is worth 2.50."""
    terms = {"spare": 30, "under_way": 0, "tried": 0.0, "released": 0.0, "usd": 10.0} | changes
    return rolls(rollable, **terms)  # type: ignore[arg-type]


def test_whoever_was_rolled_longest_ago_is_first() -> None:
    assert chosen(A, B, C) == ["b", "c", "a"]
    assert chosen(A, B, C, spare=20) == ["b", "c"]


def test_by_name_where_they_were_rolled_at_once() -> None:
    never = [Rollable(name, 1, 0, 2.0) for name in "cab"]
    assert chosen(*never, spare=20) == ["a", "b"]


def test_the_least_loaded_where_they_were_rolled_at_once() -> None:
    """Whatever their names: a name decides only between what is alike."""
    assert chosen(replace(A, rolled_at=100, in_flight=1.0), replace(B, in_flight=3.0), spare=1) == ["a"]
    assert chosen(replace(A, rolled_at=100, in_flight=3.0), replace(B, in_flight=1.0), spare=1) == ["b"]


def test_who_has_most_copies_is_first() -> None:
    """Of five copies one is on the emptiest machine more likely than of one, however long ago that one was rolled."""
    assert chosen(A, replace(B, copies=5, rolled_at=900), C) == ["b", "c", "a"]


def test_one_roll_for_each_ten_machines_to_spare_and_those_under_way_count() -> None:
    assert [len(chosen(A, B, C, spare=spare)) for spare in (0, 1, 2, 19, 20, 30, 90)] == [0, 1, 1, 1, 2, 3, 3]
    assert len(chosen(A, B, C, spare=30, under_way=2)) == 1
    assert chosen(A, B, C, spare=30, under_way=3) == []
    assert chosen(A, B, C, spare=1, under_way=1) == []


def test_a_roll_is_worth_its_chance_of_a_machines_hour() -> None:
    """Untried, one of four: 2.50 of a machine of 10 dollars."""
    assert RELEASED_BEFORE / TRIED_BEFORE * 10.0 * DWELL_H == 2.5
    assert chosen(Rollable("a", 1, 0, 2.4)) == ["a"]
    assert chosen(Rollable("a", 1, 0, 2.6)) == []


def test_a_dear_roll_does_not_stand_in_the_way_of_a_cheap_one() -> None:
    assert chosen(Rollable("dear", 1, 0, 9.0), B, spare=1) == ["b"]


def test_a_pool_whose_rolls_release_nothing_is_rolled_no_more_and_one_whose_do_is() -> None:
    """After 12 that released none the chance is 1 of 16; had 8 released one, 9 of 16."""
    assert chosen(A, tried=12.0, released=0.0) == []
    assert chosen(Rollable("a", 1, 0, 5.6), tried=12.0, released=8.0) == ["a"]
    assert chosen(Rollable("a", 1, 0, 5.7), tried=12.0, released=8.0) == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.floats(0, 20)), max_size=8),
    st.integers(0, 60),
    st.integers(0, 6),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_more_machines_released_in_the_past_never_mean_fewer_rolls(
    known: list[tuple[int, float]], spare: int, under_way: int, tried: int, went: int
) -> None:
    rollable = [Rollable(f"m{i}", 1, at, usd) for i, (at, usd) in enumerate(known)]
    few, more = (
        chosen(*rollable, spare=spare, under_way=under_way, tried=tried, released=min(tried, of))
        for of in (went, went + 1)
    )
    assert len(few) <= len(more) <= max(0, min(spare, max(1, spare // 10)) - under_way)
    assert len(set(more)) == len(more)


@pytest.mark.parametrize(("ago_s", "released"), [(13 * 60, 0.0), (14 * 60, 1.0)])
def test_a_machine_that_went_within_a_quarter_of_an_hour_of_a_lowering_is_not_the_rolls(
    ago_s: int, released: float
) -> None:
    """Five machines at the last tick and four now: of a roll, unless somebody there was lowered."""
    steady = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    memory = Memory(
        models={"a": ModelMemory(recent=steady, lowered_at=NOW - ago_s)},
        homes_checked=NOW,
        loose={POOL: Loose(since=NOW - 60, machines=5, tried=2.0)},
    )
    after = decide(a_fleet(endpoints=[a_pool()]), a_config(), memory, NOW).memory.loose[POOL]
    assert (after.machines, after.released) == (4, released)


@pytest.mark.parametrize(("scale_in", "to"), [("IDLE_RELEASE", 3), ("CONSOLIDATION", 2)])
def test_a_pool_that_packs_itself_is_left_to_it(scale_in: str, to: int) -> None:
    """Two steady copies on four machines, loose for an hour: one is rolled, but not where SageMaker consolidates."""
    steady = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    memory = Memory(
        models={"a": ModelMemory(recent=steady)},
        homes_checked=NOW,
        loose={POOL: Loose(since=NOW - 3600, machines=4)},
    )
    decision = decide(a_fleet(endpoints=[a_pool(scale_in=scale_in)]), a_config(), memory, NOW)
    copies = [change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)]
    assert (copies or [2]) == [to]
