"""One life's timeline, for a person to read: `python -m tidepool_lab.soak --seed N --trace`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tidepool.move.state import Move
from tidepool_lab.soak.story import START

if TYPE_CHECKING:
    from tidepool_lab.soak.life import Life


def tell(life: Life) -> None:
    """Everything that happens is written down, for a person to read."""

    def say(words: str) -> None:
        life.trace.append(f"{life.loop.now - START:8.1f} s  {words}")

    life.account.changed = say
    life.hazards.told = say
    before: dict[str, object] = {}

    def moved(move: Move) -> None:
        state = (move.phase, move.step, move.why, move.intent if move.asked_at else "")
        if state != before.get(move.id):
            before[move.id] = state
            doing = f"; {move.intent}" if move.intent else ""
            which = "the move" if move.id == life.ask.id else "the other move"
            say(f"{which} is in {move.phase} {move.step}{f' ({move.why})' if move.why else ''}{doing}")

    life.ledger.moved = moved
    for watch in life.watches:
        watch.told = say
    for fault in life.story.faults:
        life.loop.at(START + fault.since, partial(say, f"FAULT {fault.kind} ({fault.figure:.2g})"))
        life.loop.at(START + fault.until, partial(say, f"healed: {fault.kind}"))
