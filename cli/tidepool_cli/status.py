"""`tidepool status`: what the stack sees, what people asked of it, what changed lately and why, and is it well."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidepool_cli.asking import stack_options
from tidepool_cli.output import WRONG, exits_with_problems, write_json

if TYPE_CHECKING:
    from tidepool_cli.stack_status import Status


@click.command()
@click.option("--last", default="60m", show_default=True, metavar="TIME", help="What changed since then, 30d at most.")
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(last: str, stack: str, region: str | None, json_file: Path | None) -> None:
    """Show what the stack sees, every hold and freeze in force, open moves, and what changed lately and why.

    Holds and freezes come from fleet.yaml, from people, alarms, tags and calendars; each is shown with who and until
    when.

    \b
    Examples:
      tidepool status
      tidepool status --last 24h --json -

    Exit codes: 0 it is well; 1 it is not, and the lines under "is it well" say why.
    """
    from tidepool_cli.stack import clock, deployed
    from tidepool_cli.stack_status import read, seconds_of

    seconds = seconds_of(last)
    status = read(deployed(stack, region), clock(), seconds)
    write_json(json_file, as_value(status))
    if str(json_file) != "-":
        for line in told(status):
            click.echo(line)
    if status.unwell:
        raise SystemExit(WRONG)


def as_value(status: Status) -> dict[str, Any]:
    """As a script reads it; times in seconds since 1970."""
    from tidepool.decision.codec import change_value
    from tidepool_cli.moves import as_value as move_value

    return {
        "stack": status.stack,
        "hands": status.hands,
        "now": status.now,
        "decided_at": status.decided_at,
        "sees": asdict(status.sees) if status.sees else None,
        "standing": [asdict(one) for one in status.standing],
        "moves": [move_value(move) for move in status.moves],
        "changes": [
            {"at": one.at, "outcome": one.outcome, "why": one.why, "change": change_value(one.change)}
            for one in status.operations
        ],
        "writes": [asdict(one) for one in status.writes],
        "unwell": list(status.unwell),
    }


def told(status: Status) -> list[str]:
    """The page, section by section."""
    from tidepool.plan.render import aligned, change_row, moment
    from tidepool.units import duration, usd
    from tidepool_cli.steps import progress

    lines = [f"Stack {status.stack}, Hands={status.hands}, at {moment(status.now)}", "", "what it sees"]
    if status.sees is None:
        lines.append("  nothing yet: no decision is recorded")
    else:
        sees = status.sees
        lines.append(f"  {sees.models} models, {sees.homes} homes, {usd(sees.usd_per_hour)}/h")
        lines.append(f"  decided {duration(status.now - status.decided_at)} ago by fleet.yaml {sees.commit or '?'}")
        lines += [f"  held back: {count} by {reason}" for reason, count in sees.held]
    lines += ["", "holds, freezes and surges in force"]
    lines += [f"  {one.kind} of {one.scope}{until(one.until)}, by {one.who}: {one.why}" for one in status.standing] or [
        "  none"
    ]
    lines += ["", "moves under way"]
    lines += [
        f"  {move.id}  {progress(move)}  since {moment(move.since)}{f': {move.why}' if move.why else ''}"
        for move in status.moves
    ] or ["  none"]
    lines += ["", f"what changed in the last {duration(status.last_s)}"]
    rows = aligned([change_row(one.change) for one in status.operations])
    lines += [
        f"  {moment(one.at)}  {one.outcome}{f' ({one.why})' if one.why else ''}: {row}"
        for one, row in zip(status.operations, rows, strict=True)
    ] or ["  nothing"]
    lines += ["", "what others set"]
    lines += [
        f"  {moment(one.at)}  {one.target} of {one.model} from {one.before} to {one.after} by {one.who} ({one.writer})"
        for one in status.writes
    ] or ["  nothing"]
    return [*lines, "", "is it well", *([f"  no: {reason}" for reason in status.unwell] or ["  yes"])]


def until(at: int) -> str:
    """' until 2026-11-23 …', '' where only its source ends it."""
    from tidepool.plan.render import moment

    return f" until {moment(at)}" if at else ""
