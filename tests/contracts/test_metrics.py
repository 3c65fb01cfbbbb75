"""One contract for metrics: the twin's own reading and GetMetricData give the same series, value for value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime

import numpy as np
import pytest

from builders.aws_account import Account, an_account
from builders.twin_world import BIG, POOL, START, a_cloud, a_model
from tidepool.aws.clients import Clients
from tidepool.aws.cloudwatch import CloudWatch
from tidepool.errors import Unreachable
from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import empty
from tidepool.runtime.ports import MetricTarget
from tidepool_lab.embedded.intercept import AwsError, Params, answering
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastMetrics

TARGETS = (
    MetricTarget("busy", POOL, "AllTraffic", "busy"),
    MetricTarget("silent", POOL, "AllTraffic", "silent"),
    MetricTarget("zero", POOL, "AllTraffic", "zero"),
    MetricTarget("own", "own", "AllTraffic", ""),
    MetricTarget("nobody", POOL, "AllTraffic", "nobody"),
)
NOW = START + 1800


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Cloud, Account]]:
    models = [a_model(name) for name in ("busy", "silent", "zero", "alone")]
    # Minutes with and without requests; `zero` has no copies and is called, `alone` lives on an endpoint of its own.
    traffic = [[(minute % 3) * 40, 0, minute % 2, 30] for minute in range(40)]
    cloud = a_cloud(*models, traffic=traffic, copies={"busy": 2, "silent": 1, "zero": 0})
    cloud.create_endpoint("own", "alone", instance_type=BIG, instances=1, tags={"model": "alone"}, settled=True)
    cloud.run_to(NOW)
    with an_account(cloud) as account:
        yield cloud, account


@pytest.mark.parametrize("now", [NOW, NOW - 7, NOW - 60, START + 60])
def test_both_readings_of_the_evidence_agree_to_the_last_bit(world: tuple[Cloud, Account], now: int) -> None:
    cloud, account = world
    straight = FastMetrics(cloud).evidence(TARGETS, now, 900)
    asked = CloudWatch(account.clients).evidence(TARGETS, now, 900)
    assert asked.keys() == straight.keys()
    for name, evidence in straight.items():
        for field in fields(Evidence):
            assert _same(getattr(asked[name], field.name), getattr(evidence, field.name)), (name, field.name)


def test_both_readings_of_the_history_agree(world: tuple[Cloud, Account]) -> None:
    cloud, account = world
    straight = FastMetrics(cloud).history(TARGETS, START - 3600, NOW)
    asked = CloudWatch(account.clients).history(TARGETS, START - 3600, NOW)
    for target in TARGETS:
        assert _same(asked[target.name], straight[target.name]), target.name


@pytest.mark.parametrize("target", [TARGETS[0], TARGETS[3]], ids=["shared", "dedicated"])
def test_the_extremes_are_the_longest_answer_of_each_hour_and_the_most_in_flight_of_each_minute(
    target: MetricTarget,
) -> None:
    asked: list[Params] = []
    now = START + 15 * 86_400

    def replies(operation: str, params: Params) -> Params:
        asked.extend(params["MetricDataQueries"])
        at = datetime.fromtimestamp(START + 7200, UTC)
        return {
            "MetricDataResults": [
                {"Id": query["Id"], "Timestamps": [at], "Values": [9e6], "StatusCode": "Complete"}
                for query in params["MetricDataQueries"]
            ]
        }

    with answering({"cloudwatch": replies}):
        seen = CloudWatch(Clients("us-east-1")).extremes(target, START, now)
    in_flight = "ConcurrentRequestsPerCopy" if target.component else "ConcurrentRequestsPerModel"
    stats = [(m["Metric"]["MetricName"], m["Stat"], m["Period"]) for m in (query["MetricStat"] for query in asked)]
    assert stats == [("ModelLatency", "Maximum", 3600), (in_flight, "Maximum", 60)]
    assert (seen.latency_ms.step_s, seen.latency_ms.values[2]) == (3600, 9000.0)
    assert np.isnan(seen.latency_ms.values[3:]).all()
    assert (seen.concurrency.step_s, seen.concurrency.values[120]) == (60, 9e6)


def test_a_minute_without_requests_is_missing_and_never_zero(world: tuple[Cloud, Account]) -> None:
    _, account = world
    seen = CloudWatch(account.clients).evidence(TARGETS, NOW, 900)
    assert np.isnan(seen["silent"].invocations.values).all()
    assert not np.isnan(seen["silent"].utilisation.values).any()
    assert np.isnan(seen["zero"].utilisation.values).all()
    assert seen["busy"].invocations.last_seen_s() is not None
    assert seen["zero"].rejected.last_seen_s() is not None


def test_the_series_end_where_data_can_be_visible(world: tuple[Cloud, Account]) -> None:
    _, account = world
    seen = CloudWatch(account.clients).evidence(TARGETS[:1], NOW + 7, 900)["busy"]
    assert (seen.invocations.end_s, seen.concurrency.end_s) == (NOW - 60, NOW - 20)


def test_five_hundred_queries_a_call_are_the_limit_and_no_call_is_larger(world: tuple[Cloud, Account]) -> None:
    _, account = world
    many = [MetricTarget(f"c{i}", POOL, "AllTraffic", f"c{i}") for i in range(200)]
    with answering({"cloudwatch": _counted(sizes := [])}):
        CloudWatch(account.clients).evidence(many, NOW, 900)
    assert sum(sizes) == 200 * 6 and max(sizes) <= 500 and len(sizes) == 3


def test_a_long_history_is_asked_within_the_datapoint_limit(world: tuple[Cloud, Account]) -> None:
    _, account = world
    many = [MetricTarget(f"c{i}", POOL, "AllTraffic", f"c{i}") for i in range(10)]
    with answering({"cloudwatch": _counted(sizes := [])}):
        CloudWatch(account.clients).history(many, NOW - 15 * 86_400, NOW)
    assert sum(sizes) == 10 and max(sizes) * 15 * 1440 <= 100_800


def test_burst_alarms_are_exactly_those_that_are_wanted(world: tuple[Cloud, Account]) -> None:
    _, account = world
    assert account.alarms is not None
    alarms = account.alarms.alarms
    metrics = CloudWatch(account.clients, decide_arn="arn:decide")
    metrics.keep_burst_alarms({"busy": 20.0, "silent": 5.0}, prefix="tp-burst-")
    assert sorted(alarms) == ["tp-burst-busy", "tp-burst-silent"]
    assert alarms["tp-burst-busy"].asked["AlarmActions"] == ["arn:decide"]
    put = alarms["tp-burst-busy"].put_s, id(alarms["tp-burst-busy"].asked)
    metrics.keep_burst_alarms({"busy": 20.0}, prefix="tp-burst-")
    assert sorted(alarms) == ["tp-burst-busy"]
    assert put == (alarms["tp-burst-busy"].put_s, id(alarms["tp-burst-busy"].asked)), "what is right is not written"
    metrics.keep_burst_alarms({"busy": 24.0}, prefix="tp-burst-")
    assert alarms["tp-burst-busy"].asked["Threshold"] == 24.0


def _same(one: Series, other: Series) -> bool:
    shapes = (one.start_s, one.step_s, len(one.values)) == (other.start_s, other.step_s, len(other.values))
    return shapes and one.values.tobytes() == other.values.tobytes()


def _counted(sizes: list[int]) -> object:
    def answer(operation: str, params: Params) -> Params:
        if operation != "GetMetricData":
            raise AwsError("InvalidAction", operation)
        sizes.append(len(params["MetricDataQueries"]))
        return {"MetricDataResults": []}

    return answer


@pytest.mark.parametrize("code", ["InternalError", "PartialData", "Forbidden"])
def test_metrics_that_were_not_wholly_answered_are_no_silence(world: tuple[Cloud, Account], code: str) -> None:
    _, account = world

    def answer(operation: str, params: Params) -> Params | None:
        ids = [query["Id"] for query in params["MetricDataQueries"]]
        results = [{"Id": i, "Timestamps": [], "Values": [], "StatusCode": "Complete"} for i in ids]
        return {"MetricDataResults": [{**results[0], "StatusCode": code}, *results[1:]]}

    with answering({"cloudwatch": answer}), pytest.raises(Unreachable, match=f"1 of .* metrics with {code}"):
        CloudWatch(account.clients).evidence(TARGETS, NOW, 300)


def test_what_a_container_refuses_is_asked_only_of_the_homes_of_a_move(world: tuple[Cloud, Account]) -> None:
    _, account = world
    asked: list[str] = []

    def answer(operation: str, params: Params) -> Params | None:
        asked.extend(query["MetricStat"]["Metric"]["MetricName"] for query in params["MetricDataQueries"])
        values = {"Timestamps": [datetime.fromtimestamp(NOW - 120, UTC)], "Values": [7.0], "StatusCode": "Complete"}
        return {"MetricDataResults": [{"Id": query["Id"], **values} for query in params["MetricDataQueries"]]}

    with answering({"cloudwatch": answer}):
        moving, still = (MetricTarget("m", POOL, "AllTraffic", "m", moving=of) for of in (True, False))
        found = [CloudWatch(account.clients).evidence([target], NOW, 300)["m"] for target in (moving, still)]
    assert asked.count("Invocation4XXErrors") == 1
    assert np.nansum(found[0].refused.values) == 7.0
    assert found[1].refused is empty()


def test_how_slow_the_slowest_tenth_was_are_two_trimmed_means_an_hour() -> None:
    asked: list[Params] = []

    def replies(operation: str, params: Params) -> Params:
        asked.extend(params["MetricDataQueries"])
        at = datetime.fromtimestamp(START + 3600, UTC)
        return {
            "MetricDataResults": [
                {"Id": query["Id"], "Timestamps": [at], "Values": [9e6], "StatusCode": "Complete"}
                for query in params["MetricDataQueries"]
            ]
        }

    with answering({"cloudwatch": replies}):
        seen = CloudWatch(Clients("us-east-1")).slowness(TARGETS[:2], START, START + 7300)
    stats = sorted(
        (m["Metric"]["MetricName"], m["Stat"], m["Period"]) for m in (query["MetricStat"] for query in asked)
    )
    assert stats == [("ModelLatency", "TM(0%:90%)", 3600)] * 2 + [("ModelLatency", "TM(90%:100%)", 3600)] * 2
    others, slowest = seen["busy"]
    assert (others.start_s, others.step_s) == (slowest.start_s, slowest.step_s) == (START, 3600)
    np.testing.assert_array_equal(others.values, [np.nan, 9000.0])


def test_no_whole_hour_costs_no_metric(world: tuple[Cloud, Account]) -> None:
    _, account = world
    with answering({"cloudwatch": _counted(sizes := [])}):
        CloudWatch(account.clients).slowness(TARGETS, START, START + 3659)
    assert sizes == []
