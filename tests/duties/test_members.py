"""The ensemble: what each member foretells, how they are weighed, and what their quantiles promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidepool.fleet.demand import Values
from tidepool.forecast.blocks import fill, moment
from tidepool.forecast.candidates import (
    COUNT,
    PATIENT,
    QUANTILES,
    ROOMS,
    STANDING,
    UNKNOWN,
    candidates,
    ceiling,
    span_and_room,
    words,
)
from tidepool.forecast.ensemble import TAUS, blend, pinball, quantiles
from tidepool.forecast.features import TOPS, Features, Seasons, of_minutes
from tidepool.forecast.members import NAMES, fit_ridge, members, ridge_columns
from tidepool.forecast.observed import Observed
from tidepool.forecast.profile import BUCKETS, bucket
from tidepool.forecast.recent import remember
from tidepool.memory import Block, ModelMemory
from tidepool.units import MINUTE_S

MONDAY = 1_736_121_600
FLAT = np.full(600, 5.0)


NO_SEASONS = Seasons()


def at(rates: Values, row: int, seasons: Seasons = NO_SEASONS, horizon_s: int = 360) -> Features:
    return of_minutes(rates, MONDAY, range(row, row + 1), seasons, horizon_s)


def foretold(features: Features, ridge: Values | None = None) -> dict[str, float]:
    return dict(zip(NAMES, members(features, ridge)[0].tolist(), strict=True))


def test_of_a_flat_past_every_member_foretells_the_same() -> None:
    week = (5.0,) * BUCKETS
    said = foretold(at(FLAT, 500, Seasons(week, week, week)))
    assert all(value == pytest.approx(5.0) for value in said.values()), said


def test_only_the_past_is_looked_at() -> None:
    """Whatever comes at the row and after it, its features are the same."""
    rng = np.random.default_rng(3)
    past, one, two = rng.uniform(0, 9, 400), rng.uniform(0, 9, 50), rng.uniform(0, 9, 50)
    first, second = (at(np.concatenate([past, future]), 400) for future in (one, two))
    assert np.array_equal(first.recent, second.recent) and np.array_equal(first.tops, second.tops)


def test_a_line_is_followed_by_the_trend_alone() -> None:
    """One more a minute: damped, the trend sees some of the six to come; the last value none of them."""
    rising = np.arange(600, dtype=float)
    said = foretold(at(rising, 500))
    assert said["last"] == 498.5
    assert 500.0 < said["damped trend"] < 506.0
    assert said["ewma"] < said["last"]


def test_noise_is_averaged_by_kalman_and_a_step_is_believed() -> None:
    rng = np.random.default_rng(5)
    noise = 100 + rng.normal(0, 10, 600)
    said_at = [foretold(at(noise, row)) for row in range(300, 600)]
    kalman, last = (np.mean([abs(said[name] - 100) for said in said_at]) for name in ("Kalman", "last"))
    assert kalman < 0.8 * last
    walk = np.cumsum(rng.normal(0, 10, 600)) + 1000
    said_at = [(foretold(at(walk, row)), walk[row - 1]) for row in range(300, 600)]
    kalman, ewma = (np.mean([abs(said[name] - now) for said, now in said_at]) for name in ("Kalman", "ewma"))
    assert kalman < 0.5 * ewma


def test_yesterday_and_last_week_are_seen_at_their_own_time() -> None:
    """At nine on Tuesday: yesterday's nine o'clock was 8, last week's Tuesday nine o'clock 20; now comes what came."""
    week = np.full(BUCKETS, 5.0)
    nine = bucket(MONDAY + 86_400 + 9 * 3600)
    week[nine - 144], week[nine] = 8.0, 20.0
    rates = np.full(24 * 60 + 9 * 60 + 1, 5.0)
    said = foretold(at(rates, 24 * 60 + 9 * 60 - 3, Seasons(tuple(week), (), ())))
    assert said["yesterday"] == pytest.approx(8.0)
    assert said["last week"] == pytest.approx(20.0)
    assert said["weekly profile"] == said["last"] == 5.0, "what is not known is said by the last"


def test_todays_level_scales_the_season_within_bounds() -> None:
    """Twice the usual now, so twice the usual soon; a hundred times the usual says nothing: at most four times."""
    profile = np.full(BUCKETS, 5.0)
    profile[bucket(MONDAY + 5 * 3600)] = 7.0
    seasons = Seasons((), tuple(profile), ())
    row = 5 * 60 - 2
    assert foretold(at(np.full(600, 10.0), row, seasons))["weekly profile"] == pytest.approx(14.0)
    assert foretold(at(np.full(600, 500.0), row, seasons))["weekly profile"] == pytest.approx(28.0)


def test_a_group_lends_its_tide_to_a_member_that_has_none() -> None:
    group = np.full(BUCKETS, 5.0)
    group[bucket(MONDAY + 5 * 3600)] = 7.5
    assert foretold(at(FLAT, 5 * 60 - 2, Seasons((), (), tuple(group))))["group"] == pytest.approx(7.5)


def test_ridge_learns_what_always_follows() -> None:
    """Every twelve minutes the load doubles for three. The fitted member knows it, in the unit of any model's size."""
    for scale in (1.0, 1e-3, 1e4):
        rates = scale * np.where(np.arange(3000) % 12 < 3, 20.0, 10.0)
        rows = range(200, 2900)
        columns = ridge_columns(of_minutes(rates, MONDAY, rows, Seasons(), 360))
        came = np.array([rates[row : row + 6].max() for row in rows])
        fitted = columns @ fit_ridge(columns, came)
        last = rates[np.array(rows) - 1]
        assert np.abs(fitted - came).mean() < np.abs(last - came).mean()


