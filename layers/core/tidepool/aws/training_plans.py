"""When the machines of capacity reservations go: SageMaker's training plans, each asked for now and then alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import HostingError, Unreachable
from tidepool.fleet import Reservation

KEPT_S = 900
"""A plan can be extended until an hour before it ends (SageMaker guide, training plans): that is seen in time. Ours."""
PLAN = ":training-plan/"
"""Of reservations' ARNs, those that DescribeTrainingPlan takes (API)."""


class TrainingPlans:
    """runtime.ports.Reservations over DescribeTrainingPlan."""

    def __init__(self, clients: Clients, *, clock: Callable[[], int]) -> None:
        self._clients, self._clock = clients, clock
        self._read: dict[str, tuple[int, Reservation | None]] = {}

    def read(self, arns: Sequence[str]) -> Mapping[str, Reservation]:
        """By ARN. One that cannot be read is as it last was, or absent: nobody stops deciding for want of it."""
        found = ((arn, self._kept(arn)) for arn in arns if PLAN in arn)
        return {arn: reservation for arn, reservation in found if reservation is not None}

    def _kept(self, arn: str) -> Reservation | None:
        now = self._clock()
        until, known = self._read.get(arn, (0, None))
        if now >= until:
            try:
                with calling("DescribeTrainingPlan", arn):
                    plan = self._clients.get("sagemaker").describe_training_plan(TrainingPlanName=arn)
                known = reservation_of(plan, now)
            except (HostingError, Unreachable):
                pass  # What it was is the best that is known; the record says so where it is nothing.
            self._read[arn] = (now + KEPT_S, known)
        return known


def reservation_of(plan: Mapping[str, Any], now: int) -> Reservation | None:
    """What the plan has at `now`, and until when without a gap; None when it names no end, or has not begun.

    A plan's blocks may follow each other with gaps (SageMaker guide, training plans), and machines go at each.
    """
    blocks = sorted(_blocks(plan.get("ReservedCapacitySummaries", ())))
    running = [block for block in blocks if block[0] <= now < block[1]]
    if blocks and not running:
        ended = [block[1] for block in blocks if block[1] <= now]
        return Reservation(0, max(ended)) if ended else None
    if not running:
        total, ends = int(plan.get("TotalInstanceCount", 0)), plan.get("EndTime")
        return Reservation(total, _seconds(ends)) if ends is not None else None
    until = min(block[1] for block in running)
    for start, end, _ in blocks:
        if start <= until < end and (start, end) not in {block[:2] for block in running}:
            until = end
    return Reservation(sum(block[2] for block in running), until)


def _blocks(summaries: Iterable[Mapping[str, Any]]) -> Iterable[tuple[int, int, int]]:
    """(start, end, instances) of those that say when they are."""
    for one in summaries:
        if "StartTime" in one and "EndTime" in one:
            yield _seconds(one["StartTime"]), _seconds(one["EndTime"]), int(one["TotalInstanceCount"])


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
