"""Charge: the double hosting is the move's own cost, kept with it and told at its end."""

from __future__ import annotations

from dataclasses import replace

from tidepool.move.command import CREATES
from tidepool.move.seen import Seen, Side
from tidepool.move.state import Move, Phase
from tidepool.units import HOUR_S, rounded


def charged(move: Move, seen: Seen, now: int) -> Move:
    """The move with the dollars of both homes up to `now`, and what they cost from here on.

    Reckoned whenever the move is saved: each step, and before each command. A size that somebody else changes in
    between counts from the next save. A side without a price costs nothing here.
    """
    hours = (now - move.charged_at) / HOUR_S if move.charged_at else 0.0
    return replace(
        move,
        usd=rounded(move.usd + move.double_usd_per_hour * hours),
        double_usd_per_hour=rounded(_usd_per_hour(move, seen)),
        charged_at=now,
    )


def _usd_per_hour(move: Move, seen: Seen) -> float:
    """Of both homes, 0 while there is one: the target counts from the moment it is asked for."""
    asked_for = move.phase is Phase.CREATE and move.intent.startswith(CREATES)
    target = _size(seen.target) if seen.target is not None else move.ask.size if asked_for else 0
    if move.phase.ended or target == 0:
        return 0.0
    return _size(seen.source) * move.from_usd + target * move.to_usd


def _size(side: Side | None) -> int:
    return 0 if side is None else max(side.size_now, side.size_wanted)
