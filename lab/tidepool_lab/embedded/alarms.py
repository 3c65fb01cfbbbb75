"""Every metric alarm of the account: what it watches, its state, its contributors, and its transitions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tidepool_lab.embedded import catalog, insights, maths
from tidepool_lab.embedded.evaluation import SPARE, State, judge
from tidepool_lab.embedded.intercept import AwsError
from tidepool_lab.embedded.metrics import Store, Values
from tidepool_lab.embedded.timestamps import iso

Series = Mapping[tuple[str, ...], Values]
"""Values by contributor; () alone for an alarm that does not group."""


@dataclass(slots=True)
class Alarm:
    """`asked` is PutMetricAlarm's. `contributors`: those in ALARM, with since when."""

    asked: Mapping[str, Any]
    arn: str
    put_s: int
    state: State = State.INSUFFICIENT_DATA
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str = "{}"
    changed_s: int = 0
    contributors: dict[tuple[str, ...], int] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.asked["AlarmName"])

    @property
    def period_s(self) -> int:
        """Of what it watches: the greatest of its queries."""
        if "Period" in self.asked:
            return int(self.asked["Period"])
        periods = [q.get("Period") or q.get("MetricStat", {}).get("Period") for q in self.asked["Metrics"]]
        return max(int(p) for p in periods if p)

    @property
    def group(self) -> tuple[str, ...]:
        """The dimensions it groups by; () when it has no contributors."""
        returned = [q for q in self.asked.get("Metrics", ()) if q.get("ReturnData", True)]
        expression = returned[0].get("Expression", "") if returned else ""
        return insights.parse(expression).group if expression.lstrip().upper().startswith("SELECT") else ()


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm, or one contributor of it, changed its state. `contributor` () = the alarm itself."""

    alarm: Alarm
    contributor: tuple[str, ...]
    before: State
    before_s: int
    state: State
    reason: str
    reason_data: str
    at_s: int

    @property
    def actions(self) -> Sequence[str]:
        """What the alarm's owner wants done about it."""
        if not self.alarm.asked.get("ActionsEnabled", True):
            return ()
        key = {State.ALARM: "AlarmActions", State.OK: "OKActions"}.get(self.state, "InsufficientDataActions")
        return tuple(self.alarm.asked.get(key, ()))

    @property
    def attributes(self) -> dict[str, str]:
        return dict(zip(self.alarm.group, self.contributor, strict=True)) if self.contributor else {}


