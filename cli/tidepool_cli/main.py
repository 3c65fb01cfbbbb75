"""The `tidepool` command. Each command is one module here, imported only when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from tidepool import __version__
from tidepool_cli.output import OK, WRONG

COMMANDS = {
    "demo": "tidepool_cli.demo",
    "simulate": "tidepool_cli.simulate",
    "bench": "tidepool_cli.bench",
    "cost": "tidepool_cli.cost",
    "validate": "tidepool_cli.validate",
    "init": "tidepool_cli.init",
    "doctor": "tidepool_cli.doctor",
    "plan": "tidepool_cli.plan",
    "explain": "tidepool_cli.explain",
    "move": "tidepool_cli.move",
    "moves": "tidepool_cli.moves",
    "migrate": "tidepool_cli.migrate",
    "attach": "tidepool_cli.attach",
    "pool": "tidepool_cli.pool",
    "status": "tidepool_cli.status",
    "hub": "tidepool_cli.hub",
    "freeze": "tidepool_cli.freeze",
    "hold": "tidepool_cli.hold",
    "surge": "tidepool_cli.surge",
    "leave": "tidepool_cli.leave",
}
"""Name → module; the module's `command` is the click command. In the order in which a newcomer meets them."""


class Lazy(click.Group):
    """A group whose commands are imported when they are looked up, so that `--help` stays quick.

    Whatever is wrong exits 1: click's own 2 would look like "there are changes" to a script that runs plan.
    """

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        if os.environ.get("NO_COLOR"):  # no-color.org; rich heeds it by itself, click does not
            extra.setdefault("color", False)
        if not extra.pop("standalone_mode", True):
            return super().main(args, standalone_mode=False, **extra)
        try:
            code = super().main(args, standalone_mode=False, **extra)
        except click.ClickException as wrong:
            wrong.show()
            sys.exit(WRONG)
        except click.Abort:
            click.echo("stopped", err=True)
            sys.exit(WRONG)
        sys.exit(code if isinstance(code, int) else OK)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}. There are: {', '.join(COMMANDS)}.", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=Lazy,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tidepool")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Tidepool scales, packs and moves many models on Amazon SageMaker, for the whole fleet at once.

    Nothing here writes to SageMaker. Most commands need no account: they run on a simulated SageMaker, the
    twin. `init`, `doctor` and `plan --live` read your account; `move`, `moves`, `attach` and `migrate` read your
    stack, and ask it by events on its bus; `hub` reads the stacks of several accounts.

    \b
    Start with:
      tidepool demo                          one simulated day, with a report and pictures
      tidepool validate fleet.yaml           is my file right, and what does it mean?
      tidepool bench                         what would it cost, beside what others do?

    Exit codes: 0 all is well, 1 something is wrong and nothing was changed, 2 `plan` found changes.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
