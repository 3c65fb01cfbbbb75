"""An account that people run by hand: two models in a pool, one on a machine of its own, and others who write it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import numpy as np

from functions.world import ROOT, World
from tidepool.fleet import Reservation
from tidepool.units import DAY_S
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import EPOCH_S, Cloud
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, TypeSpec
from tidepool_lab.twin.traffic import TableArrivals

P4D, G6 = "ml.p4d.24xlarge", "ml.g6.12xlarge"
NAMES = ("chat", "evals", "notes")
PER_MINUTE = (30, 4, 6)
PAST_DAYS = 15
START_S = EPOCH_S + PAST_DAYS * DAY_S
CHAT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "inference-component/chat",
    "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
}


def a_cloud(*, tagged: bool = True, quota: int = 6) -> Cloud:
    """15 days of traffic lie behind it. `notes` slept but for every tenth minute."""
    models = tuple(
        ModelSpec(name, {"A100": Capacity(1, 8, 4.0), "L4": Capacity(1, 8, 4.0)}, 40, 20, kind=Kind.INTERACTIVE)
        for name in NAMES
    )
    types = {P4D: TypeSpec(P4D, "A100", 8, 25.2513, quota), G6: TypeSpec(G6, "L4", 4, 5.752, 4)}
    table = np.tile(np.array(PER_MINUTE, dtype=np.int64), ((PAST_DAYS + 1) * 1440, 1))
    table[np.arange(len(table)) % 10 != 0, 2] = 0
    cloud = Cloud(
        CloudSpec(types=types, models=models),
        TableArrivals(NAMES, table),
        seed=1,
        start_s=START_S,
    )
    tags = {name: {"model": name} if tagged else {} for name in NAMES}
    cloud.create_pool("shared", P4D, maximum=4, scale_in="CONSOLIDATION", settled=True)
    cloud.create_component("chat", "shared", model="chat", copies=2, tags=tags["chat"], settled=True)
    cloud.create_component("evals", "shared", model="evals", copies=1, tags=tags["evals"], settled=True)
    cloud.create_endpoint("notes-own", "notes", instance_type=G6, instances=1, tags=tags["notes"], settled=True)
    return cloud


def aws(service: str) -> Any:
    """boto3's client, as a person has it."""
    return boto3.client(service, region_name="us-east-1")


@contextmanager
def an_account(*, tagged: bool = True, quota: int = 6, hands: str = "none", fleet: str = "") -> Iterator[World]:
    """20 minutes after the start: there are metrics of a quarter of an hour. Without `fleet` no stack decides."""
    cloud = a_cloud(tagged=tagged, quota=quota)
    with Rig(
        cloud, template=ROOT / "template.yaml", parameters={"Hands": hands}, fleet_yaml=fleet, learn_first=""
    ) as rig:
        rig.run_to(START_S + 1200)
        yield World(rig, cloud)


def autoscaled() -> None:
    """chat is scaled by Application Auto Scaling, by day with a higher minimum."""
    scaling = aws("application-autoscaling")
    scaling.register_scalable_target(**CHAT, MinCapacity=1, MaxCapacity=6)
    metric = {"PredefinedMetricType": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"}
    scaling.put_scaling_policy(
        **CHAT,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 5.0, "PredefinedMetricSpecification": metric},
    )
    scaling.put_scheduled_action(
        **CHAT, ScheduledActionName="morning", Schedule="cron(0 7 * * ? *)", ScalableTargetAction={"MinCapacity": 2}
    )


def reserved(world: World, *, ends_s: int) -> None:
    """An endpoint of a training plan stands beside the others."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/h100s"
    bound = {"CapacityReservationPreference": "capacity-reservations-only", "MlReservationArn": arn}
    world.cloud.training_plans[arn] = Reservation(1, ends_s)
    sagemaker = aws("sagemaker")
    sagemaker.create_endpoint_config(
        EndpointConfigName="reserved",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/pool",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "InstanceType": P4D,
                "InitialInstanceCount": 1,
                "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 1},
                "CapacityReservationConfig": bound,
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName="reserved", EndpointConfigName="reserved")
