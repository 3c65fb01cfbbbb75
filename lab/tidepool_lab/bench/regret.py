"""`python -m tidepool_lab.bench.regret`: what the forecasts are worth, as error and as regret in dollars and misses.

The hours of a window are lived through as learn does, each with what was known at its beginning, every model in the
start state's home. Nothing is simulated: a copy that is held is paid, and a minute that is above the copies' slots is
late (forecast/judging.py). So the figures compare ways to be ready, and are no bill.

error: pinball loss (forecast/ensemble.py) of the highest rate until a copy asked for now would serve, over what came.
regret: dollars of copies, and late requests, of the candidate that each hour followed, beyond those of the one that
would have been cheapest for the whole window, had somebody known it. Below zero where changing paid.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tidepool.config.load import load
from tidepool.config.types import Config
from tidepool.decision.ready import followed, served_at
from tidepool.decision.subjects import Subject, subjects
from tidepool.fleet import Fleet, Series
from tidepool.fleet.demand import Values
from tidepool.forecast.candidates import COUNT
from tidepool.forecast.ensemble import pinball
from tidepool.forecast.features import of_minutes
from tidepool.forecast.judging import CONTEXT_S, MEMORY_MINUTES, foretell
from tidepool.forecast.learning import learn, seasons_of
from tidepool.forecast.members import NAMES, members
from tidepool.memory import Judged, Learned, ModelLearned
from tidepool.sizing.price import cheapest
from tidepool.units import MINUTE_S, percent, usd
from tidepool_lab.bench.case import Case, load_case
from tidepool_lab.inputs.account import account_of
from tidepool_lab.rivals.policy import create_pools, place_components
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports

HOUR_MINUTES = 60
"""Learn's own rhythm."""


@dataclass(frozen=True, slots=True)
class Score:
    """One model's window. error, last: of the ensemble and of the last value. aside: share of hours without a forecast.

    usd, late: of what was followed; best_usd, best_late: of the one candidate that would have been cheapest.
    """

    model: str
    error: float
    last: float
    aside: float
    usd: float
    late: float
    best_usd: float
    best_late: float


@dataclass(slots=True)
class Told:
    """One model's window so far. held, late, turned: of every candidate; followed: (held, late) of what was followed.

    lacked: pinball losses summed, of the ensemble and of the last value. came: what they are shares of.
    """

    held: Values = field(default_factory=lambda: np.zeros(COUNT))
    late: Values = field(default_factory=lambda: np.zeros(COUNT))
    turned: Values = field(default_factory=lambda: np.zeros(COUNT))
    arrived: float = 0.0
    followed: Values = field(default_factory=lambda: np.zeros(2))
    lacked: Values = field(default_factory=lambda: np.zeros(2))
    came: float = 0.0
    hours: int = 0
    aside: int = 0


