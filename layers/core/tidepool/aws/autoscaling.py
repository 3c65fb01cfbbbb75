"""Application Auto Scaling's targets of SageMaker: read whole, and set by their minimum and their suspension alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.fleet import ScalingTarget

NAMESPACE = "sagemaker"
COPIES, INSTANCES = "sagemaker:inference-component:DesiredCopyCount", "sagemaker:variant:DesiredInstanceCount"
"""What Tidepool also sets (API, ScalableDimension)."""
FLAGS = {
    "in": "DynamicScalingInSuspended",
    "out": "DynamicScalingOutSuspended",
    "scheduled": "ScheduledScalingSuspended",
}
"""Our word for each part of SuspendedState (API), in the order of ScalingTarget.suspended."""


class ApplicationAutoScaling:
    """runtime.ports.Autoscaling over the API."""

    def __init__(self, clients: Clients, *, clock: Callable[[], int]) -> None:
        self._clients, self._clock = clients, clock
        self._read: tuple[int, Mapping[str, ScalingTarget] | None] = (0, None)

    def targets(self, *, at_most_s: int = 0) -> Mapping[str, ScalingTarget]:
        """By component or endpoint name, as they were at most so many seconds ago while the function stays warm.

        Of several variants the last one is read: such endpoints are never scaled.
        """
        read_at, targets = self._read
        if targets is None or self._clock() - read_at >= at_most_s:
            targets = self._ask()
            self._read = (self._clock(), targets)
        return targets

    def _ask(self) -> Mapping[str, ScalingTarget]:
        with calling("DescribeScalableTargets", NAMESPACE):
            pages = self._clients.get("application-autoscaling").get_paginator("describe_scalable_targets")
            listed = [
                _target(found)
                for page in pages.paginate(ServiceNamespace=NAMESPACE)
                for found in page["ScalableTargets"]
                if found["ScalableDimension"] in (COPIES, INSTANCES)
            ]
        return {one.target: one for one in sorted(listed, key=lambda one: one.resource)}

    def set(self, target: ScalingTarget, *, change: str) -> None:
        """Its minimum and suspension are these; what is not said stays (API reference, RegisterScalableTarget).

        Application Auto Scaling then also puts a count that is outside [minimum, maximum] inside it (API reference).
        """
        suspended = target.suspended.split()
        self._read = (0, None)
        with self._clients.acting_for(change), calling("RegisterScalableTarget", target.resource):
            self._clients.get("application-autoscaling").register_scalable_target(
                ServiceNamespace=NAMESPACE,
                ResourceId=target.resource,
                ScalableDimension=COPIES if target.of_copies else INSTANCES,
                MinCapacity=target.minimum,
                SuspendedState={flag: word in suspended for word, flag in FLAGS.items()},
            )


def _target(found: Mapping[str, Any]) -> ScalingTarget:
    """'inference-component/NAME' or 'endpoint/NAME/variant/VARIANT' (API, ResourceId)."""
    state = found.get("SuspendedState", {})
    return ScalingTarget(
        resource=found["ResourceId"],
        target=found["ResourceId"].split("/")[1],
        minimum=found["MinCapacity"],
        maximum=found["MaxCapacity"],
        suspended=" ".join(word for word, flag in FLAGS.items() if state.get(flag)),
    )
