"""The guards of the way back and of retire: nothing is removed that callers may still need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW
from builders.move_turns import HALF, NEW, NEW_ONLY, OLD_ONLY, evidence, move, route, seen, side
from builders.move_world import OWN, POOL_A, POOL_B, a_move
from tidepool.fleet import Evidence, Route, Status
from tidepool.move import back
from tidepool.move.command import Delete, Shrink, Sweep, WriteRoute, intent
from tidepool.move.machine import step
from tidepool.move.seen import Side, Terms
from tidepool.move.state import Phase
from tidepool.move.turn import EXPOSED, UNSEEN

# Back.


def test_back_restores_the_route_before_anything_else() -> None:
    turn = step(move(Phase.BACK, step=EXPOSED), seen(route=route(*HALF)), NOW)
    assert turn.command == WriteRoute(Route("m", 4, OLD_ONLY, NOW))


def test_back_never_sends_callers_to_a_source_that_does_not_serve() -> None:
    gone = seen(route=route(*NEW_ONLY), source=None)
    assert step(move(Phase.BACK, step=EXPOSED), gone, NOW).command is None
    late = step(move(Phase.BACK, step=EXPOSED, why="it was slow", since=NOW - 9000), gone, NOW).move
    assert late.phase is Phase.NEEDS_PERSON
    assert "it was slow" in late.why and "bring it back, or route everybody to" in late.why


@pytest.mark.parametrize(
    "target_evidence",
    [evidence(NOW - 120), evidence(silent=False), evidence(fresh=False), Evidence()],
    ids=["requests a minute ago", "still in flight", "no utilisation", "no metrics"],
)
def test_back_does_not_remove_a_target_that_is_not_known_to_be_silent(target_evidence: Evidence) -> None:
    turn = step(move(Phase.BACK, step=EXPOSED), seen(target_evidence=target_evidence), NOW)
    assert (turn.command, turn.move.step) == (None, EXPOSED)


def test_back_counts_only_the_silence_after_the_route_went_back() -> None:
    just_now = seen(route=route(*OLD_ONLY, at=NOW - 100))
    assert step(move(Phase.BACK, step=EXPOSED), just_now, NOW).move.step == EXPOSED
    assert step(move(Phase.BACK, step=EXPOSED), seen(), NOW).move.step == UNSEEN


def test_back_counts_only_the_silence_after_a_gateway_was_seen_to_follow() -> None:
    waits, looks = move(Phase.BACK, step=EXPOSED, settled_at=NOW - 100), seen(terms=Terms(soak_from_write=False))
    assert step(waits, looks, NOW).move.step == EXPOSED
    assert step(replace(waits, settled_at=NOW - 200), looks, NOW).move.step == UNSEEN


def test_back_removes_only_what_this_move_made() -> None:
    mine = step(move(Phase.BACK, step=UNSEEN), seen(), NOW)
    assert mine.command == Delete(NEW, dedicated=False)
    theirs = step(move(Phase.BACK, step=UNSEEN), seen(target=side(NEW, change="another")), NOW)
    assert (theirs.command, theirs.move.phase) == (None, Phase.ROLLED_BACK)


def test_back_keeps_the_only_home_that_answers() -> None:
    assert step(move(Phase.BACK, step=UNSEEN), seen(source=None), NOW).command is None
    dead = side(status=Status.FAILED, size_now=0)
    assert step(move(Phase.BACK, step=UNSEEN), seen(source=dead), NOW).command is None
    asleep = side(size=0)
    assert isinstance(step(move(Phase.BACK, step=UNSEEN), seen(source=asleep), NOW).command, Delete)


@pytest.mark.parametrize("source", [None, side(status=Status.FAILED, size_now=0)], ids=["gone", "failed"])
def test_nobody_is_told_to_delete_the_only_home_that_serves(source: Side | None) -> None:
    late = step(move(Phase.BACK, step=UNSEEN, since=NOW - back.REMOVE_S - 1, why="held"), seen(source=source), NOW).move
    assert late.phase is Phase.NEEDS_PERSON
    assert f"{NEW} alone serves" in late.why and f"or route everybody to {NEW}" in late.why
    assert "by hand" not in late.why


def test_back_waits_for_a_late_create_and_sweeps_a_dedicated_homes_config() -> None:
    dedicated = move(Phase.BACK, step=UNSEEN, ask=a_move(POOL_A, "tidepool-m"), to_component="")
    absent = seen(target=None)
    assert step(replace(dedicated, since=NOW - back.LINGER_S + 1), absent, NOW).command is None
    turn = step(dedicated, absent, NOW)
    assert turn.command == Sweep("tidepool-m")
    swept = replace(absent, acted="remove what is left of tidepool-m")
    assert step(dedicated, swept, NOW).move.phase is Phase.ROLLED_BACK


def test_a_target_that_cannot_be_removed_is_handed_to_a_person_by_name() -> None:
    stuck = step(move(Phase.BACK, step=UNSEEN, since=NOW - back.REMOVE_S - 1, why="quota"), seen(), NOW).move
    assert stuck.phase is Phase.NEEDS_PERSON
    assert "quota" in stuck.why and f"{NEW} could not be removed" in stuck.why


# Retire.


def test_nothing_is_deleted_while_the_target_does_not_serve() -> None:
    retiring = move(Phase.RETIRE, source_was_ours=True)
    assert step(retiring, seen(), NOW).command == Delete("m", dedicated=False)
    assert step(retiring, seen(target=None), NOW).command is None
    assert step(retiring, seen(target=side(NEW, size_now=0)), NOW).command is None


def test_a_source_that_got_a_new_version_meanwhile_is_never_deleted() -> None:
    turn = step(move(Phase.RETIRE, source_was_ours=True), seen(source=side(artifact="artifact-m-v2")), NOW)
    assert (turn.command, turn.move.phase) == (None, Phase.NEEDS_PERSON)
    assert "artifact-m-v2" in turn.move.why


def test_somebody_elses_source_is_lowered_and_not_deleted() -> None:
    assert step(move(Phase.RETIRE), seen(), NOW).command == Shrink("m", dedicated=False, variant="main")
    own = move(Phase.RETIRE, ask=a_move(OWN, POOL_B))
    assert step(own, seen(source=side(OWN)), NOW).command == Shrink(OWN, dedicated=True, variant="main")
    assert step(own, seen(source=side(OWN, size=1)), NOW).move.phase is Phase.DONE
    told = seen(terms=Terms(retire_delete=True))
    assert step(move(Phase.RETIRE), told, NOW).command == Delete("m", dedicated=False)


def test_a_source_that_cannot_be_retired_is_handed_to_a_person_and_callers_stay_on_the_target() -> None:
    late = step(move(Phase.RETIRE, source_was_ours=True, since=NOW - 3601), seen(refused="Denied"), NOW).move
    assert late.phase is Phase.NEEDS_PERSON
    assert "Denied" in late.why and NEW in late.why


@pytest.mark.parametrize("target", [None, side(NEW, size_now=0, status=Status.FAILED)], ids=["gone", "failed"])
def test_nobody_is_told_to_delete_a_source_whose_target_does_not_serve(target: Side | None) -> None:
    late = step(move(Phase.RETIRE, source_was_ours=True, since=NOW - 3601), seen(target=target), NOW).move
    assert late.phase is Phase.NEEDS_PERSON
    assert f"{NEW}, to which all callers were sent, has not served" in late.why
    assert "route everybody to m (InService, 2 ready), which was kept" in late.why
    assert "by hand" not in late.why and "are served by" not in late.why


def test_the_config_of_a_dedicated_source_that_is_gone_is_swept_once_and_no_refusal_keeps_the_move_open() -> None:
    ours = move(Phase.RETIRE, ask=a_move(OWN, POOL_B), source_was_ours=True, since=NOW - 60)
    gone = seen(source=None)
    assert step(ours, gone, NOW).command == Sweep(OWN)
    assert step(ours, replace(gone, acted=intent(Sweep(OWN))), NOW).move.phase is Phase.DONE
    assert step(replace(ours, since=NOW - 3601), gone, NOW).move.phase is Phase.DONE
    assert step(replace(ours, source_was_ours=False), gone, NOW).move.phase is Phase.DONE


def test_a_config_that_may_never_be_deleted_ends_the_way_back_with_a_person() -> None:
    """The search over all states (test_states.py) found a way back that asked for ever."""
    undone = move(Phase.BACK, ask=a_move(POOL_A, NEW), to_component="", step=UNSEEN, since=NOW - 7201, why="held")
    denied = seen(target=None, refused="DeleteEndpointConfig: AccessDenied")
    after = step(undone, denied, NOW).move
    assert after.phase is Phase.NEEDS_PERSON
    assert f"the endpoint config {NEW} could not be removed" in after.why and "AccessDenied" in after.why


# What ended otherwise than meant says so.


UNROUTED = seen(route=None, terms=Terms(routed=False))


@pytest.mark.parametrize("phase", [Phase.WARM, Phase.SHIFT, Phase.DRAIN])
def test_a_model_that_was_taken_out_of_fleet_yaml_is_said_to_be_and_what_to_put_back(phase: Phase) -> None:
    after = step(move(phase), UNROUTED, NOW).move
    assert after.phase is Phase.BACK
    assert after.why.startswith("fleet.yaml has no route of m any more") and "put it back" in after.why


def test_callers_of_a_model_that_stays_out_of_fleet_yaml_are_led_back_by_hand() -> None:
    late = step(move(Phase.BACK, step=EXPOSED, since=NOW - 9000, why="it was slow"), UNROUTED, NOW).move
    assert late.phase is Phase.NEEDS_PERSON
    assert "while fleet.yaml has none of m: send all callers to m by hand" in late.why
    assert late.why.endswith(f"then delete {NEW}")


def test_a_model_that_was_taken_out_before_anything_was_made_ends_the_move_at_once() -> None:
    begun = move(Phase.CREATE, intent="", route_version=0)
    after = step(begun, replace(UNROUTED, target=None), NOW).move
    assert after.phase is Phase.SUPERSEDED and "fleet.yaml has no route of m any more" in after.why


def test_a_router_that_did_not_take_the_update_is_not_said_to_be_somebody_elses_writing() -> None:
    failed = replace(route(*OLD_ONLY, version=4), trouble="router r is Failed (quota): it leads to m, ...")
    looks = seen(route=failed, terms=Terms(weighted=False, soak_from_write=False), followed=False)
    assert step(move(Phase.SHIFT), looks, NOW).move.why == failed.trouble
    known = move(Phase.SHIFT, route_version=4, since=NOW - 1201)
    assert step(known, replace(looks, route=replace(failed, changed_at=NOW)), NOW).move.why.endswith(failed.trouble)
    back_again = move(Phase.BACK, step=EXPOSED, route_version=4, since=NOW - 9000, why="slow")
    late = step(back_again, looks, NOW).move
    assert late.phase is Phase.NEEDS_PERSON and f"{failed.trouble}; send all callers to m" in late.why
