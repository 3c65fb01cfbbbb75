"""The summary: every figure of a report is worked out once, here."""

from __future__ import annotations

import pytest

from builders.report import FROM_S, TO_S, a_change, a_move, a_sample, a_summary, an_operation
from tidepool.config.types import Hosting
from tidepool.fleet import Component, Endpoint, EndpointKind, Status
from tidepool.move.state import Phase
from tidepool.report.entries import Check, sample
from tidepool.report.summary import ENDED, Summary, served, summarise
from tidepool.units import HOUR_S


def of(samples=(), operations=(), moves=(), **more) -> Summary:  # type: ignore[no-untyped-def]
    return summarise(samples, operations, moves, title="t", source="twin", from_s=FROM_S, to_s=TO_S, **more)


def test_dollars_are_what_each_sample_cost_until_the_next_one() -> None:
    # 10 $/h for 6 h, then 20 $/h for 18 h: 60 + 360.
    assert of([a_sample(0, usd=10), a_sample(6, usd=20)]).usd == pytest.approx(420)


def test_the_order_of_the_samples_does_not_matter() -> None:
    assert of([a_sample(6, usd=20), a_sample(0, usd=10)]) == of([a_sample(0, usd=10), a_sample(6, usd=20)])


def test_an_exact_bill_wins_over_the_samples() -> None:
    assert of([a_sample(0, usd=10)], usd=99.5).usd == 99.5


def test_samples_outside_the_period_do_not_count() -> None:
    assert of([a_sample(-1, usd=1000), a_sample(0, usd=10), a_sample(24, usd=1000)]).usd == pytest.approx(240)


def test_what_every_model_alone_costs_is_compared_over_the_same_time() -> None:
    summary = of([a_sample(0, usd=25), a_sample(12, usd=25)])
    assert summary.dedicated_usd == pytest.approx(2400)


def test_a_model_has_its_extremes_its_hours_and_its_time_at_zero() -> None:
    chat = next(m for m in of([a_sample(0, copies=0), a_sample(6, copies=3)]).models if m.name == "chat")
    assert (chat.accelerators_min, chat.accelerators_max) == (0, 3)
    assert chat.accelerator_hours == pytest.approx(54)
    assert chat.minutes_at_zero == 360
    assert chat.requests == 20


def test_the_model_that_holds_most_comes_first() -> None:
    assert [m.name for m in of([a_sample(0, copies=2)]).models] == ["code", "chat"]


def test_only_changes_that_were_made_count_and_refused_ones_apart() -> None:
    operations = [an_operation(1), an_operation(2, outcome="already"), an_operation(3, outcome="failed")]
    summary = of([], operations)
    assert summary.changes == {"copies": 1, "instances": 0, "bounds": 0, "moves": 0}
    assert summary.refused == 1


def test_an_open_move_has_no_end() -> None:
    (done,), (open_,) = of([], [], [a_move()]).moves, of([], [], [a_move(phase=Phase.WARM)]).moves
    assert (done.outcome, done.ended_at) == ("done", done.began + 900)
    assert (open_.outcome, open_.ended_at) == ("warm", None)


def test_the_report_knows_exactly_the_phases_that_end_a_move() -> None:
    assert {str(phase) for phase in Phase if phase.ended} == ENDED


def test_a_check_is_only_true_when_something_shows_it() -> None:
    assert Check("it moved", "code at 02:00").ok
    assert not Check("it moved", "").ok


def test_a_sample_counts_accelerators_of_copies_and_of_whole_machines() -> None:
    pool = Endpoint("pool", EndpointKind.POOL, "c", "v", Status.IN_SERVICE, "ml.a", 2, 2, 0)
    alone = Endpoint("one", EndpointKind.DEDICATED, "c", "v", Status.IN_SERVICE, "ml.a", 1, 1, 0, model="m")
    other = Endpoint("async", EndpointKind.OTHER, "c", "v", Status.IN_SERVICE, "ml.a", 1, 1, 0)
    chat = Component("chat-1", "chat", "pool", "v", Status.IN_SERVICE, 3, 3, 2, 0)
    seen = sample(
        {e.name: e for e in (pool, alone, other)},
        {"chat-1": chat},
        accelerators={"ml.a": 8},
        at=FROM_S,
        usd_per_hour=75.0,
    )
    assert seen.instances == {"pool": 2, "one": 1}
    assert [(p.model, p.hosting, p.count, p.accelerators) for p in seen.places] == [
        ("chat", Hosting.SHARED, 3, 6),
        ("m", Hosting.DEDICATED, 1, 8),
    ]


def test_the_builder_of_these_tests_is_a_whole_day() -> None:
    assert a_summary().to_s - a_summary().from_s == 24 * HOUR_S
    assert a_change().model == "chat"


def test_without_a_comparison_of_the_callers_the_decisions_own_one_stands() -> None:
    (own,) = of([a_sample(0)]).comparisons
    assert (own.name, own.usd) == ("every model alone", pytest.approx(2400))
    assert of().comparisons == ()


@pytest.mark.parametrize(("share", "words"), [(1.0, "100 %"), (0.99997, "99.99 %"), (0.995, "99.5 %"), (0.0, "0 %")])
def test_a_share_of_requests_is_never_rounded_up(share: float, words: str) -> None:
    assert served(share) == words
