"""`tidepool bench`: what a trace costs, and how it is served, by Tidepool and by what others do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidepool_cli.output import console, exits_with_problems, print_table, write_text
from tidepool_cli.progress import showing_progress
from tidepool_cli.traces import split, trace_options

if TYPE_CHECKING:
    from tidepool_lab.bench.result import BenchResult


@click.command()
@trace_options
@click.option("--policies", metavar="A,B,…", help="Only these rows, for instance tidepool,native,floor.")
@click.option("--regain", metavar="T", help="Until a scarce type that was given back comes again: 30m, 12h, never.")
@click.option("--image-pull", type=int, metavar="S", help="Seconds that an image takes to be pulled, as 333.")
@click.option("--stress", type=float, metavar="F", help="Every policy again, harder than declared by F, as 1.5.")
@click.option("--jobs", default=0, metavar="N", help="Processes at once; 0 is one per core.", show_default=True)
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
    policies: str | None,
    regain: str | None,
    image_pull: int | None,
    stress: float | None,
    jobs: int,
    json_file: Path | None,
) -> None:
    """Run policies over the same traffic on the twin, and print their table.

    Rows: dedicated_peak (each model alone on p4d, sized for its peak), dedicated_cheapest (on its cheapest type),
    native (SageMaker's own target tracking), native_best (the same with homes chosen by hand), tidepool, oracle
    (tidepool with a perfect forecast) and floor (a linear programme that no policy can pass). Everybody meets
    the same arrivals, start-up times and refusals. Without --trace and --fleet: the shipped seeded week.

    \b
    Examples:
      tidepool bench --policies tidepool,native
      tidepool bench --from-day 2 --days 3 --types ml.p4d.24xlarge
      tidepool bench --from-day 2 --policies tidepool,native --stress 1.5
      tidepool bench --trace ../shared/traces/servegen-week1.csv.gz \\
                     --fleet ../shared/traces/fleet-servegen-week1.json --from-day 2 --days 3

    The figures are the twin's, not AWS's. docs/benchmarks.md says what each column means.
    """
    from tidepool_lab.demo.compared import run

    to_stdout = str(json_file) == "-"
    with showing_progress(quiet=to_stdout) as progress:
        result = run(
            trace,
            fleet,
            from_day=from_day,
            days=days,
            seed=seed,
            scale=scale,
            policies=split(policies),
            types=split(types),
            regain=regain,
            image_pull_s=image_pull,
            stress=stress,
            jobs=jobs,
            progress=progress,
        )
    if to_stdout:
        click.echo(result.json_text(), nl=False)
        return
    print_result(result)
    if json_file is not None:
        write_text(json_file, result.json_text())


def print_result(result: BenchResult) -> None:
    """The table, and under it what it stands on; then, where it was asked for, the table under stress."""
    from tidepool_lab.bench.stress_table import STRESS_HEADINGS, stress_notes_of, stress_rows_of, stress_title_of
    from tidepool_lab.bench.table import HEADINGS, notes_of, rows_of, title_of

    out = console()
    rows = [dict(zip(HEADINGS, row, strict=True)) for row in rows_of(result)]
    print_table(out, title_of(result), HEADINGS, rows)
    for note in notes_of(result):
        out.print(note, markup=False)
    if result.stress:
        harder = [dict(zip(STRESS_HEADINGS, row, strict=True)) for row in stress_rows_of(result)]
        out.print()
        print_table(out, stress_title_of(result), STRESS_HEADINGS, harder)
        for note in stress_notes_of(result):
            out.print(note, markup=False)
