"""`tidepool plan`: what would the next decision do, and what is held back?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from tidepool_cli.decided import find, where_options
from tidepool_cli.output import CHANGES, exits_with_problems, write_json


@click.command()
@where_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    trace: Path | None,
    fleet: Path | None,
    at: str | None,
    seed: int,
    types: str | None,
    live: bool,
    json_file: Path | None,
) -> None:
    """Show what a decision changes: + more, - less, ~ moved, = held back, each with its reason and dollars.

    Without options: the newest local record, the last decision of `tidepool demo` or `tidepool simulate` in this
    folder (.tidepool/). With --at: simulate the trace up to that moment and show the next decision; without
    --trace and --fleet that is the shipped seeded week. With --live: your account, read only.

    \b
    Examples:
      tidepool plan
      tidepool plan --at 0:09:30
      tidepool plan --trace traffic.csv --fleet fleet.yaml --at 1:12:00
      tidepool plan --live --fleet fleet.yaml

    Exit codes: 0 nothing changes, 2 there are changes, 1 something is wrong.
    """
    from tidepool.decision.explain import plan_text

    to_stdout = str(json_file) == "-"
    found = find(trace=trace, fleet=fleet, at=at, seed=seed, types=types, live=live, quiet=to_stdout)
    record = json.loads(found.record)
    write_json(json_file, record)
    if not to_stdout:
        click.echo(f"From {found.where}.")
        click.echo(plan_text(found.record))
    if record["changes"]:
        raise SystemExit(CHANGES)
