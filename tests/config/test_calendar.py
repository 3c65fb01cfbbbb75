"""Schedules and weekly windows: early by the start-up time, past midnight, over clock changes, on a date."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidepool.config.calendar import NO_FLOORS, Floors, floors_at, in_window
from tidepool.config.types import Schedule, Window

LOS_ANGELES = "America/Los_Angeles"
NEW_YORK = "America/New_York"
WORKDAYS = (0, 1, 2, 3, 4)


def at(text: str, zone: str = "UTC", fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp())


def line(from_: str, to: str, *, days: tuple[int, ...] = WORKDAYS, date: str = "", copies: int = 8) -> Schedule:
    return Schedule((() if date else days), date, minutes(from_), minutes(to), min_copies=copies)


def minutes(clock: str) -> int:
    hours, rest = clock.split(":")
    return int(hours) * 60 + int(rest)


MORNING = line("07:45", "18:00")


@pytest.mark.parametrize(
    ("local", "lead_s", "copies"),
    [
        ("2026-11-23T07:44:59", 0, 0),
        ("2026-11-23T07:45:00", 0, 8),
        ("2026-11-23T17:59:59", 0, 8),
        ("2026-11-23T18:00:00", 0, 0),
        ("2026-11-23T07:41:20", 220, 8),  # 220 s before 07:45: the copies serve at 07:45
        ("2026-11-23T07:41:19", 220, 0),
        ("2026-11-22T12:00:00", 0, 0),  # Sunday
        ("2026-11-22T23:00:00", 9 * 3600, 8),  # a start-up of nine hours reaches into Monday
    ],
)
def test_a_floor_starts_early_by_the_start_up_time_and_ends_on_time(local: str, lead_s: int, copies: int) -> None:
    assert floors_at([MORNING], LOS_ANGELES, at(local, LOS_ANGELES), lead_s).min_copies == copies


@pytest.mark.parametrize(
    ("local", "copies"),
    [
        ("2026-11-27T19:59:00", 0),
        ("2026-11-27T20:00:00", 8),  # Friday evening
        ("2026-11-28T04:59:00", 8),  # still Friday's line, on Saturday
        ("2026-11-28T05:00:00", 0),
        ("2026-11-28T20:00:00", 0),  # Saturday opens none
        ("2026-11-23T04:00:00", 0),  # Sunday opened none
    ],
)
def test_a_line_past_midnight_belongs_to_the_day_it_starts_on(local: str, copies: int) -> None:
    night = line("20:00", "05:00")
    assert floors_at([night], LOS_ANGELES, at(local, LOS_ANGELES), 0).min_copies == copies


def test_a_date_line_is_in_force_on_its_date_alone_and_over_its_midnight() -> None:
    launch = line("22:00", "02:00", date="2026-12-08")
    in_force = [
        floors_at([launch], "UTC", at(t), 0).min_copies == 8
        for t in (
            "2026-12-07T23:00",
            "2026-12-08T22:00",
            "2026-12-09T01:59",
            "2026-12-09T02:00",
            "2026-12-09T22:00",
        )
    ]
    assert in_force == [False, True, True, False, False]


def test_a_floor_that_begins_in_the_hour_that_never_happens_begins_before_it() -> None:
    # New York springs forward on 2026-03-08: 02:00 EST becomes 03:00 EDT.
    spring = line("02:30", "06:00", days=(6,))
    assert floors_at([spring], NEW_YORK, at("2026-03-08T03:00", NEW_YORK), 0).min_copies == 8
    assert floors_at([spring], NEW_YORK, at("2026-03-08T05:59", NEW_YORK), 0).min_copies == 8
    assert floors_at([spring], NEW_YORK, at("2026-03-08T06:00", NEW_YORK), 0).min_copies == 0


def test_a_floor_holds_through_both_of_the_hours_that_happen_twice() -> None:
    # New York falls back on 2026-11-01: 01:00-02:00 happens twice.
    autumn = line("01:00", "01:30", days=(6,))
    copies = [
        floors_at([autumn], NEW_YORK, at(t, NEW_YORK, fold), 0).min_copies
        for t, fold in (
            ("2026-11-01T01:15", 0),
            ("2026-11-01T01:45", 0),
            ("2026-11-01T01:15", 1),
            ("2026-11-01T01:30", 1),
        )
    ]
    assert copies == [8, 8, 8, 0]


def test_overlapping_lines_take_the_maximum_of_each_and_keep_their_reasons() -> None:
    lines = [
        MORNING,
        line("09:00", "10:00", copies=20),
        Schedule((), "2026-11-23", 0, 24 * 60, expect=1.6, why="launch day"),
        Schedule((0,), "", 0, 24 * 60, expect=1.2, why="Mondays"),
    ]
    now = at("2026-11-23T09:30", LOS_ANGELES)
    assert floors_at(lines, LOS_ANGELES, now, 0) == Floors(20, 1.6, ("launch day", "Mondays"))


def test_no_schedule_asks_for_nothing() -> None:
    assert floors_at([], "UTC", 0, 600) == NO_FLOORS


ZONES = st.sampled_from(["UTC", LOS_ANGELES, NEW_YORK, "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata"])
TIMES = st.integers(at("2025-01-01T00:00"), at("2028-01-01T00:00"))
LINES = st.builds(
    lambda days, first, length, copies: Schedule(
        tuple(sorted(days)), "", first, (first + length) % 1440, min_copies=copies
    ),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1439),
    st.integers(0, 40),
)


@given(st.lists(LINES, max_size=4), LINES, ZONES, TIMES, st.integers(0, 7200))
def test_one_more_line_and_a_longer_lead_never_lower_a_floor(
    lines: list[Schedule], more: Schedule, zone: str, now: int, lead_s: int
) -> None:
    floor = floors_at(lines, zone, now, lead_s).min_copies
    assert floors_at([*lines, more], zone, now, lead_s).min_copies >= floor
    assert floors_at(lines, zone, now, lead_s + 600).min_copies >= floor


@given(LINES, ZONES, TIMES)
def test_a_floor_is_in_force_whenever_the_wall_clock_stands_inside_its_line(one: Schedule, zone: str, now: int) -> None:
    if in_window([Window(one.days, one.from_minute, one.to_minute)], zone, now):
        assert floors_at([one], zone, now, 0).min_copies == one.min_copies


@pytest.mark.parametrize(
    ("local", "open_"),
    [
        ("2026-11-23T19:59", False),
        ("2026-11-23T20:00", True),
        ("2026-11-24T04:59", True),
        ("2026-11-27T04:59", True),  # Thursday's window, on Friday
        ("2026-11-27T20:00", False),  # Friday opens none
        ("2026-11-23T04:00", False),  # Sunday opened none
    ],
)
def test_move_hours_are_open_on_their_days_and_past_midnight(local: str, open_: bool) -> None:
    window = Window((0, 1, 2, 3), minutes("20:00"), minutes("05:00"))
    assert in_window([window], LOS_ANGELES, at(local, LOS_ANGELES)) is open_


def test_without_move_hours_it_is_always_open() -> None:
    assert in_window([], LOS_ANGELES, 0)
