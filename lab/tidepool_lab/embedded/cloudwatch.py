"""boto3's CloudWatch over one store of metrics and one book of alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from tidepool_lab.embedded import insights, maths
from tidepool_lab.embedded.alarms import Alarm, AlarmBook, contributor_id, query_series
from tidepool_lab.embedded.evaluation import State
from tidepool_lab.embedded.intercept import AwsError, Params, page
from tidepool_lab.embedded.metrics import Recorded, Store, Values
from tidepool_lab.embedded.timestamps import moment

QUERIES = 500
DATAPOINTS = 100_800
"""Of one GetMetricData call (facts: Metrics)."""


@dataclass(slots=True)
class _Result:
    id: str
    label: str
    starts: list[int]
    values: list[float]


class CloudWatch:
    """A responder. `now` is the simulated second."""

    def __init__(self, store: Store, alarms: AlarmBook, recorded: Recorded, *, now: Callable[[], int]) -> None:
        self.store, self.alarms, self.recorded, self.now = store, alarms, recorded, now

    def __call__(self, operation: str, params: Params) -> Params | None:
        match operation:
            case "GetMetricData":
                return self.get_metric_data(params)
            case "PutMetricData":
                return self._put_metric_data(params)
            case "PutMetricAlarm":
                self.alarms.put(params, self.now())
                return {}
            case "DeleteAlarms":
                return self._delete_alarms(params)
            case "DescribeAlarms":
                return self._describe_alarms(params)
            case "DescribeAlarmContributors":
                return self._contributors(params)
            case "ListTagsForResource":
                return {"Tags": [{"Key": k, "Value": v} for k, v in self._by_arn(params["ResourceARN"]).tags.items()]}
            case "TagResource":
                self._by_arn(params["ResourceARN"]).tags.update({t["Key"]: t["Value"] for t in params["Tags"]})
                return {}
            case "EnableAlarmActions" | "DisableAlarmActions":
                for name in params["AlarmNames"]:
                    alarm = self.alarms.alarms[name]
                    alarm.asked = {**alarm.asked, "ActionsEnabled": operation == "EnableAlarmActions"}
                return {}
            case _:
                raise AwsError("InvalidAction", f"The twin's CloudWatch has no {operation}.")

    # Metrics.
    def get_metric_data(self, params: Params) -> Params:
        """Newest first unless asked otherwise; a period without a datapoint is not in the answer."""
        queries = params["MetricDataQueries"]
        if len(queries) > QUERIES:
            raise AwsError("ValidationError", f"The collection MetricDataQueries must not have a size over {QUERIES}.")
        ids = [query["Id"] for query in queries]
        if len(set(ids)) != len(ids):
            raise AwsError("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")
        start_s, end_s = int(_seconds(params["StartTime"])), int(-(-_seconds(params["EndTime"]) // 1))
        if end_s <= start_s:
            raise AwsError("ValidationError", "The parameter EndTime must be greater than StartTime.")
        results = list(self._results(queries, start_s, end_s))
        if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            for result in results:
                result.starts.reverse()
                result.values.reverse()
        limit = min(params.get("MaxDatapoints", DATAPOINTS), DATAPOINTS)
        return _page(results, params.get("NextToken"), limit)

    def _results(self, queries: list[Params], start_s: int, end_s: int) -> Iterator[_Result]:
        inputs: dict[str, tuple[Values, int, int]] = {}
        for query in queries:
            if "MetricStat" in query:
                inputs[query["Id"]] = self._metric_stat(query["MetricStat"], start_s, end_s)
        for query in queries:
            if not query.get("ReturnData", True):
                continue
            if "MetricStat" in query:
                label = str(query.get("Label") or query["MetricStat"]["Metric"]["MetricName"])
                yield _result(query["Id"], label, *inputs[query["Id"]])
                continue
            expression = query["Expression"]
            if not expression.lstrip().upper().startswith("SELECT"):
                first = next(iter(inputs.values()))
                values = maths.evaluate(expression, {key: each[0] for key, each in inputs.items()})
                yield _result(query["Id"], str(query.get("Label") or query["Id"]), values, first[1], first[2])
                continue
            if "Period" not in query:
                raise AwsError("ValidationError", f"Period is required for the expression of {query['Id']}.")
            period = query["Period"]
            low = start_s // period * period
            span = {"period_s": period, "start_s": low, "end_s": end_s, "now": self.now()}
            for key, values in query_series(self.store, insights.parse(expression), span).items():
                yield _result(query["Id"], " ".join(key) or query["Id"], values, low, period)

    def _metric_stat(self, stat: Mapping[str, Any], start_s: int, end_s: int) -> tuple[Values, int, int]:
        metric, period = stat["Metric"], int(stat["Period"])
        if period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
            raise AwsError("ValidationError", f"Period {period} must be 1, 5, 10, 20, 30 or a multiple of 60.")
        low = start_s // period * period
        values = self.store.values(
            metric["Namespace"],
            metric["MetricName"],
            {each["Name"]: each["Value"] for each in metric.get("Dimensions", ())},
            stat=stat["Stat"],
            period_s=period,
            start_s=low,
            end_s=end_s,
            now=self.now(),
        )
        return values, low, period

    def _put_metric_data(self, params: Params) -> Params:
        for datum in params.get("MetricData", ()):
            dimensions = {each["Name"]: each["Value"] for each in datum.get("Dimensions", ())}
            at_s = int(_seconds(datum["Timestamp"])) if "Timestamp" in datum else self.now()
            values = datum.get("Values", [datum["Value"]] if "Value" in datum else [])
            for value in values:
                self.recorded.put(params["Namespace"], datum["MetricName"], dimensions, value=value, at_s=at_s)
        return {}

    # Alarms.
    def _delete_alarms(self, params: Params) -> Params:
        missing = [name for name in params["AlarmNames"] if name not in self.alarms.alarms]
        if missing:
            raise AwsError("ResourceNotFound", f"Alarms not found: {missing}", 404)
        for name in params["AlarmNames"]:
            del self.alarms.alarms[name]
        return {}

    def _describe_alarms(self, params: Params) -> Params:
        names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix", "")
        if names is not None and prefix:
            raise AwsError("InvalidParameterCombination", "AlarmNames and AlarmNamePrefix cannot both be given.")
        found = [
            alarm
            for name, alarm in sorted(self.alarms.alarms.items())
            if (names is None or name in names)
            and name.startswith(prefix)
            and params.get("StateValue", alarm.state) == alarm.state
        ]
        items, token = page(found, params.get("NextToken"), params.get("MaxRecords", 50))
        reply: Params = {"MetricAlarms": [_described(alarm) for alarm in items], "CompositeAlarms": []}
        return reply | ({"NextToken": token} if token else {})

    def _contributors(self, params: Params) -> Params:
        alarm = self.alarms.alarms.get(params["AlarmName"])
        if alarm is None:
            raise AwsError("ResourceNotFoundException", f"Alarm {params['AlarmName']} does not exist.", 404)
        listed = []
        for key, since in sorted(alarm.contributors.items()):
            attributes = dict(zip(alarm.group, key, strict=True))
            listed.append(
                {
                    "ContributorId": contributor_id(attributes),
                    "ContributorAttributes": attributes,
                    "StateReason": alarm.reason,
                    "StateTransitionedTimestamp": moment(since),
                }
            )
        items, token = page(listed, params.get("NextToken"), 100)
        return {"AlarmContributors": items} | ({"NextToken": token} if token else {})

    def _by_arn(self, arn: str) -> Alarm:
        for alarm in self.alarms.alarms.values():
            if alarm.arn == arn:
                return alarm
        raise AwsError("ResourceNotFoundException", f"Unknown resource {arn}", 404)


def _seconds(value: Any) -> float:
    """botocore takes datetimes, numbers and ISO texts."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return float(value.timestamp()) if isinstance(value, datetime) else float(value)


