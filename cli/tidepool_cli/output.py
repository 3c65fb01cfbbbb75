"""How commands speak: rich on a terminal, plain text when piped, every problem of a bad input, exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

import click

from tidepool.errors import BadInput, Problem, TidepoolError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

P = ParamSpec("P")

OK, WRONG, CHANGES = 0, 1, 2
"""Exit codes. CHANGES is said by `plan` alone."""

PLAIN_WIDTH = 200
"""Columns of plain text: wide enough that no table of ours is cut when it is piped."""
UNBOUNDED = 10_000
"""Columns that no table needs: how wide it wants to be is measured in them."""


def console(*, stderr: bool = False) -> Console:
    """A console that colours on a terminal and writes plain, unwrapped text anywhere else."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    return Console(file=stream, highlight=False, soft_wrap=True, width=None if terminal else PLAIN_WIDTH)


def exits_with_problems(command: Callable[P, None]) -> Callable[P, None]:
    """Wraps a command: a TidepoolError is printed in full on stderr and exits 1; other errors stay loud."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BadInput as bad:
            say_problems(bad)
            raise SystemExit(WRONG) from None
        except TidepoolError as error:
            click.secho(f"error: {error}", err=True, fg="red")
            raise SystemExit(WRONG) from None

    return run


def say_problems(bad: BadInput) -> None:
    """Every problem with its line, path, value, what is allowed, and a hint."""
    count = len(bad.problems)
    click.secho(f"{bad.what}: {count} problem{'' if count == 1 else 's'}; nothing was changed", err=True, fg="red")
    for problem in bad.problems:
        line = f" (line {problem.line})" if problem.line is not None else ""
        click.echo(f"  {click.style(problem.path, bold=True)}{line}", err=True)
        click.echo(f"    is       {problem.value!r}", err=True)
        click.echo(f"    allowed  {problem.allowed}", err=True)
        if problem.hint:
            click.echo(f"    hint     {problem.hint}", err=True)


def bad_option(option: str, value: object, *, allowed: str, hint: str = "") -> BadInput:
    """The BadInput of one wrong option."""
    return BadInput("the command line", (Problem(option, value, allowed, hint),))


def check_places(*targets: Path | None) -> None:
    """Every file could be written now: asked before long work, not after it. '-' and None are no files.

    Nothing is made yet: what is wrong with the work itself leaves no empty folder behind.
    """
    problems = []
    for target in targets:
        if target is None or str(target) == "-":
            continue
        there = next((folder for folder in target.absolute().parents if folder.exists()), target)
        hint = "it is a folder" if target.is_dir() else "" if there.is_dir() else f"{there} is no folder"
        if hint or not os.access(target if target.exists() else there, os.W_OK):
            problems.append(Problem("output file", str(target), "a path that can be written", hint))
    if problems:
        raise BadInput("the command line", tuple(problems))


def write_json(target: Path | None, value: object) -> None:
    """`value` stands in `target` as JSON with a newline at its end; '-' is stdout, None does nothing."""
    if target is None:
        return
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    if str(target) == "-":
        click.echo(text, nl=False)
        return
    write_text(target, text)


def write_text(target: Path, text: str) -> None:
    """`text` stands in `target`; folders are made. A place that cannot be written is a bad input."""
    write_bytes(target, text.encode())


def write_bytes(target: Path, data: bytes) -> None:
    """As `write_text`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as error:
        raise bad_option("output file", str(target), allowed="a path that can be written", hint=str(error)) from None


def print_table(out: Console, title: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """A table, first column left, the others right; a column with no value in any row is left out.

    Where it is wider than the terminal it is turned on its side, and its cells are folded: no figure is ever cut.
    """
    from rich.measure import Measurement

    shown = [c for c in columns if any(row.get(c) for row in rows)]
    lines = [shown, *([row.get(c, "") for c in shown] for row in rows)]
    table = _table(title, lines)
    if Measurement.get(out, out.options.update(width=UNBOUNDED), table).maximum > out.width:
        table = _table(title, list(zip(*lines, strict=True)))
    out.print(table)


def _table(title: str, lines: Sequence[Sequence[str]]) -> Table:
    """The lines as a table, the first one its head."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, heading in enumerate(lines[0]):
        table.add_column(heading, justify="left" if position == 0 else "right", overflow="fold")
    for line in lines[1:]:
        table.add_row(*line)
    return table
