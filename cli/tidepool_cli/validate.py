"""`tidepool validate`: is this fleet.yaml right, and what does it mean for one model?"""

from __future__ import annotations

from pathlib import Path

import click

from tidepool.errors import BadFleetFile, Problem
from tidepool_cli.output import bad_option, exits_with_problems, write_json


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--effective", "model", metavar="MODEL", help="Print every value in force for this model.")
@click.option("--json", "json_file", metavar="FILE", type=click.Path(path_type=Path), help="As JSON; - is stdout.")
@exits_with_problems
def command(file: Path, model: str | None, json_file: Path | None) -> None:
    """Check a fleet.yaml, offline, and print every problem at once.

    Each problem has its line, its path, the value, what is allowed and a hint. With --effective, every value in
    force for one model and where it comes from: a line of the file, a default, or SageMaker.

    \b
    Examples:
      tidepool validate fleet.yaml
      tidepool validate fleet.yaml --effective codegen-inline
      tidepool validate fleet.yaml --effective texteval --json -

    In a pull request: exit code 0 means that an upload would be accepted, 1 that it would be refused; --json then
    has every problem.
    """
    from time import time

    from tidepool.config.load import load
    from tidepool.config.without_effect import without_effect

    text = read_file(file)
    try:
        config = load(text, now=int(time()))
    except BadFleetFile as bad:
        write_json(json_file, {"ok": False, "problems": [_problem(one) for one in bad.problems]})
        raise BadFleetFile(str(file), bad.problems) from None
    if model is not None:
        _print_effective(text, model, json_file)
        return
    idle = without_effect(text)
    value = {
        "ok": True,
        "act": config.act.name.lower(),
        "pools": sorted(config.pools),
        "models": [*config.names, *(pattern for pattern, _ in config.globs)],
        "without_effect": [{"path": path, "line": line} for path, line in idle],
    }
    write_json(json_file, value)
    if str(json_file) != "-":
        pools, models = len(config.pools), len(config.names) + len(config.globs)
        click.echo(
            f"{file} is right: act {config.act.name.lower()}, {_count(pools, 'pool')}, {_count(models, 'model line')}."
        )
        for path, line in idle:
            click.echo(f"  {path} (line {line}) is checked, and changes nothing in this version")


def _problem(problem: Problem) -> dict[str, object]:
    """As a script reads it; a value that is neither text nor a number as Python writes it."""
    value = problem.value
    plain = value if isinstance(value, str | int | float | None) else repr(value)
    return {
        "path": problem.path,
        "line": problem.line,
        "value": plain,
        "allowed": problem.allowed,
        "hint": problem.hint,
    }


def read_file(path: Path) -> str:
    """The text of a file named on the command line; a bad input when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise bad_option("file", str(path), allowed="a readable text file", hint=str(error)) from None


def _print_effective(text: str, model: str, json_file: Path | None) -> None:
    from tidepool.config.effective import effective

    lines = effective(text, model)
    write_json(json_file, [{"name": x.name, "value": x.value, "from": x.origin, "line": x.line} for x in lines])
    if str(json_file) == "-":
        return
    width = max(len(line.name) for line in lines)
    values = max(len(line.value) for line in lines)
    for line in lines:
        click.echo(f"{line.name:<{width}}  {line.value:<{min(values, 48)}}  {line.where}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
