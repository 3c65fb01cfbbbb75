"""Moves begin: judged as decide judges, stored before anything is written, and told. A person may let one begin.

The first act belongs to runtime/advance_moves.py, which goes on with them and needs none of what judging needs.
"""

from __future__ import annotations

from dataclasses import replace

from tidepool.errors import BadEvent, Conflict, Problem
from tidepool.move.machine import approved
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import announce, saved
from tidepool.runtime.judge_move import against, judged
from tidepool.runtime.ports import Operation, Ports
from tidepool.units import DAY_S


def begin(ports: Ports, change: StartMove, now: int) -> Move:
    """The move is stored: created next, waiting for a person (rung ask), or superseded with every reason.

    The same change twice is one move. Nothing else is written: the first act belongs to `advance_moves`.
    """
    known = _known(ports, change.id, now)
    if known is not None:
        return tell_begun(ports, known, now)
    move = replace(judged(ports, change, now), version=1)
    try:
        ports.ledger.save_move(move, expected_version=0)
    except Conflict:
        # The same event twice at once: the other one stored it.
        return _known(ports, change.id, now) or move
    return tell_begun(ports, move, now)


def tell_begun(ports: Ports, move: Move, now: int) -> Move:
    """The move as it is. While it is as it began that is recorded and told, again when it is asked for again.

    Its event comes again when this failed after the move was stored, and nobody else would hear that it waits for them.
    """
    if move.version == 1:
        refused = move.phase is Phase.SUPERSEDED
        ports.ledger.record(Operation(move.ask, move.began, "superseded" if refused else "done", move.why))
        announce(ports, move, now)
    return move


def approve(ports: Ports, move_id: str, now: int, *, who: str, why: str) -> Move:
    """The waiting move may begin, and the ledger keeps who said so; one that goes on already stays as it is.

    BadEvent, with the moves that wait, when no open move has that id; with those that go on, when there are as many as
    `moves_at_once` allows; or with all that has come to stand against it since it was judged: then it still waits.
    Conflict when it changed just now.
    """
    moves = ports.ledger.moves()
    for move in moves:
        if move.id == move_id:
            going = sorted(other.id for other in moves if other.phase is not Phase.WAITING)
            most = ports.config.current()[0].safety.limits.moves_at_once
            if move.phase is Phase.WAITING and len(going) >= most:
                hint = f"moves_at_once is {most}: approve it again when one of {', '.join(going)} has ended"
                raise BadEvent("approval", (Problem("detail.approval.move", move_id, "a move that has room", hint),))
            reasons = against(ports, move, now) if move.phase is Phase.WAITING else ()
            if reasons:
                allowed, hint = (
                    "a move that may still begin",
                    f"{'; '.join(reasons)}: approve it again when that is mended",
                )
                raise BadEvent("approval", (Problem("detail.approval.move", move_id, allowed, hint),))
            return let_begin(ports, move, now, who=who, why=why)
    waiting = ", ".join(sorted(move.id for move in moves if move.phase is Phase.WAITING)) or "none waits"
    hint = "a move waits a day for its approval; its announcement names it"
    raise BadEvent("approval", (Problem("detail.approval.move", move_id, waiting, hint),))


def let_begin(ports: Ports, move: Move, now: int, *, who: str, why: str) -> Move:
    """As approve, of a move in hand."""
    after = approved(move, f"{who}: {why}", now)
    if after == move:
        return move
    after = saved(ports, move, after, now)
    ports.ledger.record(Operation(move.ask, now, "approved", f"approved by {who}: {why}"))
    return after


def _known(ports: Ports, move_id: str, now: int) -> Move | None:
    for move in (*ports.ledger.moves(), *ports.ledger.ended_moves(now - DAY_S)):
        if move.id == move_id:
            return move
    return None
