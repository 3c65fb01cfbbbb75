"""How the day is shown while it happens: a living table on a terminal, an hourly line and the events elsewhere."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tidepool.config.types import Hosting
from tidepool.report.entries import Note, NoteKind, Sample
from tidepool.report.svg import clock
from tidepool.units import HOUR_S, usd
from tidepool_lab.demo.watch import Watch

WORTH_A_LINE = frozenset(NoteKind) - {NoteKind.REFUSED}
NEWS = 8
"""Events under the living table."""

MARK = {
    NoteKind.ZERO: "to zero",
    NoteKind.WOKEN: "woken",
    NoteKind.GREW: "pool grew",
    NoteKind.SHRANK: "pool shrank",
    NoteKind.MOVE_BEGAN: "move began",
    NoteKind.MOVE_ENDED: "move ended",
    NoteKind.REFUSED: "refused",
}
COLOUR = {
    NoteKind.WOKEN: "yellow",
    NoteKind.MOVE_BEGAN: "magenta",
    NoteKind.MOVE_ENDED: "magenta",
    NoteKind.REFUSED: "red",
}


class Spent:
    """Dollars so far, ours and every model's alone, added up minute by minute from the samples shown."""

    def __init__(self) -> None:
        self.ours = self.alone = 0.0

    def add(self, sample: Sample, seconds: int) -> None:
        self.ours += sample.usd_per_hour * seconds / HOUR_S
        self.alone += (sample.dedicated_usd_per_hour or 0.0) * seconds / HOUR_S


class Lines:
    """Plain text: notable events as they come, and once a simulated hour where the fleet stands."""

    def __init__(self, out: Console) -> None:
        self._out, self._spent, self._at = out, Spent(), 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, watch: Watch, news: tuple[Note, ...], done_s: int) -> None:
        assert watch.now is not None
        self._spent.add(watch.now, done_s - self._at)
        self._at = done_s
        for note in news:
            if note.kind in WORTH_A_LINE:
                self._out.print(f"{clock(note.at)}  {MARK[note.kind]:<11} {note.subject}  {note.text}", markup=False)
        if done_s % HOUR_S == 0:
            self._out.print(f"{clock(watch.now.at)}  {standing(watch.now, self._spent)}", markup=False)


class Living:
    """A table that follows the fleet, redrawn a few times a second."""

    def __init__(self, out: Console) -> None:
        self._spent, self._at = Spent(), 0
        self._news: deque[Note] = deque(maxlen=NEWS)
        self._live = Live(console=out, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def __call__(self, watch: Watch, news: tuple[Note, ...], done_s: int) -> None:
        assert watch.now is not None
        self._spent.add(watch.now, done_s - self._at)
        self._at = done_s
        self._news.extend(note for note in news if note.kind in WORTH_A_LINE)
        self._live.update(self._drawn(watch.now, done_s))

    def _drawn(self, now: Sample, done_s: int) -> Group:
        share = int(40 * done_s / (24 * HOUR_S))
        head = Text(f" {clock(now.at)} UTC  ", style="bold")
        head.append("━" * share, style="cyan")
        head.append("━" * (40 - share), style="dim")
        head.append(f"\n {standing(now, self._spent)}")
        news = Text("\n").join(
            Text(f" {clock(n.at)}  {MARK[n.kind]:<11} {n.subject}  {n.text}", style=COLOUR.get(n.kind, ""))
            for n in self._news
        )
        return Group(head, models_table(now), news)


def standing(now: Sample, spent: Spent) -> str:
    """Machines, copies and dollars in one line."""
    alone = {place.endpoint for place in now.places if place.hosting is Hosting.DEDICATED}
    pools = ", ".join(f"{name} {count}" for name, count in now.instances.items() if name not in alone)
    own = sum(count for name, count in now.instances.items() if name in alone)
    copies = sum(place.count for place in now.places if place.hosting is Hosting.SHARED)
    alone_usd = f"; every model alone {usd(spent.alone)}" if spent.alone else ""
    return (
        f"machines: {pools}, dedicated {own}; copies {copies}; {usd(now.usd_per_hour)}/h; "
        f"so far {usd(spent.ours)}{alone_usd}"
    )


def models_table(now: Sample) -> Table:
    """One row a model: where it lives, how many accelerators it holds, what comes in."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, side in (("model", "left"), ("home", "left"), ("size", "right"), ("accelerators", "left")):
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("requests/min", justify="right", no_wrap=True)
    for model in dict.fromkeys(place.model for place in now.places):
        places = [place for place in now.places if place.model == model]
        held = [place for place in places if place.count]
        homes = " + ".join(place.endpoint for place in held) or "asleep"
        size = " + ".join(f"{place.count} {_unit(place.hosting, place.count)}" for place in held)
        blocks = Text()
        for place in held:
            blocks.append("■" * place.accelerators, style="cyan" if place.hosting is Hosting.SHARED else "blue")
        style = "" if held else "dim"
        table.add_row(model, homes, size, blocks, f"{now.requests.get(model, 0):,}", style=style)
    return table


def _unit(hosting: Hosting, count: int) -> str:
    match hosting:
        case Hosting.SHARED:
            return "copy" if count == 1 else "copies"
        case Hosting.DEDICATED:
            return "instance" if count == 1 else "instances"
