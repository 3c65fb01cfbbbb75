"""How much each model's service times vary, learned from hours in which nothing queued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tidepool.fleet import Series
from tidepool.memory import Learned, Memory, ModelMemory
from tidepool.runtime.ports import Metrics, MetricTarget
from tidepool.sizing.spread import ENOUGH, smoothed, spread_of
from tidepool.units import DAY_S, HOUR_S


def with_spreads(
    metrics: Metrics,
    learned: Learned,
    homes: Mapping[MetricTarget, str],
    history: Mapping[str, Series],
    memory: Memory,
    now: int,
) -> Learned:
    """`learned` with the spread of every model that lives at one of `homes`, by its whole hours since learn ran last.

    Two metrics a model and hour. ModelLatency may hold the wait in a container's queue: an hour counts only where no
    queue stood since it began, as far as the ticks saw, and ENOUGH requests came (`history`). The first time none
    does: no tick has looked yet.
    """
    before = memory.learned
    if not before.until or not homes:
        return learned
    since = max(before.until, now - DAY_S) // HOUR_S * HOUR_S
    slowness = metrics.slowness(tuple(homes), since, now)
    models = dict(learned.models)
    for target, model in homes.items():
        if model in models and target.name in slowness:
            calm_since = memory.models.get(model, ModelMemory()).panic_at
            spread = models[model].spread
            for at, newest in _hours(*slowness[target.name]):
                if at > calm_since and _requests(history.get(target.name), at) >= ENOUGH:
                    spread = smoothed(spread, newest)
            models[model] = replace(models[model], spread=spread)
    return replace(learned, models=models)


def _hours(others: Series, slowest: Series) -> list[tuple[int, float]]:
    """(its beginning, its spread) of each hour."""
    pairs = zip(others.values.tolist(), slowest.values.tolist(), strict=True)
    return [(others.start_s + i * others.step_s, spread_of(*pair)) for i, pair in enumerate(pairs)]


def _requests(series: Series | None, at: int) -> float:
    """That came in the hour that began at `at`."""
    if series is None:
        return 0.0
    first = (at - series.start_s) // series.step_s
    return float(np.nansum(series.values[max(0, first) : max(0, first + HOUR_S // series.step_s)]))
