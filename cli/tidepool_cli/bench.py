"""`tidepool bench`: what a trace costs, and how it is served, by Tidepool and by what others do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidepool.errors import BadInput, Problem
from tidepool_cli.output import check_places, console, exits_with_problems, print_table, write_text
from tidepool_cli.progress import showing_progress
from tidepool_cli.traces import split, trace_options

if TYPE_CHECKING:
    from tidepool_lab.bench.result import BenchResult

PATH = click.Path(path_type=Path)


@click.command()
@trace_options
@click.option("--policies", metavar="A,B,…", help="Only these rows, for instance tidepool,native,floor.")
@click.option("--regain", metavar="T", help="Until a scarce type that was given back comes again: 30m, 12h, never.")
@click.option("--image-pull", type=int, metavar="S", help="Seconds that an image takes to be pulled, as 333.")
@click.option("--stress", type=float, metavar="F", help="Every policy again, harder than declared by F, as 1.5.")
@click.option("--where", is_flag=True, help="Of each policy: where its dollars go, and why requests were late.")
@click.option("--frontier", is_flag=True, help="Every setting of every policy's dial: cost against on-time.")
@click.option("--cache", metavar="DIR", type=PATH, help="Where --frontier keeps its runs.  [default: .cache/frontier]")
@click.option("--picture", metavar="FILE", type=PATH, help="The frontier as an SVG.")
@click.option("--jobs", default=0, metavar="N", help="Processes at once; 0 is one per core.", show_default=True)
@click.option("--json", "json_file", metavar="FILE", type=PATH, help="As JSON; - is stdout.")
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
    where: bool,
    frontier: bool,
    cache: Path | None,
    picture: Path | None,
    jobs: int,
    json_file: Path | None,
) -> None:
    """Run policies over the same traffic on the twin, and print their table.

    Rows: dedicated_peak (each model alone on p4d, sized for its peak), dedicated_cheapest (on its cheapest type),
    native (SageMaker's own target tracking), native_best (the same with homes chosen by hand), tidepool, oracle
    (tidepool with a perfect forecast) and floor (a linear programme that no policy can pass). Everybody meets
    the same arrivals, start-up times and refusals. Without --trace and --fleet: the shipped seeded week.

    --frontier runs every policy, and rivals that the table has not, at every setting of its dial, in the start state's
    homes and in homes chosen by hand. It takes long; stopped, it goes on where it was.

    \b
    Examples:
      tidepool bench --policies tidepool,native
      tidepool bench --from-day 2 --days 3 --types ml.p4d.24xlarge
      tidepool bench --from-day 2 --policies tidepool,native --stress 1.5
      tidepool bench --from-day 2 --policies tidepool,native --where
      tidepool bench --from-day 2 --frontier --picture frontier.svg --json frontier.json
      tidepool bench --trace ../shared/traces/servegen-week1.csv.gz \\
                     --fleet ../shared/traces/fleet-servegen-week1.json --from-day 2 --days 3

    The figures are the twin's, not AWS's. docs/benchmarks.md says what each column means.
    """
    from tidepool_lab.bench.stored import FOLDER
    from tidepool_lab.demo.compared import run

    _check_frontier_options(frontier, where=where, cache=cache, picture=picture)
    check_places(picture, json_file)
    to_stdout = str(json_file) == "-"
    with showing_progress() as progress:
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
            frontier=(cache or FOLDER) if frontier else None,
            where=where,
            jobs=jobs,
            progress=progress,
        )
    if picture is not None:
        from tidepool_lab.bench.frontier_chart import frontier_chart

        write_text(picture, frontier_chart(result))
    if to_stdout:
        click.echo(result.json_text(), nl=False)
        return
    print_result(result)
    if picture is not None:
        click.echo(f"Picture: {picture}")
    if json_file is not None:
        write_text(json_file, result.json_text())


def print_result(result: BenchResult) -> None:
    """The table, and under it what it stands on; then, where they were asked for, the table under stress, the
    frontier's, and each policy's account."""
    from tidepool_lab.bench import frontier_table as swept
    from tidepool_lab.bench import stress_table as stress
    from tidepool_lab.bench.table import HEADINGS, notes_of, rows_of, title_of
    from tidepool_lab.bench.where_table import where_tables_of

    if result.policies:
        _print(title_of(result), HEADINGS, rows_of(result))
        _notes(notes_of(result))
    if result.stress:
        click.echo()
        _print(stress.stress_title_of(result), stress.STRESS_HEADINGS, stress.stress_rows_of(result))
        _notes(stress.stress_notes_of(result))
    if result.frontier:
        click.echo()
        _print(swept.frontier_title_of(result), swept.FRONTIER_HEADINGS, swept.frontier_rows_of(result))
        _notes(swept.frontier_notes_of(result))
        equal = swept.equal_rows_of(result)
        if equal:
            click.echo()
            _print("At equal on-time", swept.EQUAL_HEADINGS, equal)
    for title, headings, rows in where_tables_of(result):
        click.echo()
        _print(title, headings, rows)


def _print(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print_table(console(), title, headings, [dict(zip(headings, row, strict=True)) for row in rows])


def _notes(notes: Sequence[str]) -> None:
    out = console()
    for note in notes:
        out.print(note, markup=False)


def _check_frontier_options(frontier: bool, *, where: bool, cache: Path | None, picture: Path | None) -> None:
    """BadInput for options that say something of a frontier that is not asked for, or that it does not go with."""
    given = {"--cache": cache, "--picture": picture}
    problems = [
        Problem(option, str(value), "only with --frontier", "add --frontier, or leave it out")
        for option, value in given.items()
        if value is not None and not frontier
    ]
    if frontier and where:
        hint = "a frontier's runs are kept without their accounts: ask for one of the two"
        problems.append(Problem("--where", "on", "only without --frontier", hint))
    if problems:
        raise BadInput("the command line", tuple(problems))