def _result(query: str, label: str, values: Values, start_s: int, period_s: int) -> _Result:
    known = np.flatnonzero(~np.isnan(values))
    starts = (start_s + known * period_s).tolist()
    return _Result(query, label, starts, values[known].tolist())


def _page(results: list[_Result], token: str | None, limit: int) -> Params:
    """At most `limit` datapoints; the token is 'result:offset' of the next one."""
    first, offset = (int(part) for part in token.split(":")) if token else (0, 0)
    stamps: dict[int, datetime] = {}
    listed: list[Params] = []
    left = limit
    for position in range(first, len(results)):
        result = results[position]
        begin = offset if position == first else 0
        if not left:
            return {"MetricDataResults": listed, "NextToken": f"{position}:{begin}", "Messages": []}
        starts = result.starts[begin : begin + left]
        left -= len(starts)
        rest = begin + len(starts) < len(result.starts)
        listed.append(
            {
                "Id": result.id,
                "Label": result.label,
                "Timestamps": [stamps.get(at) or stamps.setdefault(at, moment(at)) for at in starts],
                "Values": result.values[begin : begin + len(starts)],
                "StatusCode": "PartialData" if rest else "Complete",
            }
        )
        if rest:
            return {"MetricDataResults": listed, "NextToken": f"{position}:{begin + len(starts)}", "Messages": []}
    return {"MetricDataResults": listed, "Messages": []}


def _described(alarm: Alarm) -> Params:
    shown = {key: value for key, value in alarm.asked.items() if key != "Tags"}
    defaults = {"ActionsEnabled": True, "AlarmActions": [], "OKActions": [], "InsufficientDataActions": []}
    state: State = alarm.state
    return {
        **defaults,
        **shown,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": moment(alarm.put_s),
        "StateValue": str(state),
        "StateReason": alarm.reason,
        "StateReasonData": alarm.reason_data,
        "StateUpdatedTimestamp": moment(alarm.changed_s),
        "StateTransitionedTimestamp": moment(alarm.changed_s),
    }
