"""Every state of the machine under every world: an explicit search, in which the world may change at every turn.

A state is the stored move without its clock: phase, step, what it remembers. The world is a product of everything that
a turn looks at, as booleans and enums. The world is free at each turn (nothing that happened before binds it), so what
holds here holds for every order of crashes, delays and people. Time is one of two: within the phase's deadline, or
beyond it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import pytest

from builders import NOW
from builders.move_turns import NEW, evidence, move, route, side
from builders.move_world import OWN, POOL_A, POOL_B, a_move
from tidepool.fleet import Route, Status, Target
from tidepool.fleet.asked import Answer
from tidepool.fleet.demand import no_evidence
from tidepool.move.command import Command, CreateTarget, Delete, Resize, Shrink, WriteRoute, intent
from tidepool.move.machine import step
from tidepool.move.routing import WEIGHTS, source_only, target_only
from tidepool.move.seen import Probed, Seen, Side, Terms
from tidepool.move.state import Move, Phase
from tidepool.move.turn import EDGES, EXPOSED, UNSEEN, Turn

LONG_S = 200_000
"""Beyond every deadline, an approval's day too."""
SOON_S = 300
CREATED = f"create {NEW}"


@dataclass(frozen=True)
class Kind:
    """One way through: how callers follow, whether the source was Tidepool's, which hostings."""

    weighted: bool
    ours: bool
    from_dedicated: bool
    to_dedicated: bool

    def first(self, phase: Phase) -> Move:
        ask = a_move(OWN if self.from_dedicated else POOL_A, NEW if self.to_dedicated else POOL_B)
        begun = move(phase, ask=ask, route_version=0, settled_at=0, intent="", source_was_ours=self.ours)
        begun = replace(begun, to_component="") if self.to_dedicated else begun
        return canonical(begun)


KINDS = [
    Kind(True, True, True, False),
    Kind(True, False, False, True),
    Kind(False, True, True, True),
]


def canonical(at: Move) -> Move:
    """The move without its clocks and words: states that differ in these alone are one."""
    return replace(
        at,
        version=5,
        since=NOW - SOON_S,
        asked_at=0,
        settled_at=NOW - 240 if at.settled_at else 0,
        quiet_since=0,
        route_version=3 if at.route_version else 0,
        intent=CREATED if at.intent.startswith("create ") and at.phase is Phase.CREATE else "",
        why="because",
    )


def sources(at: Move) -> Iterable[Side | None]:
    serves = side(at.source_name)
    yield from (None, serves, replace(serves, size_now=0), replace(serves, artifact="another"))
    if at.phase in {Phase.DRAIN, Phase.RETIRE, Phase.BACK}:
        yield from (replace(serves, size_now=0, size_wanted=0), replace(serves, status=Status.DELETING))


def targets() -> Iterable[Side | None]:
    serves = side(NEW)
    return (
        None,
        serves,
        replace(serves, status=Status.CREATING, size_now=0),
        replace(serves, size_now=0),
        replace(serves, status=Status.FAILED, size_now=0, failure="crashed"),
        replace(serves, change="theirs"),
        replace(serves, status=Status.DELETING),
    )


def routes(at: Move) -> Iterable[Route | None]:
    """Every route that this move ever wants, at the version it knows and at another; and none."""
    (source,), (target,) = source_only(at), target_only(at)
    steps = [(replace(source, weight=100 - weight), replace(target, weight=weight)) for weight in WEIGHTS]
    yield None
    for targets_, version in product(((source,), *steps, (target,)), (3, 4)):
        yield route(*targets_, version=version)


BUSY, SILENT = evidence(NOW - 60), evidence()
NO_WORDS = ("",)
LOOKED_AT: dict[Phase, dict[str, tuple[object, ...]]] = {
    Phase.WAITING: {"people": ({}, {"held": "ana"})},
    Phase.CREATE: {"people": ({}, {"held": "ana"}, {"frozen": "ana"}, {"others": ("m-2",)}), "refused": ("", "no")},
    Phase.WARM: {
        "people": ({}, {"held": "ana"}, {"frozen": "ana"}),
        "probed": (None, True, False),
        "refused": ("", "no"),
    },
    Phase.SHIFT: {"people": ({}, {"held": "ana"}), "source": (BUSY, no_evidence()), "target": (BUSY, no_evidence())},
    Phase.DRAIN: {"source": (SILENT, BUSY, no_evidence()), "target": (BUSY, no_evidence())},
    Phase.RETIRE: {"acted": (True, False), "refused": ("", "no")},
    Phase.BACK: {"target": (SILENT, BUSY, no_evidence()), "acted": (True, False), "refused": ("", "no")},
}
"""Beyond both sides and the route: what the turns of a phase look at. The rest is left at its default."""


def worlds(at: Move, kind: Kind) -> Iterator[Seen]:
    """Everything a turn in this phase looks at, in every combination."""
    terms, more = Terms(weighted=kind.weighted, soak_from_write=kind.weighted), LOOKED_AT[at.phase]
    swept = f"remove what is left of {at.source_name if at.phase is Phase.RETIRE else at.target_name}"
    routed = at.phase not in {Phase.WAITING, Phase.RETIRE} and (at.phase, at.step) != (Phase.BACK, UNSEEN)
    removing = (at.phase, at.step) != (Phase.BACK, EXPOSED)
    for source, target, there, followed, here, other, people, probed, refused, acted in product(
        sources(at),
        targets(),
        routes(at) if routed else (None,),
        (True, False) if routed else (True,),
        more.get("source", (no_evidence(),)),
        more.get("target", (no_evidence(),)) if routed else (no_evidence(),),
        more.get("people", ({},)),
        more.get("probed", (None,)),
        more.get("refused", NO_WORDS) if removing else NO_WORDS,
        more.get("acted", (False,)) if removing else (False,),
    ):
        yield Seen(
            terms=terms,
            source=source,
            target=target,
            route=there,
            followed=followed,
            source_evidence=here,
            target_evidence=other,
            probed=None if probed is None else good(bool(probed)),
            refused=str(refused),
            acted=swept if acted else "",
            **people,
        )


