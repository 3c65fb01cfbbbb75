"""boto3's CloudWatch on the twin: what is visible, under which names, in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from seams.world import START_S
from tidepool_lab.embedded.rig import Rig

COMPONENT = [{"Name": "InferenceComponentName", "Value": "b"}]


def a_query(
    metric: str, stat: str, *, period: int = 60, dimensions: Any = None, namespace: str = "AWS/SageMaker"
) -> Any:
    return {
        "Id": "q",
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": COMPONENT if dimensions is None else dimensions,
            },
            "Period": period,
            "Stat": stat,
        },
    }


def ask(*queries: Any, since: int = START_S, until: int = START_S + 600, **more: Any) -> Any:
    client = boto3.client("cloudwatch", region_name="us-east-1")
    return client.get_metric_data(
        MetricDataQueries=list(queries),
        StartTime=datetime.fromtimestamp(since, UTC),
        EndTime=datetime.fromtimestamp(until, UTC),
        **more,
    )


def points(reply: Any, result: int = 0) -> list[tuple[int, float]]:
    found = reply["MetricDataResults"][result]
    return [(int(t.timestamp()) - START_S, v) for t, v in zip(found["Timestamps"], found["Values"], strict=True)]


def test_the_newest_datapoint_comes_first_and_is_a_minute_old(rig: Rig) -> None:
    rig.run_to(START_S + 300)
    assert points(ask(a_query("Invocations", "Sum"))) == [(180, 60.0), (120, 60.0), (60, 60.0), (0, 60.0)]
    ascending = ask(a_query("Invocations", "Sum"), ScanBy="TimestampAscending")
    assert points(ascending) == [(0, 60.0), (60, 60.0), (120, 60.0), (180, 60.0)]


def test_a_minute_without_requests_has_no_datapoint_and_longer_periods_are_summed(rig: Rig) -> None:
    rig.run_to(START_S + 900)
    visible = points(ask(a_query("Invocations", "Sum"), until=START_S + 900))
    assert [at for at, _ in visible] == [540, 480, 420, 360, 300, 240, 180, 120, 60, 0]
    wide = points(ask(a_query("Invocations", "Sum", period=300), until=START_S + 900))
    assert wide == [(300, 300.0), (0, 300.0)]


def test_the_trace_before_the_run_is_the_accounts_past(rig: Rig) -> None:
    past = points(ask(a_query("Invocations", "Sum"), since=START_S - 180, until=START_S))
    # The last minute before the run is not visible yet.
    assert past == [(-120, 7.0), (-180, 7.0)]


@pytest.mark.parametrize(
    ("metric", "stat", "dimensions"),
    [
        ("ConcurrentRequestsPerCopy", "Average", None),
        ("ConcurrentRequestsPerCopy", "Sum", None),
        ("Invocations", "Sum", [{"Name": "EndpointName", "Value": "pool"}]),
        ("Invocations", "Sum", [{"Name": "InferenceComponentName", "Value": "nobody"}]),
        ("Invocation", "Sum", None),
    ],
)
def test_what_cloudwatch_does_not_have_gives_an_empty_answer_and_no_error(
    rig: Rig, metric: str, stat: str, dimensions: Any
) -> None:
    rig.run_to(START_S + 300)
    reply = ask(a_query(metric, stat, dimensions=dimensions))
    assert points(reply) == []
    assert reply["MetricDataResults"][0]["StatusCode"] == "Complete"


def test_concurrency_is_there_every_ten_seconds_twenty_seconds_late(rig: Rig) -> None:
    rig.run_to(START_S + 300)
    fast = points(ask(a_query("ConcurrentRequestsPerCopy", "Maximum", period=10)))
    assert fast[0][0] == 270
    assert len(fast) == 28
    by_minute = points(ask(a_query("ConcurrentRequestsPerCopy", "Maximum", period=60)))
    assert dict(by_minute)[0] == max(value for at, value in fast if at < 60)


def test_utilisation_is_the_evidence_that_a_silent_copy_is_there(rig: Rig) -> None:
    rig.run_to(START_S + 900)
    shown = points(
        ask(
            a_query("GPUUtilizationNormalized", "Average", namespace="/aws/sagemaker/InferenceComponents"),
            since=START_S + 720,
            until=START_S + 840,
        )
    )
    assert shown == [(780, 0.0), (720, 0.0)]


def test_latency_is_in_microseconds(rig: Rig) -> None:
    rig.run_to(START_S + 300)
    latest = points(ask(a_query("ModelLatency", "Average")))[0][1]
    assert 4e6 <= latest < 10e6


def test_many_datapoints_come_in_pages(rig: Rig) -> None:
    rig.run_to(START_S + 300)
    client = boto3.client("cloudwatch", region_name="us-east-1")
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[a_query("Invocations", "Sum"), {**a_query("ModelLatency", "Average"), "Id": "r"}],
        StartTime=START_S,
        EndTime=START_S + 300,
        PaginationConfig={"PageSize": 3},
    )
    found: dict[str, list[Any]] = {}
    number = 0
    for page in pages:
        number += 1
        assert sum(len(result["Values"]) for result in page["MetricDataResults"]) <= 3
        for result in page["MetricDataResults"]:
            found.setdefault(result["Id"], []).extend(result["Timestamps"])
    assert number == 3
    assert {key: len(value) for key, value in found.items()} == {"q": 4, "r": 4}


def test_a_query_over_the_fleet_gives_one_series_a_component(rig: Rig) -> None:
    rig.run_to(START_S + 360)
    sql = 'SELECT SUM(Invocations) FROM SCHEMA("AWS/SageMaker", InferenceComponentName) GROUP BY InferenceComponentName'
    reply = ask({"Id": "q", "Expression": sql, "Period": 300})
    # a had no copy, so that no request of its was accepted: no metric, no series.
    assert [(r["Label"], r["Values"]) for r in reply["MetricDataResults"]] == [("b", [300.0])]


def test_wrong_questions_are_refused(rig: Rig) -> None:
    with pytest.raises(ClientError, match="not unique"):
        ask(a_query("Invocations", "Sum"), a_query("Invocations", "Sum"))
    with pytest.raises(ClientError, match="EndTime must be greater"):
        ask(a_query("Invocations", "Sum"), since=START_S, until=START_S)
    with pytest.raises(ClientError, match="multiple of 60"):
        ask(a_query("Invocations", "Sum", period=90))


def test_an_alarm_can_be_put_described_tagged_and_deleted(rig: Rig) -> None:
    client = boto3.client("cloudwatch", region_name="us-east-1")
    client.put_metric_alarm(
        AlarmName="burst-b",
        Namespace="AWS/SageMaker",
        MetricName="ConcurrentRequestsPerCopy",
        Dimensions=COMPONENT,
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=2,
        Threshold=2,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[rig.stack.outputs["LookArn"]],
        Tags=[{"Key": "tidepool:intent", "Value": "surge"}],
    )
    rig.run_to(START_S + 120)
    (shown,) = client.describe_alarms(AlarmNamePrefix="burst-")["MetricAlarms"]
    assert shown["StateValue"] == "ALARM"
    tags = client.list_tags_for_resource(ResourceARN=shown["AlarmArn"])["Tags"]
    assert tags == [{"Key": "tidepool:intent", "Value": "surge"}]
    # High resolution: seen between two minutes.
    (at,) = [h.at_s for h in rig.happened if h.what == "burst-b" and h.why == "ALARM"]
    assert at % 60
    client.delete_alarms(AlarmNames=["burst-b"])
    assert client.describe_alarms(AlarmNamePrefix="burst-")["MetricAlarms"] == []


def test_contributors_in_alarm_are_listed(rig: Rig) -> None:
    rig.run_to(START_S + 241)
    client = boto3.client("cloudwatch", region_name="us-east-1")
    (one,) = client.describe_alarm_contributors(AlarmName="no-capacity")["AlarmContributors"]
    assert one["ContributorAttributes"] == {"InferenceComponentName": "a"}
