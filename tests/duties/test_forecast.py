"""Forecasts: what is observed, what is expected, what is learned."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from builders import NOW, evidence
from tidepool.fleet import Evidence, Series
from tidepool.forecast.expected import HOLD_S, expect, hold, next_level
from tidepool.forecast.learning import learn
from tidepool.forecast.observed import HIGHEST, Observed, observe
from tidepool.forecast.profile import BUCKETS, between, bucket, now_rate
from tidepool.forecast.recent import KEEP_S, remember
from tidepool.memory import Learned, Minute, ModelLearned

MONDAY = 1_736_121_600
QUIET = Observed(10.0, 10.0, 1.0, True, False, 0.0, 0, "10.0 in flight over the last minute")


def series(*values: float, step: int = 60, end: int = NOW) -> Series:
    return Series(end - step * len(values), step, np.array(values, dtype=float))


def test_demand_is_what_every_copy_has_in_flight() -> None:
    seen = observe(evidence(30.0, 3), copies=3, service_s=None, now=NOW)
    assert seen.in_flight is not None
    assert seen.in_flight + HIGHEST * math.sqrt(seen.in_flight) == pytest.approx(30.0), "maxima stand above the mean"
    assert seen.fresh and not seen.idle


def test_a_queue_is_not_taken_for_demand() -> None:
    """100 slots are full and 20 more wait each ten seconds: 2 a second of 10 s beyond them, so 120, not 200."""
    growing = replace(evidence(0.0, 1), concurrency=series(100, 120, 140, 160, 180, 200, step=10, end=NOW - 20))
    seen = observe(growing, copies=1, service_s=10.0, now=NOW, slots=100.0)
    assert seen.in_flight == pytest.approx(120.0)
    assert seen.queued == pytest.approx(100.0)
    taken_for_demand = observe(growing, copies=1, service_s=10.0, now=NOW)
    assert taken_for_demand.in_flight is not None and taken_for_demand.in_flight > 135


def test_littles_law_speaks_where_the_gauge_is_low() -> None:
    """120 requests a minute that take 10 s each are 20 in flight, whatever the sampled maximum says."""
    low = replace(evidence(5.0, 1), invocations=series(120, end=NOW - 60))
    assert observe(low, copies=1, service_s=10.0, now=NOW).in_flight == 20.0


def test_silence_is_idle_only_while_copies_report() -> None:
    reporting = replace(evidence(0.0, 2))
    silent = replace(reporting, utilisation=Series(NOW - 900, 60, np.full(15, np.nan)))
    assert observe(reporting, copies=2, service_s=10.0, now=NOW).idle
    dark = observe(silent, copies=2, service_s=10.0, now=NOW)
    assert not dark.idle and not dark.fresh


def test_no_metrics_at_all_is_no_evidence() -> None:
    seen = observe(Evidence(), copies=2, service_s=10.0, now=NOW)
    assert seen.in_flight is None and not seen.idle


def test_old_evidence_may_raise_and_never_lower() -> None:
    seen = observe(evidence(50.0, 2, at=NOW - 400), copies=2, service_s=None, now=NOW)
    assert seen.in_flight == 50.0 and not seen.fresh


def test_rejections_are_found_with_the_minute_they_fell_in() -> None:
    seen = observe(Evidence(rejected=series(0, 7, np.nan, end=NOW - 60)), copies=0, service_s=10.0, now=NOW)
    assert (seen.rejected, seen.rejected_at) == (7.0, NOW - 120)


def test_recent_minutes_are_kept_for_half_an_hour() -> None:
    recent: tuple[Minute, ...] = ()
    for minute in range(60):
        recent = remember(recent, QUIET, NOW + 60 * minute)
    assert recent[0].at > NOW + 59 * 60 - KEEP_S
    assert recent[-1].at == NOW + 59 * 60


def test_what_is_seen_now_is_never_less_than_what_is_ready() -> None:
    """50 in flight now and only 10 foretold: at least what one look surely shows is to be ready for."""
    ready = expect(replace(QUIET, in_flight=50.0), (), 10.0, "a forecast", now=NOW, service_s=10.0)
    assert ready.need == pytest.approx(50.0 - math.sqrt(50.0))


def test_what_was_asked_for_within_twelve_minutes_is_not_lowered() -> None:
    """5 foretold lowers nothing below the 44 in flight of 11 minutes ago, whatever came since; in a minute it may."""
    held = hold(hold((), 4.4, NOW - 660), 0.9, NOW - 60)
    assert expect(QUIET, held, 5.0, "a forecast", now=NOW, service_s=10.0).keep == pytest.approx(44.0)
    assert expect(QUIET, held, 5.0, "a forecast", now=NOW + 60, service_s=10.0).keep == pytest.approx(9.0)
    assert expect(QUIET, held, 12.0, "a forecast", now=NOW + 60, service_s=10.0).keep == pytest.approx(12.0)


def test_only_what_nothing_later_asked_for_is_held() -> None:
    held = hold(hold(hold((), 3.0, NOW), 5.0, NOW + 60), 4.0, NOW + 120)
    assert held == ((NOW + 60, 5.0), (NOW + 120, 4.0))
    assert hold(held, 4.0, NOW + 120) == held, "a second look at one moment adds nothing"
    assert hold(held, 1.0, NOW + 60 + HOLD_S) == ((NOW + 120, 4.0), (NOW + 60 + HOLD_S, 1.0))


def test_the_busiest_minute_is_remembered_and_forgotten_by_a_tenth_a_day() -> None:
    day = np.full(1440, 60.0)
    day[700] = 600.0
    first = learn(Learned(), {"a": Series(MONDAY, 60, day)}, MONDAY + 86_400)
    assert first.models["a"].top == 10.0
    quiet = np.concatenate([day, np.full(1440, 60.0)])
    assert learn(first, {"a": Series(MONDAY, 60, quiet)}, MONDAY + 2 * 86_400).models["a"].top == pytest.approx(9.0)


def test_the_level_follows_what_comes_and_stays_in_bounds() -> None:
    known = ModelLearned(profile=(1.0,) * BUCKETS, minutes=10_080)
    level = 1.0
    for _ in range(200):
        level = next_level(level, replace(QUIET, rate=100.0), known, NOW)
    assert 3.9 < level <= 4.0


def test_a_bucket_is_ten_minutes_of_a_week_from_monday() -> None:
    assert bucket(MONDAY) == 0
    assert bucket(MONDAY + 7 * 86_400 - 1) == BUCKETS - 1
    profile = tuple(float(i) for i in range(BUCKETS))
    assert list(between(profile, MONDAY + 300, MONDAY + 900)) == [0.0, 1.0]
    assert now_rate(profile, MONDAY + 600) == 0.5


def test_two_days_of_history_fill_the_week() -> None:
    minutes = np.arange(2 * 1440)
    wave = 60 * (2 + np.sin(2 * np.pi * minutes / 1440) * (minutes // 10 % 2 + 0.5))
    known = learn(Learned(), {"a": Series(MONDAY, 60, wave)}, MONDAY + 2 * 86_400).models["a"]
    assert known.minutes == 2 * 1440
    assert len(known.profile) == BUCKETS
    assert min(known.profile) > 0, "unseen days take the daily mean"


def test_learning_in_pieces_counts_nothing_twice() -> None:
    counts = np.arange(1440, dtype=float)
    whole = learn(Learned(), {"a": Series(MONDAY, 60, counts)}, MONDAY + 86_400)
    first = learn(Learned(), {"a": Series(MONDAY, 60, counts[:725])}, MONDAY + 725 * 60)
    pieces = learn(first, {"a": Series(MONDAY, 60, counts)}, MONDAY + 86_400)
    assert pieces.until == whole.until
    assert pieces.models["a"].profile == whole.models["a"].profile
