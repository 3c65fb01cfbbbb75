"""From entries to one value that every figure, table and line of a report is read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

from tidepool.config.types import Hosting
from tidepool.plan.change import ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove
from tidepool.report.entries import Check, Comparison, Move, Note, Operation, Sample, Service
from tidepool.units import HOUR_S, MINUTE_S


def served(share: float) -> str:
    """A share of requests for people, never rounded up: 0.99997 → '99.99 %', and only 1 → '100 %'."""
    return f"{floor(share * 10_000 + 1e-6) / 100:.4g} %"


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One move as the report tells it. `outcome` is the stored phase's word; ended_at None = still open.

    usd_per_hour: the change of the bill that was expected. usd: what both homes cost while there were two.
    """

    id: str
    model: str
    from_: str
    to: str
    to_hosting: Hosting
    began: int
    ended_at: int | None
    outcome: str
    because: str
    usd_per_hour: float
    usd: float


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model over the period. Accelerators are those that it held; requests None when not counted."""

    name: str
    accelerators_min: int
    accelerators_max: int
    accelerator_hours: float
    homes: tuple[str, ...]
    requests: int | None
    minutes_at_zero: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A period of a fleet. `source` says where the figures are from ('twin, not AWS', or account and region).

    usd: what the instances in service cost over the period: the exact bill when the caller has it, else from
    the samples. dedicated_usd: the same period with every model alone; None when unknown. changes: accepted
    ones, by kind ('copies', 'instances', 'bounds', 'moves').
    """

    title: str
    source: str
    from_s: int
    to_s: int
    samples: tuple[Sample, ...]
    usd: float
    dedicated_usd: float | None
    service: Service | None
    comparisons: tuple[Comparison, ...]
    models: tuple[ModelRow, ...]
    moves: tuple[MoveRow, ...]
    changes: Mapping[str, int]
    refused: int
    notes: tuple[Note, ...]
    checks: tuple[Check, ...] = ()


def summarise(
    samples: Sequence[Sample],
    operations: Sequence[Operation],
    moves: Sequence[Move],
    *,
    title: str,
    source: str,
    from_s: int,
    to_s: int,
    usd: float | None = None,
    service: Service | None = None,
    comparisons: Sequence[Comparison] = (),
    notes: Sequence[Note] = (),
    checks: Sequence[Check] = (),
) -> Summary:
    """The Summary of [from_s, to_s).

    samples: in any order and at any distance; each counts until the next one. operations, moves: what the
    ledger holds, open moves included. usd: the exact bill, when there is one; else the samples' integral.
    """
    # One page speaks of one comparison: the caller's, or else what the decisions themselves worked out.
    inside = tuple(sorted((s for s in samples if from_s <= s.at < to_s), key=lambda s: s.at))
    alone = _dedicated(inside, to_s)
    done = [o for o in operations if from_s <= o.at < to_s]
    return Summary(
        title=title,
        source=source,
        from_s=from_s,
        to_s=to_s,
        samples=inside,
        usd=_integral([(s.at, s.usd_per_hour) for s in inside], to_s) if usd is None else usd,
        dedicated_usd=alone,
        service=service,
        comparisons=tuple(comparisons) or _alone(alone),
        models=_models(inside, to_s),
        moves=tuple(_move(m) for m in sorted(moves, key=lambda m: (m.began, m.id))),
        changes=_changes(done),
        refused=sum(o.outcome == "failed" for o in done),
        notes=tuple(sorted(notes, key=lambda n: (n.at, n.subject))),
        checks=tuple(checks),
    )


def _integral(points: Sequence[tuple[int, float]], until: int) -> float:
    """Dollars from dollars per hour: each value holds until the next one, the last until `until`."""
    ends = [at for at, _ in points[1:]] + [until]
    return sum(value * (end - at) / HOUR_S for (at, value), end in zip(points, ends, strict=False))


def _dedicated(samples: Sequence[Sample], until: int) -> float | None:
    known = [(s.at, s.dedicated_usd_per_hour) for s in samples if s.dedicated_usd_per_hour is not None]
    return _integral([(at, usd) for at, usd in known], until) if known else None


def _alone(usd: float | None) -> tuple[Comparison, ...]:
    how = "each model on endpoints of its own at the same moments, as the decisions worked it out"
    # Where nothing is looked after yet there is nothing to compare.
    return (Comparison("every model alone", usd, how),) if usd else ()


def _models(samples: Sequence[Sample], until: int) -> tuple[ModelRow, ...]:
    """Every model that any sample shows, the one that held the most accelerator-hours first."""
    names = sorted({p.model for s in samples for p in s.places})
    counted = any(s.requests for s in samples)
    spans = [b.at - a.at for a, b in pairwise(samples)] + [until - s.at for s in samples[-1:]]
    rows = []
    for name in names:
        held = [sum(p.accelerators for p in s.places if p.model == name) for s in samples]
        homes = dict.fromkeys(p.endpoint for s in samples for p in s.places if p.model == name and p.count)
        rows.append(
            ModelRow(
                name=name,
                accelerators_min=min(held),
                accelerators_max=max(held),
                accelerator_hours=sum(span * n for span, n in zip(spans, held, strict=True)) / HOUR_S,
                homes=tuple(homes),
                requests=sum(s.requests.get(name, 0) for s in samples) if counted else None,
                minutes_at_zero=sum(span for span, n in zip(spans, held, strict=True) if n == 0) // MINUTE_S,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.accelerator_hours, row.name)))


ENDED = frozenset({"done", "rolled back", "superseded", "needs a person"})
"""Values of move.state.Phase after which a move never changes again; tests/report hold the two together."""


def _move(move: Move) -> MoveRow:
    ask = move.ask
    phase = str(move.phase)
    ended = move.since if phase in ENDED else None
    return MoveRow(
        move.id,
        ask.model,
        ask.from_endpoint,
        ask.to_endpoint,
        ask.to_hosting,
        move.began,
        ended,
        phase,
        ask.because,
        ask.usd_per_hour,
        move.usd,
    )


def _changes(operations: Sequence[Operation]) -> Mapping[str, int]:
    counts = {"copies": 0, "instances": 0, "bounds": 0, "moves": 0}
    for operation in operations:
        if operation.outcome != "done":
            continue
        match operation.change:
            case ScaleCopies():
                counts["copies"] += 1
            case ScaleInstances():
                counts["instances"] += 1
            case SetBounds():
                counts["bounds"] += 1
            case SetAutoscaling():
                pass  # What it caused shows as its component's copies.
            case StartMove():
                counts["moves"] += 1
    return counts
