"""How much an account is asked: the options of the commands that read one. Light: --help imports it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

CALLS, RATE = 200, 2.0
"""Calls in all and a second. Control plane rates are unpublished, and 5-second polling was throttled (sagemaker-facts);
CloudTrail allows two LookupEvents a second and account (API reference)."""

Command = Callable[..., Any]


def budget_options(command: Command) -> Command:
    """--calls, --rate: how much an account is asked."""
    for option in (
        click.option("--rate", default=RATE, show_default=True, help="Calls a second, at most."),
        click.option("--calls", default=CALLS, show_default=True, help="Calls in all, at most."),
    ):
        command = option(command)
    return command
