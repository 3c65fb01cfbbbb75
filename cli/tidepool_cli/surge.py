"""`tidepool surge`: more is coming than the past knows of."""

from __future__ import annotations

import re

import click

from tidepool_cli.output import bad_option, exits_with_problems
from tidepool_cli.signals import EVERYTHING, ask, signal_options, told

MOST = 100.0
"""Times the demand that may be asked for, as the signal's own model has it (aws.events_of_people)."""


@click.command()
@click.argument("model")
@click.argument("more", required=False)
@signal_options
@exits_with_problems
def command(
    model: str,
    more: str | None,
    lasts: str | None,
    lift: bool,
    why: str | None,
    who: str | None,
    stack: str,
    region: str | None,
) -> None:
    """Be ready for MORE than MODEL (or '*', the fleet) would be expected to get: +50%, or 1.5x.

    It lasts an hour unless --for says otherwise, a day at most. Quota, budget and ceilings bind as always.

    \b
    Examples:
      tidepool surge codegen-inline +50% --for 2h --why "keynote at 10"
      tidepool surge codegen-inline --lift --why "keynote is over"
    """
    from tidepool.fleet import SignalKind
    from tidepool.units import percent

    if lift and more is not None:
        raise bad_option("MORE", more, allowed="nothing beside --lift")
    factor = 1.0 if lift else factor_of(more)
    until = ask(
        SignalKind.SURGE, model, lasts=lasts, lift=lift, who=who, why=why, stack=stack, region=region, factor=factor
    )
    whose = "the fleet" if model == EVERYTHING else model
    told(whose if lift else f"{percent(factor - 1)} more is expected of {whose}", until, lift=lift)


def factor_of(more: str | None) -> float:
    """'+50%' and '1.5x' are 1.5. BadInput for anything that is not more than now."""
    from tidepool.config.notation import factor

    written = re.fullmatch(r"\+(\d{1,4})%", more or "")
    found = 1 + int(written[1]) / 100 if written else factor(more or "")
    if found is None or not 1 < found <= MOST:
        raise bad_option("MORE", more, allowed=f"+1% to +{(MOST - 1) * 100:.0f}%, or 1.1x to {MOST:g}x")
    return found
