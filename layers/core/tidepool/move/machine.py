"""One turn of a move: (move, seen, now) → (move', command | None). Read this first; each phase has its own file.

    waiting → create → warm → shift (10, 50, 100 %) → drain → retire → done
                 └───────┴───────┴───────────────────────┴─→ back → rolled back

Keeps, for every crash between any two writes and every order of turns:
1. A model always has a home: nothing is deleted unless the other side serves.
2. The route names only what serves when it is written, and is restored before anything is removed.
3. What a way back removes carries this move's id.
4. A turn either changes the move or asks for one command; commands are worked out from what is seen, so asking
   twice is the same as asking once.
5. Every phase has a deadline, so every move ends.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from tidepool.move.back import back
from tidepool.move.create import create
from tidepool.move.drain import drain
from tidepool.move.retire import retire
from tidepool.move.seen import Seen
from tidepool.move.shift import shift
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, go, wait
from tidepool.move.turn import back as go_back
from tidepool.move.warm import warm
from tidepool.units import DAY_S, duration

APPROVAL_S = DAY_S
"""A person has a day to approve a move (rung ask); after that the reasons for it are old."""

REVERSIBLE = frozenset({Phase.WAITING, Phase.CREATE, Phase.WARM, Phase.SHIFT, Phase.DRAIN})
"""Phases in which a person's wish to go back is heeded: those before retire."""


def step(move: Move, seen: Seen, now: int) -> Turn:
    """The next turn. A move that has ended stays as it is."""
    if move.wanted_back and _can_go_back(move, seen):
        why = f"wanted back by {move.wanted_back}"
        waits = move.phase is Phase.WAITING
        return go(move, Phase.SUPERSEDED, now, why=why) if waits else go_back(move, now, why)
    match move.phase:
        case Phase.WAITING:
            return _waiting(move, seen, now)
        case Phase.CREATE:
            return create(move, seen, now)
        case Phase.WARM:
            return warm(move, seen, now)
        case Phase.SHIFT:
            return shift(move, seen, now)
        case Phase.DRAIN:
            return drain(move, seen, now)
        case Phase.RETIRE:
            return retire(move, seen, now)
        case Phase.BACK:
            return back(move, seen, now)
        case Phase.DONE | Phase.ROLLED_BACK | Phase.SUPERSEDED | Phase.NEEDS_PERSON:
            return wait(move)
        case _:
            assert_never(move.phase)


def approved(move: Move, who_and_why: str, now: int) -> Move:
    """The move a person has approved; any that does not wait for it stays as it is."""
    return go(replace(move, approved=who_and_why), Phase.CREATE, now).move if move.phase is Phase.WAITING else move


def undone(move: Move, who_and_why: str) -> Move:
    """The move that goes back on its next turn; one that cannot any more, or does already, stays as it is."""
    return replace(move, wanted_back=who_and_why) if move.phase in REVERSIBLE and not move.wanted_back else move


def _can_go_back(move: Move, seen: Seen) -> bool:
    """Once callers may be on the target, they are sent back only to a source that serves."""
    called = move.phase in {Phase.SHIFT, Phase.DRAIN}
    return move.phase in REVERSIBLE and (seen.source_serves or not called)


def _waiting(move: Move, seen: Seen, now: int) -> Turn:
    if seen.held:
        return go(move, Phase.SUPERSEDED, now, why=f"held: {seen.held}")
    if now - move.since > APPROVAL_S:
        return go(move, Phase.SUPERSEDED, now, why=f"nobody approved it within {duration(APPROVAL_S)}")
    return wait(move)
