"""Schedules are due when EventBridge Scheduler documents that they are."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tidepool_lab.embedded.expressions import BadExpression, next_due


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("rate(1 minute)", "UTC", "2025-01-06 00:00:00", "2025-01-06 00:01:00"),
        ("rate(5 minutes)", "UTC", "2025-01-06 00:03:10", "2025-01-06 00:05:00"),
        ("cron(* * * * ? *)", "America/Los_Angeles", "2025-01-06 00:00:00", "2025-01-06 00:01:00"),
        ("cron(7 * * * ? *)", "UTC", "2025-01-06 00:07:00", "2025-01-06 01:07:00"),
        ("cron(30 6 * * ? *)", "America/Los_Angeles", "2025-01-06 00:00:00", "2025-01-06 14:30:00"),
        ("cron(0 8 ? * MON-FRI *)", "UTC", "2025-01-10 09:00:00", "2025-01-13 08:00:00"),
        ("cron(0/15 10 1 * ? *)", "UTC", "2025-01-06 00:00:00", "2025-02-01 10:00:00"),
        ("cron(0 0 L * ? *)", "UTC", "2025-02-03 00:00:00", "2025-02-28 00:00:00"),
        ("at(2025-01-06T12:00:00)", "Europe/Berlin", "2025-01-06 00:00:00", "2025-01-06 11:00:00"),
    ],
)
def test_a_schedule_is_due_next_at(expression: str, zone: str, after: str, due: str) -> None:
    assert next_due(expression, at(after), zone=zone) == at(due)


@pytest.mark.parametrize(
    ("zone", "night", "silent_s"),
    [
        ("UTC", "2025-11-02 08:00:00", 60),
        ("America/Los_Angeles", "2025-03-09 09:00:00", 60),
        ("America/Los_Angeles", "2025-11-02 08:00:00", 3660),
    ],
)
def test_a_schedule_of_every_minute_is_silent_when_an_hour_comes_again(zone: str, night: str, silent_s: int) -> None:
    ticks = [at(night)]
    while ticks[-1] < at(night) + 3 * 3600:
        ticks.append(next_due("cron(* * * * ? *)", ticks[-1], zone=zone) or 0)
    assert max(later - one for one, later in pairwise(ticks)) == silent_s


def test_an_hour_that_comes_twice_fires_a_daily_schedule_once() -> None:
    first = next_due("cron(30 1 * * ? *)", at("2025-11-02 07:00:00"), zone="America/Los_Angeles")
    assert first == at("2025-11-02 08:30:00")
    assert next_due("cron(30 1 * * ? *)", first, zone="America/Los_Angeles") == at("2025-11-03 09:30:00")


def test_a_schedule_in_the_past_is_never_due_again() -> None:
    assert next_due("at(2025-01-06T00:00:00)", at("2025-01-07 00:00:00")) is None


@pytest.mark.parametrize("wrong", ["cron(* * * * *)", "cron(* * * * * *)", "rate(0 minutes)", "every minute"])
def test_a_wrong_expression_is_refused(wrong: str) -> None:
    with pytest.raises(BadExpression):
        next_due(wrong, 0)
