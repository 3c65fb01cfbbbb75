"""`tidepool explain MODEL`: why is this model as it is?"""

from __future__ import annotations

from pathlib import Path

import click

from tidepool_cli.asking import stack_options
from tidepool_cli.decided import find, where_options
from tidepool_cli.output import exits_with_problems, write_json


@click.command()
@click.argument("model")
@where_options
@stack_options
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(
    model: str,
    trace: Path | None,
    fleet: Path | None,
    at: str | None,
    seed: int,
    types: str | None,
    live: bool,
    stack: str,
    region: str | None,
    json_file: Path | None,
) -> None:
    """Explain one model, in plain text: what is, what is wanted, what is held back, and each step that led there.

    MODEL is its identity in fleet.yaml, or the name of a component, an endpoint or a pool that the decision speaks of.
    The explanation is part of the decision's record: nothing is decided again. Where the decision comes from: see
    `tidepool plan --help`.

    \b
    Examples:
      tidepool explain codegen-inline
      tidepool explain 14b-steady-03 --at 0:09:30
      tidepool explain codegen-inline --stack tidepool
      tidepool explain codegen-inline --live --fleet fleet.yaml
    """
    from tidepool.decision.explain import explain

    to_stdout = str(json_file) == "-"
    found = find(trace=trace, fleet=fleet, at=at, seed=seed, types=types, live=live, stack=stack, region=region)
    words = explain(found.record, model)
    write_json(json_file, {"model": model, "from": found.where, "text": words})
    if not to_stdout:
        click.echo(f"From {found.where}.")
        click.echo(words)
