"""Where `plan` and `explain` find a decision: the newest local record or a stack's, a simulated moment, the account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tidepool.errors import BadInput, BadTrace, Problem
from tidepool_cli.output import bad_option
from tidepool_cli.traces import split

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A decision's record as canonical JSON, and where it comes from."""

    record: bytes
    where: str


def where_options(command: Command) -> Command:
    """--trace, --fleet, --at, --seed, --types, --live: from where the decision is taken."""
    path = click.Path(path_type=Path, dir_okay=False)
    for option in reversed(
        (
            click.option("--trace", type=path, help="Simulate this traffic up to --at, then decide."),
            click.option("--fleet", type=path, help="A fleet.yaml, or a reference fleet (.json)."),
            click.option("--at", metavar="MOMENT", help="Minute of the trace, or day:HH:MM, for instance 2:09:30."),
            click.option(
                "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of everything that is drawn."
            ),
            click.option("--types", metavar="A,B,…", help="Only these instance types of a reference fleet."),
            click.option("--live", is_flag=True, help="Read your AWS account (read only), decide, write nothing."),
        )
    ):
        command = option(command)
    return command


def find(
    *,
    trace: Path | None,
    fleet: Path | None,
    at: str | None,
    seed: int,
    types: str | None,
    live: bool,
    stack: str,
    region: str | None,
) -> Found:
    """The decision that the options ask for. BadInput when they contradict one another, or nothing is there."""
    if live:
        refuse_beside("--live", "fleet", "region")
        return _live(fleet, region)
    if at is not None:
        refuse_beside("--at", "trace", "fleet", "seed", "types")
        return _simulated(trace, fleet, at=at, seed=seed, types=types)
    if trace is not None or fleet is not None:
        hint = "--at 2:09:30 is half past nine on day 2; --live reads the account instead"
        raise bad_option("--at", None, allowed="a moment of the trace", hint=hint)
    named = click.get_current_context().get_parameter_source("stack")
    if named in {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT}:
        refuse_beside("--stack", "region")
        return _deployed(stack, region)
    refuse_beside("the local record")
    from tidepool_cli.local import newest

    record, source = newest()
    return Found(record, str(source))


def refuse_beside(what: str, *reads: str) -> None:
    """BadInput with every option of the command line that `what` does not read: it would do nothing."""
    context = click.get_current_context()
    given = [
        (f"--{name.replace('_', '-')}", value)
        for name, value in context.params.items()
        if name in _ONLY_WITH
        and name not in reads
        and f"--{name}" != what
        and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    allowed = f"{what} reads {', '.join(f'--{name}' for name in reads)} alone" if reads else f"nothing beside {what}"
    problems = [Problem(o, v, allowed, f"it goes with {_ONLY_WITH[o.removeprefix('--')]}") for o, v in given]
    if problems:
        raise BadInput("the command line", tuple(problems))


_ONLY_WITH = {
    "trace": "--at",
    "at": "--trace and --fleet, or the shipped week",
    "seed": "--at",
    "types": "--at",
    "live": "--fleet",
    "fleet": "--at, --live or --compare",
    "stack": "--region alone, or --compare live",
    "region": "--live, --stack or --compare",
}
"""Where an option of `plan` and `explain` that says from where a decision is taken is read."""


def minute_of(at: str) -> int:
    """'90' → 90, '2:09:30' → 2·1440 + 9·60 + 30 = 3450. BadInput otherwise."""
    parts = at.split(":")
    if all(part.isdecimal() for part in parts):
        numbers = [int(part) for part in parts]
        match numbers:
            case [minute]:
                return minute
            case [day, hour, minute] if hour < 24 and minute < 60:
                return day * 1440 + hour * 60 + minute
    raise bad_option("--at", at, allowed="a minute of the trace, or day:HH:MM", hint="day 0 is the first")


def _simulated(trace: Path | None, fleet: Path | None, *, at: str, seed: int, types: str | None) -> Found:
    from tidepool.decision.codec import record_bytes
    from tidepool_cli.progress import showing_progress
    from tidepool_lab.demo.simulated import case_of, next_decision

    minute = minute_of(at)
    try:
        # The day of the moment is the window, so that the run begins its warm-up before that day.
        case, own = case_of(trace, fleet, from_day=minute // 1440, days=1, seed=seed, scale=1.0, types=split(types))
    except BadTrace as error:
        if error.what != "window":
            raise
        hint = f"its day: {error.problems[0].allowed}"
        raise bad_option("--at", at, allowed="a moment of the trace", hint=hint) from None
    with showing_progress() as progress:
        decision = next_decision(case, own=own, at_minute=minute, progress=progress)
    return Found(record_bytes(decision), f"simulated (twin, not AWS) on {case.trace}, minute {minute}")


def _deployed(stack: str, region: str | None) -> Found:
    """What the stack decided last, as it stored it."""
    from tidepool.decision.stored import read_record
    from tidepool.units import duration
    from tidepool_cli.stack import clock, deployed

    record = deployed(stack, region).rehearsal.ledger.decision()
    if record is None:
        hint = "upload a fleet.yaml (output UploadFleetFile), and see decide's log"
        raise bad_option("--stack", stack, allowed="a stack that has decided", hint=hint)
    ago = duration(max(0, clock() - read_record(record).now))
    return Found(record, f"the last decision of stack {stack}, {ago} ago")


def _live(fleet: Path | None, region: str | None) -> Found:
    if fleet is None or fleet.suffix == ".json":
        hint = "your fleet.yaml; ten lines are enough"
        raise bad_option("--fleet", None if fleet is None else str(fleet), allowed="a fleet.yaml", hint=hint)
    from tidepool_cli.live import live_record

    return Found(live_record(fleet, region), f"your AWS account, read now with {fleet}; nothing was written")
