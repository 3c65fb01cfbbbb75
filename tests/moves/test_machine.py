"""The guards of the phases forward, one by one: (move, seen, now) → (move', command)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import NOW
from builders.move_turns import NEW, NEW_ONLY, OLD_ONLY, STARTED, evidence, move, route, seen, side
from builders.move_world import POOL_A, POOL_B
from tidepool.fleet import Evidence, Route, Series, Status, Target
from tidepool.fleet.asked import Answer, NewComponent
from tidepool.move import drain, shift
from tidepool.move.command import CreateTarget, Probe, Resize, WriteRoute
from tidepool.move.machine import step
from tidepool.move.naming import target_name, target_tags
from tidepool.move.seen import Probed, Seen, Terms
from tidepool.move.state import Phase

# Drain.


def drained(**changes: object) -> Seen:
    return seen(route=route(*NEW_ONLY), **changes)


def test_the_source_is_retired_only_after_the_silence_that_the_longest_request_asks_for() -> None:
    draining = move(Phase.DRAIN)
    assert step(draining, drained(), NOW).move.phase is Phase.RETIRE
    long = drained(terms=Terms(longest_request_s=400))
    assert step(draining, long, NOW).move.phase is Phase.DRAIN
    assert step(draining, drained(terms=Terms(longest_request_s=480)), NOW).move.phase is Phase.DRAIN
    assert drain.needed_s(Terms(longest_request_s=30)) == drain.QUIET_S


@pytest.mark.parametrize(
    "source_evidence",
    [evidence(NOW - 120), evidence(silent=False), evidence(fresh=False), Evidence()],
    ids=["requests a minute ago", "still in flight", "no utilisation", "no metrics"],
)
def test_missing_evidence_is_not_silence(source_evidence: Evidence) -> None:
    assert step(move(Phase.DRAIN), drained(source_evidence=source_evidence), NOW).move.phase is Phase.DRAIN


def test_short_requests_that_no_sample_of_concurrency_met_are_no_silence() -> None:
    """Concurrency is looked at every 10 s; requests of 100 ms show in Invocations alone."""
    short = replace(evidence(NOW - 120), concurrency=evidence().concurrency)
    assert step(move(Phase.DRAIN), drained(source_evidence=short), NOW).move.phase is Phase.DRAIN


def test_the_route_lets_go_of_the_source_only_once_nobody_falls_back_to_it() -> None:
    emptied = seen(route=route(Target(POOL_A, "m", 0), *NEW_ONLY))
    assert step(move(Phase.DRAIN), emptied, NOW).command == WriteRoute(Route("m", 4, NEW_ONLY, NOW))
    called = replace(emptied, source_evidence=evidence(NOW - 120))
    assert step(move(Phase.DRAIN), called, NOW).command is None
    unseen = replace(emptied, source_evidence=Evidence())
    assert step(move(Phase.DRAIN), unseen, NOW).command is None
    dead = replace(called, source=side(size_now=0))
    assert step(move(Phase.DRAIN), dead, NOW).command is None, "nobody reached the target, and the source hears nobody"
    reached = replace(dead, target_evidence=evidence(NOW - 120))
    assert step(move(Phase.DRAIN), reached, NOW).command == WriteRoute(Route("m", 4, NEW_ONLY, NOW))


def test_silence_before_callers_followed_does_not_count() -> None:
    fresh = seen(route=route(*NEW_ONLY, at=NOW - 100))
    assert step(move(Phase.DRAIN), fresh, NOW).move.phase is Phase.DRAIN


@pytest.mark.parametrize("terms", [Terms(soak_from_write=False), Terms(soak_from_write=False, weighted=False)])
def test_behind_a_gateway_or_router_only_silence_after_it_was_seen_to_follow_counts(terms: Terms) -> None:
    """A minute ago a request may still have gone by the old route: it runs, and no metric shows it yet."""
    long_ago = drained(terms=terms)
    just_now = move(Phase.DRAIN, settled_at=NOW - 100)
    assert step(just_now, long_ago, NOW).move.phase is Phase.DRAIN
    assert step(replace(just_now, settled_at=NOW - 200), long_ago, NOW).move.phase is Phase.RETIRE
    assert step(just_now, drained(), NOW).move.phase is Phase.RETIRE, "a table's caches are younger than the quiet"
    unknown = step(replace(just_now, settled_at=0), long_ago, NOW).move
    assert (unknown.phase, unknown.settled_at) == (Phase.DRAIN, NOW)


def test_drain_goes_back_while_the_source_can_still_serve() -> None:
    assert step(move(Phase.DRAIN), drained(target=side(NEW, size_now=0)), NOW).move.phase is Phase.BACK
    neither = drained(target=side(NEW, size_now=0), source=None)
    assert step(move(Phase.DRAIN), neither, NOW).move.phase is Phase.DRAIN
    late = move(Phase.DRAIN, since=NOW - drain.DEADLINE_S - 100)
    assert step(late, neither, NOW).move.phase is Phase.BACK


# Shift.


def test_without_fresh_metrics_of_the_target_a_step_is_not_over() -> None:
    shifting = move(Phase.SHIFT)
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10))
    assert step(shifting, seen(route=ten), NOW).move.step == 1
    assert step(shifting, seen(route=ten, target_evidence=evidence(fresh=False)), NOW).move.step == 0
    just_now = replace(ten, changed_at=NOW - shift.SOAK_S + 1)
    assert step(shifting, seen(route=just_now), NOW).move.step == 0


def test_a_route_that_somebody_else_wrote_is_not_overwritten_but_goes_back() -> None:
    other = route(Target(POOL_A, "m", 70), Target(POOL_B, NEW, 30), version=4)
    turn = step(move(Phase.SHIFT), seen(route=other), NOW)
    assert (turn.command, turn.move.phase) == (None, Phase.BACK)
    assert "written by somebody else: version 4, expected 3" in turn.move.why


def test_a_write_that_a_crash_hid_is_recognised_as_our_own() -> None:
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10), version=4)
    turn = step(move(Phase.SHIFT), seen(route=ten), NOW)
    assert (turn.command, turn.move.phase, turn.move.route_version) == (None, Phase.SHIFT, 4)


def test_a_target_that_stopped_serving_takes_the_move_back() -> None:
    turn = step(move(Phase.SHIFT), seen(target=side(NEW, size_now=0)), NOW)
    assert turn.move.phase is Phase.BACK and "stopped serving" in turn.move.why


def test_requests_that_found_no_copy_on_the_target_take_the_move_back() -> None:
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10))
    rejected = replace(evidence(), rejected=Series(NOW - 180, 60, np.array([2.0, np.nan])))
    turn = step(move(Phase.SHIFT), seen(route=ten, target_evidence=rejected), NOW)
    assert turn.move.phase is Phase.BACK and "2 requests found no copy" in turn.move.why


def test_slower_hardware_is_expected_to_be_slower() -> None:
    """1.8 times as slow is too slow on like hardware (1.5 + chance), and as declared on hardware of 1.5."""
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10))
    minutes = np.arange(STARTED, NOW - 60, 60)

    def of(latency: float) -> Evidence:
        many = Series(STARTED, 60, np.full(len(minutes), 6000.0))
        return replace(evidence(), invocations=many, latency_ms=Series(STARTED, 60, np.full(len(minutes), latency)))

    looks = seen(route=ten, source_evidence=of(1000.0), target_evidence=of(1800.0))
    assert step(move(Phase.SHIFT), looks, NOW).move.phase is Phase.BACK
    declared = replace(looks, terms=Terms(slower=1.5))
    assert step(move(Phase.SHIFT), declared, NOW).move.phase is Phase.SHIFT


def test_a_few_slow_requests_are_chance() -> None:
    """25 exponential times a side: the ratio of means may be 1 + 3·√(2/25) = 1.85 by chance, 1.5 is allowed anyway."""
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10))

    def of(latency: float) -> Evidence:
        few = Series(NOW - 300, 60, np.array([9.0, 8.0, 8.0, np.nan]))
        return replace(evidence(), invocations=few, latency_ms=Series(NOW - 300, 60, np.full(4, latency)))

    looks = seen(route=ten, source_evidence=of(1000.0), target_evidence=of(2500.0))
    assert step(move(Phase.SHIFT), looks, NOW).move.phase is Phase.SHIFT


def failing(*at: int) -> Evidence:
    """One request a minute, and an error in these minutes ago."""
    minutes = np.arange(STARTED, NOW - 60, 60)
    errors = np.where(np.isin(minutes, [NOW - 60 * ago for ago in at]), 1.0, np.nan)
    return replace(
        evidence(), invocations=Series(STARTED, 60, np.ones(len(minutes))), errors=Series(STARTED, 60, errors)
    )


def test_errors_of_all_steps_together_make_a_trend_that_no_step_shows() -> None:
    """A step of 5 minutes shows two errors, and the one before shows one: too few each, three together."""
    half = route(Target(POOL_A, "m", 50), Target(POOL_B, NEW, 50))
    looks = seen(route=half, source_evidence=evidence(NOW), target_evidence=failing(3, 4, 8))
    second = move(Phase.SHIFT, step=1, shifted_at=NOW - 600)
    turn = step(second, looks, NOW).move
    assert turn.phase is Phase.BACK and "of the target's requests failed" in turn.why
    assert step(replace(second, shifted_at=NOW - 300), looks, NOW).move.phase is Phase.SHIFT
    draining = step(move(Phase.DRAIN, shifted_at=NOW - 600), replace(looks, route=route(*NEW_ONLY)), NOW).move
    assert draining.phase is Phase.BACK


def test_the_first_shift_is_remembered_from_step_to_step() -> None:
    first = step(move(Phase.WARM, shifted_at=0), seen(probed=ANSWERS), NOW).move
    assert (first.phase, first.shifted_at) == (Phase.SHIFT, NOW)
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10))
    later = step(move(Phase.SHIFT, shifted_at=NOW - 900), seen(route=ten), NOW).move
    assert (later.step, later.shifted_at) == (1, NOW - 900)


def test_a_source_that_is_away_is_not_given_up_for_a_target_that_fails_its_callers() -> None:
    """It may live again; where it is gone there is nothing to go back to."""
    away = drained(source=side(size_now=0), target_evidence=failing(2, 3, 4))
    draining = move(Phase.DRAIN, shifted_at=NOW - 600)
    assert (step(draining, away, NOW).move, step(draining, away, NOW).command) == (draining, None)
    lives = replace(away, source=side())
    assert step(draining, lives, NOW).move.phase is Phase.BACK
    assert step(draining, replace(away, source=None), NOW).move.phase is Phase.RETIRE


def test_a_source_that_is_away_stays_until_the_target_alone_was_seen_for_as_long_as_a_soak() -> None:
    """Its metrics are seen up to a minute ago: 120 s of them are there three minutes after the route was written."""
    away = seen(route=route(*NEW_ONLY, at=NOW - 170), source=side(size_now=0))
    draining = move(Phase.DRAIN)
    assert step(draining, away, NOW).move.phase is Phase.DRAIN
    soaked = replace(away, route=route(*NEW_ONLY, at=NOW - 200))
    assert step(draining, soaked, NOW).move.phase is Phase.RETIRE
    unseen = replace(soaked, target_evidence=evidence(fresh=False))
    assert step(draining, unseen, NOW).move.phase is Phase.DRAIN
    asleep = replace(away, source=side(size=0))
    assert step(draining, asleep, NOW).move.phase is Phase.RETIRE, "its owner wants no copies: nobody is waited for"


def test_a_target_that_nobody_reaches_takes_the_move_back_at_once() -> None:
    """60 requests a minute for 5 minutes at 10 % are 30 for the target; 20 are too many to be missing by chance."""
    half = route(Target(POOL_A, "m", 50), Target(POOL_B, NEW, 50))
    second = move(Phase.SHIFT, step=1)
    nobody = step(second, seen(route=half, source_evidence=evidence(NOW)), NOW).move
    assert nobody.phase is Phase.BACK and "may its callers invoke it?" in nobody.why
    some = seen(route=half, source_evidence=evidence(NOW), target_evidence=evidence(NOW - 120))
    assert step(second, some, NOW).move.step == 2
    few = seen(route=half, source_evidence=evidence(NOW - 180))
    assert step(second, few, NOW).move.step == 2, "18 or less may well be chance"
    unseen = seen(route=half, source_evidence=evidence(NOW), target_evidence=evidence(fresh=False))
    assert step(second, unseen, NOW).move.phase is Phase.SHIFT, "missing evidence is not zero"
    assert step(replace(second, step=0), seen(route=route(*OLD_ONLY)), NOW).move.phase is Phase.SHIFT


# Capacity.


def in_flight(peak: float) -> Evidence:
    """So many a copy at the busiest 10 seconds, five minutes ago; half of it otherwise."""
    flight = np.full((NOW - 60 - STARTED) // 10, peak / 2)
    flight[-30] = peak
    return replace(evidence(), concurrency=Series(STARTED, 10, flight))


ANSWERS = Probed(Answer(True, 200, 10.0), Answer(True, 200, 10.0))


def test_the_target_is_made_large_enough_for_everybody_before_the_first_shift() -> None:
    """2 copies × 25 in flight on hardware half as fast are 100: 5 copies of 20, 7 with a quarter's room."""
    terms = Terms(per_unit=20.0, slower=2.0)
    small = seen(terms=terms, probed=ANSWERS, source_evidence=in_flight(25.0))
    assert step(move(Phase.WARM), small, NOW).command == Resize(NEW, dedicated=False, variant="main", size=7)
    coming = replace(small, target=side(NEW, size_wanted=7, status=Status.UPDATING))
    assert (step(move(Phase.WARM), coming, NOW).command, step(move(Phase.WARM), coming, NOW).move.phase) == (
        None,
        Phase.WARM,
    )
    enough = replace(small, target=side(NEW, size=7))
    assert step(move(Phase.WARM), enough, NOW).move.phase is Phase.SHIFT


