"""`tidepool doctor`: what stands in the way, in this account and with this fleet.yaml, and how to put it right."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

import click

from tidepool_cli.account.budget import budget_options
from tidepool_cli.asking import stack_options
from tidepool_cli.output import WRONG, bad_option, exits_with_problems, write_json

if TYPE_CHECKING:
    from tidepool.config.types import Config
    from tidepool_cli.account.checks import Check, Stack

WRITTEN_S = 7 * 86_400
"""How far back other writers are looked for: a week has every kind of day, and a deploy or two. Ours."""
MARKS = {"well": "ok", "note": "--", "wrong": "!!"}


@click.command()
@click.option("--fleet", type=click.Path(path_type=Path, dir_okay=False), help="Instead of the stack's file in force.")
@stack_options
@budget_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    fleet: Path | None, stack: str, region: str | None, calls: int, rate: float, json_file: Path | None
) -> None:
    """Check permissions, quotas, metrics, other writers, moves, reservations and the last tick, read only.

    The account is read with your credentials, not with the stack's roles. Without a stack, --fleet says what is
    wanted. Each answer has what to do about it.

    \b
    Examples:
      tidepool doctor
      tidepool doctor --fleet fleet.yaml
      tidepool doctor --fleet fleet.yaml --json -

    Exit codes: 0 all is well, 1 something is wrong; notes alone are well.
    """
    from tidepool_cli.account.checks import State, checks
    from tidepool_cli.account.opened import opened
    from tidepool_cli.account.read import read_account

    asker, account, found = opened(region, calls=calls, rate=rate)
    config, deployed = _wanted(fleet, stack, found)
    read = read_account(asker, account=account, region=found, now=int(time()), written_s=WRITTEN_S)
    answers = checks(read.identified(config.identity), config, deployed)
    well = not any(check.state is State.WRONG for check in answers)
    value = {"ok": well, "account": account, "region": found, "calls": asker.made}
    write_json(json_file, value | {"checks": [asdict(check) for check in answers]})
    if str(json_file) != "-":
        click.echo(f"{account}, {found}, {asker.made} calls")
        for line in told(answers):
            click.echo(line)
    if not well:
        raise SystemExit(WRONG)


def _wanted(fleet: Path | None, name: str, region: str) -> tuple[Config, Stack | None]:
    """What people intend, and the stack. BadInput when there is neither a file nor a stack with one."""
    from tidepool.config.load import load
    from tidepool.errors import BadFleetFile, BadInput
    from tidepool_cli.account.checks import Stack
    from tidepool_cli.stack import deployed
    from tidepool_cli.validate import read_file

    config = load(read_file(fleet), now=int(time())) if fleet is not None else None
    try:
        found = deployed(name, region)
    except BadInput:
        if config is None:
            raise
        return config, None
    decided_at = found.rehearsal.ledger.memory().at
    if config is None:
        try:
            config, _ = found.rehearsal.config.current()
        except BadFleetFile:
            hint = "the stack has no file in force: name yours"
            raise bad_option("--fleet", None, allowed="a fleet.yaml", hint=hint) from None
    return config, Stack(name, found.hands.rung, decided_at)


def told(answers: tuple[Check, ...]) -> list[str]:
    """A line an answer, and one for what to do about it."""
    width = max(len(check.about) for check in answers)
    lines = []
    for check in answers:
        lines.append(f"{MARKS[check.state]} {check.about:<{width}}  {check.said}")
        if check.fix:
            lines.append(f"   {'':<{width}}  → {check.fix}")
    wrong = sum(check.state == "wrong" for check in answers)
    return [*lines, "all is well" if not wrong else f"{wrong} wrong"]
