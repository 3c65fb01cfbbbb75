"""Tidepool alone on a trace, through the fast seam: its row, its pictures, and the record of its last decision.

The fleet is a reference fleet, or a person's own fleet.yaml: then the account is built from what it declares
(declared.py), nothing is capped, and every model starts on the first pool that it has a shape for.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from tidepool.config.load import load
from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting
from tidepool.decision import pipeline
from tidepool.decision.record import Decision
from tidepool.errors import BadTrace, Problem
from tidepool.report.entries import Comparison, Service
from tidepool.report.summary import Summary, summarise
from tidepool.runtime.observe import observe
from tidepool.units import HOUR_S, MINUTE_S
from tidepool_lab.bench.case import Case, Hashes, load_case, rules_sha256
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.run import Progress, no_progress, row_of
from tidepool_lab.demo.declared import reference
from tidepool_lab.demo.play import SOURCE
from tidepool_lab.demo.start import tags_of
from tidepool_lab.demo.watch import Watch
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.clock import DAY_MINUTES
from tidepool_lab.inputs.prepare import Prepared, fill_gaps, read_gaps, thin
from tidepool_lab.inputs.trace import read_trace
from tidepool_lab.rivals.dedicated import cost_usd, dedicated_cheapest
from tidepool_lab.rivals.own_cost import own_cost_usd
from tidepool_lab.rivals.policy import copies_for, create_pools, in_flight, place_components
from tidepool_lab.rivals.tidepool import CountingMetrics
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.fast_run import FastRun

SAMPLES = 288
"""Samples over the whole window: every five minutes of a day, every fifteen of three."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """What one simulation found. `record` is the last decision of the window, as stored; `row` as in the bench."""

    row: PolicyResult
    summary: Summary
    record: bytes


def case_of(
    trace: Path | None,
    fleet: Path | None,
    *,
    from_day: int,
    days: int,
    seed: int,
    scale: float,
    types: Sequence[str],
) -> tuple[Case, bool]:
    """The case, and whether its fleet is somebody's own fleet.yaml. BadTrace or BadFleetFile with every problem."""
    if fleet is None or not is_fleet_yaml(fleet):
        case = load_case(trace, fleet, from_day=from_day, days=days, seed=seed, scale=scale, types=types)
        return case, False
    problems = []
    if trace is None:
        problems.append(Problem("--trace", None, "a trace with the models of fleet.yaml"))
    if types:
        problems.append(Problem("--types", ",".join(types), "not with a fleet.yaml", "its pools say the types"))
    if trace is None or problems:
        raise BadTrace("the command line", tuple(problems))
    return _declared_case(trace, fleet, from_day=from_day, days=days, seed=seed, scale=scale), True


def is_fleet_yaml(path: Path) -> bool:
    """A reference fleet is JSON and says so by its name; everything else is read as fleet.yaml."""
    return path.suffix != ".json"


def _declared_case(trace: Path, fleet: Path, *, from_day: int, days: int, seed: int, scale: float) -> Case:
    try:
        text = fleet.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = Problem("--fleet", str(fleet), "a readable fleet.yaml or reference fleet", str(error))
        raise BadTrace("the command line", (what,)) from None
    names, minutes = _names_and_minutes(trace)
    last = minutes // DAY_MINUTES
    if not 0 <= from_day < from_day + days <= last:
        allowed = f"days within 0 to {last - 1}: the trace has {last}"
        raise BadTrace("window", (Problem("--from-day, --days", (from_day, days), allowed),))
    read = read_trace(trace, models=names, minutes=minutes)
    counts = thin(fill_gaps(read.counts, names, read_gaps(trace), seed=seed), scale, seed=seed)
    return Case(
        trace=trace.name,
        fleet_name=fleet.name,
        fleet=reference(load(text), names, minutes=minutes),
        fleet_yaml=text,
        prepared=Prepared(names, counts, np.zeros_like(counts)),
        hashes=Hashes(read.sha256, hashlib.sha256(text.encode()).hexdigest(), rules_sha256()),
        from_day=from_day,
        days=days,
        seed=seed,
    )