def test_fleet_yamls_ceiling_holds_and_then_nobody_waits_for_more() -> None:
    terms = Terms(per_unit=20.0, slower=2.0, most=3)
    small = seen(terms=terms, probed=ANSWERS, source_evidence=in_flight(25.0))
    assert step(move(Phase.WARM), small, NOW).command == Resize(NEW, dedicated=False, variant="main", size=3)
    full = replace(small, target=side(NEW, size=3))
    assert step(move(Phase.WARM), full, NOW).move.phase is Phase.SHIFT


def test_each_weight_is_given_only_to_a_target_that_can_take_it() -> None:
    """2 × 30 at the source and 2 × 4 at the target are 68 in flight: 34 for 50 %, two copies of 20. One is too few."""
    ten = route(Target(POOL_A, "m", 90), Target(POOL_B, NEW, 10))
    looks = seen(
        terms=Terms(per_unit=20.0),
        route=ten,
        source_evidence=in_flight(30.0),
        target_evidence=in_flight(4.0),
    )
    assert step(move(Phase.SHIFT), looks, NOW).move.step == 1
    one = replace(looks, target=side(NEW, size=1), target_evidence=in_flight(8.0))
    assert isinstance(step(move(Phase.SHIFT), one, NOW).command, Resize)


def test_a_target_is_created_with_what_is_needed_now_and_never_less_than_asked() -> None:
    begun = move(Phase.CREATE, intent="")
    terms = Terms(per_unit=20.0)
    busy = seen(terms=terms, target=None, source_evidence=in_flight(50.0))
    calm = seen(terms=terms, target=None, source_evidence=in_flight(1.0))
    sizes = []
    for looks in (busy, calm):
        command = step(begun, looks, NOW).command
        assert isinstance(command, CreateTarget) and isinstance(command.new, NewComponent)
        sizes.append(command.new.copies)
    assert sizes == [7, 2]


