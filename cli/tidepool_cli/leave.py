"""`tidepool leave`: everything that was taken is handed back as it was found, and what stays is listed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidepool_cli.asking import person_options, stack_options
from tidepool_cli.output import exits_with_problems, write_json

if TYPE_CHECKING:
    from tidepool_cli.leaving import Leaving, Owed
    from tidepool_cli.stack import Deployed


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be handed back and what stays; ask nothing.")
@click.option("--keep-ledger", is_flag=True, help="Say no word of how to delete the bucket and the tables.")
@person_options
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    dry_run: bool,
    keep_ledger: bool,
    why: str | None,
    who: str | None,
    stack: str,
    region: str | None,
    json_file: Path | None,
) -> None:
    """Leave: hands off everything, autoscaling handed back as it was found, open moves ended safely.

    Every count stays as it is. A move goes back before its first shift, else to its end. Burst alarms go within the
    hour. Run it again to see how far it is; when all is done, delete the stack within 30 days, after which Tidepool
    would go on. `tidepool hold '*' --lift` stays instead.

    \b
    Examples:
      tidepool leave --dry-run
      tidepool leave --why "CHG-4730"
      tidepool leave --keep-ledger --why "CHG-4730"
    """
    from tidepool_cli.leaving import read
    from tidepool_cli.stack import asking, clock, deployed

    account = deployed(stack, region)
    left = read(account, clock(), keep_ledger=keep_ledger)
    asks = not dry_run and not left.asked
    if asks:
        who, why = asking(account, who, why)
        _ask(account, who, why)
    write_json(json_file, as_value(left, asked_now=asks))
    if str(json_file) != "-":
        for line in told(left, asked_now=asks, stack=stack):
            click.echo(line)


def as_value(left: Leaving, *, asked_now: bool) -> dict[str, Any]:
    """As a script reads it."""
    from tidepool_cli.moves import as_value as move_value

    return {
        "asked": left.asked or asked_now,
        "done": left.done,
        "owed": [asdict(one) for one in left.owed],
        "moves": [move_value(move) for move in left.moves],
        "alarms": list(left.alarms),
        "stays": [asdict(one) for one in left.stays],
    }


def told(left: Leaving, *, asked_now: bool, stack: str) -> list[str]:
    """What is to be done, what stays and why, and what to do next."""
    from tidepool_cli.steps import deadline, progress

    lines = ["to hand back"]
    lines += [f"  {_owed(one)}" for one in left.owed] or ["  nothing: every count's other writer is as it was found"]
    lines += [f"    no hand of this stack may: {one.by_hand}" for one in left.owed if one.by_hand]
    lines += ["", "moves to end"]
    lines += [f"  {move.id}  {progress(move)}, by {deadline(move)}" for move in left.moves] or ["  none"]
    lines += ["", "burst alarms to delete, within the hour"]
    lines += [f"  {name}" for name in left.alarms] or ["  none"]
    lines += ["", "what Tidepool made and stays"]
    for one in left.stays:
        lines.append(f"  {one.kind} {one.name}: {one.why}")
        lines += [f"    to drop it: {one.drop}"] if one.drop else []
    return [*lines, "", _next(left, asked_now=asked_now, stack=stack)]


def _next(left: Leaving, *, asked_now: bool, stack: str) -> str:
    if asked_now:
        return "Asked: hands off everything from now on. Run it again to see how far it is."
    if not left.asked:
        return "Nothing was asked."
    if left.done:
        return f"All is handed back. Delete the stack now: sam delete --stack-name {stack}"
    return "Asked before, and not done yet: run it again."


def _owed(one: Owed) -> str:
    parts = []
    if one.minimum != one.now.minimum:
        parts.append(f"minimum {one.now.minimum} → {one.minimum}")
    if one.suspended != one.now.suspended:
        parts.append(f"suspended {one.now.suspended or 'nothing'} → {one.suspended or 'nothing'}")
    return f"autoscaling of {one.now.target} ({one.model}): {', '.join(parts)}"


def _ask(account: Deployed, who: str, why: str) -> None:
    """Two signals: one that hands back, and one that keeps every hand off."""
    from tidepool.fleet import SignalKind
    from tidepool_cli.signals import EVERYTHING
    from tidepool_cli.stack import clock

    now = clock()
    for kind in (SignalKind.LEAVE, SignalKind.HOLD):
        words = {"kind": str(kind), "scope": EVERYTHING, "since": now, "until": now + kind.longest_s}
        account.bus.ask("tidepool.signal", {"signal": {**words, "who": who, "why": why, "by": "leave"}}, now)
