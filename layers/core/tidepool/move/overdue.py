"""Whether a move or an attach has stood still for longer than its phase may last: then nobody takes it further."""

from __future__ import annotations

from collections.abc import Iterable

from tidepool.move import back, create, drain, retire, shift, warm
from tidepool.move.attach import Attach
from tidepool.move.longest import STREAM_S
from tidepool.move.state import Move, Phase
from tidepool.units import DAY_S, MINUTE_S

GRACE_S = 900
"""A run that finds a deadline past goes on at once, and runs come each minute. Ours: 15 of them were missed."""
LONGEST_S = {
    Phase.CREATE: create.DEADLINE_S,
    Phase.WARM: warm.DEADLINE_S,
    Phase.SHIFT: shift.DEADLINE_S,
    Phase.DRAIN: drain.DEADLINE_S + STREAM_S,
    Phase.RETIRE: retire.DEADLINE_S,
    Phase.BACK: back.RESTORE_S + STREAM_S + back.REMOVE_S,
}
"""By phase, the longest that any model's terms allow; a phase that waits for a person, or has ended, has none."""


def overdue(one: Move | Attach, now: int) -> bool:
    """It is past its phase's deadline, or it ended with a person's help wanted within the last day."""
    if one.phase is Phase.NEEDS_PERSON:
        return now - one.since < DAY_S
    longest = LONGEST_S.get(one.phase)
    return longest is not None and now - one.since > longest + GRACE_S


def standing_still(ones: Iterable[Move | Attach], now: int) -> dict[str, tuple[str, str, str]]:
    """By id, of each that is open and past its deadline: its model, phase and what is wrong."""
    return {
        one.id: (
            one.ask.model if isinstance(one, Move) else one.model,
            str(one.phase),
            f"{'move' if isinstance(one, Move) else 'attach'} {one.id} has been in {one.phase} for"
            f" {(now - one.since) // MINUTE_S} min, past its deadline: with Hands=moves it goes on; `tidepool moves`"
            " says what to do",
        )
        for one in ones
        if not one.phase.ended and overdue(one, now)
    }
