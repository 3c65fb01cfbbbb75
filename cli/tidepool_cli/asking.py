"""Options of the commands that ask a deployed stack: which stack, and who asks why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Command = Callable[..., Any]


def stack_options(command: Command) -> Command:
    """--stack, --region: which deployed stack is asked."""
    for option in (
        click.option("--region", metavar="REGION", help="Where the stack is; as your AWS configuration says."),
        click.option("--stack", default="tidepool", show_default=True, envvar="TIDEPOOL_STACK", help="Its name."),
    ):
        command = option(command)
    return command


def person_options(command: Command) -> Command:
    """--why, --who: whoever asks says both, and the ledger keeps them."""
    for option in (
        click.option("--who", metavar="NAME", envvar="TIDEPOOL_WHO", help="As your credentials say."),
        click.option("--why", metavar="TEXT", help="The reason, kept in the ledger."),
    ):
        command = option(command)
    return command
