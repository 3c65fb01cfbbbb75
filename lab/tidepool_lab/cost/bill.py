"""What was used in some hours → the lines of a month's bill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tidepool.units import HOUR_S
from tidepool_lab.cost import prices
from tidepool_lab.cost.meter import CALL_S, Used, written_hours
from tidepool_lab.cost.prices import Price
from tidepool_lab.embedded.alarms import Alarm
from tidepool_lab.embedded.rig import Rig

MONTH_HOURS = 720
"""A month of 30 days."""
MEMORY_DAYS, MONTH_DAYS = 7, 30
"""How long old versions of memory stay (template.yaml); of all else a month's is counted."""
GB = 1e9
VCPU_MB = 1769
"""A function with so much memory has one whole vCPU, and with less its share (AWS Lambda developer guide)."""
INSIGHTS_S = 3 * HOUR_S
"""A Metrics Insights query sees the metrics that had a datapoint in the last three hours (sagemaker-facts, DOC)."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill. quantity: in units of the price, a month."""

    what: str
    quantity: float
    price: Price

    @property
    def usd(self) -> float:
        """Dollars a month."""
        return self.quantity * self.price.each


@dataclass(frozen=True, slots=True)
class Bill:
    """A month of Tidepool. fleet_usd: what the fleet it manages costs in one. metrics: read a model and minute."""

    lines: tuple[Line, ...]
    models: int
    hours: float
    fleet_usd: float
    metrics: float

    @property
    def usd(self) -> float:
        """Dollars a month."""
        return sum(line.usd for line in self.lines)

    @property
    def share(self) -> float:
        """Of what it manages."""
        return self.usd / self.fleet_usd if self.fleet_usd else 0.0


def bill(used: Used, rig: Rig, *, dashboards: int, models: int, hours: float, fleet_usd: float) -> Bill:
    """The bill of a month that is like these hours; fleet_usd is what the fleet cost in them."""
    month = MONTH_HOURS / hours
    return Bill(
        lines=tuple(_lines(used, rig, dashboards, month, hours)),
        models=models,
        hours=hours,
        fleet_usd=fleet_usd * month,
        metrics=used.metrics_read / (hours * 60 * models),
    )


def _lines(used: Used, rig: Rig, dashboards: int, month: float, hours: float) -> Iterator[Line]:
    yield Line("functions run", _gb_s(used, rig) * month, prices.LAMBDA_GB_S)
    yield Line("functions start", used.runs.total() * month, prices.LAMBDA_REQUESTS)
    yield Line("metrics read", used.metrics_read * month, prices.METRICS_READ)
    others = _calls(used, "cloudwatch.") - used.calls["cloudwatch.GetMetricData"]
    yield Line("alarms asked and put", others * month, prices.CLOUDWATCH_CALLS)
    yield Line("metrics of its own", written_hours(rig) / hours, prices.CUSTOM_METRICS)
    watched = [(alarm, _watched(alarm, rig)) for alarm in rig.alarms.alarms.values()]
    yield Line("alarms", sum(count for alarm, count in watched if alarm.period_s >= 60), prices.ALARMS)
    yield Line("burst alarms", sum(count for alarm, count in watched if alarm.period_s < 60), prices.FAST_ALARMS)
    yield Line("dashboard", dashboards, prices.DASHBOARDS)
    yield Line("logs", used.log_bytes / GB * month, prices.LOGS_GB)
    yield Line("ledger written", used.write_units * month, prices.DYNAMODB_WRITES)
    yield Line("ledger read", used.read_units * month, prices.DYNAMODB_READS)
    puts = _calls(used, "s3.Put") + _calls(used, "s3.List")
    yield Line("records put", puts * month, prices.S3_WRITES)
    yield Line("files read", (_calls(used, "s3.") - puts) * month, prices.S3_READS)
    days = hours / 24
    kept = used.kept_bytes / days * MONTH_DAYS + used.memory_bytes / days * MEMORY_DAYS
    yield Line("records kept", kept / GB, prices.S3_GB)
    # Every run is taken for one that Scheduler began; alarms and rules begin some for nothing.
    yield Line("events", (used.events + used.runs.total()) * month, prices.EVENTS)
    told = [happened for happened in rig.happened if happened.kind == "notified"]
    yield Line("people told", len(told) * month, prices.SNS_EMAILS)
    lost = [happened for happened in rig.happened if happened.kind in {"failed", "undelivered"}]
    yield Line("events kept", len(lost) * month, prices.SQS_REQUESTS)


def _gb_s(used: Used, rig: Rig) -> float:
    """Each run's own time on its share of a vCPU, and CALL_S for each of its calls, times its memory."""
    gb_s = 0.0
    for name in used.runs:
        memory_mb = rig.stack.function(name).memory_mb
        own_s = used.own_s[name] / min(1.0, memory_mb / VCPU_MB)
        gb_s += (own_s + used.calls_of[name] * CALL_S) * memory_mb / 1024
    return gb_s


def _calls(used: Used, start: str) -> int:
    return sum(count for name, count in used.calls.items() if name.startswith(start))


def _watched(alarm: Alarm, rig: Rig) -> float:
    """How many metrics the alarm looks at; a Metrics Insights query's are those that it matches, on average."""
    queries = alarm.asked.get("Metrics", ())
    if not queries:
        return 1
    if alarm.group:
        return _matched(rig)
    return sum("MetricStat" in query for query in queries)


def _matched(rig: Rig) -> float:
    """How many components had rejected requests in the last INSIGHTS_S, on the mean of the hours."""
    cloud = rig.cloud
    hours = range(cloud.start_s, cloud.now_s, HOUR_S)
    refused = [{name for at in range(h, h + HOUR_S, 60) for name in cloud.metrics.rejected_in(at)} for h in hours]
    seen = [set().union(*refused[max(0, i + 1 - INSIGHTS_S // HOUR_S) : i + 1]) for i in range(len(refused))]
    return sum(map(len, seen)) / max(1, len(seen))
