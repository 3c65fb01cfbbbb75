"""What CloudWatch knows of every home, in few calls: its past by the minute, or whether it says anything at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidepool.aws.cloudwatch import (
    DATAPOINTS_PER_CALL,
    DEDICATED,
    INVOCATIONS,
    METRIC_DELAY_S,
    QUERIES_PER_CALL,
    SHARED,
    Asked,
)
from tidepool.fleet import Component, Endpoint
from tidepool.units import DAY_S, HOUR_S, MINUTE_S
from tidepool_cli.account.asker import Asker
from tidepool_cli.account.found import Load

Home = Component | Endpoint
LOOK_BACK_S = 900
"""As far as a tick looks (runtime.observe)."""
MICROSECONDS_A_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of one home, a value each `period` seconds."""

    home: Home
    asked: Asked
    stat: str
    period: int


def loads(asker: Asker, homes: Sequence[Home], since: int, now: int) -> dict[str, Load]:
    """By home: its requests of each minute, its busiest hour's most requests at once, and its latency."""
    until = now - METRIC_DELAY_S
    invocations = [Query(home, INVOCATIONS, "Sum", MINUTE_S) for home in homes]
    at_once = [Query(home, _metrics(home)["concurrency"], "Maximum", HOUR_S) for home in homes]
    latencies = [Query(home, _metrics(home)["latency_ms"], "Average", DAY_S) for home in homes]
    requests = _ask(asker, invocations, since, until)
    rest = _ask(asker, [*at_once, *latencies], since, until)
    busiest, latency = rest[: len(homes)], rest[len(homes) :]
    return {
        home.name: Load(
            requests={at: round(value) for at, value in sorted(requests[i].items()) if round(value)},
            busiest=max(busiest[i].values(), default=0.0),
            latency_s=_mean(latency[i].values()) / MICROSECONDS_A_SECOND,
        )
        for i, home in enumerate(homes)
    }


def seen(asker: Asker, homes: Sequence[Home], now: int) -> frozenset[str]:
    """Homes of which CloudWatch has a datapoint of the last 15 minutes: requests, or utilisation without any."""
    queries = [
        Query(home, _metrics(home)[metric], _metrics(home)[metric].stat, MINUTE_S)
        for home in homes
        for metric in ("invocations", "utilisation")
    ]
    found = _ask(asker, queries, now - LOOK_BACK_S, now)
    return frozenset(query.home.name for query, values in zip(queries, found, strict=True) if values)


def _metrics(home: Home) -> Mapping[str, Asked]:
    return SHARED if isinstance(home, Component) else DEDICATED


def _ask(asker: Asker, queries: Sequence[Query], since: int, until: int) -> list[dict[int, float]]:
    """By query: the values by the second at which their periods begin. What was not answered is empty."""
    found: list[dict[int, float]] = [{} for _ in queries]
    start, end = datetime.fromtimestamp(since // MINUTE_S * MINUTE_S, UTC), datetime.fromtimestamp(until, UTC)
    for first, batch in _batches(queries, until - since):
        reply = asker.ask(
            "cloudwatch",
            "GetMetricData",
            f"{len(batch)} metrics",
            MetricDataQueries=[_asked(i, query) for i, query in enumerate(batch)],
            StartTime=start,
            EndTime=end,
            ScanBy="TimestampAscending",
        )
        for result in (reply or {}).get("MetricDataResults", ()):
            values = found[first + int(result["Id"][1:])]
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                values[int(at.timestamp())] = float(value)
    return found


def _batches(queries: Sequence[Query], span_s: int) -> Iterator[tuple[int, Sequence[Query]]]:
    """(place of the first, queries): as many as one page answers, so that a call is a call.

    14 days of minutes are 20,160 datapoints: five homes a call.
    """
    if not queries:
        return
    longest = max(span_s // query.period for query in queries)
    size = max(1, min(QUERIES_PER_CALL, DATAPOINTS_PER_CALL // longest))
    for first in range(0, len(queries), size):
        yield first, queries[first : first + size]


def _asked(i: int, query: Query) -> dict[str, Any]:
    home = query.home
    dimensions = (
        {"InferenceComponentName": home.name}
        if isinstance(home, Component)
        else {"EndpointName": home.name, "VariantName": home.variant}
    )
    metric = {
        "Namespace": query.asked.namespace,
        "MetricName": query.asked.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return {"Id": f"q{i}", "MetricStat": {"Metric": metric, "Period": query.period, "Stat": query.stat}}


def _mean(values: Any) -> float:
    known = list(values)
    return sum(known) / len(known) if known else 0.0
