"""One lane a model: the accelerators that it holds, coloured by where it lives, and the demand that they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidepool.report.charts import LEFT, RIGHT, pool_colours
from tidepool.report.entries import Note, NoteKind, Sample
from tidepool.report.summary import ModelRow, Summary
from tidepool.report.svg import (
    Drawing,
    Points,
    Scale,
    band,
    diamond,
    line,
    path,
    px,
    steps,
    text,
    time_ticks,
    triangle,
)

LANE, PLOT, HEAD, FOOT = 34.0, 24.0, 44.0, 24.0
"""Pixels: a lane, its plot, the header with the key above all lanes, the times below."""

KEY_ROW, LETTER = 18.0, 6.6
"""Pixels: a row of the key, and the mean width of a letter at 12 pixels."""

DEMAND_BINS = 144
"""Points of a demand line: one every 10 minutes of a day, so that its shape shows and not its noise."""


def lanes(summary: Summary, *, width: float = 1160) -> Drawing:
    """Every model of the summary, the largest first. Each lane has a scale of its own, named at its right."""
    x = Scale(summary.from_s, summary.to_s, LEFT, width - RIGHT)
    colours = pool_colours(summary)
    key, rows = _key(colours, x)
    head = HEAD + KEY_ROW * (rows - 1)
    height = head + LANE * len(summary.models) + FOOT
    parts = [
        text(0, 14, "Accelerators held", css="mid"),
        text(0, 31, "by each model"),
        key,
        text(x.stop + 8, head - 12, "low–high", css="small"),
    ]
    bottom = height - FOOT
    for moment, words in time_ticks(summary.from_s, summary.to_s):
        parts.append(line(x(moment), head - 6, x(moment), bottom, css="grid"))
        parts.append(text(x(moment), bottom + 16, words, css="num small", anchor="middle"))
    for position, row in enumerate(summary.models):
        base = head + LANE * position + PLOT + 2
        parts += _lane(summary, row, x, base=base, colours=colours)
    return Drawing(width, height, "".join(parts))


def _lane(summary: Summary, row: ModelRow, x: Scale, *, base: float, colours: Mapping[str, str]) -> list[str]:
    top = max(1, row.accelerators_max)
    y = Scale(0, top, base, base - PLOT)
    parts = [text(0, base - 4, row.name, css="ink"), line(x.start, base, x.stop, base, css="grid")]
    below = [0.0] * len(summary.samples)
    for endpoint, css in _homes(summary, row, colours):
        above = [b + _held(s, row.name, endpoint) for b, s in zip(below, summary.samples, strict=True)]
        lower, upper = (_over_time(summary, values) for values in (below, above))
        parts.append(band(upper, lower, x, y, css=f"f-{css}"))
        below = above
    demand = _demand(summary, row.name)
    most = max((v for _, v in demand), default=0.0)
    height = Scale(0, most, base, base - PLOT + 2)
    parts += [path(stretch, x, height, css="s-ink thin") for stretch in _stretches(demand)]
    parts += [_mark(note, x, base) for note in summary.notes if note.subject == row.name]
    least = "" if row.accelerators_min == row.accelerators_max else f"{row.accelerators_min}–"
    parts.append(text(x.stop + 8, base - 10, f"{least}{row.accelerators_max}", css="ink num"))
    if row.requests is not None:
        parts.append(text(x.stop + 8, base + 2, f"{short(row.requests)} requests", css="small num"))
    return parts


def _homes(summary: Summary, row: ModelRow, colours: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(endpoint, colours.get(endpoint, "alone")) for endpoint in row.homes]


def _held(sample: Sample, model: str, endpoint: str) -> int:
    return sum(p.accelerators for p in sample.places if p.model == model and p.endpoint == endpoint)


def _over_time(summary: Summary, values: Sequence[float]) -> Points:
    """Corners of the steps, cut where both lines of a band have to turn alike: every sample keeps its corner."""
    points = [(float(s.at), v) for s, v in zip(summary.samples, values, strict=True)]
    return steps(points, summary.to_s)


def _demand(summary: Summary, model: str) -> Points:
    """Requests per bin, drawn at the bins' middles."""
    size = (summary.to_s - summary.from_s) / DEMAND_BINS
    sums = [0.0] * DEMAND_BINS
    for sample in summary.samples:
        sums[min(DEMAND_BINS - 1, int((sample.at - summary.from_s) / size))] += sample.requests.get(model, 0)
    return [(summary.from_s + (i + 0.5) * size, value) for i, value in enumerate(sums)]


def _stretches(points: Points) -> list[list[tuple[float, float]]]:
    """The line where something came, each stretch with the zero before and after it; silence has no line."""
    stretches: list[list[tuple[float, float]]] = []
    for i, point in enumerate(points):
        near = any(value > 0 for _, value in points[max(0, i - 1) : i + 2])
        if near and i and stretches and stretches[-1][-1] == points[i - 1]:
            stretches[-1].append(point)
        elif near:
            stretches.append([point])
    return stretches


def _mark(note: Note, x: Scale, base: float) -> str:
    match note.kind:
        case NoteKind.WOKEN:
            return triangle(x(note.at), base + 1, css="f-wake", size=4.5)
        case NoteKind.MOVE_BEGAN:
            return diamond(x(note.at), base - PLOT / 2, css="f-move halo", size=5.5)
        case _:
            return ""


def _key(colours: Mapping[str, str], x: Scale) -> tuple[str, int]:
    """What the colours and marks mean, and in how many rows it is said."""
    items = [(f"on {pool}", css) for pool, css in colours.items()] + [("dedicated", "alone")]
    named = [(words, f'<rect x="0" y="-9" width="10" height="10" rx="2" class="f-{css}"/>') for words, css in items]
    named += [
        ("requests", line(-2, -4, 11, -4, css="s-ink thin")),
        ("move begins", diamond(5, -4, css="f-move")),
        ("woken by the no-capacity alarm", triangle(5, -8, css="f-wake", size=4.5)),
    ]
    parts, at, row = [], x.start, 0
    for words, sign in named:
        width = 32 + LETTER * len(words)
        if at > x.start and at + width > x.stop:
            at, row = x.start, row + 1
        parts.append(f'<g transform="translate({px(at)} {14 + KEY_ROW * row})">{sign}{text(16, 0, words)}</g>')
        at += width
    return "".join(parts), row + 1


def short(count: int) -> str:
    """A count in three digits: 999, 1.2 k, 3.4 M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 100 * size else f"{count / size:.0f} {unit}"
    return str(count)