# Warm and create.


def test_callers_must_be_known_to_follow_before_the_first_shift() -> None:
    warm = move(Phase.WARM)
    answers = Probed(Answer(True, 200, 10.0, "shape"), Answer(True, 200, 10.0, "shape"))
    assert isinstance(step(warm, seen(), NOW).command, Probe)
    assert step(warm, seen(probed=answers), NOW).move.phase is Phase.SHIFT
    waits = step(warm, seen(probed=answers, followed=False), NOW).move
    assert (waits.phase, waits.why) == (Phase.WARM, "callers do not follow the route yet")
    assert step(warm, seen(probed=answers, frozen="ana: sev1"), NOW).move.phase is Phase.WARM


def test_a_sample_that_cannot_be_read_is_named_while_the_move_waits() -> None:
    waits = step(move(Phase.WARM), seen(refused="GetObject on 's3://b/k': NoSuchKey"), NOW).move
    assert (waits.phase, waits.why) == (Phase.WARM, "GetObject on 's3://b/k': NoSuchKey")
    late = step(replace(waits, since=NOW - 1201), seen(), NOW).move
    assert late.phase is Phase.BACK and "NoSuchKey" in late.why


def test_another_shape_of_answer_takes_the_move_back() -> None:
    unlike = Probed(Answer(True, 200, 10.0, "other"), Answer(True, 200, 10.0, "shape"))
    turn = step(move(Phase.WARM), seen(probed=unlike), NOW)
    assert turn.move.phase is Phase.BACK and "another shape" in turn.move.why


