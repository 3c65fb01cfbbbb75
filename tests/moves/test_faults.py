"""Any mix of faults, at any minute: nothing is lost, nothing is left over, and every move ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.move_world import MODEL, OWN, POOL_A, POOL_B, TAGS, Trouble, World, a_move
from tidepool.config.types import Via
from tidepool.errors import Conflict, Throttled
from tidepool.fleet import Signal, SignalKind
from tidepool.move import back, create, drain, retire, shift, warm
from tidepool.move.seen import Terms
from tidepool.move.state import Move, Phase
from tidepool.move.turn import EDGES
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin

SIDES = st.sampled_from(
    [(POOL_A, POOL_B), (POOL_A, "tidepool-m"), (OWN, POOL_B), (OWN, "tidepool-m"), (POOL_B, POOL_A)]
)
OURS = {**TAGS, "tidepool:created-by": "tidepool"}
LATEST_S = (
    create.DEADLINE_S
    + warm.DEADLINE_S
    + 3 * shift.DEADLINE_S
    + 2 * (drain.DEADLINE_S + drain.needed_s(Terms()))
    + max(retire.DEADLINE_S, back.RESTORE_S + drain.needed_s(Terms()) + back.REMOVE_S)
)
"""No move is open for longer than all its deadlines, and what its last runs were disturbed by."""


class Killed(BaseException):
    """The process is gone."""


@st.composite
def windows(draw: st.DrawFn) -> tuple[int, int]:
    """Seconds after the beginning: nothing half of the time, else up to forty minutes from anywhere in the move."""
    if draw(st.booleans()):
        return (0, 0)
    start = draw(st.integers(0, 45)) * 60
    return (start, start + draw(st.integers(1, 40)) * 60)


@st.composite
def troubles(draw: st.DrawFn) -> Trouble:
    """One thing that stays wrong, or none; and three that come and go."""
    lasting = draw(
        st.sampled_from(["", "", "target_fails", "target_mute", "target_errors", "target_slow", "direct_caller"])
    )
    away = {name: draw(windows()) for name in ("metrics_away", "store_away", "busy")}
    return Trouble(**away, **({lasting: True} if lasting else {}))  # type: ignore[arg-type]


def shifted(trouble: Trouble, by: int) -> Trouble:
    def moved(window: tuple[int, int]) -> tuple[int, int]:
        return (window[0] + by, window[1] + by) if window != (0, 0) else window

    return replace(
        trouble,
        metrics_away=moved(trouble.metrics_away),
        store_away=moved(trouble.store_away),
        busy=moved(trouble.busy),
    )


@settings(max_examples=150, deadline=None)
@given(
    sides=SIDES,
    via=st.sampled_from([Via.TABLE, Via.ROUTER, Via.GATEWAY]),
    ours=st.booleans(),
    trouble=troubles(),
    held_from=st.one_of(st.none(), st.integers(0, 40)),
    kills=st.frozensets(st.integers(0, 80), max_size=6),
    throttles=st.frozensets(st.integers(0, 80), max_size=6),
    skipped=st.frozensets(st.integers(1, 60), max_size=20),
    doubled=st.frozensets(st.integers(0, 60), max_size=20),
)
def test_whatever_goes_wrong_nothing_is_lost_or_left_over_and_the_move_ends(
    sides: tuple[str, str],
    via: Via,
    ours: bool,
    trouble: Trouble,
    held_from: int | None,
    kills: frozenset[int],
    throttles: frozenset[int],
    skipped: frozenset[int],
    doubled: frozenset[int],
) -> None:
    """Keeps the invariants of move/machine.py under crashes, throttling, skipped and doubled runs, and outages."""
    world = World(source=sides[0], via=via, source_tags=OURS if ours else TAGS)
    world.trouble = shifted(trouble, world.now)
    began, ask, writes = world.now, a_move(*sides), 0
    phases: list[Phase] = []

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def disturbed(*args: Any, **kwargs: Any) -> Any:
            nonlocal writes
            writes += 1
            if writes in throttles:
                raise Throttled(name, "", "ThrottlingException", "Rate exceeded")
            if writes in kills:
                if writes % 2:
                    call(*args, **kwargs)
                raise Killed
            return call(*args, **kwargs)

        return disturbed

    def run() -> None:
        try:
            ports = world.ports(wrap)
            if ask.id not in world.stored:
                begin(ports, ask, world.now)
            advance_moves(ports, world.now)
        except (Killed, Conflict, Throttled):
            pass

    while not (ask.id in world.stored and world.stored[ask.id].phase.ended):
        minute = (world.now - began) // 60
        if held_from == minute:
            world.signals.append(Signal(SignalKind.HOLD, MODEL, world.now, world.now + 86_400, "ana", "audit"))
        for _ in range(0 if minute in skipped else 2 if minute in doubled else 1):
            run()
            if ask.id in world.stored:
                phases.append(world.stored[ask.id].phase)
        world.minute()
        assert world.lost == 0
        assert world.now - began < LATEST_S
    judged(world, world.stored[ask.id], phases)


def judged(world: World, move: Move, phases: list[Phase]) -> None:
    """Every resource and the route are accounted for, in each terminal state; and only drawn ways were taken."""
    route = world.routes.get(MODEL)
    callers = {t.name for t in route.targets if t.weight} if route else {move.source_name}
    made = [n for n, c in {**world.components, **world.endpoints}.items() if c.tags.get("tidepool:change") == move.id]
    match move.phase:
        case Phase.DONE:
            assert (callers, made) == ({move.target_name}, [move.target_name])
        case Phase.ROLLED_BACK | Phase.SUPERSEDED:
            assert (callers, made) == ({move.source_name}, [])
            assert move.why
        case _:
            assert move.phase is Phase.NEEDS_PERSON
            assert move.target_name in move.why or move.source_name in move.why
    for before, after in pairwise(phases):
        assert after is before or reachable(before, after)


def reachable(before: Phase, after: Phase) -> bool:
    """By the ways that are drawn, several of which may be gone in one run."""
    seen, edge = {before}, {before}
    while edge:
        edge = {to for phase in edge for to in EDGES[phase]} - seen
        seen |= edge
    return after in seen


def test_a_create_that_comes_a_minute_after_the_way_back_is_removed_too() -> None:
    """An invocation claimed the create and was stopped for a minute; meanwhile a hold took the move back."""
    world = World(source_tags=OURS)
    ask = a_move()
    begin(world.ports(), ask, world.now)
    late: list[Callable[[], Any]] = []

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def stopped(*args: Any, **kwargs: Any) -> Any:
            if name != "create_component":
                return call(*args, **kwargs)
            late.append(lambda: call(*args, **kwargs))
            raise Killed

        return stopped

    with pytest.raises(Killed):
        advance_moves(world.ports(wrap), world.now)
    world.signals.append(Signal(SignalKind.HOLD, MODEL, world.now, world.now + 86_400, "ana", "audit"))
    advance_moves(world.ports(), world.now)
    world.minute()
    late[0]()
    while not world.stored[ask.id].phase.ended:
        advance_moves(world.ports(), world.now)
        world.minute()
    assert world.stored[ask.id].phase is Phase.ROLLED_BACK
    assert set(world.components) == {MODEL}
