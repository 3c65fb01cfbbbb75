"""`tidepool move`: a model to another home, asked of the stack by an event on its bus."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidepool_cli.asking import person_options, stack_options
from tidepool_cli.output import WRONG, exits_with_problems, write_json

if TYPE_CHECKING:
    from tidepool.move.state import Move


@click.command()
@click.argument("model")
@click.option("--to", required=True, metavar="HOME", help="A pool of fleet.yaml, or dedicated.")
@click.option("--instance-type", default="", metavar="TYPE", help="Of a dedicated home; as it has now.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, or every reason against it; ask nothing.")
@person_options
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    model: str,
    to: str,
    instance_type: str,
    dry_run: bool,
    why: str | None,
    who: str | None,
    stack: str,
    region: str | None,
    json_file: Path | None,
) -> None:
    """Move MODEL to a pool, or to an endpoint of its own, while its callers go on.

    Nothing here writes to SageMaker: the stack is asked by an event on its bus, with who and why, and its hand
    looks again before it acts. With --dry-run: what would be made, what it costs, and what each step waits for;
    or every reason why it may not begin.

    \b
    Examples:
      tidepool move texteval --to dedicated --dry-run
      tidepool move texteval --to p4d --why "CHG-4713, it idles on a machine of its own"
      tidepool move texteval --to dedicated --instance-type ml.p4d.24xlarge --why CHG-4713

    Exit codes: 0 it would begin, or was asked for; 1 it may not begin, nothing was asked.
    """
    from tidepool.plan.change import change_id
    from tidepool.runtime.ask_move import Wish, begin_asked
    from tidepool_cli.stack import asking, clock, deployed

    account = deployed(stack, region)
    who, why = ("you", "a dry run") if dry_run else asking(account, who, why)
    now = clock()
    wish = Wish(change_id(now, "move", model, to), model, to, who, why, instance_type)
    move = begin_asked(account.rehearsal, wish, now)
    refused = move.phase.ended
    if not refused and not dry_run:
        account.send("tidepool.move", "move", asdict(wish))
    write_json(json_file, as_value(move, asked=not refused and not dry_run))
    if str(json_file) != "-":
        for line in _told(move, dry_run=dry_run, stack=stack):
            click.echo(line)
    if refused:
        raise SystemExit(WRONG)


def as_value(move: Move, *, asked: bool) -> dict[str, Any]:
    """What a script needs of a move that was rehearsed."""
    reasons = reasons_of(move)
    return {
        "move": move.id,
        "model": move.ask.model,
        "from": move.source_name,
        "to": move.target_name,
        "hosting": str(move.ask.to_hosting),
        "instance_type": move.ask.instance_type,
        "size": move.ask.size,
        "usd_per_hour": move.ask.usd_per_hour,
        "move_cost_usd": move.ask.move_cost_usd,
        "reasons": reasons,
        "asked": asked,
    }


def reasons_of(move: Move) -> list[str]:
    """Why it may not begin; [] when it may."""
    return move.why.split("; ") if move.phase.ended else []


def _told(move: Move, *, dry_run: bool, stack: str) -> list[str]:
    from tidepool.plan.render import aligned, change_row
    from tidepool_cli.steps import expected

    lines = aligned([change_row(move.ask)])
    if move.why and not move.phase.ended:
        lines.append(f"Note: {move.why}.")
    if move.phase.ended:
        return [*lines, "It may not begin; nothing was asked:", *(f"  {reason}" for reason in reasons_of(move))]
    if not dry_run:
        then = f"`tidepool moves --stack {stack}` shows how it goes"
        return [*lines, f"Asked for as move {move.id}. The stack judges it again when it begins; {then}."]
    return [*lines, f"Would make {made(move)}.", *(f"  {line}" for line in expected())]


def made(move: Move) -> str:
    """The target in one line."""
    ask = move.ask
    if not move.to_component:
        size = f"{ask.size} × {ask.instance_type}"
        return f"the endpoint {ask.to_endpoint}: {size}, SageMaker model {move.sagemaker_model}"
    copies = f"{ask.size} {'copy' if ask.size == 1 else 'copies'} of {ask.accelerators_per_copy} accelerators"
    return f"the component {move.to_component} on {ask.to_endpoint}: {copies}, SageMaker model {move.sagemaker_model}"