def test_a_move_begins_only_where_the_route_says_the_source_is() -> None:
    begun = move(Phase.CREATE, route_version=0, intent="")
    elsewhere = step(begun, seen(target=None, route=route(*NEW_ONLY)), NOW).move
    assert elsewhere.phase is Phase.SUPERSEDED and "0 % of the callers" in elsewhere.why
    none = step(begun, seen(target=None, route=None), NOW)
    assert none.command == WriteRoute(Route("m", 1, OLD_ONLY, NOW))
    unversioned = step(begun, seen(target=None, route=route(*OLD_ONLY, version=0)), NOW)
    assert unversioned.command == WriteRoute(Route("m", 1, OLD_ONLY, NOW))
    assert isinstance(step(move(Phase.CREATE, intent=""), seen(target=None), NOW).command, CreateTarget)


def test_nothing_is_made_while_the_sources_owner_changes_it() -> None:
    begun = move(Phase.CREATE, intent="")
    deploying = seen(target=None, source=side(status=Status.UPDATING))
    assert step(begun, deploying, NOW).command is None
    other = replace(deploying, source=side(artifact="artifact-m-v2"))
    assert step(begun, other, NOW).move.phase is Phase.SUPERSEDED


def test_two_moves_of_one_model_never_both_create() -> None:
    turn = step(move(Phase.CREATE, intent=""), seen(target=None, others=("fedc",)), NOW)
    assert turn.move.phase is Phase.SUPERSEDED and "move fedc of the same model is open" in turn.move.why


