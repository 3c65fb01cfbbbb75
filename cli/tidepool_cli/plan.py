"""`tidepool plan`: what would the next decision do, and what is held back?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from tidepool_cli.asking import stack_options
from tidepool_cli.decided import find, refuse_beside, where_options
from tidepool_cli.output import CHANGES, bad_option, exits_with_problems, write_json


@click.command()
@where_options
@click.option("--compare", metavar="live|FILE", help="What --fleet would change: beside the stack's file, or another.")
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    trace: Path | None,
    fleet: Path | None,
    at: str | None,
    seed: int,
    types: str | None,
    live: bool,
    compare: str | None,
    stack: str,
    region: str | None,
    json_file: Path | None,
) -> None:
    """Show what a decision changes: + more, - less, ~ moved, = held back, each with its reason and dollars.

    Without options: the newest local record, the last decision of `tidepool demo` or `tidepool simulate` in this
    folder (.tidepool/). With --at: simulate the trace up to that moment and show the next decision; without
    --trace and --fleet that is the shipped seeded week. With --stack: what that deployed stack decided last. With
    --live: your account, read only. With --compare: what your account's next decision would be under --fleet, and what
    it would be under the file that the stack has (live) or under another; where they differ, both are shown.

    \b
    Examples:
      tidepool plan
      tidepool plan --at 0:09:30
      tidepool plan --trace traffic.csv --fleet fleet.yaml --at 1:12:00
      tidepool plan --stack tidepool
      tidepool plan --live --fleet fleet.yaml
      tidepool plan --fleet new.yaml --compare live

    Exit codes: 0 nothing changes (with --compare: nothing differs), 2 something does, 1 something is wrong.
    """
    from tidepool.decision.explain import plan_text

    to_stdout = str(json_file) == "-"
    if compare is not None:
        refuse_beside("--compare", "fleet", "stack", "region")
        if fleet is None or fleet.suffix == ".json":
            hint = "it decides for the account as it is now, under both"
            raise bad_option("--fleet", None if fleet is None else str(fleet), allowed="NEW.yaml", hint=hint)
        _compare(fleet, compare, stack=stack, region=region, json_file=json_file)
        return
    found = find(trace=trace, fleet=fleet, at=at, seed=seed, types=types, live=live, stack=stack, region=region)
    record = json.loads(found.record)
    write_json(json_file, record)
    if not to_stdout:
        click.echo(f"From {found.where}.")
        click.echo(plan_text(found.record))
    if record["changes"]:
        raise SystemExit(CHANGES)


def _compare(fleet: Path, against: str, *, stack: str, region: str | None, json_file: Path | None) -> None:
    from tidepool_cli.compare import compared, lines, value

    found = compared(fleet, against, stack=stack, region=region)
    write_json(json_file, value(found))
    if str(json_file) != "-":
        for line in lines(found):
            click.echo(line)
    if found.models:
        raise SystemExit(CHANGES)
