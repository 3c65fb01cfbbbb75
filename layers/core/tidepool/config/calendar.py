"""Which floors and expectations the calendar puts in force now, and whether a weekly window is open. Pure.

Nothing is scheduled: every tick asks the calendar again, so a lost tick costs a minute and never a floor.
Lines are written in local time and compared as instants of UTC. Where a clock change makes a local time
happen twice or never, a floor takes the reading that keeps it in force longer: it starts at the earlier
instant and ends at the later one, so that no clock change ever takes copies away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tidepool.config.types import Schedule, Window

DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Floors:
    """What the calendar asks for: at least `min_copies`, and `expect` (≥ 1) times the forecast's level.

    why: the reasons of the lines that set them, in the order of the file, '' left out.
    """

    min_copies: int = 0
    expect: float = 1.0
    why: tuple[str, ...] = ()


NO_FLOORS = Floors()


def floors_at(schedule: Sequence[Schedule], timezone: str, now: int, lead_s: int) -> Floors:
    """The highest floor and expectation of every line in force at any moment of [now, now + lead_s].

    `lead_s` is the model's start-up time: asking that far ahead makes the copies serve at `from`. Overlapping
    lines take the maximum, so one more line never lowers anything.
    """
    if not schedule:
        return NO_FLOORS
    zone = ZoneInfo(timezone)
    in_force = [line for line in schedule if _meets(line, zone, now, now + max(0, lead_s))]
    return Floors(
        min_copies=max((line.min_copies for line in in_force), default=0),
        expect=max((1.0, *(line.expect for line in in_force))),
        why=tuple(dict.fromkeys(line.why for line in in_force if line.why)),
    )


def in_window(windows: Sequence[Window], timezone: str, now: int) -> bool:
    """The local wall clock stands inside one of the windows. No windows at all: always open.

    A window past midnight belongs to the day on which it opens: "Fri 20:00-05:00" is open on Saturday
    at 04:59.
    """
    if not windows:
        return True
    local = datetime.fromtimestamp(now, ZoneInfo(timezone))
    minute = local.hour * 60 + local.minute
    return any(_open(window, local.weekday(), minute) for window in windows)


def _open(window: Window, weekday: int, minute: int) -> bool:
    if window.to_minute > window.from_minute:
        return weekday in window.days and window.from_minute <= minute < window.to_minute
    opened_today = weekday in window.days and minute >= window.from_minute
    opened_yesterday = (weekday - 1) % 7 in window.days and minute < window.to_minute
    return opened_today or opened_yesterday


def _meets(line: Schedule, zone: ZoneInfo, first: int, last: int) -> bool:
    """The line is in force at some moment of [first, last]; it is in force on [from, to)."""
    for day in _days(line, zone, first, last):
        past_midnight = line.to_minute <= line.from_minute
        starts = min(_instants(day, line.from_minute, zone))
        ends = max(_instants(day, line.to_minute + (DAY_MINUTES if past_midnight else 0), zone))
        if starts <= last and ends > first:
            return True
    return False


def _days(line: Schedule, zone: ZoneInfo, first: int, last: int) -> Iterator[date]:
    """The local days on which the line could open and still touch [first, last].

    A line lasts at most 24 hours and a clock change moves it by a few more: two days before are enough.
    """
    if line.date:
        yield date.fromisoformat(line.date)
        return
    day = datetime.fromtimestamp(first, zone).date() - timedelta(days=2)
    end = datetime.fromtimestamp(last, zone).date() + timedelta(days=1)
    while day <= end:
        if day.weekday() in line.days:
            yield day
        day += timedelta(days=1)


def _instants(day: date, minute: int, zone: ZoneInfo) -> tuple[float, float]:
    """A local time as seconds since 1970, read with the clock before and after a change; mostly equal.

    02:30 on the night New York springs forward does not exist: it reads as 01:30 or 03:30.
    01:30 on the night it falls back happens twice, an hour apart.
    """
    days, minute_of_day = divmod(minute, DAY_MINUTES)
    wall = datetime(day.year, day.month, day.day, *divmod(minute_of_day, 60)) + timedelta(days=days)
    return (
        wall.replace(tzinfo=zone, fold=0).timestamp(),
        wall.replace(tzinfo=zone, fold=1).timestamp(),
    )
