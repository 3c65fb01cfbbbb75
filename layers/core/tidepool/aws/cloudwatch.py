"""runtime.ports.Metrics over CloudWatch: GetMetricData in few calls, put into series as far as they can be visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tidepool.aws.burst_alarms import BurstAlarms
from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import Unreachable
from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import FRESH_S, Values
from tidepool.runtime.ports import MetricTarget
from tidepool.units import HOUR_S

METRIC_DELAY_S, FAST_DELAY_S = 60, 20
"""How long after its period a datapoint can be visible: 60-second metrics (bench-rules 4.2; AWS: usually within one
minute), 10-second metrics (assumed). A period that ended later than this before `now` is not asked for: its silence
would look like a period without requests."""
COMPLETE = "Complete"
"""The StatusCode of a metric of which everything was answered (API, GetMetricData)."""
FAST_KEPT_S = 3 * 3600
"""CloudWatch keeps sub-minute data for 3 hours (sagemaker-facts: DOC)."""
QUERIES_PER_CALL, DATAPOINTS_PER_CALL = 500, 100_800
"""Limits of GetMetricData (sagemaker-facts: DOC)."""

MINUTE, FAST = 60, 10
SAGEMAKER = "AWS/SageMaker"


@dataclass(frozen=True, slots=True)
class Asked:
    """One metric of a target: CloudWatch's namespace, name, statistic and period, and our unit = theirs ÷ `divisor`."""

    namespace: str
    name: str
    stat: str
    period: int = MINUTE
    divisor: float = 1.0


INVOCATIONS = Asked(SAGEMAKER, "Invocations", "Sum")
_BOTH = {
    "invocations": INVOCATIONS,
    "rejected": Asked(SAGEMAKER, "NoCapacityInvocationFailures", "Sum"),
    "latency_ms": Asked(SAGEMAKER, "ModelLatency", "Average", divisor=1000),  # CloudWatch has microseconds
    "errors": Asked(SAGEMAKER, "Invocation5XXErrors", "Sum"),
}
SHARED: Mapping[str, Asked] = {
    **_BOTH,
    "concurrency": Asked(SAGEMAKER, "ConcurrentRequestsPerCopy", "Maximum", FAST),
    "utilisation": Asked("/aws/sagemaker/InferenceComponents", "GPUUtilizationNormalized", "Average"),
}
DEDICATED: Mapping[str, Asked] = {
    **_BOTH,
    "concurrency": Asked(SAGEMAKER, "ConcurrentRequestsPerModel", "Maximum", FAST),
    "utilisation": Asked("/aws/sagemaker/Endpoints", "GPUUtilization", "Average"),
}
"""Field of Evidence → metric. Asking by EndpointName alone returns nothing (sagemaker-facts: DOC)."""
MOVING: Mapping[str, Asked] = {"refused": Asked(SAGEMAKER, "Invocation4XXErrors", "Sum")}
"""Asked beside them of the homes of a move, for half an hour: for every home and minute it would be a dear seventh."""

