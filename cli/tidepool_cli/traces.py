"""Options of every command that reads a trace, and what they turn into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def trace_options(command: Command) -> Command:
    """--trace, --fleet, --from-day, --days, --seed, --scale and --types, in this order."""
    path = click.Path(path_type=Path, dir_okay=False)
    for option in reversed(
        (
            click.option("--trace", type=path, help="Requests per minute and model, as .csv or .csv.gz."),
            click.option("--fleet", type=path, help="A fleet.yaml, or a reference fleet (.json)."),
            click.option("--from-day", default=0, show_default=True, metavar="D", help="First day; 0 is the first."),
            click.option("--days", default=1, show_default=True, metavar="N", help="How many days."),
            click.option(
                "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of everything that is drawn."
            ),
            click.option("--scale", default=1.0, show_default=True, help="Thin (< 1) or swell (to 2) the traffic."),
            click.option("--types", metavar="A,B,…", help="Only these instance types, for instance ml.p4d.24xlarge."),
        )
    ):
        command = option(command)
    return command


def split(names: str | None) -> tuple[str, ...]:
    """'a, b' → ('a', 'b'); nothing → ()."""
    return tuple(name.strip() for name in (names or "").split(",") if name.strip())
