"""Retire: the source is deleted when it is ours to delete, and otherwise left at its minimum for its owner.

There is no way back from here: the source may already be half gone. So nothing is deleted while the target does
not serve, and what cannot be done in time is handed to a person with the model safe on its target.
"""

from __future__ import annotations

from tidepool.fleet import Status
from tidepool.move.command import Delete, Shrink, Sweep, intent
from tidepool.move.seen import Seen, Side
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, act, go, wait
from tidepool.units import HOUR_S, duration

DEADLINE_S = HOUR_S
"""A delete is refused while SageMaker changes the source, for half an hour at most (bench-rules 3.2)."""


def retire(move: Move, seen: Seen, now: int) -> Turn:
    """Done when the source is gone, or at its minimum and not ours. Keeps: the target serves at every delete."""
    dedicated = not move.ask.component
    source = seen.source
    if source is None:
        return _swept(move, seen, now)
    deletes = move.source_was_ours or seen.terms.retire_delete
    if not deletes and _at_minimum(source, dedicated):
        minimum = "one instance" if dedicated else "no copies"
        return go(move, Phase.DONE, now, why=f"{source.name} is its owner's and stays at its minimum: {minimum}")
    if source.artifact != move.sagemaker_model:
        why = f"{source.name} was given {source.artifact} by somebody else meanwhile: look, then delete it by hand"
        return go(move, Phase.NEEDS_PERSON, now, why=why)
    if now - move.since > DEADLINE_S:
        what = "delete it" if deletes else "lower it"
        why = (
            f"{source.name} could not be retired within {duration(DEADLINE_S)} ({seen.refused or source.status});"
            f" callers are served by {move.target_name}: {what} by hand"
        )
        if not seen.target_serves:
            why = (
                f"{move.target_name}, to which all callers were sent, has not served for {duration(DEADLINE_S)}"
                f" ({_status(seen.target)}): bring it back, or route everybody to {source.name}"
                f" ({source.status}, {source.size_now} ready), which was kept"
            )
        return go(move, Phase.NEEDS_PERSON, now, why=why)
    if not seen.target_serves or source.status is Status.DELETING:
        return wait(move)
    if deletes:
        return act(move, Delete(source.name, dedicated))
    return act(move, Shrink(source.name, dedicated, source.variant))


def _swept(move: Move, seen: Seen, now: int) -> Turn:
    """Done with nothing left. A dedicated endpoint's config stays for as long as the endpoint does, since a config in
    use must not be deleted: one more delete removes it, in the very run that ends the move. People's own stays theirs.
    """
    sweep = Sweep(move.source_name)
    owed = not move.ask.component and move.source_was_ours and seen.acted != intent(sweep)
    if owed and now - move.since <= DEADLINE_S:
        return act(move, sweep)
    return go(move, Phase.DONE, now, why=f"{move.source_name} is deleted")


def _at_minimum(source: Side, dedicated: bool) -> bool:
    """A component at no copies; a dedicated endpoint at one instance, which SageMaker never goes below."""
    return source.size_wanted <= (1 if dedicated else 0)


def _status(side: Side | None) -> str:
    return "it is gone" if side is None else f"{side.status}, {side.size_now} ready"
