"""What `freeze`, `hold` and `surge` share: a signal on the stack's bus, until when, and the word that lifts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tidepool_cli.asking import person_options, stack_options
from tidepool_cli.output import bad_option

if TYPE_CHECKING:
    from tidepool.fleet import SignalKind
    from tidepool_cli.stack import Deployed

EVERYTHING = "*"
HEEDED = "decide heeds it within seconds; `tidepool status` shows what is in force"


def signal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--for, --lift, and the options of whoever asks a stack."""
    command = stack_options(person_options(command))
    for option in (
        click.option("--lift", is_flag=True, help="End what stands, whoever asked for it."),
        click.option("--for", "lasts", metavar="TIME", help="How long, such as 45m, 4h or 2d."),
    ):
        command = option(command)
    return command


def ask(
    kind: SignalKind,
    scope: str,
    *,
    lasts: str | None,
    lift: bool,
    who: str | None,
    why: str | None,
    stack: str,
    region: str | None,
    factor: float = 1.0,
) -> int:
    """The signal, or its lifting, is on the stack's bus; until when it is in force, in seconds since 1970.

    BadInput names what is wrong with the time, the reason or the scope; nothing is then asked.
    """
    from tidepool_cli.stack import asking, clock, deployed

    if lift and lasts is not None:
        raise bad_option("--for", lasts, allowed="no time beside --lift")
    seconds = 0 if lift else seconds_of(kind, lasts)
    account = deployed(stack, region)
    who, why = asking(account, who, why)
    _known(account, kind, scope)
    now = clock()
    words = {"kind": str(kind), "scope": scope, "since": now, "until": now + seconds, "who": who, "why": why}
    if lift:
        _lift(account, kind, scope, words, now)
    else:
        account.bus.ask("tidepool.signal", {"signal": {**words, "factor": factor}}, now)
    return now + seconds


def seconds_of(kind: SignalKind, lasts: str | None) -> int:
    """The time in whole seconds; the kind's own without one. BadInput beyond its longest."""
    from tidepool.config.notation import duration_s
    from tidepool.units import MINUTE_S, duration

    if lasts is None:
        return kind.lasts_s
    seconds = duration_s(lasts)
    if seconds is None or not MINUTE_S <= seconds <= kind.longest_s:
        allowed = f"1m to {duration(kind.longest_s)}, such as 45m, 4h or 2d"
        raise bad_option("--for", lasts, allowed=allowed, hint="what must last longer belongs into fleet.yaml")
    return int(seconds)


def told(asked: str, until: int, *, lift: bool) -> None:
    """What was asked for, in a line."""
    from tidepool.plan.render import moment

    click.echo(f"Asked: {asked} {'goes on as usual' if lift else f'until {moment(until)}'}; {HEEDED}.")


def _lift(account: Deployed, kind: SignalKind, scope: str, words: dict[str, Any], now: int) -> None:
    """Whatever stands of that kind and scope ends: people's word, an alarm's, and a changed count's."""
    from tidepool.fleet import SignalKind

    everything = account.rehearsal.ledger.signals(now)
    standing = [s for s in everything if s.kind is kind and s.scope == scope]
    if not standing:
        there = [f"{s.kind} of {s.scope}" for s in everything]
        allowed = "what stands: " + (", ".join(there) or "nothing does")
        hint = "what fleet.yaml, a tag, an alarm of fleet.yaml or a calendar says is lifted there"
        raise bad_option("--lift", f"{kind} of {scope}", allowed=allowed, hint=hint)
    if any(s.by == "leave" for s in standing):
        standing += [s for s in everything if s.kind is SignalKind.LEAVE]  # Who lifts its hold stays.
    for signal in standing:
        account.bus.ask("tidepool.signal", {"signal": {**words, "kind": str(signal.kind), "by": signal.by}}, now)


def _known(account: Deployed, kind: SignalKind, scope: str) -> None:
    """BadInput for a name that is no model of the fleet, and no pool either where a pool may be held."""
    from tidepool.config.fields import nearest
    from tidepool.fleet import SignalKind

    if scope == EVERYTHING:
        return
    hosting = account.rehearsal.hosting
    config, _ = account.rehearsal.config.current()
    names = {component.model for component in hosting.components().values()} | set(config.names)
    names |= {endpoint.model for endpoint in hosting.endpoints().values()}
    names -= {""}
    if kind is SignalKind.HOLD:
        names |= set(config.pools)
    if scope not in names:
        what = "a model or a pool" if kind is SignalKind.HOLD else "a model"
        shown = ", ".join(sorted(names)[:20]) + (" …" if len(names) > 20 else "")
        raise bad_option("NAME", scope, allowed=f"{what} of the fleet, or '*': {shown}", hint=nearest(scope, names))
