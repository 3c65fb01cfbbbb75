"""What the demo claims to show, checked against what happened. Nothing here made it happen."""

from __future__ import annotations

from collections.abc import Sequence

from tidepool.config.types import Hosting
from tidepool.move.state import Move, Phase
from tidepool.report.entries import Check, Note, NoteKind, Service
from tidepool.report.svg import clock
from tidepool.units import MINUTE_S
from tidepool_lab.demo.watch import Watch

SOON_S = 3 * MINUTE_S
"""From the no-capacity alarm to the hand's change: the bus takes 2 s, a lease that is taken costs one tick."""


def checks(
    watch: Watch, moves: Sequence[Move], alarms: Sequence[tuple[int, str]], service: Service
) -> tuple[Check, ...]:
    """Every claim, each with what shows it, or '' where nothing does."""
    zero, woken = _of(watch, NoteKind.ZERO), _of(watch, NoteKind.WOKEN)
    grew, shrank = _of(watch, NoteKind.GREW), _of(watch, NoteKind.SHRANK)
    both = {note.subject for note in grew} & {note.subject for note in shrank}
    by_alarm = [note for note in woken if _alarmed(note, alarms)]
    done = [move for move in moves if move.phase is Phase.DONE]
    lost = service.lost_to_moves
    return (
        Check("a model scales to zero when nobody calls", _told(zero)),
        Check("a sleeping model is woken by the no-capacity alarm", _told(by_alarm)),
        Check("a pool's instances grow", _told([note for note in grew if note.subject in both])),
        Check("and shrink", _told([note for note in shrank if note.subject in both])),
        Check("a model moves to shared hosting", _moved(done, Hosting.SHARED)),
        Check("a model moves to a dedicated endpoint", _moved(done, Hosting.DEDICATED)),
        Check(
            "no request is lost to a move",
            f"{len(done)} moves, 0 requests of theirs unanswered" if done and lost == 0 else "",
        ),
    )


def _of(watch: Watch, kind: NoteKind) -> list[Note]:
    return [note for note in watch.notes if note.kind is kind]


def _alarmed(note: Note, alarms: Sequence[tuple[int, str]]) -> bool:
    """An alarm that named this model's component came shortly before the wake."""
    return any(0 <= note.at - at <= SOON_S and name in {note.subject, f"{note.subject}-prod"} for at, name in alarms)


def _told(notes: Sequence[Note]) -> str:
    """The first of them, and how many there are."""
    if not notes:
        return ""
    first = notes[0]
    return f"{len(notes)} times, first {first.subject} at {clock(first.at)}, {first.text.split(':')[0]}"


def _moved(done: Sequence[Move], to: Hosting) -> str:
    found = [move for move in done if move.ask.to_hosting is to and move.ask.from_hosting is not to]
    return "; ".join(
        f"{m.ask.model} {clock(m.began)} to {clock(m.since)}, {m.ask.from_endpoint} → {m.ask.to_endpoint}"
        for m in found
    )
