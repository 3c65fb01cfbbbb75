"""`tidepool hold`: hands off a model, a pool or the fleet, both ways, for a while."""

from __future__ import annotations

import click

from tidepool_cli.output import exits_with_problems
from tidepool_cli.signals import EVERYTHING, ask, signal_options, told


@click.command()
@click.argument("name")
@signal_options
@exits_with_problems
def command(
    name: str, lasts: str | None, lift: bool, why: str | None, who: str | None, stack: str, region: str | None
) -> None:
    """Leave NAME alone, both ways: a model, a pool, or '*' for the fleet. Not even a floor is then kept.

    It lasts 4 hours unless --for says otherwise, 30 days at most. An open move of it goes back before its first shift,
    else to its end. --lift also ends the hold that a count set by hand began.

    \b
    Examples:
      tidepool hold texteval --for 2d --why "CHG-4711 audit"
      tidepool hold p4d --why "AWS Support works on it"
      tidepool hold texteval --lift --why "CHG-4711 is done"
    """
    from tidepool.fleet import SignalKind

    until = ask(SignalKind.HOLD, name, lasts=lasts, lift=lift, who=who, why=why, stack=stack, region=region)
    whose = "the fleet" if name == EVERYTHING else name
    told(whose if lift else f"{whose} is left alone, both ways,", until, lift=lift)
