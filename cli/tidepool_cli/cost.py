"""`tidepool cost`: what Tidepool itself costs a month, line by line, from the calls that it makes on the twin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidepool.units import usd
from tidepool_cli.output import WRONG, check_places, console, exits_with_problems, print_table, write_json
from tidepool_cli.progress import showing_progress

if TYPE_CHECKING:
    from tidepool_lab.cost.bill import Bill, Line

MODELS = 66
MOST_USD = 60.0
MOST_SHARE = 0.002
"""What 66 models may cost a month, and the share of the fleet's own bill. Ours."""


@click.command()
@click.option("--models", type=click.IntRange(1, 500), default=MODELS, show_default=True, help="How many models.")
@click.option("--hours", type=click.IntRange(1, 24), default=24, show_default=True, help="Stop after so many hours.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the arrivals.")
@click.option("--at-most", default=MOST_USD, show_default=True, metavar="USD", help="Exit 1 above it, a month.")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(models: int, hours: int, seed: int, at_most: float, json_file: Path | None) -> None:
    """Say what Tidepool itself costs a month: its functions, calls, alarms, metrics, logs and records.

    The deployed handlers, with every hand, live a Wednesday of a seeded fleet on the twin; every call is counted and
    priced by AWS's list (us-east-1, no free tier). How long a call takes is assumed, since none goes to AWS.

    \b
    Examples:
      tidepool cost
      tidepool cost --models 24 --hours 6
      tidepool cost --json cost.json

    Exits 1 when it is more than --at-most, or than 0.2 % of what the fleet costs.
    """
    from tidepool_lab.cost.day import own_cost

    check_places(json_file)
    to_stdout = str(json_file) == "-"
    with showing_progress() as progress:
        found = own_cost(models=models, hours=hours, seed=seed, progress=progress)
    if not to_stdout:
        _print(found)
    write_json(json_file, as_json(found))
    if found.usd > at_most or found.share > MOST_SHARE:
        click.echo(f"more than {usd(at_most)} a month, or {MOST_SHARE:.1%} of what it manages", err=True)
        raise SystemExit(WRONG)


def as_json(found: Bill) -> dict[str, object]:
    """The bill as plain values."""
    return {
        "schema": 1,
        "models": found.models,
        "hours": found.hours,
        "usd": round(found.usd, 2),
        "fleet_usd": round(found.fleet_usd, 2),
        "share": found.share,
        "metrics_a_model_and_minute": round(found.metrics, 4),
        "lines": [
            {
                "what": line.what,
                "quantity": round(line.quantity, 3),
                "unit": line.price.unit,
                "usd_each": line.price.each,
                "usd": round(line.usd, 4),
                "source": line.price.source,
                "seen": line.price.seen,
            }
            for line in found.lines
        ],
    }


def _print(found: Bill) -> None:
    out = console()
    rows = [_row(line) for line in found.lines]
    rows.append({"what": "in all", "USD a month": f"{found.usd:,.2f}"})
    columns = ("what", "a month", "USD each", "USD a month", "AWS price list, us-east-1")
    print_table(out, f"Tidepool itself, a month with {found.models} models", columns, rows)
    out.print(
        f"{found.share:.3%} of {usd(found.fleet_usd)}, which the fleet costs a month; "
        f"{found.metrics:.2f} metrics read a model and tick."
    )


def _row(line: Line) -> dict[str, str]:
    price = line.price
    return {
        "what": line.what,
        "a month": f"{line.quantity:,.0f} {price.unit}" if line.quantity >= 10 else f"{line.quantity:.2f} {price.unit}",
        "USD each": f"{price.usd:g}" if price.per == 1 else f"{price.usd:g} per {price.per:,}",
        "USD a month": f"{line.usd:,.2f}",
        "AWS price list, us-east-1": price.source,
    }
