"""The demo's day, from its start state to its summary, on whichever stage it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

from tidepool.config.load import load
from tidepool.config.types import Config
from tidepool.move.state import Move
from tidepool.report.entries import Comparison, Note, Service
from tidepool.report.summary import Summary, summarise
from tidepool.units import DAY_S, HOUR_S, MINUTE_S
from tidepool_lab.demo import traffic
from tidepool_lab.demo.checks import checks
from tidepool_lab.demo.declared import reference
from tidepool_lab.demo.stage import Stage
from tidepool_lab.demo.start import DEMO, lay
from tidepool_lab.demo.watch import Watch
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.arrivals import TraceArrivals
from tidepool_lab.inputs.clock import EPOCH_S
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.dedicated import Dedication, cost_usd, dedicated_cheapest, dedicated_peak
from tidepool_lab.twin.cloud import Cloud

SOURCE = "twin (simulated SageMaker), not AWS"

SETTLE_S = 10 * MINUTE_S
"""The run goes on for this long after the day, only to see whether the last requests started (bench-rules 1.3)."""

Shown = Callable[[Watch, tuple[Note, ...], int], None]
"""(what was seen so far, what is new, simulated seconds of the day) → shown somehow. Once a simulated minute."""


@cache
def fleet_text() -> str:
    """The demo's fleet.yaml."""
    return (files("tidepool_lab.demo") / "fleet.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """What is given before the day begins: the fleet, its traffic, and what hosting it otherwise would cost."""

    config: Config
    fleet: ReferenceFleet
    counts: traffic.Counts
    seed: int
    from_s: int
    until_s: int

    @property
    def names(self) -> tuple[str, ...]:
        return self.fleet.names


def day(seed: int, *, hours: int = 24) -> Day:
    """The demo's day for a seed; its first hours when it is cut short."""
    config = load(fleet_text())
    names = tuple(profile.model for profile in traffic.PROFILES)
    fleet = reference(config, names, minutes=traffic.DAY_MINUTES)
    until = EPOCH_S + min(DAY_S, hours * HOUR_S)
    return Day(config, fleet, traffic.day(seed), seed, EPOCH_S, until)


def cloud_of(day: Day) -> Cloud:
    """The account as hands have set it up, at the first second of the day."""
    arrivals = TraceArrivals(day.names, day.counts, seed=day.seed, cache=None)
    cloud = Cloud(account_of(day.fleet), arrivals, seed=day.seed, start_s=day.from_s)
    lay(cloud, day.config, DEMO)
    return cloud


def play(day: Day, stage: Stage, shown: Shown) -> Summary:
    """The day has been lived on the stage; what happened, summed up and checked."""
    rivals = comparisons(day)
    hours = (day.until_s - day.from_s) / HOUR_S
    cheapest = min(rivals, key=lambda rival: rival.usd).usd / hours
    watch = Watch(stage.cloud.spec, stage.cloud.arrivals, cheapest)
    ledger = stage.ledger
    watch.look(stage.cloud, (), ())
    for at in range(day.from_s + MINUTE_S, day.until_s + 1, MINUTE_S):
        stage.run_to(at)
        moves = (*ledger.moves(), *ledger.ended_moves(day.from_s))
        news = watch.look(stage.cloud, ledger.operations(at - 3 * MINUTE_S), moves)
        shown(watch, news, at - day.from_s)
    moves = (*ledger.moves(), *ledger.ended_moves(day.from_s))
    # The bill is read before the last minutes are added; the requests of the day settle within them.
    usd = stage.cloud.figures(day.from_s, day.until_s).cost_usd
    stage.run_to(day.until_s + SETTLE_S)
    service = _service(day, stage.cloud, moves)
    return summarise(
        watch.samples,
        ledger.operations(day.from_s),
        moves,
        title=f"One simulated day of {len(day.names)} models",
        source=SOURCE,
        from_s=day.from_s,
        to_s=day.until_s,
        usd=usd,
        service=service,
        comparisons=rivals,
        notes=watch.notes,
        checks=checks(watch, moves, stage.alarms(), service),
    )


def comparisons(day: Day) -> tuple[Comparison, ...]:
    """Every model alone on machines of its own, sized for its own busiest minute, known beforehand."""
    minutes = (day.until_s - day.from_s) // MINUTE_S
    window, hours = day.counts[:minutes], (day.until_s - day.from_s) / HOUR_S
    how = "each model on endpoints of its own all day, 0.7 full in its busiest minute, {types}"
    return tuple(
        Comparison(name, cost_usd(homes, hours), how.format(types=_types(homes)))
        for name, homes in (
            ("every model alone on ml.p4d.24xlarge", dedicated_peak(day.fleet, window)),
            ("every model alone on its cheapest type", dedicated_cheapest(day.fleet, window)),
        )
    )


def _types(homes: tuple[Dedication, ...]) -> str:
    """'3 × ml.p4d.24xlarge, 9 × ml.g6e.xlarge'."""
    ordered = sorted(homes, key=lambda home: home.instance_type)
    return ", ".join(
        f"{sum(home.instances for home in found)} × {name}"
        for name, found in groupby(ordered, key=lambda home: home.instance_type)
    )


def _service(day: Day, cloud: Cloud, moves: tuple[Move, ...]) -> Service:
    figures = cloud.figures(day.from_s, day.until_s)
    return Service(
        requests=figures.requests,
        on_time=figures.on_time,
        on_time_interactive=figures.on_time_interactive,
        on_time_batch=figures.on_time_batch,
        no_capacity_share=figures.no_capacity_share,
        lost_to_moves=sum(lost_while_moving(cloud, move, until_s=day.until_s) for move in moves),
    )


def lost_while_moving(cloud: Cloud, move: Move, *, until_s: int) -> int:
    """Requests of the moved model that arrived from the move's first to its last minute and were never answered.

    Counts every one of them, also those that would have been lost without a move.
    """
    end = move.since if move.phase.ended else until_s
    first, last = move.began - move.began % MINUTE_S, end - end % MINUTE_S + MINUTE_S
    figures = cloud.figures(first, last)
    found = next(model for model in figures.models if model.name == move.ask.model)
    return found.lost + found.timed_out
