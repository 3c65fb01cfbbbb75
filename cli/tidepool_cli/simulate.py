"""`tidepool simulate`: Tidepool alone on a trace, hour by hour on the twin."""

from __future__ import annotations

from pathlib import Path

import click

from tidepool_cli.bench import print_result
from tidepool_cli.local import DECISION, FOLDER, Source, keep
from tidepool_cli.output import check_places, exits_with_problems, write_text
from tidepool_cli.progress import showing_progress
from tidepool_cli.traces import split, trace_options


@click.command()
@trace_options
@click.option("--html", "html_file", metavar="FILE", type=click.Path(path_type=Path), help="A report with pictures.")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    trace: Path | None,
    fleet: Path | None,
    from_day: int,
    days: int,
    seed: int,
    scale: float,
    types: str | None,
    html_file: Path | None,
    json_file: Path | None,
) -> None:
    """Let Tidepool run a fleet through a trace on the twin, and print what it cost and how it served.

    --fleet is your fleet.yaml (the twin is built from its shapes, prices and quotas; every model starts on the
    first pool that it has a shape for) or a reference fleet. Without --trace and --fleet: the shipped seeded week.
    The code that decides is the code that is deployed. Its last decision can be read with `tidepool plan`.

    \b
    Examples:
      tidepool simulate
      tidepool simulate --from-day 2 --days 3 --html week.html
      tidepool simulate --trace traffic.csv --fleet fleet.yaml --json -

    A trace is a CSV with the columns minute,model,requests; a minute without a line had no request.
    """
    from tidepool.report.html import render
    from tidepool_lab.bench.result import result_of
    from tidepool_lab.demo.simulated import case_of, simulate

    check_places(html_file, json_file, FOLDER / DECISION)
    to_stdout = str(json_file) == "-"
    case, own = case_of(trace, fleet, from_day=from_day, days=days, seed=seed, scale=scale, types=split(types))
    with showing_progress() as progress:
        found = simulate(case, own=own, progress=progress)
    note = f"{case.trace}, days {from_day} to {from_day + days - 1}"
    keep(found.record, Source("tidepool simulate", case.fleet_name, f"{note}; {found.summary.source}"))
    if html_file is not None:
        write_text(html_file, render(found.summary))
    result = result_of(case, (found.row,))
    if to_stdout:
        click.echo(result.json_text(), nl=False)
        return
    print_result(result)
    if html_file is not None:
        click.echo(f"Report with pictures: {html_file}")
    if json_file is not None:
        write_text(json_file, result.json_text())