def test_who_was_right_is_listened_to() -> None:
    forecasts = np.array([[10.0, 20.0, 90.0]])
    assert blend(forecasts, np.ones(3))[0] == pytest.approx(40.0)
    assert 10.0 < blend(forecasts, np.array([0.1, 1.0, 1.0]))[0] < 10.2


def test_too_little_costs_four_times_too_much() -> None:
    assert pinball(np.array([10.0]), np.array([9.0]))[0] == pytest.approx(
        4 * pinball(np.array([10.0]), np.array([11.0]))[0]
    )


@given(st.lists(st.floats(0.1, 10), min_size=40, max_size=300))
@settings(max_examples=50, deadline=None)
def test_a_quantile_is_never_below_its_share_of_the_scores(scores: list[float]) -> None:
    found = quantiles(np.array(scores))
    assert np.all(np.diff(found) >= 0)
    for tau, value in zip(TAUS, found, strict=True):
        assert np.mean(np.array(scores) <= value) >= min(tau, 1.0) - 1e-12


def test_conformal_quantiles_keep_their_promise_on_days_like_those_that_were_scored() -> None:
    """Of a thousand new scores of the same law, at least the share that was promised, less two standard errors."""
    rng = np.random.default_rng(11)
    found = quantiles(rng.lognormal(0, 0.5, 288))
    new = rng.lognormal(0, 0.5, 1000)
    for tau, value in zip(TAUS[:-1], found[:-1], strict=True):
        assert np.mean(new <= value) > tau - 2 * np.sqrt(tau * (1 - tau) * (1 / 1000 + 1 / 288))


HIGHEST_QUANTILE = QUANTILES + len(TAUS) - 1
USUALS = slice(HIGHEST_QUANTILE + 1, -len(STANDING))


def test_candidates_are_how_high_it_went_with_room_and_the_quantiles() -> None:
    rates = FLAT.copy()
    rates[450] = 9.0
    features = at(rates, 500)
    said = candidates(features, np.array([5.0]), np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]), top=9.0)[0]
    assert said.shape == (COUNT,)
    assert said[TOPS.index(40) * len(ROOMS)] == 5.0 and said[TOPS.index(80) * len(ROOMS)] == 9.0
    assert said[UNKNOWN] == pytest.approx(6.0) and said[PATIENT] == 5.0
    assert said[HIGHEST_QUANTILE] == pytest.approx(8.0)
    assert said[USUALS] == pytest.approx([5.5] * 3 + [5.0] * 3), "nothing is usual yet"
    assert said[-len(STANDING) :] == pytest.approx([5.5, 5.5, 6.75, 9.0]), "of the busiest minute 0.3 to all"


