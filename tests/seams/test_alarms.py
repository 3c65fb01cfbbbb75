"""Alarms behave as CloudWatch documents: M of N, missing data, transitions only, contributors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tidepool_lab.embedded.alarms import AlarmBook
from tidepool_lab.embedded.catalog import UnknownMetric
from tidepool_lab.embedded.evaluation import State, judge
from tidepool_lab.embedded.intercept import AwsError
from tidepool_lab.embedded.metrics import Recorded, Store

X, Z, N = 1.0, 0.0, float("nan")
ALARM, OK, NO_DATA = State.ALARM, State.OK, State.INSUFFICIENT_DATA
RETAIN = None


@pytest.mark.parametrize(
    ("needed", "points", "missing", "ignore", "breaching", "not_breaching"),
    [
        # AWS documentation, "How alarm state is evaluated when data is missing", 3 out of 3.
        (3, [Z, N, X, N, X], OK, OK, OK, OK),
        (3, [Z, N, N, N, N], OK, OK, OK, OK),
        (3, [N, N, N, N, N], NO_DATA, RETAIN, ALARM, OK),
        (3, [Z, X, X, N, X], ALARM, ALARM, ALARM, ALARM),
        (3, [N, N, X, N, N], ALARM, RETAIN, ALARM, OK),
        # The same page, 2 out of 3.
        (2, [Z, N, X, N, X], ALARM, ALARM, ALARM, ALARM),
        (2, [Z, Z, X, Z, X], ALARM, ALARM, ALARM, ALARM),
        (2, [Z, N, X, N, N], OK, OK, ALARM, OK),
        (2, [N, N, N, N, Z], OK, OK, ALARM, OK),
        (2, [N, N, N, X, N], ALARM, RETAIN, ALARM, OK),
    ],
)
def test_missing_data_is_treated_as_the_documentation_tabulates(
    needed: int,
    points: list[float],
    missing: State,
    ignore: State | None,
    breaching: State,
    not_breaching: State,
) -> None:
    def state(treat: str, before: State = OK) -> State:
        return judge(
            np.array(points),
            threshold=0.5,
            comparison="GreaterThanThreshold",
            of=3,
            needed=needed,
            missing=treat,
            before=before,
        )

    assert state("missing") is missing
    assert state("breaching") is breaching
    assert state("notBreaching") is not_breaching
    for before in (OK, ALARM):
        assert state("ignore", before) is (ignore or before)


def test_a_first_breaching_point_alone_is_too_early_to_alarm() -> None:
    rules: dict[str, Any] = {"threshold": 0.5, "comparison": "GreaterThanThreshold", "of": 3, "needed": 3}
    assert judge(np.array([N, N, N, N, X]), **rules, before=OK) is OK


def a_book() -> tuple[AlarmBook, Recorded]:
    recorded = Recorded()
    return AlarmBook(Store((recorded,)), region="us-east-1", account="123456789012"), recorded


def an_alarm(**changes: Any) -> dict[str, Any]:
    asked = {
        "AlarmName": "full",
        "Namespace": "Tidepool",
        "MetricName": "Asked",
        "Dimensions": [{"Name": "service", "Value": "tidepool"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": ["arn:aws:lambda:us-east-1:123456789012:function:look"],
    }
    return asked | changes


def test_an_alarm_speaks_when_its_state_changes_and_is_silent_while_it_stays() -> None:
    book, recorded = a_book()
    book.put(an_alarm(), 0)
    for minute in (0, 1, 2):
        recorded.put("Tidepool", "Asked", {"service": "tidepool"}, value=1, at_s=minute * 60)
    states = {now: [str(t.state) for t in book.evaluate(now)] for now in range(60, 601, 60)}
    # In ALARM from the first minute's end; back when the last breaching minute has left the evaluation range.
    assert states[60] == ["ALARM"]
    assert [now for now, changed in states.items() if changed == ["OK"]] == [360]
    assert sum(len(changed) for changed in states.values()) == 2


def test_a_metric_of_other_dimensions_is_another_metric() -> None:
    book, recorded = a_book()
    book.put(an_alarm(), 0)
    recorded.put("Tidepool", "Asked", {"service": "another"}, value=1, at_s=0)
    recorded.put("Tidepool", "Asked", {}, value=1, at_s=0)
    assert [t.state for t in book.evaluate(60)] == [OK]


def a_grouped_alarm() -> dict[str, Any]:
    plain = an_alarm()
    for key in ("Namespace", "MetricName", "Dimensions", "Statistic", "Period"):
        del plain[key]
    query = (
        'SELECT SUM(NoCapacityInvocationFailures) FROM SCHEMA("AWS/SageMaker", InferenceComponentName) '
        "GROUP BY InferenceComponentName"
    )
    return plain | {"Metrics": [{"Id": "q", "Expression": query, "Period": 60, "ReturnData": True}]}


def test_one_alarm_over_a_query_speaks_for_itself_once_and_for_each_contributor() -> None:
    book, recorded = a_book()
    book.put(a_grouped_alarm(), 0)
    book.evaluate(0)
    for name in ("a", "b"):
        key = {"InferenceComponentName": name}
        recorded.put("AWS/SageMaker", "NoCapacityInvocationFailures", key, value=3, at_s=10)
    first = book.evaluate(60)
    assert [(t.contributor, t.state) for t in first] == [((), ALARM), (("a",), ALARM), (("b",), ALARM)]
    assert first[1].attributes == {"InferenceComponentName": "a"}
    recorded.put("AWS/SageMaker", "NoCapacityInvocationFailures", {"InferenceComponentName": "c"}, value=1, at_s=70)
    later = book.evaluate(120)
    # The alarm is in ALARM already: only the new contributor is news.
    assert [(t.contributor, t.state) for t in later] == [(("c",), ALARM)]
    assert sorted(book.alarms["full"].contributors) == [("a",), ("b",), ("c",)]


def test_an_alarm_on_errors_of_several_functions_adds_them_up() -> None:
    book, recorded = a_book()
    sums = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": "Errors",
                    "Dimensions": [{"Name": "FunctionName", "Value": name}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for name in ("one", "two")
    ]
    plain = a_grouped_alarm() | {"Metrics": [{"Id": "all", "Expression": "SUM(METRICS())"}, *sums], "Threshold": 2.0}
    book.put(plain, 0)
    for name in ("one", "two"):
        recorded.put("AWS/Lambda", "Errors", {"FunctionName": name}, value=1, at_s=0)
    assert [t.state for t in book.evaluate(60)] == [ALARM]


@pytest.mark.parametrize(
    ("namespace", "metric", "dimension", "statistic", "why"),
    [
        ("AWS/SageMaker", "NoCapacityInvocationFailure", "InferenceComponentName", "Sum", "no such metric"),
        ("AWS/SageMaker", "Invocations", "EndpointName", "Sum", "not filed under"),
        ("AWS/SageMaker", "ConcurrentRequestsPerCopy", "InferenceComponentName", "Average", "no statistic"),
        ("AWS/Lambda", "Error", "FunctionName", "Sum", "no such metric"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Queue", "Maximum", "filed under"),
    ],
)
def test_an_alarm_that_could_never_fire_is_refused(
    namespace: str, metric: str, dimension: str, statistic: str, why: str
) -> None:
    book, _ = a_book()
    asked = an_alarm(
        Namespace=namespace, MetricName=metric, Dimensions=[{"Name": dimension, "Value": "x"}], Statistic=statistic
    )
    with pytest.raises(UnknownMetric, match=why):
        book.put(asked, 0)


def test_a_query_that_is_not_metrics_insights_is_a_validation_error() -> None:
    book, _ = a_book()
    asked = a_grouped_alarm() | {"Metrics": [{"Id": "q", "Expression": "SELECT everything", "Period": 60}]}
    with pytest.raises(AwsError, match="not a Metrics Insights query"):
        book.put(asked, 0)
