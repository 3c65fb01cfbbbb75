"""The `tidepool` command. Each command is one module here, imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from tidepool import __version__

COMMANDS = {
    "demo": "tidepool_cli.demo",
    "simulate": "tidepool_cli.simulate",
    "bench": "tidepool_cli.bench",
    "validate": "tidepool_cli.validate",
    "plan": "tidepool_cli.plan",
    "explain": "tidepool_cli.explain",
}
"""Name → module; the module's `command` is the click command. In the order in which a newcomer meets them."""


class Lazy(click.Group):
    """A group whose commands are imported when they are looked up, so that `--help` stays quick."""

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


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tidepool")
def cli() -> None:
    """Tidepool scales, packs and moves many models on Amazon SageMaker, for the whole fleet at once.

    Nothing here writes to AWS. All but `plan --live` need no account: they run on a simulated SageMaker,
    the twin.

    \b
    Start with:
      tidepool demo                          one simulated day, with a report and pictures
      tidepool validate fleet.yaml           is my file right, and what does it mean?
      tidepool bench                         what would it cost, beside what others do?

    Exit codes: 0 all is well, 1 something is wrong and nothing was changed, 2 `plan` found changes
    (and, as everywhere, for options that do not exist).
    """
