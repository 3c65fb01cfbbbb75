"""What is read of a training plan, and how often: over the real adapter and the twin's DescribeTrainingPlan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from seams.both import a_rig
from seams.world import START_S, a_cloud
from tidepool.aws.clients import Clients
from tidepool.aws.training_plans import KEPT_S, TrainingPlans, reservation_of
from tidepool.fleet import Reservation
from tidepool_lab.embedded.rig import Rig

PLAN = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/p4ds"
NOW = 1_000_000
HOUR = 3600


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def block(start: int, end: int, machines: int = 2) -> dict[str, Any]:
    return {"StartTime": at(start), "EndTime": at(end), "TotalInstanceCount": machines}


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"TotalInstanceCount": 3, "EndTime": at(NOW + HOUR)}, Reservation(3, NOW + HOUR)),
        ({"TotalInstanceCount": 3}, None),
        ([block(NOW - HOUR, NOW + HOUR)], Reservation(2, NOW + HOUR)),
        ([block(NOW - HOUR, NOW + HOUR), block(NOW + HOUR, NOW + 3 * HOUR, 9)], Reservation(2, NOW + 3 * HOUR)),
        ([block(NOW - HOUR, NOW + HOUR), block(NOW + 2 * HOUR, NOW + 3 * HOUR)], Reservation(2, NOW + HOUR)),
        ([block(NOW - HOUR, NOW + HOUR), block(NOW - HOUR, NOW + 2 * HOUR, 1)], Reservation(3, NOW + HOUR)),
        ([block(NOW - 2 * HOUR, NOW - HOUR), block(NOW + HOUR, NOW + 2 * HOUR)], Reservation(0, NOW - HOUR)),
        ([block(NOW + HOUR, NOW + 2 * HOUR)], None),
    ],
    ids=["whole", "no end", "one", "in a row", "with a gap", "side by side", "in the gap", "not begun"],
)
def test_the_machines_go_at_the_first_end_that_nothing_follows(plan: Any, expected: Reservation | None) -> None:
    said = plan if isinstance(plan, dict) else {"EndTime": at(NOW + 9 * HOUR), "ReservedCapacitySummaries": plan}
    assert reservation_of(said, NOW) == expected


@pytest.fixture
def rig() -> Iterator[Rig]:
    with a_rig(a_cloud({"a": [0]}), hands="none") as made:
        yield made


def test_a_plan_is_asked_for_every_quarter_of_an_hour_and_one_that_cannot_be_read_stays_as_it_was(rig: Rig) -> None:
    now = [START_S]
    plans = TrainingPlans(Clients(rig.cloud.spec.region), clock=lambda: now[0])
    rig.cloud.training_plans[PLAN] = Reservation(2, START_S + 9 * HOUR)
    other = "arn:aws:sagemaker:us-east-1:111122223333:ml-reservation/x"
    for _ in range(3):
        assert plans.read([PLAN, other]) == {PLAN: Reservation(2, START_S + 9 * HOUR)}
    assert rig.calls["sagemaker.DescribeTrainingPlan"] == 1
    rig.cloud.training_plans[PLAN] = Reservation(2, START_S + 33 * HOUR)
    now[0] += KEPT_S
    assert plans.read([PLAN])[PLAN].until == START_S + 33 * HOUR
    del rig.cloud.training_plans[PLAN]
    now[0] += KEPT_S
    assert plans.read([PLAN])[PLAN].until == START_S + 33 * HOUR
    assert TrainingPlans(Clients(rig.cloud.spec.region), clock=lambda: now[0]).read([PLAN]) == {}
