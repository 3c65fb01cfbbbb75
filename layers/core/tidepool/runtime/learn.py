"""One wake of learn: the past hour goes into the profiles, and burst alarms are as fleet.yaml asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting
from tidepool.decision.measured import at_capacity
from tidepool.decision.ready import served_at, sized_spread
from tidepool.decision.subjects import Home, Subject, subjects
from tidepool.fleet import Component, Endpoint, EndpointKind, Fleet, Series, leaving
from tidepool.fleet.demand import Values
from tidepool.forecast.judging import CONTEXT_S, Served
from tidepool.forecast.learning import learn as learn_purely
from tidepool.memory import Learned, Memory, ModelLearned, ModelMemory
from tidepool.runtime.carry_out import BOUNDS_QUIET_S, CAME_BACK, bounds_that_came_back
from tidepool.runtime.learn_spread import with_spreads
from tidepool.runtime.observe import metric_targets
from tidepool.runtime.ports import MetricTarget, Operation, Ports
from tidepool.units import DAY_S, MINUTE_S

KEPT_S = 15 * DAY_S
"""CloudWatch keeps 60-second datapoints for 15 days (AWS documentation, GetMetricData)."""


def learn(ports: Ports, now: int, *, alarm_prefix: str = "") -> Learned:
    """The profiles hold everything visible by `now`, under a key of their own; returns them.

    With an `alarm_prefix`, exactly the components whose model asks for a burst alarm have one under that
    name; none has while people leave: the stack does not delete them.
    """
    config, _ = ports.config.current()
    endpoints, components = ports.hosting.endpoints(), ports.hosting.components()
    memory = ports.ledger.memory()
    learned = memory.learned
    # The judgement looks back a day; a metric's price does not depend on how many of its datapoints are read.
    since = max(learned.until - CONTEXT_S, (now - KEPT_S) // MINUTE_S * MINUTE_S)
    owners = _owners(ports, config, endpoints, components, since)
    history = ports.metrics.history(tuple(owners), since, now)
    homes = main_homes(config, endpoints, components, memory)
    served = served_by_model(homes, memory)
    grown = learn_purely(
        learned,
        _by_model(owners, history, known=learned.models),
        now,
        served=served,
        groups={model: model_config(config, model).class_name for model in sorted(set(owners.values()))},
    )
    lives_at = {one: model for one, model in owners.items() if model in served and homes[model][1].target == one.name}
    grown = with_spreads(ports.metrics, grown, lives_at, history, memory, now)
    ports.ledger.save_learned(grown, now)
    if alarm_prefix:
        alarms = {} if leaving(ports.ledger.signals(now), now) else burst_thresholds(config, endpoints, components)
        ports.metrics.keep_burst_alarms(alarms, prefix=alarm_prefix)
    _tell_of_bounds(ports, now)
    return grown


def _tell_of_bounds(ports: Ports, now: int) -> None:
    """People were told once of every change that came back, for as long as its bounds are left alone.

    The ledger keeps that they were: an endpoint may be busy for longer than an hour, and a tick may be lost.
    """
    since = now - BOUNDS_QUIET_S
    told = {one.change.id for one in ports.ledger.operations(since) if one.outcome == CAME_BACK}
    for change, kept in bounds_that_came_back(ports, since):
        if not kept and change.id not in told:
            ports.bus.announce("bounds-came-back", {"endpoint": change.endpoint, "change": change.id}, now)
            ports.ledger.record(
                Operation(change, now, CAME_BACK, f"{change.endpoint} is on {change.config_from} again")
            )


def main_homes(
    config: Config, endpoints: Mapping[str, Endpoint], components: Mapping[str, Component], memory: Memory
) -> dict[str, tuple[Subject, Home]]:
    """By model, its largest home."""
    everyone = subjects(Fleet(endpoints, components, evidence={}, instance_types={}), config, memory.models)
    return {
        subject.model: (subject, max(subject.homes, key=lambda home: (home.size_wanted, home.target)))
        for known in everyone
        for subject in [at_capacity(known, _known(memory, known.model).measured, memory.at)]
    }


def served_by_model(homes: Mapping[str, tuple[Subject, Home]], memory: Memory) -> dict[str, Served]:
    """By model, how its home serves it; a model whose capacity there nobody knows is not in it."""
    return {
        model: served
        for model, (subject, home) in homes.items()
        for spread in [sized_spread(memory.learned, model)]
        if (served := served_at(home, subject.config, _known(memory, model).stretch, spread)) is not None
    }


def _known(memory: Memory, model: str) -> ModelMemory:
    return memory.models.get(model, ModelMemory())


def burst_thresholds(
    config: Config, endpoints: Mapping[str, Endpoint], components: Mapping[str, Component]
) -> dict[str, float]:
    """Component → requests in flight and queued per copy at which its copies are full, where its model asks
    for it.

    A model without a measured concurrency on its pool's type gets none: there is no number to alarm on.
    """
    wanted = {}
    for name, component in sorted(components.items()):
        model = model_config(config, component.model) if component.model else None
        pool = endpoints.get(component.endpoint)
        if model is None or pool is None or not (model.matched and model.burst_alarm):
            continue
        shape = model.shape(Hosting.SHARED, pool.instance_type)
        if shape is not None and shape.concurrency is not None:
            wanted[name] = shape.concurrency
    return wanted


def _owners(
    ports: Ports,
    config: Config,
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    since: int,
) -> dict[MetricTarget, str]:
    """Target → model. Sources of moves that ended since then are in it: their last hour is the model's
    too.
    """
    pools = {pool.endpoint for pool in config.pools.values()}
    shared = {n: c for n, c in components.items() if c.endpoint in pools and c.model}
    dedicated = {n: e for n, e in endpoints.items() if e.kind is EndpointKind.DEDICATED and e.model}
    models = {n: c.model for n, c in shared.items()} | {n: e.model for n, e in dedicated.items()}
    owners = {target: models[target.name] for target in metric_targets(dedicated, shared)}
    for move in ports.ledger.ended_moves(since):
        gone = MetricTarget(move.source_name, move.ask.from_endpoint, move.variant, move.ask.component)
        if gone.name not in models:
            owners[gone] = move.ask.model
    return owners


def _by_model(
    owners: Mapping[MetricTarget, str], history: Mapping[str, Series], *, known: Mapping[str, ModelLearned]
) -> dict[str, Series]:
    """The sum over each model's targets; a minute is missing only where every target misses it.

    A new model's series begins at its first datapoint: before that it did not exist, which is not silence.
    """
    parts: dict[str, list[Series]] = {}
    for target, model in owners.items():
        series = history.get(target.name)
        if series is not None and len(series.values):
            parts.setdefault(model, []).append(series)
    summed = {model: _summed(found) for model, found in sorted(parts.items())}
    whole = {model: series if model in known else _from_first(series) for model, series in summed.items()}
    return {model: series for model, series in whole.items() if len(series.values)}


def _from_first(series: Series) -> Series:
    seen = np.flatnonzero(~np.isnan(series.values))
    skip = int(seen[0]) if seen.size else len(series.values)
    return Series(series.start_s + skip * series.step_s, series.step_s, series.values[skip:])


def _summed(parts: Sequence[Series]) -> Series:
    step = parts[0].step_s
    start, end = min(part.start_s for part in parts), max(part.end_s for part in parts)
    total: Values = np.full((end - start) // step, np.nan)
    for part in parts:
        at = (part.start_s - start) // step
        window = total[at : at + len(part.values)]
        # A number and a NaN give the number; two NaN stay NaN.
        there = ~np.isnan(part.values)
        window[there] = np.nan_to_num(window[there]) + part.values[there]
    return Series(start, step, total)
