"""Forecasts: what is observed, what is expected, what is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from builders import NOW, evidence
from tidepool.fleet import Evidence, Series
from tidepool.forecast.expected import expect, next_level
from tidepool.forecast.learning import learn
from tidepool.forecast.observed import Observed, observe
from tidepool.forecast.profile import BUCKETS, between, bucket, now_rate
from tidepool.forecast.recent import KEEP_S, highest, remember, slope
from tidepool.memory import Learned, Minute, ModelLearned

MONDAY = 1_736_121_600
QUIET = Observed(10.0, 10.0, 1.0, True, False, 0.0, 0, "10.0 in flight over the last minute")


def series(*values: float, step: int = 60, end: int = NOW) -> Series:
    return Series(end - step * len(values), step, np.array(values, dtype=float))


def test_demand_is_what_every_copy_has_in_flight() -> None:
    seen = observe(evidence(30.0, 3), copies=3, service_s=None, now=NOW)
    assert seen.in_flight == 30.0
    assert seen.fresh and not seen.idle


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


def test_the_slope_of_a_line_is_its_slope() -> None:
    recent = tuple(Minute(NOW - 60 * (4 - i), 10.0 + 6 * i, 0.0, 0.0) for i in range(5))
    assert abs(slope(recent, NOW, 600) - 0.1) < 1e-9
    assert highest(recent, NOW - 90) == 34.0


def test_a_rising_load_is_met_before_it_comes() -> None:
    rising = tuple(Minute(NOW - 60 * (4 - i), 10.0 + 5 * i, 0.0, 0.0) for i in range(5))
    seen = replace(QUIET, in_flight=30.0)
    ready = expect(seen, rising, None, level=1.0, now=NOW, horizon_s=300, service_s=10.0)
    assert ready.upper > 30.0 and "rising" in ready.basis


def test_the_profile_raises_and_never_lowers() -> None:
    """Nine in the morning is expected to be 5 requests a second, so 50 in flight, ten minutes before it is."""
    rates = [0.5] * BUCKETS
    nine = bucket(MONDAY + 9 * 3600)
    rates[nine] = 5.0
    known = ModelLearned(profile=tuple(rates), skill=0.4, minutes=10_080, jump=1.0)
    at = MONDAY + 9 * 3600 - 240
    before = expect(QUIET, (), known, level=1.0, now=at, horizon_s=300, service_s=10.0)
    assert before.upper == 50.0 and "profile" in before.basis
    after = expect(QUIET, (), known, level=1.0, now=at + 7200, horizon_s=300, service_s=10.0)
    assert after.upper == 10.0


def test_a_profile_without_skill_steps_aside() -> None:
    known = ModelLearned(profile=(9.0,) * BUCKETS, skill=-0.1, minutes=10_080, jump=1.0)
    assert expect(QUIET, (), known, level=1.0, now=NOW, horizon_s=300, service_s=10.0).upper == 10.0


def test_room_is_kept_for_the_jumps_that_are_usual() -> None:
    """10 in flight, jumps of 1.6: half the room gone asks for more, room for all of it is what is asked for."""
    known = ModelLearned(jump=1.6)
    ready = expect(QUIET, (), known, level=1.0, now=NOW, horizon_s=300, service_s=10.0)
    assert (ready.need, ready.upper, ready.keep) == (13.0, 16.0, 16.0)
    unknown = expect(QUIET, (), None, level=1.0, now=NOW, horizon_s=300, service_s=10.0)
    assert unknown.upper == 14.0, "the headroom of a 70 % target until jumps are known"


def test_jumps_are_learned_from_the_last_day() -> None:
    """Every second bucket doubles: the usual jump is two, and a steady model has none."""
    swing = np.repeat(np.tile([60.0, 120.0], 72), 10)
    models = learn(
        Learned(), {"a": Series(MONDAY, 60, swing), "b": Series(MONDAY, 60, np.full(1440, 60.0))}, MONDAY + 86_400
    ).models
    assert 1.7 < models["a"].jump < 2.0
    assert models["b"].jump == 1.0
    assert models["a"].top == 2.0


def test_nothing_falls_below_the_most_of_fifteen_minutes() -> None:
    recent = (Minute(NOW - 800, 44.0, 44.0, 4.4), Minute(NOW - 60, 9.0, 9.0, 0.9))
    assert expect(QUIET, recent, None, level=1.0, now=NOW, horizon_s=300, service_s=10.0).keep == 44.0


def test_the_level_follows_what_comes_and_stays_in_bounds() -> None:
    known = ModelLearned(profile=(1.0,) * BUCKETS, skill=0.5, minutes=10_080)
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


def test_two_days_of_history_fill_the_week_and_show_skill() -> None:
    minutes = np.arange(2 * 1440)
    wave = 60 * (2 + np.sin(2 * np.pi * minutes / 1440) * (minutes // 10 % 2 + 0.5))
    known = learn(Learned(), {"a": Series(MONDAY, 60, wave)}, MONDAY + 2 * 86_400).models["a"]
    assert known.minutes == 2 * 1440
    assert len(known.profile) == BUCKETS
    assert min(known.profile) > 0, "unseen days take the daily mean"
    assert known.skill > 0.5


def test_noise_has_no_skill() -> None:
    noise = np.random.default_rng(7).exponential(60.0, 2 * 1440)
    known = learn(Learned(), {"a": Series(MONDAY, 60, noise)}, MONDAY + 2 * 86_400).models["a"]
    assert known.skill < 0.2


def test_learning_in_pieces_counts_nothing_twice() -> None:
    counts = np.arange(1440, dtype=float)
    whole = learn(Learned(), {"a": Series(MONDAY, 60, counts)}, MONDAY + 86_400)
    first = learn(Learned(), {"a": Series(MONDAY, 60, counts[:725])}, MONDAY + 725 * 60)
    pieces = learn(first, {"a": Series(MONDAY, 60, counts)}, MONDAY + 86_400)
    assert pieces.until == whole.until
    assert pieces.models["a"].profile == whole.models["a"].profile