def scores_of(case: Case) -> tuple[Score, ...]:
    """Each model with requests in the scored window, in the fleet's order."""
    config = load(case.fleet_yaml)
    everyone = {one.model: one for one in _start_state(case, config)}
    served = {name: at for name, one in everyone.items() if (at := served_at(one.homes[0], one.config)) is not None}
    groups = {name: one.config.class_name for name, one in everyone.items()}
    told = {name: Told() for name in served}
    learned, (first, until) = Learned(), case.scored
    for minute in range(HOUR_MINUTES, until + 1, HOUR_MINUTES):
        since = max(0, minute - CONTEXT_S // MINUTE_S)
        past = {name: _series(case, name, since, minute) for name in served}
        before, learned = learned, learn(learned, past, case.at_s(minute), served=served, groups=groups)
        if minute > first:
            for name, so_far in told.items():
                known, after = (one.models.get(name, ModelLearned()) for one in (before, learned))
                _add(so_far, known, after.judged, past[name], before, everyone[name])
    return tuple(
        _score(everyone[name], told[name]) for name in case.prepared.models if name in told and told[name].came
    )


def _start_state(case: Case, config: Config) -> tuple[Subject, ...]:
    cloud = Cloud(account_of(case.fleet), case.arrivals(), seed=case.seed, start_s=case.at_s(0), epoch_s=case.epoch_s)
    create_pools(cloud, case.fleet)
    place_components(cloud, case.fleet, case.first_minutes)
    types = fast_ports(cloud, config).prices.instance_types(tuple(case.fleet.instance_types))
    return subjects(Fleet(cloud.endpoints(), cloud.components(), evidence={}, instance_types=types), config)


def _series(case: Case, model: str, since: int, until: int) -> Series:
    column = case.prepared.models.index(model)
    return Series(case.at_s(since), MINUTE_S, case.prepared.counts[since:until, column].astype(np.float64))


def _add(told: Told, known: ModelLearned, after: Judged, past: Series, before: Learned, subject: Subject) -> None:
    """The minutes that are judged after this hour and were not before, by what was known before."""
    home, judged = subject.homes[0], known.judged
    served = served_at(home, subject.config)
    if served is None or not judged.until or after.until <= judged.until:
        return
    chosen, aside = followed(judged, home, subject.config, dial=1.0)
    minutes = (after.until - judged.until) // MINUTE_S
    faded = (1 - 1 / MEMORY_MINUTES) ** minutes
    held, late, turned = (
        np.array(getattr(after, name)) - faded * np.array(getattr(judged, name) or np.zeros(COUNT))
        for name in ("held", "late", "turned")
    )
    told.held, told.late, told.turned = told.held + held, told.late + late, told.turned + turned
    told.arrived += after.arrived - faded * judged.arrived
    told.followed = told.followed + np.array([held[chosen], late[chosen]])
    told.hours, told.aside = told.hours + 1, told.aside + bool(aside)
    rates, lead = past.values / MINUTE_S, max(1, -(-served.lead_s // MINUTE_S))
    start = (judged.until - past.start_s) // MINUTE_S
    rows = range(start, start + minutes)
    came = sliding_window_view(rates[rows.start : rows.stop + lead - 1], lead).max(axis=1)
    features = of_minutes(rates, past.start_s, rows, seasons_of(known, before.groups), lead * MINUTE_S)
    last = members(features)[:, NAMES.index("last")]
    told.lacked = told.lacked + np.array([pinball(came, each).sum() for each in (foretell(judged, features), last)])
    told.came += float(came.sum())


def _score(subject: Subject, told: Told) -> Score:
    unit_usd, terms = subject.homes[0].unit_usd_per_hour, subject.config
    best = cheapest(
        told.held,
        told.late,
        told.turned,
        told.arrived,
        unit_usd=unit_usd,
        miss_usd=terms.miss_usd,
        attain=terms.attain,
    )
    error, last = told.lacked / told.came
    held, late = told.followed
    return Score(
        subject.model,
        error=float(error),
        last=float(last),
        aside=told.aside / told.hours,
        usd=float(held) * unit_usd,
        late=float(late),
        best_usd=float(told.held[best]) * unit_usd,
        best_late=float(told.late[best]),
    )


def text_of(scores: Sequence[Score]) -> str:
    """A line a model, the largest regret in dollars first, and the fleet's."""
    lines = [f"{'model':<24} {'error':>8} {'last':>8} {'aside':>7} {'regret':>12} {'late':>9} {'regret':>9}"]
    for one in sorted(scores, key=lambda one: (one.best_usd - one.usd, one.model)):
        lines.append(
            f"{one.model:<24} {one.error:8.3f} {one.last:8.3f} {percent(round(one.aside, 3)):>7} "
            f"{usd(one.usd - one.best_usd):>12} {round(one.late):9,} {round(one.late - one.best_late):9,}"
        )
    dollars, best = sum(one.usd for one in scores), sum(one.best_usd for one in scores)
    late, least = sum(one.late for one in scores), sum(one.best_late for one in scores)
    better = sum(one.error < one.last for one in scores)
    lines.append(
        f"{usd(dollars)} of copies, {usd(dollars - best)} more than the best of each model in hindsight; "
        f"{round(late):,} late, {round(late - least):,} more; "
        f"the ensemble beats the last value for {better} of {len(scores)}"
    )
    return "\n".join(lines)


def main() -> int:
    """The scores of a window of a trace and its fleet; of the shipped week without them."""
    parser = argparse.ArgumentParser(prog="python -m tidepool_lab.bench.regret")
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--fleet", type=Path)
    parser.add_argument("--from-day", type=int, default=2)
    parser.add_argument("--days", type=int, default=1)
    asked = parser.parse_args()
    case = load_case(asked.trace, asked.fleet, from_day=asked.from_day, days=asked.days)
    print(text_of(scores_of(case)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
