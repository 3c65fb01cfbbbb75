"""Progress of long simulated work: what is running, how far simulated time is, and how long it takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from tidepool.units import DAY_S, HOUR_S, MINUTE_S

Progress = Callable[[str, int, int], None]
"""(what, simulated seconds done, simulated seconds in all) → shown somehow. Called as often as one likes."""

PLAIN_EVERY_S = 10.0
"""Real seconds between two plain lines: a log stays readable, and nobody thinks that it hangs."""


def simulated(seconds: int) -> str:
    """Simulated time since the start, as 'day 2 13:45'."""
    return f"day {seconds // DAY_S} {seconds % DAY_S // HOUR_S:02d}:{seconds % HOUR_S // MINUTE_S:02d}"


@contextmanager
def showing_progress() -> Iterator[Progress]:
    """A Progress that draws bars on a terminal's stderr, else writes a line there every PLAIN_EVERY_S seconds."""
    if sys.stderr.isatty():
        with _bars() as progress:
            yield progress
    else:
        yield _plain_lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[at]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, at="")
            bars.update(tasks[what], completed=done, total=total, at=simulated(done))

        yield show


def _plain_lines() -> Progress:
    last = {"": monotonic()}

    def show(what: str, done: int, total: int) -> None:
        ended = done >= total
        if not ended and monotonic() - last[""] < PLAIN_EVERY_S:
            return
        last[""] = monotonic()
        share = 100 * done // total if total else 100
        print(f"{what}: simulated {simulated(done)} ({share} %)", file=sys.stderr, flush=True)

    return show
