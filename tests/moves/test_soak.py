"""Thousands of moves with faults, each request followed: nothing is lost. And each check of the soak can fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tidepool.config.types import Via
from tidepool.move import back, machine
from tidepool.move.seen import Seen, Side
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, go, wait
from tidepool.runtime import advance_moves
from tidepool_lab.soak import __main__ as command
from tidepool_lab.soak.hazards import Way
from tidepool_lab.soak.life import Life
from tidepool_lab.soak.soak import Totals, Verdict, judged, lost_by_the_move, soak
from tidepool_lab.soak.story import KINDS, SECONDS, START, VIAS, Fault, Kind, story

BLOCK = 250


@pytest.mark.parametrize("first", range(1, 1001, BLOCK))
def test_of_a_thousand_moves_with_faults_none_loses_repeats_or_leaves_anything(first: int) -> None:
    totals = Totals()
    for verdict in soak(range(first, first + BLOCK), jobs=1):
        totals.add(verdict)
    assert totals.failing == []
    # The soak is not quiet for want of moves, of requests, or of faults that hurt.
    assert totals.phases[Phase.DONE] > BLOCK / 3 and totals.phases[Phase.ROLLED_BACK] > BLOCK / 10
    assert totals.requests > 100 * BLOCK and totals.lost_by_faults > 100


def test_a_thousand_stories_hold_every_way_through_and_every_fault() -> None:
    stories = [story(seed) for seed in range(1, 1001)]
    assert {(one.kind, one.via) for one in stories} == {(kind, via) for kind in KINDS for via in VIAS}
    assert {fault.kind for one in stories for fault in one.faults} == set(Kind)
    assert {mishap.way for one in stories for _, mishap in one.mishaps} == set(Way)
    assert sum(len(one.faults) > 1 for one in stories) > 500
    assert {one.more.second for one in stories} == {"", *SECONDS}
    undone, attached = (sum(getattr(one.more, name) > 0 for one in stories) for name in ("undo_s", "attach_s"))
    assert min(undone, attached, sum(one.traffic.silent_s > 0 for one in stories)) > 40
    denied = [one for one in stories if one.via is Via.ROUTER and Kind.DENIED in {fault.kind for fault in one.faults}]
    assert len(denied) > 10 and all(one.more.declared for one in denied)


def test_the_same_seed_is_the_same_life() -> None:
    one, two = (Life(story(18), traced=True).live() for _ in range(2))
    assert one.trace == two.trace and len(one.trace) > 10
    assert judged(18) == judged(18)


def dying(kind: Kind) -> tuple[tuple[str, ...], int]:
    """Lost by the move and excused, where the one fault is a machine that dies at the tenth minute."""
    quiet = replace(story(1), kind="dedicated to dedicated", via=Via.TABLE, mishaps=(), route_version=1, start_s=60.0)
    return lost_by_the_move(Life(replace(quiet, faults=(Fault(kind, 300.0, 420.0),))).live())


def test_what_a_dying_source_takes_along_is_lost_without_a_move_too() -> None:
    lost, excused = dying(Kind.SOURCE_DIES)
    assert lost == () and excused > 0


def test_the_same_requests_lost_without_such_a_fault_are_the_moves_own() -> None:
    """The life without a move is the measure: taken away, everything that failed is charged to the move."""
    quiet = replace(story(1), kind="dedicated to dedicated", via=Via.TABLE, mishaps=(), route_version=1, start_s=60.0)
    lived = Life(replace(quiet, faults=(Fault(Kind.SOURCE_DIES, 300.0, 420.0),))).live()
    lived.story = replace(quiet, faults=())
    lost, excused = lost_by_the_move(lived)
    assert len(lost) > 0 and excused == 0


# Each mutation of the protocol is found.


def drains_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "drain", lambda move, seen, now: go(move, Phase.RETIRE, now))


def hears_nobody(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tidepool.move.drain.silent_since", lambda *_: 0)


def soaks_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tidepool.move.shift._soaked", lambda *_: True)


def believes_any_target(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Side, "settled", property(lambda side: True))
    patch.setattr(Side, "serves", property(lambda side: True))
    patch.setattr(machine, "warm", lambda move, seen, now: go(move, Phase.SHIFT, now))


def asks_nobody_whose_it_is(patch: pytest.MonkeyPatch) -> None:
    look: Callable[..., Seen] = advance_moves.look

    def looks(ports: Any, move: Move, *args: Any, **kwargs: Any) -> Seen:
        seen = look(ports, move, *args, **kwargs)
        return replace(seen, target=replace(seen.target, change=move.id)) if seen.target is not None else seen

    patch.setattr(advance_moves, "look", looks)


def removes_before_it_restores(patch: pytest.MonkeyPatch) -> None:
    def removes(move: Move, seen: Seen, now: int) -> Turn:
        return back._remove(move, seen, now)

    patch.setattr(machine, "back", removes)


def sweeps_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tidepool.aws.hosting_writes.NAME_PREFIX", "nothing-")


def closes_the_way_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tidepool.move.drain._still_called", lambda *_: False)
    patch.setattr("tidepool.move.shift._unreached", lambda *_: "")


def believes_probes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tidepool.move.shift.worse", lambda *_, **__: "")
    patch.setattr("tidepool.move.drain.worse", lambda *_, **__: "")


def asks_no_iam(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("tidepool.move.preflight._callers", lambda *_: iter(()))


def hears_no_undo(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "_can_go_back", lambda *_: False)


def never_gives_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "warm", lambda move, seen, now: wait(move))


MUTATIONS = {
    drains_nothing: ("lost",),
    hears_nobody: ("lost",),
    soaks_nothing: ("no soak",),
    believes_any_target: ("no home", "lost"),
    asks_nobody_whose_it_is: ("destroyed",),
    removes_before_it_restores: ("lost",),
    sweeps_nothing: ("leaked",),
    closes_the_way_out: ("lost",),
    never_gives_up: ("unfinished",),
    believes_probes: ("canary",),
    asks_no_iam: ("lost",),
    hears_no_undo: ("inconsistent",),
}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_the_soak_finds_a_protocol_that(mutation: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    mutation(monkeypatch)
    found: set[str] = set()
    for seed in range(1, 400):
        verdict = judged(seed)
        found |= {words.partition(":")[0] for words in (*verdict.broken, *verdict.lost)}
        if found >= set(MUTATIONS[mutation]):
            return
    raise AssertionError(f"only {sorted(found)} were found in 400 seeds")


# The command.


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["soak", *words])
    code = command.main()
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_ends_with_one_line_of_figures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = said(capsys, monkeypatch, "--seeds", "12", "--first", "40", "--jobs", "1")
    figures = json.loads(out.splitlines()[-1])
    assert (code, err) == (0, "")
    assert figures["moves"] == 12 == sum(figures[k] for k in ("done", "rolled_back", "superseded", "needs_person"))
    assert figures["requests"] > 500 and figures["seconds"] > 0
    for nothing in ("requests_lost", "requests_repeated", "leaked", "unfinished"):
        assert figures[nothing] == 0


def test_a_seed_that_fails_says_how_to_replay_it_and_the_command_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drains_nothing(monkeypatch)
    code, out, err = said(capsys, monkeypatch, "--seeds", "30", "--jobs", "1")
    assert code == 1 and json.loads(out.splitlines()[-1])["requests_lost"] > 0
    found, replay = err.splitlines()[0], next(line for line in err.splitlines() if "replay: " in line)
    seed = replay.split()[-2]
    assert replay.endswith(f"python -m tidepool_lab.soak --seed {seed} --trace")
    code, out, _ = said(capsys, monkeypatch, "--seed", seed, "--trace")
    assert code == 1 and "the move is in create" in out and found.partition("): ")[2] in out


def test_requests_that_run_twice_are_found() -> None:
    lived = Life(story(3)).live()
    assert lived.broken == []
    life = Life(story(3))
    one = life.callers[0]
    life.live()
    one.requests[0].runs = 2
    found = life.broken({request.key: request for request in one.requests})
    assert [words for words in found if words.startswith("repeated")] == [
        f"repeated: request {one.requests[0].key} ran 2 times"
    ]


def test_totals_count_each_kind_of_breach_under_its_key() -> None:
    totals = Totals()
    totals.add(Verdict(1, "done", 10, ("lost: a", "lost: b"), 3, ("leaked: x", "repeated: y", "unfinished: z")))
    figures = totals.figures(1.0)
    assert (figures["requests_lost"], figures["requests_lost_by_faults_alone"]) == (2, 3)
    assert (figures["leaked"], figures["requests_repeated"], figures["unfinished"]) == (1, 1, 1)
    assert START > 0 and not totals.failing[0].holds


# Seeds that once lost something.


@pytest.mark.parametrize("seed", [3106, 8763])
def test_a_source_that_is_away_is_not_retired_before_anybody_reached_the_target(seed: int) -> None:
    """Callers may not invoke the target, and the source that answers them dies for some minutes."""
    verdict = judged(seed)
    assert (verdict.lost, verdict.broken) == ((), ())
    assert {Kind.DENIED, Kind.SOURCE_DIES} <= {fault.kind for fault in story(seed).faults}


@pytest.mark.parametrize("seed", [1572, 1988])
def test_a_target_that_fails_its_callers_is_no_end_however_few_call_and_though_the_source_is_away(seed: int) -> None:
    """It answers every probe. The source's machines die while it is shifted to, and live again some minutes later."""
    verdict = judged(seed)
    assert (verdict.lost, verdict.broken, verdict.phase) == ((), (), "rolled back")
    assert {Kind.FAILS_LIVE, Kind.SOURCE_DIES} <= {fault.kind for fault in story(seed).faults}
    assert verdict.spent > 0


def test_what_a_failing_target_and_a_long_silence_cost_is_counted_and_is_not_lost() -> None:
    totals = Totals()
    for verdict in soak(range(1, 201), jobs=1):
        totals.add(verdict)
    figures = totals.figures(1.0)
    assert figures["requests_failed_by_a_bad_target"] > 0 and figures["requests_of_sessions_over"] > 0
    assert figures["requests_lost"] == 0
