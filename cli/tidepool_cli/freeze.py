"""`tidepool freeze`: nothing is lowered, bounded or moved for a while; raising goes on."""

from __future__ import annotations

import click

from tidepool_cli.output import exits_with_problems
from tidepool_cli.signals import EVERYTHING, ask, signal_options, told


@click.command()
@click.argument("model", default=EVERYTHING)
@signal_options
@exits_with_problems
def command(
    model: str, lasts: str | None, lift: bool, why: str | None, who: str | None, stack: str, region: str | None
) -> None:
    """Lower, bound and move nothing of MODEL, or of the whole fleet, for a while. Raising and waking go on.

    It lasts 4 hours unless --for says otherwise, 7 days at most. An open move goes on to its next safe step and waits.

    \b
    Examples:
      tidepool freeze --why "SEV1 4711"
      tidepool freeze codegen-inline --for 2h --why "launch"
      tidepool freeze --lift --why "SEV1 4711 is over"
    """
    from tidepool.fleet import SignalKind

    until = ask(SignalKind.FREEZE, model, lasts=lasts, lift=lift, who=who, why=why, stack=stack, region=region)
    whose = "the fleet" if model == EVERYTHING else model
    told(whose if lift else f"nothing of {whose} is lowered, bounded or moved", until, lift=lift)
