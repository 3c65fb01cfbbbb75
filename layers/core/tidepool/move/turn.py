"""What one turn of a move comes to: it goes to another phase, or asks for one command, or waits. Never two."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tidepool.move.command import Command
from tidepool.move.state import Move, Phase

EDGES: dict[Phase, tuple[Phase, ...]] = {
    Phase.WAITING: (Phase.CREATE, Phase.SUPERSEDED),
    Phase.CREATE: (Phase.WARM, Phase.BACK, Phase.SUPERSEDED),
    Phase.WARM: (Phase.SHIFT, Phase.BACK),
    Phase.SHIFT: (Phase.SHIFT, Phase.DRAIN, Phase.BACK),
    Phase.DRAIN: (Phase.RETIRE, Phase.BACK),
    Phase.RETIRE: (Phase.DONE, Phase.NEEDS_PERSON),
    Phase.BACK: (Phase.BACK, Phase.ROLLED_BACK, Phase.NEEDS_PERSON),
    Phase.DONE: (),
    Phase.ROLLED_BACK: (),
    Phase.SUPERSEDED: (),
    Phase.NEEDS_PERSON: (),
}
"""Every way a move can go; docs/move-states.md draws exactly these. From retire there is no way back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The move as it now is, and at most one command. A turn that changes the move has no command.

    So a crash between the ledger's write and SageMaker's leaves either the old move, whose command is worked
    out again and finds itself already done, or the new move with nothing owed.
    """

    move: Move
    command: Command | None = None


def go(move: Move, phase: Phase, now: int, *, why: str = "", step: int = 0) -> Turn:
    """The move is in `phase`, and its deadline counts from `now`. An empty `why` keeps the one before."""
    assert phase in EDGES[move.phase], f"{move.phase} → {phase} is not a way a move can go"
    shifted_at = move.shifted_at or (now if phase is Phase.SHIFT else 0)
    after = replace(move, phase=phase, step=step, since=now, settled_at=0, quiet_since=0, shifted_at=shifted_at)
    return Turn(replace(after, why=why or move.why))


EXPOSED, UNSEEN = 0, 1
"""Steps of the way back: callers may be on the target (restore the route and wait), or never were."""


def back(move: Move, now: int, why: str) -> Turn:
    """The move goes back. Before its first shift no caller has seen the target: it is only removed."""
    seen_by_callers = move.phase in {Phase.SHIFT, Phase.DRAIN}
    return go(move, Phase.BACK, now, why=why, step=EXPOSED if seen_by_callers else UNSEEN)


def act(move: Move, command: Command) -> Turn:
    """The command is wanted; the move stays as it is until the world shows that it worked."""
    return Turn(move, command)


def wait(move: Move) -> Turn:
    return Turn(move)
