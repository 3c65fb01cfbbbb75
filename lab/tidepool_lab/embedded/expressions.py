"""When a schedule is due: rate(…), cron(…) with a time zone, at(…)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
HORIZON_DAYS = 366 * 5
"""How far ahead a cron is searched: beyond every leap day."""


class BadExpression(ValueError):
    """EventBridge would refuse this schedule."""


def next_due(expression: str, after_s: int, *, zone: str = "UTC") -> int | None:
    """The first second after `after_s` at which the schedule fires; None when it never does again.

    A rate fires on whole multiples of its length since 1970. (AWS counts from the schedule's creation; whole
    minutes are what the twin's clock and the benchmark's rules use.)
    """
    kind, _, rest = expression.strip().partition("(")
    body = rest.rstrip(")").strip()
    match kind:
        case "rate":
            found = re.fullmatch(r"(\d+) (minute|hour|day)s?", body)
            if found is None or int(found[1]) < 1:
                raise BadExpression(f"{expression!r} is not rate(VALUE minutes|hours|days)")
            length = int(found[1]) * _UNITS[found[2]]
            return (after_s // length + 1) * length
        case "at":
            at = int(datetime.fromisoformat(body).replace(tzinfo=ZoneInfo(zone)).timestamp())
            return at if at > after_s else None
        case "cron":
            return _next_cron(body, after_s, ZoneInfo(zone))
        case _:
            raise BadExpression(f"{expression!r} is none of rate(…), cron(…), at(…)")


def _next_cron(body: str, after_s: int, zone: ZoneInfo) -> int | None:
    fields = body.split()
    if len(fields) != 6:
        raise BadExpression(f"cron({body}) has {len(fields)} fields; minutes hours day month weekday year are six")
    if "?" not in (fields[2], fields[4]):
        raise BadExpression(f"cron({body}): one of day and weekday must be ?")
    minutes = _values(fields[0], 0, 59)
    hours = _values(fields[1], 0, 23)
    months = _values(fields[3], 1, 12, _MONTHS, 1)
    years = _values(fields[5], 1970, 2199)
    day_fits = _day_test(fields[2], fields[4])
    at = after_s // 60 * 60 + 60
    while at < after_s + HORIZON_DAYS * 86_400:
        # Real minutes are walked and shown on the local clock. A time that comes twice fires only the first time (fold
        # 0), and one that is left out never: when the clocks go back a schedule "runs only once" (Scheduler guide,
        # Schedule types). The guide excepts no cron, so one of every minute is taken to be silent for that hour.
        local = datetime.fromtimestamp(at, zone)
        if local.year not in years or local.month not in months or not day_fits(local):
            midnight = datetime.combine(local.date() + timedelta(days=1), time(), zone)
            at = max(at + 60, int(midnight.timestamp()))
        elif local.hour not in hours or local.fold:
            at += 60 * (60 - local.minute)
        elif local.minute not in minutes:
            at += 60
        else:
            return at
    return None


def _day_test(days: str, weekdays: str) -> Callable[[datetime], bool]:
    if weekdays == "?":
        if days == "L":
            return lambda day: (day + timedelta(days=1)).month != day.month
        wanted = _values(days, 1, 31)
        return lambda day: day.day in wanted
    if "#" in weekdays or "L" in weekdays:
        raise BadExpression(f"weekday {weekdays!r}: # and L are not known to the rig")
    names = _values(weekdays, 1, 7, _DAYS, 1)
    return lambda day: day.isoweekday() % 7 + 1 in names


@cache
def _values(field: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> frozenset[int]:
    """The numbers that one field of a cron stands for."""

    def number(text: str) -> int:
        value = names.index(text.upper()) + first if text.upper() in names else int(text)
        if not low <= value <= high:
            raise BadExpression(f"{text!r} is outside {low}–{high}")
        return value

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in {"*", "?"}:
            begin, end = low, high
        elif "-" in span:
            begin, end = (number(one) for one in span.split("-"))
        else:
            begin = number(span)
            end = high if step else begin
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)
