"""Colours and type of every chart, once, for light and for dark. Charts name classes, never colours."""

from __future__ import annotations

LIGHT = {
    "page": "#ffffff",
    "card": "#f6f8fa",
    "ink": "#14202e",
    "soft": "#566476",
    "grid": "#dfe5ec",
    "shared": "#0b8484",
    "shared2": "#58b8c4",
    "shared3": "#2f6f9f",
    "shared4": "#5d8f2f",
    "shared5": "#8c6d46",
    "alone": "#6a57d5",
    "other": "#75808f",
    "wake": "#c26a00",
    "move": "#c92a62",
    "good": "#23813a",
    "bad": "#c22f2f",
}
"""Text on `page` and `card` is at least 4.5 : 1, shapes at least 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11), but for the
light `shared2`, which always stands beside its name; tests/report measure them."""

DARK = {
    "page": "#0d1520",
    "card": "#142030",
    "ink": "#e7eef6",
    "soft": "#9fb0c3",
    "grid": "#24344a",
    "shared": "#22b8a9",
    "shared2": "#7fd6e0",
    "shared3": "#5fa3d8",
    "shared4": "#9bc76a",
    "shared5": "#c9a678",
    "alone": "#a195ff",
    "other": "#8b99aa",
    "wake": "#f5b13d",
    "move": "#ff7aa8",
    "good": "#5cc977",
    "bad": "#ff8484",
}

FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

POOLS = ("shared", "shared2", "shared3", "shared4", "shared5")
"""Colours of pools, in order; a sixth pool starts again."""


def variables() -> str:
    """CSS: the palette as custom properties, dark where the reader's system is dark."""
    light = "".join(f"--{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    return f":root{{{light}color-scheme:light dark}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def chart_rules() -> str:
    """CSS: what the charts' classes look like. `f-x` fills with colour x, `s-x` strokes with it."""
    fills = "".join(f".f-{name}{{fill:var(--{name})}}" for name in LIGHT)
    strokes = "".join(f".s-{name}{{stroke:var(--{name});fill:none}}" for name in LIGHT)
    return (
        f"svg text{{font-family:{FONT};font-size:12px;fill:var(--soft)}}"
        "svg .ink{fill:var(--ink)}svg .big{font-size:30px;font-weight:700;fill:var(--ink)}"
        "svg .mid{font-size:14px;font-weight:600;fill:var(--ink)}svg .small{font-size:11px}"
        "svg .num{font-variant-numeric:tabular-nums}"
        ".grid{stroke:var(--grid);stroke-width:1;fill:none}.line{stroke-width:1.8;stroke-linejoin:round}"
        f".thin{{stroke-width:1.1}}.dash{{stroke-dasharray:5 4}}.veil{{fill-opacity:.22}}{fills}{strokes}"
        ".halo{stroke:var(--page);stroke-width:3px;paint-order:stroke}"
        "svg text.t-good{fill:var(--good)}svg text.t-wake{fill:var(--wake)}svg text.t-move{fill:var(--move)}"
    )