class AlarmBook:
    """All alarms over one store of metrics."""

    def __init__(self, store: Store, *, region: str, account: str, code: str = "") -> None:
        """code: the functions' source, for alarms on what they count themselves; see catalog.check."""
        self.store, self._code = store, code
        self.alarms: dict[str, Alarm] = {}
        self._arn = f"arn:aws:cloudwatch:{region}:{account}:alarm:"

    def put(self, asked: Mapping[str, Any], now: int) -> None:
        """The alarm is as asked; an alarm of that name keeps its state, as PutMetricAlarm does."""
        catalog.check(asked, code=self._code)
        asked = {key: value for key, value in asked.items() if value is not None}
        tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())}
        there = self.alarms.get(asked["AlarmName"])
        if there is not None:
            there.asked, there.put_s = asked, now  # Tags of an existing alarm are not changed by PutMetricAlarm.
            return
        alarm = Alarm(asked, self._arn + asked["AlarmName"], now, changed_s=now, tags=tags)
        alarm.period_s, alarm.group  # noqa: B018  Both refuse what CloudWatch would refuse now and not later.
        self.alarms[alarm.name] = alarm

    def evaluate(self, now: int) -> list[Transition]:
        """Every alarm whose period's grid `now` is on has been looked at; what changed."""
        changed: list[Transition] = []
        for alarm in list(self.alarms.values()):
            grid = min(60, alarm.period_s)
            if now % grid == 0:
                changed.extend(self._evaluate(alarm, now))
        return changed

    def _evaluate(self, alarm: Alarm, now: int) -> list[Transition]:
        of = int(alarm.asked["EvaluationPeriods"])
        needed = int(alarm.asked.get("DatapointsToAlarm", of))
        rules: dict[str, Any] = {
            "threshold": float(alarm.asked["Threshold"]),
            "comparison": alarm.asked["ComparisonOperator"],
            "of": of,
            "needed": needed,
            "missing": alarm.asked.get("TreatMissingData", "missing"),
        }
        series = self._series(alarm, now, of + SPARE)
        if not alarm.group:
            values = series[()]
            return self._move(alarm, judge(values, **rules, before=alarm.state), values, now)
        changed = []
        in_alarm: dict[tuple[str, ...], int] = {}
        for key, values in sorted(series.items()):
            before = State.ALARM if key in alarm.contributors else State.OK
            after = judge(values, **rules, before=before)
            if after is State.ALARM:
                in_alarm[key] = alarm.contributors.get(key, now)
            if (after is State.ALARM) is not (before is State.ALARM):
                text, data = _reason(alarm, after, values, now)
                since = alarm.contributors.get(key, alarm.put_s)
                changed.append(Transition(alarm, key, before, since, after, text, data, now))
        alarm.contributors = in_alarm
        nothing = np.full(of + SPARE, np.nan)
        whole = State.ALARM if in_alarm else judge(nothing, **rules, before=alarm.state) if not series else State.OK
        worst = next((series[key] for key in sorted(in_alarm)), nothing)
        # The alarm's own action first, then each contributor's.
        return [*self._move(alarm, whole, worst, now), *changed]

    def _move(self, alarm: Alarm, after: State, values: Values, now: int) -> list[Transition]:
        if after is alarm.state:
            return []
        text, data = _reason(alarm, after, values, now)
        moved = Transition(alarm, (), alarm.state, alarm.changed_s, after, text, data, now)
        alarm.state, alarm.reason, alarm.reason_data, alarm.changed_s = after, text, data, now
        return [moved]

    def _series(self, alarm: Alarm, now: int, periods: int) -> Series:
        """The alarm's values over the last `periods` whole periods."""
        asked, period = alarm.asked, alarm.period_s
        end = now // period * period
        span = {"period_s": period, "start_s": end - periods * period, "end_s": end, "now": now}
        if "MetricName" in asked:
            stat = asked.get("Statistic", asked.get("ExtendedStatistic", ""))
            dimensions = _dimensions(asked.get("Dimensions", ()))
            return {(): self.store.values(asked["Namespace"], asked["MetricName"], dimensions, stat=stat, **span)}
        inputs: dict[str, Values] = {}
        returned: Mapping[str, Any] | None = None
        for query in asked["Metrics"]:
            if "MetricStat" in query:
                inputs[query["Id"]] = self._metric_stat(query["MetricStat"], span)
            if query.get("ReturnData", True):
                returned = query
        if returned is None:
            raise AwsError("ValidationError", "Exactly one element of the metrics list should return data.")
        if "MetricStat" in returned:
            return {(): inputs[returned["Id"]]}
        expression = str(returned["Expression"])
        if expression.lstrip().upper().startswith("SELECT"):
            return query_series(self.store, insights.parse(expression), span)
        return {(): maths.evaluate(expression, inputs)}

    def _metric_stat(self, stat: Mapping[str, Any], span: Mapping[str, int]) -> Values:
        metric = stat["Metric"]
        dimensions = _dimensions(metric.get("Dimensions", ()))
        return self.store.values(metric["Namespace"], metric["MetricName"], dimensions, stat=stat["Stat"], **span)


def query_series(store: Store, query: insights.Query, span: Mapping[str, int]) -> dict[tuple[str, ...], Values]:
    """A Metrics Insights query's series that have any datapoint in the span, by the values it groups by."""
    parts: dict[tuple[str, ...], list[Values]] = {}
    for dimensions in store.dimensions(query.namespace, query.metric):
        if query.wants(dimensions):
            values = store.values(query.namespace, query.metric, dimensions, stat=query.stat, **span)
            if not np.isnan(values).all():
                parts.setdefault(query.series(dimensions), []).append(values)
    across = {"Maximum": "MAX", "Minimum": "MIN", "Average": "AVG"}.get(query.stat, "SUM")
    summed = {
        key: maths.evaluate(f"{across}(METRICS())", {str(i): v for i, v in enumerate(values)})
        for key, values in parts.items()
    }
    ranked = sorted(summed, key=lambda key: (-float(np.nansum(summed[key])), key))[: query.limit]
    return {key: summed[key] for key in ranked}


def contributor_id(attributes: Mapping[str, str]) -> str:
    """The name CloudWatch would give a contributor: a hash of what tells it apart."""
    return hashlib.sha256(json.dumps(attributes, sort_keys=True).encode()).hexdigest()[:40]


def _dimensions(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in listed}


def _reason(alarm: Alarm, state: State, values: Values, now: int) -> tuple[str, str]:
    """Text and JSON as CloudWatch words them."""
    recent = [float(v) for v in values if not np.isnan(v)]
    threshold = float(alarm.asked["Threshold"])
    text = f"Threshold Crossed: {len(recent)} datapoints {recent} against the threshold ({threshold}): {state}."
    if not recent:
        text = (
            f"Insufficient Data or missing data treated as {alarm.asked.get('TreatMissingData', 'missing')}: {state}."
        )
    data = {
        "version": "1.0",
        "queryDate": iso(now, offset=True),
        "period": alarm.period_s,
        "recentDatapoints": recent,
        "threshold": threshold,
    }
    return text, json.dumps(data)