def test_a_target_counts_as_ready_only_with_every_copy() -> None:
    half = side(NEW, size_now=1)
    assert step(move(Phase.CREATE), seen(target=half), NOW).move.phase is Phase.CREATE
    updating = side(NEW, status=Status.UPDATING)
    assert step(move(Phase.CREATE), seen(target=updating), NOW).move.phase is Phase.CREATE
    assert step(move(Phase.CREATE), seen(), NOW).move.phase is Phase.WARM


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.ROLLED_BACK, Phase.SUPERSEDED, Phase.NEEDS_PERSON])
def test_a_move_that_has_ended_stays_as_it_is(phase: Phase) -> None:
    ended = move(phase)
    turn = step(ended, seen(), NOW + 86_400)
    assert (turn.move, turn.command) == (ended, None)


@pytest.mark.parametrize("model", ["m", "Codegen/Inline v3", "x" * 200, "…", "-a-"])
def test_a_targets_name_is_one_that_sagemaker_takes(model: str) -> None:
    import re

    name = target_name(model, "0123456789abcdef")
    assert len(name) <= 63 and re.fullmatch(r"[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?", name)
    assert name.startswith("tidepool-") and name.endswith("-01234567")


def test_a_target_keeps_its_owners_tags_and_none_of_ours_or_awss() -> None:
    before = {"model": "m", "team": "x", "aws:cloudformation:stack": "s", "tidepool:change": "old"}
    assert target_tags(before, "new") == {
        "model": "m",
        "team": "x",
        "tidepool:managed": "true",
        "tidepool:created-by": "tidepool",
        "tidepool:change": "new",
    }
