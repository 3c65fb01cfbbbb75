"""A person wants a move to go back: the wish is stored with it, and the move's next turn heeds it."""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.resolve import pool_of_endpoint
from tidepool.config.types import Config, Hosting
from tidepool.errors import BadEvent, Problem
from tidepool.move.machine import REVERSIBLE, undone
from tidepool.move.state import Move, Phase
from tidepool.runtime.ports import Operation, Ports
from tidepool.units import DAY_S

LOOK_BACK_S = 30 * DAY_S
"""An ended move is found for as long as the ledger surely keeps it (35 days), to say what undoes it. Ours."""


def undo(ports: Ports, move_id: str, now: int, *, who: str, why: str) -> Move:
    """The open move wants back, and the ledger keeps who said so; asked twice is asked once.

    BadEvent when it is past retire, with the move that leads back, or when no move has that id. Conflict when it
    changed just now.
    """
    open_moves = ports.ledger.moves()
    move = _named(move_id, (*open_moves, *ports.ledger.ended_moves(now - LOOK_BACK_S)))
    if move is None:
        ids = ", ".join(sorted(m.id for m in open_moves if m.phase in REVERSIBLE)) or "none can go back"
        hint = "`tidepool moves` lists them; each announcement of a move names it"
        raise BadEvent("undo", (Problem("detail.undo.move", move_id, ids, hint),))
    problem = past_undoing(move, ports.config.current()[0])
    if problem is not None:
        raise BadEvent("undo", (problem,))
    after = undone(move, f"{who}: {why}")
    if after == move:
        return move
    after = replace(after, version=move.version + 1)
    ports.ledger.save_move(after, expected_version=move.version)
    ports.ledger.record(Operation(move.ask, now, "undone", f"asked back by {who}: {why}"))
    return after


def past_undoing(move: Move, config: Config) -> Problem | None:
    """Why the move cannot go back any more, and what to do; None when it can, or does."""
    if move.phase in REVERSIBLE or move.phase is Phase.BACK:
        return None
    allowed = "a move before retire"
    if move.phase in {Phase.RETIRE, Phase.DONE}:
        hint = f"its callers are on {move.target_name}; a new move leads back: `{way_back(move, config)}`"
    else:
        hint = f"nothing of it is left to take back: {move.why}"
    return Problem("detail.undo.move", f"{move.id} ({move.phase})", allowed, hint)


def way_back(move: Move, config: Config) -> str:
    """The command that moves the model to where this move took it from."""
    pool = pool_of_endpoint(config, move.ask.from_endpoint)
    if move.ask.from_hosting is Hosting.SHARED and pool is not None:
        return f"tidepool move {move.ask.model} --to {pool.name} --why ..."
    return f"tidepool move {move.ask.model} --to dedicated --instance-type {move.from_type} --why ..."


def _named(move_id: str, moves: tuple[Move, ...]) -> Move | None:
    return next((move for move in moves if move.id == move_id), None)