def test_who_is_ready_for_what_is_usual_is_ready_for_what_came_too() -> None:
    """12 a second are usual within the horizon: 0.8, 1 and 1.2 times that, and never less than the last minutes."""
    features = replace(at(FLAT, 500), seasons=np.full((1, 4, 2), 12.0))
    said = candidates(features, np.array([5.0]), np.full(7, 1.0), top=100.0)[0]
    assert said[USUALS] == pytest.approx([9.6, 12.0, 14.4] * 2)
    little = replace(features, seasons=np.full((1, 4, 2), 1.0))
    said = candidates(little, np.array([5.0]), np.full(7, 1.0), top=100.0)[0]
    assert said[USUALS] == pytest.approx([5.5] * 3 + [5.0] * 3)


def test_nobody_is_ready_for_more_than_was_ever_seen_unless_it_is_there() -> None:
    assert float(ceiling(5.0, 10.0)) == pytest.approx(10.5)
    assert float(ceiling(50.0, 10.0)) == pytest.approx(60.0)
    said = candidates(at(FLAT, 500), np.array([50.0]), np.full(7, 3.0), top=6.0)
    assert said.max() == pytest.approx(6.3)


def test_a_forecast_is_never_below_what_came_in_the_last_minute() -> None:
    falling = np.concatenate([np.full(499, 5.0), [12.0]])
    said = candidates(at(falling, 500), np.array([1.0]), np.full(7, 1.0), top=20.0)[0]
    assert np.all(said[QUANTILES : HIGHEST_QUANTILE + 1] >= 12.0)


def test_every_candidate_says_itself_in_words() -> None:
    assert words(UNKNOWN) == "the highest of the last 20m and 20 % more"
    assert words(HIGHEST_QUANTILE) == "the 99.5 % quantile of the forecast"
    assert words(COUNT - 5) == "120 % of what is usual at this time, and the highest of the last 20m"
    assert words(COUNT - 2) == "75 % of the busiest minute ever, and the highest of the last 5m and 10 % more"
    assert words(COUNT - 1) == "the busiest minute ever, and the highest of the last 5m and 10 % more"
    assert len({words(candidate) for candidate in range(COUNT)}) == COUNT
    assert span_and_room(UNKNOWN) == (20, 1.2) and span_and_room(COUNT - 1) is None


def test_a_tick_sees_what_learning_sees() -> None:
    """The features of a moment, from memory, are those that the same minutes have in the past."""
    rng = np.random.default_rng(7)
    rates = rng.uniform(1, 9, 200)
    memory = ModelMemory()
    for i, rate in enumerate(rates[:180]):
        now = MONDAY + MINUTE_S * i
        recent = remember(memory.recent, Observed(10 * rate, 10 * rate, rate, True, False, 0.0, 0, ""), now)
        memory = ModelMemory(recent=recent, blocks=fill(memory.blocks, rate, now))
    now = MONDAY + MINUTE_S * 179 + 30
    here = moment(memory, now, 10.0, Seasons(), 360)
    there = at(rates, 180)
    assert np.allclose(here.recent, there.recent, rtol=1e-6)
    short = [i for i, span in enumerate(TOPS) if span <= 30]
    assert np.allclose(here.tops[:, short], there.tops[:, short], rtol=1e-6)
    # Beyond half an hour blocks of ten minutes are kept: the span may reach one block further, never less far.
    assert np.all(here.tops >= there.tops - 1e-6)
    assert here.tops[0, -1] <= rates[:180].max() + 1e-6
    assert here.mean_hour[0] == pytest.approx(there.mean_hour[0], rel=0.1)


def test_blocks_are_kept_as_long_as_the_longest_span() -> None:
    blocks: tuple[Block, ...] = ()
    for minute in range(600):
        blocks = fill(blocks, float(minute), MONDAY + 60 * minute)
    assert blocks[0].at == MONDAY + 60 * 430 and blocks[-1].top == 599.0
    assert blocks[-1].minutes == 10 and blocks[-1].total == sum(range(590, 600))
