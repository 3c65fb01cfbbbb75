"""Begins moves when decide or a person asks, gives new models a home, and takes each as far as it can go."""

from __future__ import annotations

from typing import Any

from tidepool import wiring
from tidepool.aws.events import Event, Tick, change_asked, parse, tick_of
from tidepool.aws.metrics import Metric, of_moves
from tidepool.plan.change import StartMove
from tidepool.runtime.advance import advance
from tidepool.units import DAY_S


@wiring.observed
def lambda_handler(event: Any, context: Any) -> dict[str, Any]:
    """Where every open move stands. Moves are stored with a version: any number of runs at once do no harm."""
    now = wiring.clock()
    woken_by = parse(event)
    if isinstance(woken_by, Tick):
        tick = tick_of(event, "tidepool.moves-tick")
        if tick.late(now):
            wiring.count(Metric.LATE_TICK)
            return {"woken_by": tick.source, "dropped": f"{now - tick.at} s late"}
    begun = {} if isinstance(woken_by, Tick) else _asked(event, woken_by, context, now)
    stand, failed = advance(wiring.ports(), now)
    ledger = wiring.ports().ledger
    every = {one.id: one for one in (*ledger.ended_moves(now - DAY_S), *ledger.attaches(), *stand)}
    wiring.count_all([of_moves(every.values(), now)])
    if failed is not None:
        raise failed
    return {**begun, "moves": {one.id: str(one.phase) for one in stand}}


def _asked(event: Any, woken_by: Event, context: Any, now: int) -> dict[str, Any]:
    """What the event asks for beyond going on is done."""
    # What begins is judged as decide judges: a tick, which goes on with what has begun, loads none of that.
    from tidepool.aws.events_of_people import AttachAsked, MoveApproved, MoveAsked, UndoAsked
    from tidepool.runtime.ask_move import Wish, begin_asked
    from tidepool.runtime.attach import Wanted, begin_attach
    from tidepool.runtime.begin_moves import approve, begin
    from tidepool.runtime.heard import heard
    from tidepool.runtime.undo_move import undo

    ports = wiring.ports()
    match woken_by:
        case MoveApproved():
            said = woken_by.detail.approval
            return {"approved": heard(lambda: approve(ports, said.move, now, who=said.who, why=said.why)).id}
        case UndoAsked():
            back = woken_by.detail.undo
            return {"undone": heard(lambda: undo(ports, back.move, now, who=back.who, why=back.why)).id}
        case MoveAsked():
            wish = Wish(**woken_by.detail.move.model_dump())
            return {"begun": heard(lambda: begin_asked(ports, wish, now)).id}
        case AttachAsked():
            return {"begun": begin_attach(ports, Wanted(**woken_by.detail.attach.model_dump()), now).id}
        case _:
            change = change_asked(event, StartMove)
            return wiring.once(lambda: str(begin(ports, change, now).phase), change, context)
