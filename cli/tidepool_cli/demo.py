"""`tidepool demo`: one simulated day of a fleet like Salesforce's, with a report and pictures."""

from __future__ import annotations

from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidepool.units import percent, usd
from tidepool_cli.local import DECISION, FOLDER, Source, keep
from tidepool_cli.output import (
    WRONG,
    bad_option,
    check_places,
    console,
    exits_with_problems,
    print_table,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from rich.console import Console

    from tidepool.report.summary import Summary


@click.command()
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the traffic and of every chance."
)
@click.option("--hours", type=click.IntRange(1, 24), default=24, show_default=True, help="Stop after so many hours.")
@click.option(
    "--seam",
    type=click.Choice(["true", "fast"]),
    default="true",
    show_default=True,
    help="true: handlers, boto3, alarms and schedules of the template. fast: the use cases alone.",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="Where the report goes.",
)
@click.option("--picture", metavar="FILE", type=click.Path(path_type=Path), help="Also write the picture as SVG.")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(seed: int, hours: int, seam: str, report_file: Path, picture: Path | None, json_file: Path | None) -> None:
    """Live one simulated day of a fleet like Salesforce's, and write a report with pictures.

    14 models on an embedded AWS: the real handlers with real boto3 calls, woken by the template's schedules and
    alarms, before a simulated SageMaker (the twin). Watch copies follow traffic, models fall asleep and wake,
    machines come and go, and models move between dedicated and shared hosting.

    \b
    Examples:
      tidepool demo
      tidepool demo --seed 2 --report /tmp/day-2.html
      tidepool demo --seam fast --hours 6
      tidepool demo --picture docs/demo.svg

    Afterwards, `tidepool plan` and `tidepool explain MODEL` read its last decision. Exits 1 when something that
    the demo shows did not happen (over a whole day).
    """
    from tidepool.report.html import render
    from tidepool.report.picture import picture as drawn
    from tidepool_lab.demo.play import day, play
    from tidepool_lab.demo.stages import TEMPLATE, Seam, open_stage
    from tidepool_lab.demo.view import Lines, Living

    if Seam(seam) is Seam.TRUE and not TEMPLATE.is_file():
        hint = "template.yaml and the handlers are in Tidepool's own folder: `make demo` there runs them"
        raise bad_option("--seam", seam, allowed="fast, where only the package is installed", hint=hint)
    check_places(report_file, picture, json_file, FOLDER / DECISION)
    to_stdout = str(json_file) == "-"
    out = console(stderr=to_stdout)
    out.print("This is a twin, not AWS: SageMaker, its traffic and its clock are simulated on this machine.")
    plan = day(seed, hours=hours)
    stage = open_stage(plan, Seam(seam))
    try:
        out.print(stage.name)
        with Living(out) if out.is_terminal else Lines(out) as shown:
            summary = play(plan, stage, shown)
        record = stage.ledger.decision()
    finally:
        stage.close()
    if record is not None:
        keep(record, Source(f"tidepool demo --seed {seed}", "the demo's fleet", summary.source))
    write_text(report_file, render(summary))
    if picture is not None:
        write_text(picture, drawn(summary))
    print_summary(out, summary)
    out.print(f"Report with pictures: {report_file}")
    write_json(json_file, as_json(summary))
    if hours >= 24 and not all(check.ok for check in summary.checks):
        raise SystemExit(WRONG)


def print_summary(out: Console, summary: Summary) -> None:
    """The table of dollars, how callers were served, and what happened as a checklist."""
    hours = (summary.to_s - summary.from_s) / 3600
    service = summary.service
    rows = [{"hosting": "tidepool", "dollars": usd(summary.usd), "an hour": usd(summary.usd / hours)}]
    if service is not None:
        rows[0] |= {
            "on time": share(service.on_time),
            "interactive": share(service.on_time_interactive),
            "batch": share(service.on_time_batch),
        }
    rows += [
        {
            "hosting": c.name,
            "dollars": usd(c.usd),
            "an hour": usd(c.usd / hours),
            "tidepool is": against(summary.usd, c.usd),
        }
        for c in summary.comparisons
    ]
    columns = ("hosting", "dollars", "an hour", "tidepool is", "on time", "interactive", "batch")
    print_table(out, f"{summary.title} ({summary.source})", columns, rows)
    if service is not None:
        done = sum(move.outcome == "done" for move in summary.moves)
        out.print(
            f"{service.requests:,} requests; {summary.changes['copies']:,} changes of copies, "
            f"{summary.changes['instances']:,} of dedicated instances; {done} moves, "
            f"{service.lost_to_moves} requests lost to them."
        )
    for check in summary.checks:
        unseen = "NOT SEEN" if hours >= 24 else "not in these hours"
        out.print(f"  {'✓' if check.ok else '✗'} {check.claim}: {check.seen or unseen}", markup=False)


def against(ours: float, theirs: float) -> str:
    """'62 % less' or '4.9 % more' dollars than theirs."""
    saved = round(1 - ours / theirs, 3)
    return f"{percent(saved)} less" if saved >= 0 else f"{percent(-saved)} more"


def share(value: float | None) -> str:
    """0.99537 → '99.53 %': two decimals, since columns are compared down, and never rounded up."""
    return "" if value is None else f"{floor(value * 10_000 + 1e-6) / 100:.2f} %"


def as_json(summary: Summary) -> dict[str, Any]:
    """What a script wants of a summary."""
    service = summary.service
    return {
        "schema": 1,
        "source": summary.source,
        "from": summary.from_s,
        "to": summary.to_s,
        "cost_usd": summary.usd,
        "comparisons": [{"name": c.name, "cost_usd": c.usd, "how": c.how} for c in summary.comparisons],
        "requests": None if service is None else service.requests,
        "on_time": None if service is None else service.on_time,
        "requests_lost_to_moves": None if service is None else service.lost_to_moves,
        "changes": dict(summary.changes),
        "moves": [
            {"model": m.model, "from": m.from_, "to": m.to, "to_hosting": str(m.to_hosting), "outcome": m.outcome}
            for m in summary.moves
        ],
        "checks": [{"claim": c.claim, "ok": c.ok, "seen": c.seen} for c in summary.checks],
    }
