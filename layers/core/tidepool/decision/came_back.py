"""A move that left its model where it was is not asked for again at once: what stopped it may well stop it again.

That it came back is seen, not told: it was asked for, no move is open, and the model lives where it lived. So an event
that was lost, a refusal before it began, a person's no and a target that never came are all alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidepool.config.types import Hosting
from tidepool.hosting.cost import Place
from tidepool.memory import LastMove, ModelMemory
from tidepool.plan.change import StartMove
from tidepool.units import DAY_S, HOUR_S, duration

FIRST_S = HOUR_S
"""From its return to the next ask, twice as long after each further. Ours: six looks of the home stage."""
MOST_S = 2 * DAY_S
"""Never longer than that. Ours: a model whose moves never succeed then takes a quarter of two moves a day."""


def under_way(memory: ModelMemory, now: int) -> ModelMemory:
    """The memory of a model with an open move: the pause is counted from its end, however long it took."""
    last = memory.last_move
    return memory if last is None else replace(memory, last_move=replace(last, at=now))


def waits(memory: ModelMemory, place: Place, now: int, *, leaves: bool) -> str:
    """Why no move to that place is asked for now, '' when it may be. The model lives at one home and is not moving.

    leaves: it has to go, since its machines do: then no pause is longer than the first.
    """
    last = _in_vain(memory, place.name)
    if last is None:
        return ""
    until = last.at + min(FIRST_S if leaves else MOST_S, FIRST_S * 2 ** (last.times - 1))
    if now >= until:
        return ""
    times = "its move there came back" if last.times == 1 else f"its last {last.times} moves there came back"
    return f"{times}; it is asked for again in {duration(until - now)}"


def after_asks(models: Mapping[str, ModelMemory], moves: Sequence[StartMove], now: int) -> dict[str, ModelMemory]:
    """The models' memory with the moves that are asked for now."""
    after = dict(models)
    for move in moves:
        memory = after[move.model]
        to = f"dedicated:{move.instance_type}" if move.to_hosting is Hosting.DEDICATED else move.to_endpoint
        before = _in_vain(memory, to)
        after[move.model] = replace(memory, last_move=LastMove(to, now, 1 if before is None else before.times + 1))
    return after


def _in_vain(memory: ModelMemory, to: str) -> LastMove | None:
    """The last move of the model, when it was to that place and the model has not changed its home since."""
    last = memory.last_move
    return last if last is not None and last.to == to and memory.home_since <= last.at else None
