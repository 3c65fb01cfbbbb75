"""One contract for how slow an hour's slowest tenth was: the twin's reading and GetMetricData's agree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from builders.aws_account import Account, an_account
from builders.twin_world import BIG, POOL, START, a_cloud, a_model
from tidepool.aws.cloudwatch import CloudWatch
from tidepool.fleet import Series
from tidepool.runtime.ports import MetricTarget
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastMetrics


@pytest.fixture(scope="module")
def hours() -> Iterator[tuple[Cloud, Account]]:
    """Two hours and a bit of a model with room, one whose callers wait, one with little traffic and one alone."""
    models = [a_model(name) for name in ("busy", "late", "rare", "alone")]
    traffic = [[40, 70, minute % 10 == 0, 30] for minute in range(150)]
    cloud = a_cloud(*models, traffic=traffic, copies={"busy": 2, "late": 1, "rare": 1})
    cloud.create_endpoint("own", "alone", instance_type=BIG, instances=1, tags={"model": "alone"}, settled=True)
    cloud.run_to(START + 150 * 60)
    with an_account(cloud) as account:
        yield cloud, account


TARGETS = (
    *(MetricTarget(name, POOL, "AllTraffic", name) for name in ("busy", "late", "rare", "nobody")),
    MetricTarget("own", "own", "AllTraffic", ""),
)


@pytest.mark.parametrize("now", [START + 150 * 60, START + 7259, START + 3660, START + 60])
def test_both_readings_of_how_slow_the_slowest_tenth_was_agree_to_the_last_bit(
    hours: tuple[Cloud, Account], now: int
) -> None:
    cloud, account = hours
    straight = FastMetrics(cloud).slowness(TARGETS, START - 3600, now)
    asked = CloudWatch(account.clients).slowness(TARGETS, START - 3600, now)
    assert asked.keys() == straight.keys() == {target.name for target in TARGETS}
    for name, pair in straight.items():
        assert all(_same(one, other) for one, other in zip(asked[name], pair, strict=True)), name
    whole = (now - 60 - START) // 3600
    assert len(straight["busy"][0].values) == 1 + whole
    # The hour before the run has no datapoint, nor has a target that is not there.
    assert np.isfinite(straight["busy"][0].values).tolist() == [False] + [True] * whole
    assert np.isnan(straight["nobody"][1].values).all()


def _same(one: Series, other: Series) -> bool:
    shapes = (one.start_s, one.step_s, len(one.values)) == (other.start_s, other.step_s, len(other.values))
    return shapes and one.values.tobytes() == other.values.tobytes()
