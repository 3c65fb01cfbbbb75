"""What CloudWatch holds: the twin's SageMaker metrics, and what Lambda, SQS and the handlers themselves put there.

A metric exists by namespace, name and its exact dimensions. A period that nobody wrote is missing, never zero.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tidepool.fleet import Series
from tidepool.units import MINUTE_S

Values = npt.NDArray[np.float64]
Dimensions = Mapping[str, str]
Key = tuple[tuple[str, str], ...]

REDUCERS: Mapping[str, Callable[..., Any]] = {
    "Sum": np.nansum,
    "SampleCount": np.nansum,
    "Minimum": np.nanmin,
    "Maximum": np.nanmax,
    "Average": np.nanmean,
}
TRIMMED = ("TM(0%:90%)", "TM(90%:100%)")
"""Trimmed means: of all but the slowest tenth, and of the slowest. A source has them of whole periods or not at all."""


class Source(Protocol):
    """Metrics of one origin, as far as they are visible at `now`."""

    def dimensions(self, namespace: str, metric: str) -> Iterable[Dimensions]:
        """Every set of dimensions the metric has been seen with."""
        ...

    def series(
        self, namespace: str, metric: str, dimensions: Dimensions, *, stat: str, since: int, now: int
    ) -> Series | None:
        """The visible datapoints of one statistic from `since` on; None when there is no such metric or statistic."""
        ...


class Store:
    """All sources as one CloudWatch."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)

    def dimensions(self, namespace: str, metric: str) -> list[Dimensions]:
        """Every set of dimensions, in a stable order."""
        found = [d for source in self.sources for d in source.dimensions(namespace, metric)]
        return sorted(found, key=lambda each: sorted(each.items()))

    def values(
        self,
        namespace: str,
        metric: str,
        dimensions: Dimensions,
        *,
        stat: str,
        period_s: int,
        start_s: int,
        end_s: int,
        now: int,
    ) -> Values:
        """One value for each whole period of [start, end): NaN where it is missing. `start` is a period's start."""
        periods = max(0, -(-(end_s - start_s) // period_s))
        empty: Values = np.full(periods, np.nan)
        if stat not in REDUCERS and stat not in TRIMMED:
            return empty
        for source in self.sources:
            found = source.series(namespace, metric, dimensions, stat=stat, since=start_s, now=now)
            if found is not None and (period_s == found.step_s or (stat in REDUCERS and period_s % found.step_s == 0)):
                reduce = REDUCERS.get(stat, np.nanmean)
                return _periods(found, reduce, period_s=period_s, start_s=start_s, count=periods)
        return empty


def _periods(series: Series, reduce: Callable[..., Any], *, period_s: int, start_s: int, count: int) -> Values:
    """The series cut or summed into `count` periods from `start_s`."""
    step = series.step_s
    fine: Values = np.full(count * period_s // step, np.nan)
    offset = (series.start_s - start_s) // step
    low, high = max(0, offset), min(len(fine), offset + len(series.values))
    if high > low:
        fine[low:high] = series.values[low - offset : high - offset]
    if period_s == step:
        return fine
    table = fine.reshape(count, -1)
    known = ~np.isnan(table).all(axis=1)
    result: Values = np.full(count, np.nan)
    if known.any():
        result[known] = reduce(table[known], axis=1)
    return result


@dataclass(slots=True)
class _Minute:
    total: float = 0.0
    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")

    def stat(self, name: str) -> float:
        match name:
            case "Sum":
                return self.total
            case "SampleCount":
                return self.count
            case "Average":
                return self.total / self.count
            case "Minimum":
                return self.low
            case _:
                return self.high


@dataclass(slots=True)
class Recorded:
    """Metrics that were put: by PutMetricData, by a service, or as embedded metric format on a log line.

    delay_s: how long after its period a datapoint is visible (assumed 0: the twin's delays are SageMaker's).
    """

    delay_s: int = 0
    points: dict[tuple[str, str], dict[Key, dict[int, _Minute]]] = field(default_factory=dict)

    def put(self, namespace: str, metric: str, dimensions: Dimensions, *, value: float, at_s: int) -> None:
        """One observation at that second."""
        metrics = self.points.setdefault((namespace, metric), {})
        minute = metrics.setdefault(tuple(sorted(dimensions.items())), {}).setdefault(
            at_s // MINUTE_S * MINUTE_S, _Minute()
        )
        minute.total += value
        minute.count += 1
        minute.low, minute.high = min(minute.low, value), max(minute.high, value)

    def put_line(self, line: str) -> bool:
        """A log line in embedded metric format became observations; False when it is any other line."""
        if '"_aws"' not in line:
            return False
        try:
            record = json.loads(line)
        except ValueError:
            return False
        at_s = int(record["_aws"]["Timestamp"]) // 1000
        for directive in record["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = record[metric["Name"]]
                for keys in directive["Dimensions"] or [[]]:
                    dimensions = {key: str(record[key]) for key in keys}
                    for value in values if isinstance(values, list) else [values]:
                        self.put(directive["Namespace"], metric["Name"], dimensions, value=float(value), at_s=at_s)
        return True

    def dimensions(self, namespace: str, metric: str) -> Iterable[Dimensions]:
        return [dict(key) for key in self.points.get((namespace, metric), {})]

    def series(
        self, namespace: str, metric: str, dimensions: Dimensions, *, stat: str, since: int, now: int
    ) -> Series | None:
        minutes = self.points.get((namespace, metric), {}).get(tuple(sorted(dimensions.items())))
        if not minutes or stat not in REDUCERS:
            return None
        # Newest last, as they were put: a window of minutes is read without walking days of them.
        visible = []
        for at in reversed(minutes):
            if at < since:
                break
            if at + MINUTE_S + self.delay_s <= now:
                visible.append(at)
        if not visible:
            return None
        first = min(visible)
        values = np.full((max(visible) - first) // MINUTE_S + 1, np.nan)
        for at in visible:
            values[(at - first) // MINUTE_S] = minutes[at].stat(stat)
        return Series(first, MINUTE_S, values)
