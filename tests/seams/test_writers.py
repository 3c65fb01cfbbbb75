"""Application Auto Scaling and CloudTrail as boto3 finds them on the twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from seams.world import a_cloud, a_small_rig
from tidepool_lab.embedded.rig import Rig

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/a",
    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with a_small_rig(a_cloud({"a": [6] * 10})) as rig:
        yield rig


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")


def test_a_target_keeps_what_its_next_registration_does_not_say(rig: Rig) -> None:
    scaling = client("application-autoscaling")
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    pause = {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True, "ScheduledScalingSuspended": True}
    scaling.register_scalable_target(**TARGET, SuspendedState=pause)
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"], found["SuspendedState"]) == (1, 4, pause)


def test_a_policy_wants_a_target(rig: Rig) -> None:
    with pytest.raises(ClientError, match="No scalable target"):
        client("application-autoscaling").put_scaling_policy(**TARGET, PolicyName="p")


def test_the_event_history_tells_of_writes_and_of_nothing_else(rig: Rig) -> None:
    sagemaker = client("sagemaker")
    sagemaker.list_endpoints()
    wanted = {"DesiredRuntimeConfig": {"CopyCount": 2}}
    sagemaker.update_inference_component_runtime_config(InferenceComponentName="a", **wanted)
    (event,) = client("cloudtrail").lookup_events()["Events"]
    assert event["EventName"] == "UpdateInferenceComponentRuntimeConfig"
    assert event["Resources"][0]["ResourceName"] == "a"


def test_a_refused_write_is_not_told_of(rig: Rig) -> None:
    with pytest.raises(ClientError):
        client("sagemaker").delete_endpoint(EndpointName="nobody")
    assert client("cloudtrail").lookup_events()["Events"] == []
