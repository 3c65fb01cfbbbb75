"""A little SVG: scales, ticks, steps, text. Pure text out, the same bytes for the same values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import ceil, floor, log10

from tidepool.units import DAY_S, HOUR_S

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Scale:
    """Values [low, high] onto pixels [start, stop]; start may be the larger one (y grows downwards in SVG)."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        return self.start if span == 0 else self.start + (value - self.low) / span * (self.stop - self.start)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart before it has a frame: its size in pixels and its elements."""

    width: float
    height: float
    body: str

    def at(self, x: float, y: float) -> str:
        """The elements, moved there inside a larger drawing."""
        return f'<g transform="translate({px(x)} {px(y)})">{self.body}</g>'

    def framed(self, *, title: str, description: str, id_: str) -> str:
        """A whole inline <svg> that screen readers can name. `id_` is unique on its page."""
        return (
            f'<svg viewBox="0 0 {px(self.width)} {px(self.height)}" role="img" '
            f'aria-labelledby="{id_}-t {id_}-d"><title id="{id_}-t">{escape(title)}</title>'
            f'<desc id="{id_}-d">{escape(description)}</desc>{self.body}</svg>'
        )


def px(value: float) -> str:
    """A length with at most one decimal: half a pixel is enough, and files stay small."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, *, css: str = "", anchor: str = "start") -> str:
    """Escaped words at a baseline."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{px(x)}" y="{px(y)}" class="{css}"{where}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, *, css: str) -> str:
    return f'<line x1="{px(x1)}" y1="{px(y1)}" x2="{px(x2)}" y2="{px(y2)}" class="{css}"/>'


def steps(points: Points, until: float) -> list[tuple[float, float]]:
    """Each value holds until the next one starts, the last until `until`: corners of a step line.

    Points that repeat the value before them add no corner.
    """
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners and corners[-1][1] == y:
            continue
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((until, corners[-1][1]))
    return corners


def path(points: Points, x: Scale, y: Scale, *, css: str) -> str:
    """An open line through the points; nothing for no points."""
    if not points:
        return ""
    return f'<path d="M{"L".join(_pairs(points, x, y))}" class="{css}"/>'


def band(upper: Points, lower: Points, x: Scale, y: Scale, *, css: str) -> str:
    """The closed area between two lines over the same span."""
    if not upper:
        return ""
    there = "L".join(_pairs(upper, x, y))
    back = "L".join(_pairs(list(reversed(lower)), x, y))
    return f'<path d="M{there}L{back}Z" class="{css}"/>'


def _pairs(points: Points, x: Scale, y: Scale) -> Iterable[str]:
    return (f"{px(x(a))} {px(y(b))}" for a, b in points)


def diamond(x: float, y: float, *, css: str, size: float = 5.5) -> str:
    h = px(size)
    return f'<path d="M{px(x)} {px(y)}m0 -{h}l{h} {h}l-{h} {h}l-{h} -{h}z" class="{css}"/>'


def triangle(x: float, y: float, *, css: str, size: float = 5.0) -> str:
    """A triangle that points up, its tip at (x, y)."""
    h, w = px(size * 1.7), px(size)
    return f'<path d="M{px(x)} {px(y)}l{w} {h}h-{px(size * 2)}z" class="{css}"/>'


def nice_ticks(high: float, *, about: int = 4) -> list[float]:
    """0 and round values up to the first one at or above `high`: 1, 2, 2.5 or 5 times a power of ten apart."""
    if high <= 0:
        return [0.0, 1.0]
    raw = high / about
    power = 10.0 ** floor(log10(raw))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= raw * 0.999)
    return [i * step for i in range(ceil(high / step - 1e-9) + 1)]


def whole_ticks(high: int, *, about: int = 4) -> list[float]:
    """Round whole values from 0 to at least `high`, for things that cannot be halved."""
    step = max(1, ceil(nice_ticks(high, about=about)[1]))
    return [float(i * step) for i in range(ceil(high / step) + 1)] if high > 0 else [0.0, 1.0]


def time_ticks(from_s: int, to_s: int) -> list[tuple[int, str]]:
    """Times worth a tick: hours of the day up to two days, else days of the week. Times are UTC."""
    span = to_s - from_s
    if span <= 2 * DAY_S:
        every = 3 * HOUR_S if span > 12 * HOUR_S else HOUR_S
        first = -(-from_s // every) * every
        ticks = [(at, f"{_utc(at):%H:%M}") for at in range(first, to_s + 1, every)]
        # The last midnight of a day is 24:00, not a second 00:00.
        return [(at, "24:00" if at == to_s and at % DAY_S == 0 else words) for at, words in ticks]
    every = DAY_S * max(1, span // (10 * DAY_S))
    first = -(-from_s // DAY_S) * DAY_S
    return [(at, f"{_utc(at):%a %d}") for at in range(first, to_s + 1, every)]


def clock(at: int) -> str:
    """'02:15' of a moment in UTC."""
    return f"{_utc(at):%H:%M}"


def stamp(at: int) -> str:
    """'2025-01-06 02:15' of a moment in UTC."""
    return f"{_utc(at):%Y-%m-%d %H:%M}"


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=UTC)
