"""The two charts over time: dollars per hour, and machines in service."""

from __future__ import annotations

from collections.abc import Mapping

from tidepool.config.types import Hosting
from tidepool.report.entries import Sample
from tidepool.report.summary import Summary
from tidepool.report.svg import (
    Drawing,
    Scale,
    band,
    line,
    nice_ticks,
    path,
    steps,
    text,
    time_ticks,
    whole_ticks,
)
from tidepool.report.theme import POOLS
from tidepool.units import HOUR_S, usd

LEFT, RIGHT, TOP, BOTTOM = 190.0, 110.0, 12.0, 24.0
"""Pixels around the plot: room for names on the left (as wide as the lanes' names), labels on the right."""


def dollars(summary: Summary, *, width: float = 1160, height: float = 190) -> Drawing:
    """What the fleet costs per hour, over time, against every comparison (which costs the same all the time)."""
    hours = (summary.to_s - summary.from_s) / HOUR_S
    rivals = [(c.name, c.usd / hours) for c in summary.comparisons]
    ours = steps([(s.at, s.usd_per_hour) for s in summary.samples], summary.to_s)
    top = max([v for _, v in ours] + [v for _, v in rivals] + [1.0])
    ticks = nice_ticks(top * 1.04, about=3)
    x, y = _scales(summary, width, height, high=ticks[-1])
    parts = _axes(summary, x, y, ticks=[(t, usd(t).removesuffix(".00")) for t in ticks])
    parts.append(band(ours, [(a, 0.0) for a, _ in ours], x, y, css="f-shared veil"))
    parts.append(path(ours, x, y, css="s-shared line"))
    labels = [(y(v), name, usd(v), "s-other line dash") for name, v in rivals]
    for at, _, _, css in labels:
        parts.append(line(x.start, at, x.stop, at, css=css))
    mean = summary.usd / hours
    parts += [text(x.start + 8, at - 6, f"{name}: {amount} an hour", css="halo ink") for at, name, amount, _ in labels]
    parts.append(text(x.stop + 8, y(mean) + 4, f"{usd(mean)} mean", css="ink num"))
    parts.append(text(0, 26, "Dollars an hour", css="mid"))
    parts.append(text(0, 44, "instances in service"))
    return Drawing(width, height, "".join(parts))


def machines(summary: Summary, *, width: float = 1160, height: float = 170) -> Drawing:
    """Instances in service, stacked: each pool, and all dedicated endpoints together."""
    layers = _layers(summary)
    totals = [sum(counts[i] for _, _, counts in layers) for i in range(len(summary.samples))]
    ticks = whole_ticks(max(totals, default=0), about=3)
    x, y = _scales(summary, width, height, high=ticks[-1])
    parts = _axes(summary, x, y, ticks=[(t, f"{t:.0f}") for t in ticks])
    below = [0] * len(totals)
    key = []
    for name, css, counts in layers:
        above = [b + c for b, c in zip(below, counts, strict=True)]
        lower, upper = (
            steps([(s.at, float(v)) for s, v in zip(summary.samples, values, strict=True)], summary.to_s)
            for values in (below, above)
        )
        parts.append(band(upper, lower, x, y, css=f"f-{css}"))
        key.append((name, css, f"{min(counts)}–{max(counts)}"))
        below = above
    parts.append(text(0, 26, "Machines in service", css="mid"))
    for row, (name, css, span) in enumerate(reversed(key)):
        at = 46 + 18 * row
        parts.append(f'<rect x="0" y="{at - 9}" width="10" height="10" rx="2" class="f-{css}"/>')
        parts.append(text(16, at, f"{name} {span}", css="small"))
    return Drawing(width, height, "".join(parts))


def pool_colours(summary: Summary) -> Mapping[str, str]:
    """Colour names of the pools that had a machine, alike in every chart: the pool that holds most comes first."""
    alone = {p.endpoint for s in summary.samples for p in s.places if p.hosting is Hosting.DEDICATED}
    totals = {name: 0 for s in summary.samples for name, count in s.instances.items() if count}
    for sample in summary.samples:
        for place in sample.places:
            if place.endpoint in totals:
                totals[place.endpoint] += place.accelerators
    pools = sorted(totals.keys() - alone, key=lambda name: (-totals[name], name))
    return {name: POOLS[position % len(POOLS)] for position, name in enumerate(pools)}


def _layers(summary: Summary) -> list[tuple[str, str, list[int]]]:
    """(name, colour, count by sample), dedicated endpoints summed at the bottom."""
    alone = {p.endpoint for s in summary.samples for p in s.places if p.hosting is Hosting.DEDICATED}
    layers = []
    if alone:
        layers.append(("dedicated", "alone", [_sum(s, alone) for s in summary.samples]))
    for pool, css in pool_colours(summary).items():
        layers.append((pool, css, [s.instances.get(pool, 0) for s in summary.samples]))
    return layers


def _sum(sample: Sample, endpoints: set[str]) -> int:
    return sum(count for name, count in sample.instances.items() if name in endpoints)


def _scales(summary: Summary, width: float, height: float, *, high: float) -> tuple[Scale, Scale]:
    x = Scale(summary.from_s, summary.to_s, LEFT, width - RIGHT)
    return x, Scale(0, high, height - BOTTOM, TOP)


def _axes(summary: Summary, x: Scale, y: Scale, *, ticks: list[tuple[float, str]]) -> list[str]:
    """Grid lines with their values at the left of the plot, and times below it."""
    parts = []
    for value, words in ticks:
        at = y(value)
        parts.append(line(x.start, at, x.stop, at, css="grid"))
        parts.append(text(x.start - 6, at + 4, words, css="num small", anchor="end"))
    for moment, words in time_ticks(summary.from_s, summary.to_s):
        parts.append(text(x(moment), y.start + 16, words, css="num small", anchor="middle"))
    return parts
