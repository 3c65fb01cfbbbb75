"""Begins a move when decide asks or a person approves, and takes every open one as far as it can go, each minute."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import MoveApproved, Tick, change_asked, parse, tick_of
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves, approve, begin


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Where every open move stands. Moves are stored with a version: any number of runs at once do no harm."""
    now = wiring.clock()
    begun: dict[str, Any] = {}
    woken_by = parse(event)
    if isinstance(woken_by, MoveApproved):
        said = woken_by.detail.approval
        begun = {"approved": approve(wiring.ports(), said.move, now, who=said.who, why=said.why).id}
    elif isinstance(woken_by, Tick):
        tick = tick_of(event, "tidepool.moves-tick")
        if tick.late(now):
            wiring.count("LateTick")
            return {"woken_by": tick.source, "dropped": f"{now - tick.at} s late"}
    else:
        change = change_asked(event, StartMove)
        begun = wiring.once(lambda: str(begin(wiring.ports(), change, now).phase), change, context)
    moves = advance_moves(wiring.ports(), now)
    return {**begun, "moves": {move.id: str(move.phase) for move in moves}}