def good(ok: bool) -> Probed:
    return Probed(target=Answer(ok, 200 if ok else 500, 10.0, schema="a"), source=Answer(True, 200, 10.0, schema="a"))


@cache
def explored(kind: Kind) -> tuple[tuple[Move, ...], int]:
    """Every state that is reached from a move's beginning, and how many turns were looked at; each turn is checked."""
    queue = deque([kind.first(Phase.WAITING), kind.first(Phase.CREATE)])
    known = {key(at): at for at in queue}
    turns = 0
    while queue:
        at = queue.popleft()
        if at.phase.ended:
            continue
        for world, age in product(worlds(at, kind), (SOON_S, LONG_S)):
            aged = replace(at, since=NOW - age)
            turn = step(aged, world, NOW)
            turns += 1
            checked(aged, world, turn, late=age == LONG_S)
            after = turn.move if turn.command is None else replace(turn.move, intent=intent(turn.command))
            after = canonical(after)
            if key(after) not in known:
                known[key(after)] = after
                queue.append(after)
    return tuple(known.values()), turns


def key(at: Move) -> tuple[object, ...]:
    """What tells two states apart."""
    return at.phase, at.step, at.settled_at > 0, at.route_version > 0, at.intent


def checked(at: Move, world: Seen, turn: Turn, *, late: bool) -> None:
    """The invariants of move/machine.py, for one turn."""
    if turn.command is not None:
        assert turn.move == at, "4: a turn changes the move or asks for one command, never both"
        commanded(at, world, turn.command)
    elif turn.move.phase is not at.phase:
        assert turn.move.phase in EDGES[at.phase]
    if (turn.move.phase, turn.move.step) == (at.phase, at.step):
        assert turn.move.since == at.since, "5: only a transition counts the deadline anew"
        assert not late or owed(at, world, turn), f"5: {at.phase} {at.step} goes on beyond its deadline"
    else:
        assert rank(turn.move) > rank(at), "5: no way leads to where the move was before"
        assert turn.move.since == NOW


def owed(at: Move, world: Seen, turn: Turn) -> bool:
    """Beyond the deadline one thing may still be asked: the last sweep, once (`acted` ends it), until it is refused."""
    swept = f"remove what is left of {at.target_name}"
    return turn.command is not None and intent(turn.command) == swept and not world.refused and world.acted != swept


def commanded(at: Move, world: Seen, command: Command) -> None:
    """1, 2, 3: what each command keeps."""
    match command:
        case WriteRoute():
            for place in command.route.targets:
                if place.weight:
                    routed(at, world, place)
        case Delete(name=name) | Shrink(name=name) if name == at.source_name:
            assert at.phase is Phase.RETIRE and world.target_serves, "1: the source goes while nobody else serves"
        case Delete():
            assert at.phase is Phase.BACK, "1: the target goes only on the way back"
            assert world.target is not None and world.target.change == at.id, "3: what is removed is this move's"
            asleep = world.source is not None and world.source.size_wanted == 0
            assert world.source_serves or asleep or not world.target_serves, "1: the last home that serves goes"
        case CreateTarget():
            assert at.phase is Phase.CREATE and world.target is None and world.source is not None
        case Resize():
            assert world.target is not None and command.size > world.target.size_wanted
        case _:
            pass


def routed(at: Move, world: Seen, place: Target) -> None:
    """2: callers are sent only to what serves; to the source also where they were before anything began."""
    if place.name == at.target_name:
        assert world.target_serves, f"2: in {at.phase} the route names a target that does not serve"
    else:
        assert world.source_serves or at.phase is Phase.CREATE, f"2: in {at.phase} the route names a dead source"


def rank(at: Move) -> tuple[int, int]:
    """Grows with every transition: so a move that leaves each phase by its deadline ends."""
    order = list(Phase)
    ended = {Phase.DONE, Phase.ROLLED_BACK, Phase.SUPERSEDED, Phase.NEEDS_PERSON}
    return (len(order), 0) if at.phase in ended else (order.index(at.phase), at.step)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_no_world_breaks_an_invariant_in_any_state(kind: Kind) -> None:
    states, turns = explored(kind)
    assert turns > 20_000 and len(states) > 15


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_phase_is_reached(kind: Kind) -> None:
    states, _ = explored(kind)
    assert {at.phase for at in states} == set(Phase)
    assert {at.step for at in states if at.phase is Phase.SHIFT} == ({0, 1, 2} if kind.weighted else {0})


def test_the_search_finds_a_machine_that_deletes_the_last_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seen, "target_serves", property(lambda world: True))
    explored.cache_clear()
    try:
        monkeypatch.setitem(globals(), "commanded", commanded_by_looking)
        with pytest.raises(AssertionError, match="1: the source goes while nobody else serves"):
            explored(KINDS[2])
    finally:
        explored.cache_clear()


def commanded_by_looking(at: Move, world: Seen, command: Command) -> None:
    """As `commanded`, from the side itself."""
    if isinstance(command, Delete | Shrink) and command.name == at.source_name:
        serves = world.target is not None and world.target.serves
        assert serves, "1: the source goes while nobody else serves"
