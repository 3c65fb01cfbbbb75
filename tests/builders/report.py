"""Summaries for tests of the report: two models, one pool, one dedicated endpoint, one day."""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.types import Hosting
from tidepool.move.state import Move, Phase
from tidepool.plan.change import ScaleCopies, StartMove
from tidepool.report.entries import Check, Comparison, Note, NoteKind, Place, Sample, Service
from tidepool.report.summary import Summary, summarise
from tidepool.runtime.ports import Operation
from tidepool.units import HOUR_S

FROM_S = 1_736_121_600
"""Monday 2025-01-06 00:00 UTC."""
TO_S = FROM_S + 24 * HOUR_S


def a_sample(hour: float = 0, *, copies: int = 2, usd: float = 25.0, alone: int = 1) -> Sample:
    """`copies` of chat in the pool, code on `alone` machines of eight accelerators, ten requests each."""
    return Sample(
        at=FROM_S + int(hour * HOUR_S),
        usd_per_hour=usd,
        dedicated_usd_per_hour=100.0,
        instances={"code-prod": alone, "pool": 1},
        places=(
            Place("chat", "pool", Hosting.SHARED, copies, copies),
            Place("code", "code-prod", Hosting.DEDICATED, alone, 8 * alone),
        ),
        requests={"chat": 10, "code": 10},
    )


def a_change(id_: str = "1", *, model: str = "chat") -> ScaleCopies:
    return ScaleCopies(id_, model, model, "pool", 1, 2, "more came", 3.16)


def an_operation(hour: float = 1, *, outcome: str = "done", id_: str = "1") -> Operation:
    return Operation(a_change(id_), FROM_S + int(hour * HOUR_S), outcome, "" if outcome == "done" else "no room")


def a_move(hour: float = 2, *, phase: Phase = Phase.DONE) -> Move:
    """code leaves its own machine for the pool, within a quarter of an hour."""
    ask = StartMove(
        "m1", "code", Hosting.DEDICATED, "code-prod", "", Hosting.SHARED, "pool", "ml.p4d.24xlarge", 1, 2,
        "two of eight accelerators would do", -18.9, 8.0,
    )  # fmt: skip
    began = FROM_S + int(hour * HOUR_S)
    return Move("m1", 3, ask, phase, 0, since=began + 900, began=began, usd=7.25)


def a_summary(**changes: object) -> Summary:
    """A day of one sample an hour, with everything that a report can show."""
    summary = summarise(
        [a_sample(hour, copies=0 if hour < 6 else 2) for hour in range(24)],
        [an_operation()],
        [a_move()],
        title="A day of 2 models",
        source="twin, not AWS",
        from_s=FROM_S,
        to_s=TO_S,
        service=Service(480, 0.995, 0.999, None, 0.001, 0),
        comparisons=[Comparison("every model alone", 2400.0, "each on its own machines")],
        notes=[
            Note(FROM_S + 6 * HOUR_S, NoteKind.WOKEN, "chat", "0 → 2 copies"),
            Note(FROM_S + 2 * HOUR_S, NoteKind.MOVE_BEGAN, "code", "code-prod → pool"),
        ],
        checks=[Check("a model sleeps", "chat at 00:00"), Check("a model flies", "")],
    )
    return replace(summary, **changes)  # type: ignore[arg-type]
