"""The accounts of where.py as tables: dollars by hardware, late requests by cause, and the models that matter most."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidepool.units import usd
from tidepool_lab.bench.misses import Cause
from tidepool_lab.bench.result import BenchResult
from tidepool_lab.bench.table import plain
from tidepool_lab.bench.where import LINES, Dollars, ModelShare, Where

Table = tuple[str, Sequence[str], list[tuple[str, ...]]]
"""Title, headings, cells."""

LINE_HEADINGS = tuple(line.removesuffix("_usd").replace("_", " ") for line in LINES)
DOLLAR_HEADINGS = ("machines", "cost", *LINE_HEADINGS)
CAUSE_HEADINGS = ("late because", "requests", "of late", "of all")
MODEL_HEADINGS = ("model", "cost", *LINE_HEADINGS[:3], *LINE_HEADINGS[6:], "late", "of its own", "mostly because")
WORDS = {
    Cause.NO_COPY: "rejected: no ready copy",
    Cause.MOVING: "queued while the model moved",
    Cause.NO_ROOM: "queued while copies found no room",
    Cause.LAUNCHING: "queued while a machine was launched",
    Cause.STARTING: "queued while a copy started",
    Cause.NOT_ASKED: "queued, no copy on its way",
    Cause.OPEN: "still waiting when the run ended",
}
MOST = 10
"""Models in a table; --json has them all. Ours."""


def where_tables_of(result: BenchResult) -> list[Table]:
    """Four tables a policy, in the order of the policies; none where no account was asked for."""
    return [table for name, where in result.where.items() for table in _tables_of(name, where)]


def plain_where(result: BenchResult) -> str:
    """The same as plain text."""
    return "\n".join(plain(title, headings, cells, ()) for title, headings, cells in where_tables_of(result))


def _tables_of(name: str, where: Where) -> list[Table]:
    return [
        (f"{name}: where the dollars go", DOLLAR_HEADINGS, _dollar_rows(where)),
        (f"{name}: why requests were late", CAUSE_HEADINGS, _cause_rows(where)),
        *(
            (f"{name}: the {MOST} models with the most {what}", MODEL_HEADINGS, _model_rows(where, key))
            for what, key in (("dollars", _cost), ("late requests", _late))
        ),
    ]


def _dollar_rows(where: Where) -> list[tuple[str, ...]]:
    """A row for each type and hosting, the dearest first; then the sum, and its lines as shares of the cost."""
    dearest = sorted(where.hardware, key=lambda one: -one.dollars.cost_usd)
    total = where.dollars
    shares = (_share(amount, total.cost_usd) for amount in _amounts(total))
    return [
        *((f"{one.instance_type}, {one.hosting}", *_cells(one.dollars)) for one in dearest),
        ("all", *_cells(total)),
        ("of cost", *shares),
    ]


def _cause_rows(where: Where) -> list[tuple[str, ...]]:
    """Every cause, the most frequent first, and the sum."""
    late = where.late
    ordered = sorted(late.causes.items(), key=lambda item: -item[1])
    rows = [(WORDS[cause], count) for cause, count in ordered if count]
    return [
        (words, f"{count:,}", _share(count, late.late), _share(count, late.requests, digits=3))
        for words, count in (*rows, ("all", late.late))
    ]


def _model_rows(where: Where, key: Callable[[ModelShare], float]) -> list[tuple[str, ...]]:
    found = [one for one in sorted(where.models, key=lambda one: -key(one))[:MOST] if key(one)]
    return [(one.model, *_model_cells(one)) for one in found]


def _model_cells(one: ModelShare) -> tuple[str, ...]:
    cost, *lines = _cells(one.dollars)
    late = one.late
    cause, count = max(late.causes.items(), key=lambda item: item[1])
    mostly = f"{WORDS[cause]} ({_share(count, late.late)})" if late.late else "-"
    return cost, *lines[:3], *lines[6:], f"{late.late:,}", _share(late.late, late.requests), mostly


def _cost(one: ModelShare) -> float:
    return one.dollars.cost_usd


def _late(one: ModelShare) -> float:
    return one.late.late


def _amounts(dollars: Dollars) -> tuple[float, ...]:
    return dollars.cost_usd, *(getattr(dollars, line) for line in LINES)


def _cells(dollars: Dollars) -> tuple[str, ...]:
    return tuple(usd(amount) for amount in _amounts(dollars))


def _share(part: float, whole: float, *, digits: int = 1) -> str:
    return f"{100 * part / whole:.{digits}f} %" if whole else "-"
