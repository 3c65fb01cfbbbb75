"""`tidepool moves`: those under way and the last ones; `undo` and `approve` ask the stack by an event on its bus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tidepool_cli.asking import person_options, stack_options
from tidepool_cli.output import bad_option, console, exits_with_problems, print_table, write_json

if TYPE_CHECKING:
    from tidepool.move.attach import Attach
    from tidepool.move.state import Move
    from tidepool_cli.stack import Deployed

COLUMNS = ("move", "model", "from", "to", "how far", "since (UTC)", "deadline (UTC)", "why", "owner")
"""`owner`: whom fleet.yaml says to ask about the model; left out where it names nobody."""


@click.group(invoke_without_command=True)
@click.option("--days", default=7, show_default=True, type=click.IntRange(0, 30), help="Also those that ended since.")
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@click.pass_context
@exits_with_problems
def command(ctx: click.Context, days: int, stack: str, region: str | None, json_file: Path | None) -> None:
    """Show the moves under way and those of the last days: where each stands, since when, until when, why, and whom
    to ask about its model.

    The first home of a new model (`tidepool attach`) is a move from nowhere.

    \b
    Examples:
      tidepool moves
      tidepool moves --days 30 --json -
      tidepool moves undo 3123456789abcdef --why "answers look worse"
      tidepool moves approve 3123456789abcdef --why CHG-4712
    """
    if ctx.invoked_subcommand is not None:
        early = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
        if early:
            option = f"--{early[0].removesuffix('_file')}"
            allowed = f"options after {ctx.invoked_subcommand}, where they are heeded"
            raise bad_option(option, ctx.params[early[0]], allowed=allowed)
        return
    from tidepool.units import DAY_S
    from tidepool_cli.stack import clock, deployed

    account = deployed(stack, region)
    ledger = account.rehearsal.ledger
    now = clock()
    ended = sorted(ledger.ended_moves(now - days * DAY_S), key=lambda move: -move.since)
    open_ones = sorted(ledger.moves(), key=lambda move: (move.began, move.id))
    since = now - days * DAY_S
    homes = [home for home in ledger.attaches() if not home.phase.ended or home.since >= since]
    moves: tuple[Move | Attach, ...] = (*open_ones, *ended, *homes)
    owners = _owners(account)
    write_json(json_file, [as_value(move) | {"owner": owners(_model(move))} for move in moves])
    if str(json_file) == "-":
        return
    if not moves:
        click.echo(f"No move is under way, and none ended in {days} days.")
        return
    print_table(console(), f"Moves of stack {stack}", COLUMNS, [_row(move, owners(_model(move))) for move in moves])


@command.command()
@click.argument("move")
@person_options
@stack_options
@exits_with_problems
def undo(move: str, why: str | None, who: str | None, stack: str, region: str | None) -> None:
    """Take MOVE back. Until retire it goes back by itself; after that, this says which move leads back.

    \b
    Example:
      tidepool moves undo 3123456789abcdef --why "answers look worse"
    """
    from tidepool.move.state import Phase
    from tidepool.runtime.undo_move import undo as undo_move
    from tidepool_cli.stack import asking, clock, deployed

    account = deployed(stack, region)
    who, why = asking(account, who, why)
    found = undo_move(account.rehearsal, move, clock(), who=who, why=why)
    if found.phase is Phase.BACK:
        click.echo(f"Move {move} of {found.ask.model} goes back already: {found.why}.")
        return
    account.send("tidepool.undo", "undo", {"move": move, "who": who, "why": why})
    click.echo(f"Asked: move {move} of {found.ask.model} goes back to {found.source_name} (it is in {found.phase}).")


@command.command()
@click.argument("move")
@person_options
@stack_options
@exits_with_problems
def approve(move: str, why: str | None, who: str | None, stack: str, region: str | None) -> None:
    """Let MOVE begin, which waits for a person (`act: ask`).

    \b
    Example:
      tidepool moves approve 3123456789abcdef --why CHG-4712
    """
    from tidepool.runtime.begin_moves import approve as approve_move
    from tidepool_cli.stack import asking, clock, deployed

    account = deployed(stack, region)
    who, why = asking(account, who, why)
    before = {found.id: found.phase for found in account.rehearsal.ledger.moves()}
    found = approve_move(account.rehearsal, move, clock(), who=who, why=why)
    if found.phase is before[move]:
        click.echo(f"Move {move} of {found.ask.model} does not wait any more: it is in {found.phase}.")
        return
    account.send("tidepool.approval", "approval", {"move": move, "who": who, "why": why})
    click.echo(f"Asked: move {move} of {found.ask.model} from {found.source_name} to {found.target_name} begins.")


def as_value(move: Move | Attach) -> dict[str, Any]:
    """One move as a script reads it; times in seconds since 1970, deadline null when it has ended.

    `from` is '' where the model lived nowhere before.
    """
    from tidepool.move.attach import Attach
    from tidepool.move.picture import DEADLINES

    limit = DEADLINES.get(move.phase)
    return {
        "move": move.id,
        **(_first_home(move) if isinstance(move, Attach) else _between_homes(move)),
        "phase": str(move.phase),
        "began": move.began,
        "since": move.since,
        "deadline": None if limit is None else move.since + limit[0],
        "why": move.why,
        "commit": move.commit,
    }


def _first_home(attach: Attach) -> dict[str, Any]:
    return {"model": attach.model, "from": "", "to": attach.component, "because": attach.because}


def _between_homes(move: Move) -> dict[str, Any]:
    return {
        "model": move.ask.model,
        "from": move.source_name,
        "to": move.target_name,
        "because": move.ask.because,
        "step": move.step,
        "approved": move.approved,
        "wanted_back": move.wanted_back,
    }


def _model(move: Move | Attach) -> str:
    from tidepool.move.attach import Attach

    return move.model if isinstance(move, Attach) else move.ask.model


def _owners(account: Deployed) -> Callable[[str], str]:
    """Whom to ask about a model, as the file in force says; '' where it names nobody."""
    from tidepool.config.resolve import model_config
    from tidepool.errors import BadFleetFile

    try:
        config, _ = account.rehearsal.config.current()
    except BadFleetFile:
        return lambda model: ""
    return lambda model: model_config(config, model).owner


def _row(move: Move | Attach, owner: str) -> dict[str, str]:
    from tidepool.plan.render import moment
    from tidepool_cli.steps import deadline, progress

    value = as_value(move)
    values = (
        value["move"],
        value["model"],
        value["from"] or "(new)",
        value["to"],
        progress(move),
        moment(move.since).removesuffix(" UTC"),
        deadline(move).replace(" UTC", ""),
        _why(move),
        owner,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _why(move: Move | Attach) -> str:
    """Why it is where it is; before anybody was shifted also what it is for."""
    from tidepool.move.attach import Attach
    from tidepool.move.state import Phase

    because = move.because if isinstance(move, Attach) else move.ask.because
    begins = move.phase in (Phase.WAITING, Phase.CREATE)
    return "; ".join(filter(None, (because if begins or not move.why else "", move.why)))
