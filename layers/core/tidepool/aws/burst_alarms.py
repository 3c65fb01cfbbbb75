"""Alarms on the 10-second concurrency metric, for models that ask for them: exactly as many as are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling

PERIOD_S = 10
BREACHES = 2
"""Two periods of 10 s in a row: one full period may be a single long request. Ours."""
DELETES_PER_CALL = 100
"""DeleteAlarms takes 100 names (CloudWatch API)."""


class BurstAlarms:
    """The alarms under one name prefix. Each wakes decide; nothing is lost without them but half a minute."""

    def __init__(self, clients: Clients, *, decide_arn: str) -> None:
        self._clients, self._decide_arn = clients, decide_arn

    def keep_burst_alarms(self, components: Mapping[str, float], *, prefix: str) -> None:
        """Exactly these components have an alarm under `prefix`: name → 10-second concurrency per copy that is full.

        An alarm that is right already is not written again, since writing one resets nothing but costs a call.
        """
        client = self._clients.get("cloudwatch")
        with calling("DescribeAlarms", prefix):
            pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
            there = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
        wanted = {f"{prefix}{name}": self._alarm(name, full) for name, full in sorted(components.items())}
        for name, alarm in wanted.items():
            if not _same(there.get(name, {}), alarm):
                with calling("PutMetricAlarm", name):
                    client.put_metric_alarm(AlarmName=name, **alarm)
        gone = sorted(there.keys() - wanted.keys())
        for first in range(0, len(gone), DELETES_PER_CALL):
            with calling("DeleteAlarms", prefix):
                client.delete_alarms(AlarmNames=gone[first : first + DELETES_PER_CALL])

    def _alarm(self, component: str, full: float) -> dict[str, Any]:
        return {
            "AlarmDescription": f"Every copy of {component} is full: decide looks at once. Kept by Tidepool.",
            "Namespace": "AWS/SageMaker",
            "MetricName": "ConcurrentRequestsPerCopy",
            "Dimensions": [{"Name": "InferenceComponentName", "Value": component}],
            "Statistic": "Maximum",
            "Period": PERIOD_S,
            "EvaluationPeriods": BREACHES,
            "DatapointsToAlarm": BREACHES,
            "Threshold": full,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [self._decide_arn] if self._decide_arn else [],
        }


def _same(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(there.get(field) == value for field, value in wanted.items())
