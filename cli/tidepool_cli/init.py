"""`tidepool init`: a first fleet.yaml, a history and what is to be decided, from an account as it is."""

from __future__ import annotations

from pathlib import Path
from time import time
from typing import TYPE_CHECKING

import click

from tidepool_cli.account.budget import budget_options
from tidepool_cli.local import FOLDER as LOCAL
from tidepool_cli.output import WRONG, bad_option, exits_with_problems, write_bytes, write_text

if TYPE_CHECKING:
    from tidepool_cli.account.asker import Asker
    from tidepool_cli.account.found import Account

FLEET, HISTORY, SIMULATED, TO_DECIDE = "fleet.yaml", "history.csv.gz", "simulated-fleet.yaml", "to-decide.md"
HISTORY_S = 14 * 86_400
"""CloudWatch keeps minutes for 15 days (CloudWatch documentation); two whole weeks of them show every weekday twice."""


@click.command()
@click.option("--region", metavar="REGION", help="As your AWS configuration says.")
@click.option("--into", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="DIR")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@budget_options
@exits_with_problems
def command(region: str | None, folder: Path, *, force: bool, calls: int, rate: float) -> None:
    """Read an account, and write what Tidepool starts from. Nothing in AWS is changed, and no payload is read.

    It finds dedicated and component endpoints, Application Auto Scaling, quotas, prices, reservations and 14 days of
    CloudWatch, with docs/read-only-policy.json, and writes:

    \b
      fleet.yaml             ten lines, act: watch
      history.csv.gz         a trace for simulate and bench, if there was a request
      simulated-fleet.yaml   what simulate and bench need besides, as far as it was seen
      to-decide.md           what no account says

    \b
    Examples:
      tidepool init
      tidepool init --into adopt --calls 500 --rate 1

    What is denied or throttled is listed and does not stop it. When --calls is used up, nothing is written and the
    exit code is 1; run it again within a day and it goes on where it ended.
    """
    _refuse_to_overwrite(folder, force=force)
    from tidepool_cli.account.opened import opened

    asker, account, found = opened(region, calls=calls, rate=rate)
    _read_and_write(asker, account, found, folder)


def _refuse_to_overwrite(folder: Path, *, force: bool) -> None:
    there = [name for name in (FLEET, HISTORY, SIMULATED, TO_DECIDE) if (folder / name).exists()]
    if there and not force:
        hint = "--into names another folder, --force writes over them"
        raise bad_option("--into", str(folder), allowed=f"a folder without {', '.join(there)}", hint=hint)


def _read_and_write(asker: Asker, account: str, region: str, folder: Path) -> None:
    from tidepool.config.load import load
    from tidepool_cli.account.asker import Kept, keep, kept
    from tidepool_cli.account.decide import page
    from tidepool_cli.account.files import by_model, fleet_text, identity_in, simulated_text, trace_bytes
    from tidepool_cli.account.read import read_account

    file = LOCAL / f"account-{region}.json.gz"
    before = kept(file, account=account, now=int(time()))
    asker.answers.update(before.answers)
    try:
        read = read_account(asker, account=account, region=region, now=before.at, history_s=HISTORY_S)
    finally:
        keep(file, Kept(account, before.at, asker.answers))
    if asker.left:
        more = f"{asker.made} calls were made, and at least {asker.left} more are needed"
        click.secho(f"{more}; nothing was written. Run it again: it goes on from {file}.", err=True, fg="red")
        raise SystemExit(WRONG)
    identity = identity_in(read.homes)
    read = read.identified(identity)
    fleet = fleet_text(read, identity)
    load(fleet, now=read.at)  # A file of ours that is refused must not be written.
    write_text(folder / FLEET, fleet)
    if by_model(read):
        write_bytes(folder / HISTORY, trace_bytes(read))
        write_text(folder / SIMULATED, simulated_text(read, identity))
    write_text(folder / TO_DECIDE, page(read, identity, calls=asker.made))
    if not read.gaps:
        file.unlink()
    _say(read, folder, asker.made)


def _say(read: Account, folder: Path, calls: int) -> None:
    from tidepool_cli.account.files import by_model, whole_days

    found = (
        (len(read.pools), "pools"),
        (len(read.components), "components"),
        (len(read.dedicated), "dedicated endpoints"),
        (len(read.endpoints) - len(read.pools) - len(read.dedicated), "other endpoints"),
        (len(read.scalers), "autoscaling targets"),
        (len(read.reservations), "reservations"),
    )
    counts = ", ".join(f"{what} {count}" for count, what in found)
    click.echo(f"{read.account}, {read.region}: {counts}. {calls} calls.")
    for gap in read.gaps:
        click.echo(f"  {gap.why}: {gap.action}{f' of {gap.target}' if gap.target else ''}")
    first, days = whole_days(read)
    wrote = (FLEET, HISTORY, SIMULATED, TO_DECIDE) if by_model(read) else (FLEET, TO_DECIDE)
    click.echo(f"Wrote {', '.join(str(folder / name) for name in wrote)}.")
    click.echo(f"Read {folder / TO_DECIDE}, then:")
    click.echo(f"  tidepool doctor --fleet {folder / FLEET}")
    click.echo(f"  tidepool plan --live --fleet {folder / FLEET}")
    if by_model(read) and days > 0:
        trace, fleet = folder / HISTORY, folder / SIMULATED
        click.echo(f"  tidepool simulate --trace {trace} --fleet {fleet} --from-day {first + days - 1} --days 1")
