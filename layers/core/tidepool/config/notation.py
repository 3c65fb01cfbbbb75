"""Durations, shares, factors, clock times, days and moments as people write them in fleet.yaml.

Every function takes the written text and returns the value, or None when the text is not in its notation: what
is allowed instead is said once, beside the field (fields.py).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tidepool.config.types import Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DURATION_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?(s|m|h|d)$"
SHARE_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?%$"
FACTOR_PATTERN = r"^(0|[1-9][0-9]*)(\.[0-9]+)?x$"
CLOCK_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
DATE_PATTERN = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"
MOMENT_PATTERN = r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}( ([01][0-9]|2[0-3]):[0-5][0-9])?$"
_DAY = f"({'|'.join(DAYS)})"
DAYS_PATTERN = f"^{_DAY}(-{_DAY})?(,{_DAY}(-{_DAY})?)*$"
WINDOW_PATTERN = DAYS_PATTERN[:-1] + " [0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 32
"""No number in the file needs more characters; longer ones would only cost time."""


def duration_s(text: str) -> float | None:
    """'45m' → 2700.0, '11.9s' → 11.9."""
    number = _number(text, DURATION_PATTERN)
    return None if number is None else float(number * _UNIT_S[text[-1]])


def share(text: str) -> float | None:
    """'99.9%' → 0.999, exactly the float that 0.999 is: the division is made in decimals."""
    number = _number(text, SHARE_PATTERN)
    return None if number is None else float(number / 100)


def factor(text: str) -> float | None:
    """'1.6x' → 1.6."""
    number = _number(text, FACTOR_PATTERN)
    return None if number is None else float(number)


def clock_minute(text: str) -> int | None:
    """'07:45' → 465; '24:00' → 1440 (the end of the day)."""
    if not _matches(CLOCK_PATTERN, text):
        return None
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def day_numbers(text: str) -> tuple[int, ...] | None:
    """'Mon-Wed,Sat' → (0, 1, 2, 5); 'Sat-Mon' goes round the week's end: (0, 5, 6)."""
    if not _matches(DAYS_PATTERN, text):
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start = DAYS.index(first)
        length = (DAYS.index(last or first) - start) % 7
        found.update((start + i) % 7 for i in range(length + 1))
    return tuple(sorted(found))


def days_text(days: tuple[int, ...]) -> str:
    """(0, 1, 2, 5) → 'Mon,Tue,Wed,Sat'; runs of three and more are shortened: (0, 1, 2, 3, 4) → 'Mon-Fri'."""
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return f"{DAYS[days[0]]}-{DAYS[days[-1]]}"
    return ",".join(DAYS[day] for day in days)


def clock_text(minute: int) -> str:
    """465 → '07:45'."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def window(text: str) -> Window | None:
    """'Mon-Thu 20:00-05:00' → the window; None also for a window that ends when it begins."""
    days_part, _, hours = text.partition(" ")
    first, _, last = hours.partition("-")
    days, start, end = day_numbers(days_part), clock_minute(first), clock_minute(last)
    if days is None or start is None or end is None or start in (end, 1440):
        return None
    return Window(days, start, end)


def calendar_date(text: str) -> str | None:
    """'2026-12-08' → itself, when that day exists."""
    if not _matches(DATE_PATTERN, text):
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def moment(text: str) -> str | None:
    """'2026-12-15' or '2026-12-15 18:00' → itself, when it exists."""
    day, _, clock = text.partition(" ")
    known = _matches(MOMENT_PATTERN, text) and calendar_date(day) and (not clock or clock_minute(clock) is not None)
    return text if known else None


def moment_s(text: str, timezone: str, *, through_day: bool) -> int:
    """A moment, local in `timezone`, as seconds since 1970.

    A date without a time is the day's beginning, or its end with `through_day`. Callers pick the careful reading:
    a hold lasts through its day, a reservation counts until its day begins.
    """
    zone = ZoneInfo(timezone)
    day, _, clock = text.partition(" ")
    local = datetime.fromisoformat(f"{day}T{clock or '00:00'}")
    if through_day and not clock:
        local += timedelta(days=1)
    return int(local.replace(tzinfo=zone).timestamp())


def _matches(pattern: str, text: str) -> bool:
    # fullmatch, not `$`: `$` would let a trailing line break through.
    return re.fullmatch(pattern.strip("^$"), text, re.ASCII) is not None


def _number(text: str, pattern: str) -> Decimal | None:
    if len(text) > _LONGEST or not _matches(pattern, text):
        return None
    return Decimal(text.rstrip("smhdx%"))
