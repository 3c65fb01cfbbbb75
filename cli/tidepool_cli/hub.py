"""`tidepool hub`: the stacks of several accounts and regions, read and summed; none is ever acted on from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidepool_cli.output import WRONG, console, exits_with_problems, print_table, write_bytes, write_json

if TYPE_CHECKING:
    from tidepool_cli.reading import Seen, Unread

COLUMNS = ("account", "region", "stack", "cost", "saved", "an hour now", "saved an hour", "models", "moving", "held")


@click.command()
@click.argument("spokes", metavar="SPOKES", default="spokes.yaml", type=click.Path(path_type=Path))
@click.option("--last", default="24h", show_default=True, metavar="TIME", help="Dollars since then, 30d at most.")
@click.option("--reports", metavar="FOLDER", type=click.Path(path_type=Path), help="Save every stack's newest page.")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(spokes: Path, last: str, reports: Path | None, json_file: Path | None) -> None:
    """Sum what the stacks of several accounts and regions cost, save, move and hold.

    SPOKES names each stack and the role that reads it, as docs/hub.md says. A stack that cannot be read is named, and
    the others are summed all the same. Every account decides and acts for itself: there is nothing to ask from here.

    \b
    Examples:
      tidepool hub spokes.yaml
      tidepool hub spokes.yaml --last 7d --json -
      tidepool hub spokes.yaml --reports pages

    Exit codes: 0 every stack was read and is well; 1 one was not, or is not, and the lines below the table say why.
    """
    from tidepool_cli.reading import Seen, Unread, newest_reports, read_all
    from tidepool_cli.spokes import spokes_of
    from tidepool_cli.stack import clock
    from tidepool_cli.stack_status import seconds_of
    from tidepool_cli.validate import read_file

    seconds = seconds_of(last)
    listed = spokes_of(read_file(spokes))
    now = clock()
    found = read_all(listed, now, seconds)
    seen = [one for one in found if isinstance(one, Seen)]
    unread = [one for one in found if isinstance(one, Unread)]
    write_json(json_file, as_value(seen, unread, now=now, last_s=seconds))
    if str(json_file) != "-":
        _print(seen, unread, last)
    if reports is not None:
        for spoke, name, page in newest_reports([one.spoke for one in seen]):
            write_bytes(reports / f"{spoke.account}-{spoke.region}-{spoke.stack}-{name}", page)
    if unread or any(one.unwell for one in seen):
        raise SystemExit(WRONG)


def as_value(seen: Sequence[Seen], unread: Sequence[Unread], *, now: int, last_s: int) -> dict[str, Any]:
    """As a script reads it; times in seconds since 1970, `usd` over the last `last_s` seconds."""
    return {
        "now": now,
        "last_s": last_s,
        "stacks": [{**_where(one), **{k: v for k, v in asdict(one).items() if k != "spoke"}} for one in seen],
        "unread": [{**_where(one), "why": one.why} for one in unread],
        "total": total(seen),
    }


def total(seen: Sequence[Seen]) -> dict[str, float]:
    """The sum of every stack that was read."""
    return {
        "usd": sum(one.usd for one in seen),
        "alone_usd": sum(one.alone_usd for one in seen),
        "usd_per_hour": sum(one.usd_per_hour for one in seen),
        "alone_usd_per_hour": sum(one.alone_usd_per_hour for one in seen),
        "models": sum(one.models for one in seen),
        "moving": sum(len(one.moving) for one in seen),
        "holds": sum(len(one.holds) for one in seen),
    }


def _print(seen: Sequence[Seen], unread: Sequence[Unread], last: str) -> None:
    rows = [
        {**_where(one), **_figures({**asdict(one), "moving": len(one.moving), "holds": len(one.holds)})} for one in seen
    ]
    rows.append({"account": "all", **_figures(total(seen))})
    print_table(console(), f"The last {last}; saved is against every model alone", COLUMNS, rows)
    for one in seen:
        here = f"{one.spoke}:"
        for words, names in (("moving", one.moving), ("hands off", one.holds)):
            if names:
                click.echo(f"{here} {words}: {', '.join(names)}")
        for reason, count in one.held:
            click.echo(f"{here} held back: {count} by {reason}")
        for reason in one.unwell:
            click.echo(f"{here} not well: {reason}")
    for lost in unread:
        click.echo(f"{lost.spoke}: not read, and in no sum: {lost.why}")


def _figures(of: dict[str, Any]) -> dict[str, str]:
    from tidepool.units import usd

    return {
        "cost": usd(of["usd"]),
        "saved": usd(of["alone_usd"] - of["usd"]),
        "an hour now": usd(of["usd_per_hour"]),
        "saved an hour": usd(of["alone_usd_per_hour"] - of["usd_per_hour"]),
        "models": str(of["models"]),
        "moving": str(of["moving"]),
        "held": str(of["holds"]),
    }


def _where(one: Seen | Unread) -> dict[str, str]:
    return {"account": one.spoke.account, "region": one.spoke.region, "stack": one.spoke.stack}
