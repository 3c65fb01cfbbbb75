"""What living through the past again says: accounts of copies and late requests, and whom they let sizing choose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tidepool.fleet import Series
from tidepool.fleet.demand import Values
from tidepool.forecast.candidates import COUNT, ROOMS, span_and_room, words
from tidepool.forecast.features import TOPS, Seasons
from tidepool.forecast.judging import Served, judge
from tidepool.forecast.learning import learn, seasons_before, seasons_of
from tidepool.memory import Judged, Learned
from tidepool.sizing.price import cheapest

MONDAY = 1_736_121_600
DAY = 1440


def copies(rates: Values) -> Values:
    return np.maximum(np.ceil(rates / 2.0), 1)


SERVED = Served("shared ml.p4d.24xlarge", 300, 2.0, copies)
"""A copy serves two requests a second and five minutes after it was asked for."""


def unknown(_: int) -> Seasons:
    return Seasons()


def judged(rates: Values, served: Served = SERVED) -> Judged:
    return judge(Judged(), rates, MONDAY, unknown, served)


def chosen(known: Judged, *, miss_usd: float, unit_usd: float = 3.0) -> int:
    return cheapest(
        np.array(known.held),
        np.array(known.late),
        np.array(known.turned),
        known.arrived,
        unit_usd=unit_usd,
        miss_usd=miss_usd,
        attain=0.99,
    )


def test_a_steady_load_costs_every_candidate_what_it_holds_and_leaves_nobody_late() -> None:
    known = judged(np.full(2 * DAY, 2.5))
    assert sum(known.late) == 0.0 and sum(known.turned) == 0.0
    day = known.held[0]
    assert day == pytest.approx(2 * 24 * (1 - np.exp(-2)), rel=0.02), "two copies, the last day weighing most"
    assert known.held[ROOMS.index(1.8)] == day, "nobody is ready for more than was ever seen"


def test_a_burst_is_late_for_as_long_as_copies_take() -> None:
    """From 1 to 9 a second for 20 minutes: late until copies asked for at the first look serve, then not."""
    rates = np.ones(600)
    rates[500:520] = 9.0
    known = judged(rates)
    late_minutes = known.late[0] / (9 * 60)
    assert 4.5 < late_minutes < 6.0


@pytest.mark.parametrize("burst", [526, 570])
def test_copies_are_charged_for_the_twelve_minutes_that_they_stay(burst: int) -> None:
    """One minute of 9 a second: five copies for the two minutes that see it and 11 more, then one; two changes.

    The copies of minute 526 go in the first minute of an hour, which is judged by itself.
    """
    rates = np.ones(600)
    rates[burst] = 9.0
    known, calm = judged(rates), judged(np.ones(600))
    assert known.held[0] - calm.held[0] == pytest.approx(4 * 13 / 60, rel=0.06)
    assert known.turned[0] == pytest.approx(2.0, rel=0.06)


def test_what_half_as_much_again_would_have_left_late_is_late_for_one_in_five_hundred() -> None:
    """Three a second on two copies of two: half as much again are 4.5, more than four. On three copies it is not."""
    steady = np.full(2 * DAY, 3.0)
    tight, roomy = judged(steady), judged(steady, replace(SERVED, copies=lambda rates: copies(rates) + 1))
    assert tight.late[0] == pytest.approx(0.002 * tight.arrived, rel=1e-3)
    assert roomy.late[0] == 0.0


def test_a_flicker_of_a_few_minutes_is_no_change_of_copies() -> None:
    """9 a second in every fifth minute: the copies of one are still there at the next."""
    known = judged(np.where(np.arange(DAY) % 5 == 0, 9.0, 1.0))
    assert known.turned[0] < 0.01 and known.late[0] < 0.01 * known.arrived


def test_looking_back_an_hour_pays_for_bursts_that_return_within_it() -> None:
    """Ten minutes of 9 a second each hour: who looks back 40 minutes is never late again, as copies stay for 12."""
    rates = np.where(np.arange(2 * DAY) % 60 < 10, 9.0, 1.0)
    known = judged(rates)
    short, long = TOPS.index(5) * len(ROOMS), TOPS.index(40) * len(ROOMS)
    assert known.late[short] > 100 * max(known.late[long], 1.0)
    assert known.held[long] > known.held[short]
    assert chosen(known, miss_usd=1.0) in range(TOPS.index(40) * len(ROOMS), COUNT)
    assert known.held[chosen(known, miss_usd=1e-5)] < known.held[long], "at no price nobody waits for them"


def test_what_is_usual_is_ready_for_bursts_that_come_at_their_time_of_day() -> None:
    """Twenty minutes of 9 a second at nine each morning: who knows the hour leaves few late, and holds little.

    No look at how high it went leaves as few late for as little.
    """
    minutes = np.arange(5 * DAY)
    noise = np.random.default_rng(3).lognormal(0.0, 0.2, len(minutes))
    rates = np.where((minutes % DAY) // 20 == 27, 9.0, noise)
    known, learned = Judged(), Learned()
    for hour in range(1, len(rates) // 60):
        past = {"a": Series(MONDAY, 60, 60 * rates[: 60 * hour])}
        # The seasons are those of before the hour, as a learner has them.
        own = learned.models.get("a")
        known = judge(
            known, rates[: 60 * hour], MONDAY, lambda _, own=own: seasons_of(own, {}) if own else Seasons(), SERVED
        )
        learned = learn(learned, past, MONDAY + 3600 * hour)
    usual = next(
        i for i in range(COUNT) if words(i).startswith("what is usual at this time, and the highest of the last 5m")
    )
    looks = [i for i in range(COUNT) if span_and_room(i) is not None]
    beaten = [i for i in looks if known.late[i] <= known.late[usual] and known.held[i] <= known.held[usual]]
    assert beaten == []
    same = TOPS.index(5) * len(ROOMS) + ROOMS.index(1.1)
    print(known.late[usual], known.late[same], known.held[usual], known.held[same])
    assert known.late[usual] < 0.5 * known.late[same]
    assert known.held[usual] < 1.1 * known.held[same]


@pytest.mark.parametrize("hours", [25, 40, 71, 96])
def test_what_was_known_at_a_moment_is_what_a_learner_of_that_moment_knew(hours: int) -> None:
    """In the first week no bucket has been seen twice: without the later ones the seasons are those of then."""
    rates = np.repeat(np.random.default_rng(hours).lognormal(1, 1, 5 * DAY // 10), 10)
    at, end = MONDAY + 3600 * hours, MONDAY + 5 * 86_400
    then = learn(Learned(), {"a": Series(MONDAY, 60, 60 * rates[: 60 * hours])}, at)
    now = learn(Learned(), {"a": Series(MONDAY, 60, 60 * rates)}, end)
    before = seasons_before(now.models["a"], {}, at, now.until)
    own = seasons_of(then.models["a"], {})
    assert before.week == pytest.approx(own.week) and before.profile == pytest.approx(own.profile)
    assert seasons_before(now.models["a"], {}, end, now.until).week == now.models["a"].week
    assert seasons_before(now.models["a"], {}, MONDAY + 86_000, now.until).week == (), "less than a day was known"


def test_noise_foretells_nothing_to_who_learns_it_all_at_once() -> None:
    """Levels that never come again: a learner of three days at once must not believe in a profile made of them."""
    rates = np.repeat(np.random.default_rng(7).lognormal(1, 1, 3 * DAY // 10), 10)
    hourly = Learned()
    for hour in range(1, 73):
        past = {"a": Series(MONDAY, 60, 60 * rates[: 60 * hour])}
        hourly = learn(hourly, past, MONDAY + 3600 * hour, served={"a": SERVED})
    whole = {"a": Series(MONDAY, 60, 60 * rates)}
    once = learn(Learned(), whole, MONDAY + 72 * 3600, served={"a": SERVED})
    one, other = (known.models["a"].judged for known in (hourly, once))
    assert one.until == other.until
    usual = [i for i in range(COUNT) if "usual" in words(i)]
    assert np.array(other.late)[usual] == pytest.approx(np.array(one.late)[usual], rel=0.1)
    assert np.array(other.held)[usual] == pytest.approx(np.array(one.held)[usual], rel=0.1)


def test_accounts_of_other_candidates_are_opened_anew() -> None:
    """A version that knows more ways to be ready reads the accounts of one that knew fewer: none can be compared."""
    rates = np.full(DAY, 3.0)
    whole = judged(rates)
    fewer = replace(whole, held=whole.held[:-1], late=whole.late[:-1], turned=whole.turned[:-1])
    assert judge(fewer, rates, MONDAY, unknown, SERVED).held == pytest.approx(whole.held)


def test_a_dearer_miss_never_chooses_who_left_more_late() -> None:
    rng = np.random.default_rng(2)
    known = judged(np.repeat(rng.lognormal(1, 1, 2 * DAY // 10), 10))
    late = [known.late[chosen(known, miss_usd=price)] for price in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)]
    assert late == sorted(late, reverse=True)


def test_learning_in_pieces_is_learning_at_once() -> None:
    rng = np.random.default_rng(4)
    rates = np.repeat(rng.uniform(1, 9, DAY // 10), 10)
    whole = judged(rates)
    first = judge(Judged(), rates[:725], MONDAY, unknown, SERVED)
    pieces = judge(first, rates, MONDAY, unknown, SERVED)
    assert pieces.until == whole.until
    assert pieces.arrived == pytest.approx(whole.arrived, rel=1e-6)
    assert pieces.held == pytest.approx(whole.held, rel=1e-3)


def test_another_home_is_judged_anew() -> None:
    rates = np.full(DAY, 3.0)
    before = judged(rates)
    larger = Served("shared ml.p5.48xlarge", 300, 4.0, lambda rates: np.maximum(np.ceil(rates / 4.0), 1))
    after = judge(before, rates, MONDAY, unknown, larger)
    assert after.key == larger.key
    assert after.held[0] == pytest.approx(before.held[0] / 2, rel=0.01), "one copy where there were two"


def test_the_ensemble_beats_the_last_value_on_a_daily_tide_and_not_on_noise() -> None:
    """Scores of came / foretold lie close to one where there is something to foretell."""
    minutes = np.arange(4 * DAY)
    steps = np.where((minutes % DAY) // 180 % 2 == 0, 10.0, 2.0)
    learned = learn(Learned(), {"a": Series(MONDAY, 60, 60 * steps[: 3 * DAY])}, MONDAY + 3 * 86_400)
    seasons = seasons_of(learned.models["a"], learned.groups)
    known = judge(Judged(), steps, MONDAY, lambda _: seasons, SERVED)
    assert min(known.losses) < 0.5 * known.losses[0], "something foretells the steps that the last value misses"
    noise = np.random.default_rng(9).exponential(5.0, 2 * DAY)
    blind = judged(noise)
    assert min(blind.losses) > 0.25 * blind.losses[0]


def test_a_model_that_is_not_served_anywhere_known_is_not_judged() -> None:
    series = {"a": Series(MONDAY, 60, np.full(DAY, 60.0))}
    assert learn(Learned(), series, MONDAY + 86_400).models["a"].judged == Judged()
    assert learn(Learned(), series, MONDAY + 86_400, served={"a": SERVED}).models["a"].judged.until > MONDAY


def test_groups_of_two_have_a_tide_and_one_alone_has_none() -> None:
    one, two = Series(MONDAY, 60, np.full(DAY, 60.0)), Series(MONDAY, 60, np.full(DAY, 180.0))
    learned = learn(Learned(), {"a": one, "b": two, "c": one}, MONDAY + 86_400, groups={"a": "x", "b": "x", "c": "y"})
    assert set(learned.groups) == {"x"} and learned.groups["x"][0] == pytest.approx(2.0)
