"""The frontier as one picture: dollars to the right, late requests upwards on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import cycle
from math import log10

from tidepool.report import theme
from tidepool.report.svg import Scale, line, nice_ticks, path, px, text
from tidepool.units import usd
from tidepool_lab.bench.frontier_table import by_policy, lower_frontier
from tidepool_lab.bench.result import BenchResult, FrontierPoint

WIDTH, HEIGHT = 960.0, 560.0
LEFT, RIGHT, TOP, BOTTOM = 84.0, 150.0, 112.0, 64.0
"""Pixels around the plot: shares on the left, the names of lines that end at its edge on the right."""
OURS = {"tidepool": "shared", "oracle": "shared2", "native": "other", "native_best": "ink"}
COLOURS = ("alone", "wake", "move", "good", "bad", "shared3", "shared4", "shared5")
"""Colours of rivals in order; a ninth begins again, and its line is dashed."""
SHARES = (*(factor * 10.0**exponent for exponent in range(-6, 0) for factor in (1, 2, 5)), 1.0)
"""Where the logarithmic scale may have a line: from one request in a million to all."""
LETTER, LINE, SWATCH = 6.6, 14.0, 12.0
"""Pixels that a letter, a line and the coloured square of a label take, at the theme's 12 px."""

Style = tuple[str, bool]
"""(colour of the theme, dashed)."""


def frontier_chart(result: BenchResult) -> str:
    """An SVG file with its own colours, light and dark; nothing in it is fetched. One line per policy."""
    swept = by_policy(result)
    lines = {policy: lower_frontier(points) for policy, points in swept.items()}
    defaults = [(policy, point) for policy, points in swept.items() for point in points if point.default]
    x, y = _scales([*(point for points in lines.values() for point in points), *(point for _, point in defaults)])
    styles = _styles(lines)
    first, last = result.from_day, result.from_day + result.days - 1
    days = f"day {first}" if first == last else f"days {first} to {last}"
    title = "Cost against on-time"
    about = (
        f"{result.trace}, {days}, seed {result.seed}. Bottom left is best; a ring is the default. The twin, not AWS."
    )
    body = [
        text(LEFT, 40, title, css="big"),
        text(LEFT, 66, about),
        *_axes(x, y),
        *(_line(policy, lines[policy], styles[policy], x, y) for policy in reversed(lines)),
        *(_ring(point, styles[policy][0], x, y) for policy, point in defaults),
        *_labels(lines, styles, x, y),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {px(WIDTH)} {px(HEIGHT)}" width="{px(WIDTH)}" '
        f'height="{px(HEIGHT)}" role="img"><title>{escape(title)}</title><desc>{escape(about)}</desc>'
        f"<style>{theme.variables()}{theme.chart_rules()}</style>"
        f'<rect width="100%" height="100%" rx="10" class="f-page"/>{"".join(body)}</svg>\n'
    )


def _scales(points: Sequence[FrontierPoint]) -> tuple[Scale, Scale]:
    """Dollars from just below the cheapest to the dearest point; shares of late requests as exponents of ten.

    A point without misses has no logarithm: it stands on the bottom line.
    """
    costs = [point.cost_usd for point in points]
    misses = [1 - point.on_time for point in points if point.on_time < 1] or [0.1]
    low = max((t for t in SHARES if t <= min(misses)), default=SHARES[0])
    high = min((t for t in SHARES if t >= max(misses) and t > low), default=1.0)
    ticks = nice_ticks(max(costs), about=6)
    start = max((t for t in ticks if t <= min(costs)), default=0.0)
    return Scale(start, ticks[-1], LEFT, WIDTH - RIGHT), Scale(log10(low), log10(high), HEIGHT - BOTTOM, TOP)


def _axes(x: Scale, y: Scale) -> list[str]:
    parts = []
    for share in SHARES:
        if y.low <= log10(share) <= y.high:
            at = y(log10(share))
            parts.append(line(x.start, at, x.stop, at, css="grid"))
            parts.append(text(x.start - 8, at + 4, f"{100 * share:.4g} %", css="num small", anchor="end"))
    for tick in nice_ticks(x.high, about=6):
        if tick >= x.low:
            parts.append(line(x(tick), y.start, x(tick), y.start + 5, css="grid"))
            dollars = usd(tick).removesuffix(".00")
            parts.append(text(x(tick), y.start + 20, dollars, css="num small", anchor="middle"))
    parts.append(text((x.start + x.stop) / 2, y.start + 44, "cost of the window", css="mid", anchor="middle"))
    parts.append(text(x.start, TOP - 12, "late requests", css="mid"))
    return parts


def _styles(lines: dict[str, list[FrontierPoint]]) -> dict[str, Style]:
    """Each policy's colour, the same in every picture of the same policies."""
    others = [policy for policy in lines if policy not in OURS]
    drawn = {policy: (colour, False) for policy, colour in OURS.items()}
    for number, (policy, colour) in enumerate(zip(others, cycle(COLOURS), strict=False)):
        drawn[policy] = (colour, number >= len(COLOURS))
    return drawn


def _line(policy: str, points: Sequence[FrontierPoint], style: Style, x: Scale, y: Scale) -> str:
    """The line with a dot at each setting. Tidepool's is the thick one."""
    colour, dashed = style
    at = [(point.cost_usd, _exponent(point, y)) for point in points]
    drawn = path(at, x, y, css=f"s-{colour} line{' dash' if dashed else ''}")
    dots = [f'<circle cx="{px(x(cost))}" cy="{px(y(late))}" r="3" class="f-{colour}"/>' for cost, late in at]
    thick = ' style="stroke-width:3px"' if policy == "tidepool" else ""
    return drawn.replace("/>", f"{thick}/>") + "".join(dots)


def _ring(point: FrontierPoint, colour: str, x: Scale, y: Scale) -> str:
    """Round a policy's default setting, which may lie off its line: another setting may beat it."""
    at = f'cx="{px(x(point.cost_usd))}" cy="{px(y(_exponent(point, y)))}"'
    return f'<circle {at} r="7" class="s-{colour} line"/>'


def _labels(lines: dict[str, list[FrontierPoint]], styles: dict[str, Style], x: Scale, y: Scale) -> list[str]:
    """Each policy's name right of its dearest point, the lower ones first; one that would cover another moves up."""
    parts: list[str] = []
    placed: list[tuple[float, float, float]] = []
    ends = [(y(_exponent(points[-1], y)), x(points[-1].cost_usd), policy) for policy, points in lines.items()]
    for end_y, end_x, policy in sorted(ends, key=lambda end: (-end[0], end[2])):
        left, at = end_x + 10, end_y + 4
        right = left + SWATCH + LETTER * len(policy)
        while any(left < r and from_x < right and abs(at - other) < LINE for from_x, r, other in placed):
            at -= LINE / 2
        placed.append((left, right, at))
        colour, _ = styles[policy]
        parts.append(f'<rect x="{px(left)}" y="{px(at - 8)}" width="8" height="8" rx="2" class="f-{colour}"/>')
        parts.append(text(left + SWATCH, at, policy, css="halo ink"))
    return parts


def _exponent(point: FrontierPoint, y: Scale) -> float:
    """log10 of the misses; the bottom line for none."""
    return max(y.low, log10(1 - point.on_time)) if point.on_time < 1 else y.low