def _names_and_minutes(trace: Path) -> tuple[tuple[str, ...], int]:
    """Models in order of appearance, and minutes up to whole days. read_trace says what else is wrong."""
    try:
        raw = trace.read_bytes()
        lines = (gzip.decompress(raw) if trace.suffix == ".gz" else raw).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        what = Problem("--trace", str(trace), "a readable .csv or .csv.gz", str(error))
        raise BadTrace("the command line", (what,)) from None
    names: dict[str, None] = {}
    longest = 0
    for row in csv.DictReader(lines):
        names[row.get("model") or ""] = None
        minute = row.get("minute") or "0"
        longest = max(longest, int(minute) if minute.isdecimal() else 0)
    return tuple(name for name in names if name), -(-(longest + 1) // DAY_MINUTES) * DAY_MINUTES


@dataclass(slots=True)
class Under:
    """A cloud with Tidepool at work on it."""

    cloud: Cloud
    run: FastRun
    config: Config
    metrics: CountingMetrics


def start(case: Case, *, own: bool) -> Under:
    """The account at the first simulated minute, models laid out, Tidepool ready. `own`: it is a fleet.yaml's."""
    first, _ = case.simulated
    cloud = Cloud(
        account_of(case.fleet),
        case.arrivals(),
        seed=case.seed,
        start_s=case.at_s(first),
        epoch_s=case.epoch_s,
    )
    config = load(case.fleet_yaml)
    if own:
        _lay(cloud, case, config)
    else:
        create_pools(cloud, case.fleet)
        place_components(cloud, case.fleet, case.first_minutes)
    ports = fast_ports(cloud, config)
    metrics = CountingMetrics(ports.metrics)
    run = FastRun(cloud, replace(ports, metrics=metrics), perf=perf_counter)
    return Under(cloud, run, config, metrics)


def _lay(cloud: Cloud, case: Case, config: Config) -> None:
    """The declared pools, and each model on the first one it has a shape for, sized as every start state is."""
    for pool in config.pools.values():
        if pool.types:
            quota = config.instances[pool.types[0]].quota or 1
            cloud.create_pool(pool.endpoint, pool.types[0], maximum=quota, settled=True)
    for position, model in enumerate(case.fleet.models):
        written = model_config(config, model.name)
        home = next((p for p in config.pools.values() if p.types and written.shape(Hosting.SHARED, p.types[0])), None)
        if home is None:
            what = Problem(f"models.{model.name}.shapes.shared", "no pool's type", "a shape on some pool's first type")
            raise BadTrace("fleet.yaml, for a simulation", (what,))
        capacity = case.fleet.capacity(model, home.types[0])
        assert capacity is not None  # declared.py made it from that very shape
        demand = in_flight(float(case.first_minutes[:, position].mean()), capacity)
        copies = max(model.floor, copies_for(demand, capacity))
        cloud.create_component(
            model.name, home.endpoint, model=model.name, copies=copies, tags=tags_of(model.name), settled=True
        )


def simulate(case: Case, *, own: bool, progress: Progress = no_progress) -> Simulated:
    """The window has been lived."""
    under = start(case, own=own)
    cloud, ledger = under.cloud, under.run.ports.ledger
    first, until = (case.at_s(minute) for minute in case.simulated)
    scored_from, scored_until = (case.at_s(minute) for minute in case.scored)
    alone = cost_usd(dedicated_cheapest(case.fleet, case.window), 1.0)
    every = max(5, (scored_until - scored_from) // SAMPLES // MINUTE_S) * MINUTE_S
    watch = Watch(cloud.spec, cloud.arrivals, alone, sample_s=every, epoch_s=case.epoch_s)
    record = b""
    for at in range(first + MINUTE_S, until + 1, MINUTE_S):
        under.run.run_to(at)
        moves = (*ledger.moves(), *ledger.ended_moves(first))
        watch.look(cloud, ledger.operations(at - 3 * MINUTE_S), moves)
        if at == scored_until:
            record = ledger.decision() or b""
        if (at - first) % HOUR_S == 0 or at == until:
            progress("tidepool", at - first, until - first)
    if under.run.errors:
        raise under.run.errors[0][1]
    cloud.check_conservation()
    figures = cloud.figures(scored_from, scored_until)
    took = [1000 * seconds for at, seconds in under.run.timed if scored_from <= at < scored_until]
    row = row_of("tidepool", figures).model_copy(
        update={
            "own_cost_usd": own_cost_usd([n for at, n in under.metrics.asked if scored_from <= at < scored_until]),
            "decide_ms_p50": float(np.median(took)),
            "decide_ms_max": max(took),
        }
    )
    moves = (*ledger.moves(), *ledger.ended_moves(first))
    summary = summarise(
        watch.samples,
        ledger.operations(scored_from),
        [move for move in moves if scored_from <= move.began < scored_until],
        title=f"{case.trace}, {_days(case)}, {len(case.fleet.models)} models",
        source=SOURCE,
        from_s=scored_from,
        to_s=scored_until,
        usd=figures.cost_usd,
        service=Service(
            requests=figures.requests,
            on_time=figures.on_time,
            on_time_interactive=figures.on_time_interactive,
            on_time_batch=figures.on_time_batch,
            no_capacity_share=figures.no_capacity_share,
        ),
        comparisons=(
            Comparison(
                "every model alone on its cheapest type", alone * case.days * 24, "0.7 full in its busiest minute"
            ),
        ),
        notes=[note for note in watch.notes if scored_from <= note.at < scored_until],
    )
    return Simulated(row, summary, record)


def _days(case: Case) -> str:
    last = case.from_day + case.days - 1
    return f"simulated day {last}" if case.days == 1 else f"simulated days {case.from_day} to {last}"


def next_decision(case: Case, *, own: bool, at_minute: int, progress: Progress = no_progress) -> Decision:
    """What Tidepool would decide at that minute of the trace, after it has been at work since the warm-up."""
    under = start(case, own=own)
    first, at = case.at_s(case.simulated[0]), case.at_s(at_minute)
    for stop in (*range(first + HOUR_S, at, HOUR_S), at):
        under.run.run_to(stop)
        progress("up to then", stop - first, at - first)
    ports = under.run.ports
    fleet = observe(ports, under.config, at)
    return pipeline.decide(fleet, under.config, ports.ledger.memory(), at)