OTHERS, SLOWEST = "TM(0%:90%)", "TM(90%:100%)"
"""Trimmed means, of all but the slowest tenth and of the slowest (AWS: CloudWatch statistics definitions). CloudWatch
has no datapoint of them for what was published as a statistic set; then nothing is learned of it."""


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of one target over [start_s, end_s)."""

    target: MetricTarget
    field: str
    asked: Asked
    start_s: int
    end_s: int

    @property
    def points(self) -> int:
        return (self.end_s - self.start_s) // self.asked.period

    @property
    def metric(self) -> tuple[str, str]:
        """One metric of CloudWatch, whatever its time."""
        return self.target.name, self.field


class CloudWatch(BurstAlarms):
    """Evidence and history. A period that CloudWatch has no datapoint for is NaN, never zero."""

    def __init__(self, clients: Clients, *, decide_arn: str = "", keeps: bool = False) -> None:
        """`keeps`: what evidence has read is not asked for again while the function stays warm and it says as much."""
        super().__init__(clients, decide_arn=decide_arn)
        self._keeps = keeps
        self._kept: dict[tuple[str, str], Series] = {}

    def evidence(self, targets: Sequence[MetricTarget], now: int, window_s: int) -> Mapping[str, Evidence]:
        """By target name: every series over [now - window_s, now), as far as it is visible at `now`."""
        queries = [
            _query(target, field, asked, since=now - window_s, now=now)
            for target in targets
            for field, asked in _metrics_of(target).items()
        ]
        known = {query.metric: kept for query in queries if (kept := self._known(query, now)) is not None}
        asked = [query for query in queries if query.metric not in known]
        known |= {query.metric: series for query, series in zip(asked, self._series(asked), strict=True)}
        if self._keeps:
            self._kept |= known
            self._kept = {metric: kept for metric, kept in self._kept.items() if kept.end_s > now - window_s}
        found: dict[str, dict[str, Series]] = {target.name: {} for target in targets}
        for query in queries:
            found[query.target.name][query.field] = known[query.metric]
        return {name: Evidence(**fields) for name, fields in found.items()}

    def _known(self, query: Query, now: int) -> Series | None:
        """What was read before, where asking again cannot change a decision; None = it is to be asked for.

        It cannot where no further period can be visible, as when decide is woken twice in a minute; nor while the
        newest sign of life is fresh: of utilisation nothing else is read (forecast/observed.py).
        """
        kept = self._kept.get(query.metric)
        if kept is None or kept.start_s > query.start_s:
            return None
        alive = query.field == "utilisation" and (kept.last_seen_s() or 0) > now - FRESH_S
        if not (alive or kept.end_s == query.end_s):
            return None
        return Series(query.start_s, kept.step_s, kept.since(query.start_s))

    def history(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, Series]:
        """By target name: Invocations per 60 s over [since, now), as far as visible."""
        queries = [_query(target, "invocations", INVOCATIONS, since=since, now=now) for target in targets]
        return {query.target.name: series for query, series in zip(queries, self._series(queries), strict=True)}

    def extremes(self, target: MetricTarget, since: int, now: int) -> Evidence:
        """latency_ms: the longest ModelLatency of each hour; concurrency: the most in flight of each minute."""
        of = SHARED if target.component else DEDICATED
        asked = {
            "latency_ms": replace(of["latency_ms"], stat="Maximum", period=HOUR_S),
            "concurrency": replace(of["concurrency"], period=MINUTE),
        }
        queries = [_query(target, field, one, since=since, now=now) for field, one in asked.items()]
        return Evidence(**dict(zip(asked, self._series(queries), strict=True)))

    def slowness(self, targets: Sequence[MetricTarget], since: int, now: int) -> Mapping[str, tuple[Series, Series]]:
        """By target name, in ms: each whole hour's mean ModelLatency without the slowest tenth, and of that tenth."""
        hourly = replace(_BOTH["latency_ms"], period=HOUR_S)
        others, slowest = (
            self._series([_query(target, "latency_ms", asked, since=since, now=now) for target in targets])
            for asked in (replace(hourly, stat=OTHERS), replace(hourly, stat=SLOWEST))
        )
        return dict(zip((target.name for target in targets), zip(others, slowest, strict=True), strict=True))

    def _series(self, queries: Sequence[Query]) -> list[Series]:
        """The answer to each query, in order."""
        import numpy as np  # Here, since a hand has this port and reads no metric.

        values: list[Values] = [np.full(query.points, np.nan) for query in queries]
        for first, batch in _batches(queries):
            for i, at, value in self._ask(batch):
                query = batch[i]
                place = (at - query.start_s) // query.asked.period
                if 0 <= place < query.points:
                    values[first + i][place] = value / query.asked.divisor
        return [Series(q.start_s, q.asked.period, found) for q, found in zip(queries, values, strict=True)]

    def _ask(self, batch: Sequence[Query]) -> Iterator[tuple[int, int, float]]:
        """(place in the batch, time, value) of every datapoint that there is."""
        request: dict[str, Any] = {
            "MetricDataQueries": [_asked(i, query) for i, query in enumerate(batch)],
            "StartTime": datetime.fromtimestamp(min(query.start_s for query in batch), UTC),
            "EndTime": datetime.fromtimestamp(max(query.end_s for query in batch), UTC),
            "ScanBy": "TimestampAscending",
        }
        ended: dict[str, str] = {}
        with calling("GetMetricData", f"{len(batch)} metrics"):
            for page in self._clients.get("cloudwatch").get_paginator("get_metric_data").paginate(**request):
                for result in page["MetricDataResults"]:
                    i = int(result["Id"][1:])
                    ended[result["Id"]] = result.get("StatusCode", COMPLETE)
                    for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                        yield i, int(at.timestamp()), float(value)
        # PartialData is asked for again by the next page's token; what ends so, or worse, would look like silence.
        if bad := sorted({code for code in ended.values() if code != COMPLETE}):
            lost = sum(code != COMPLETE for code in ended.values())
            raise Unreachable(f"GetMetricData answered {lost} of {len(batch)} metrics with {', '.join(bad)}")


def _metrics_of(target: MetricTarget) -> Mapping[str, Asked]:
    of = SHARED if target.component else DEDICATED
    if target.fields:
        of = {field: asked for field, asked in of.items() if field in target.fields}
    return {**of, **MOVING} if target.moving else of


def _query(target: MetricTarget, field: str, asked: Asked, *, since: int, now: int) -> Query:
    """The whole periods from the one that holds `since` to the last that can be visible at `now`."""
    fast = asked.period == FAST
    delay = FAST_DELAY_S if fast else METRIC_DELAY_S
    start = (max(since, now - FAST_KEPT_S) if fast else since) // asked.period * asked.period
    end = max(start, (now - delay) // asked.period * asked.period)
    return Query(target, field, asked, start, end)


def _batches(queries: Sequence[Query]) -> Iterator[tuple[int, Sequence[Query]]]:
    """(place of the first, queries), as many a call as its limits allow; none when no period can be visible."""
    longest = max((query.points for query in queries), default=0)
    if longest == 0:
        return
    size = max(1, min(QUERIES_PER_CALL, DATAPOINTS_PER_CALL // longest))
    for first in range(0, len(queries), size):
        yield first, queries[first : first + size]


def _asked(i: int, query: Query) -> dict[str, Any]:
    target, asked = query.target, query.asked
    dimensions = (
        {"InferenceComponentName": target.component}
        if target.component
        else {"EndpointName": target.endpoint, "VariantName": target.variant}
    )
    return {
        "Id": f"q{i}",
        "MetricStat": {
            "Metric": {
                "Namespace": asked.namespace,
                "MetricName": asked.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            },
            "Period": asked.period,
            "Stat": asked.stat,
        },
    }
