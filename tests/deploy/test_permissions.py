"""What the deployed roles may do: a sample of `make prove-permissions`, and what is refused by tag or by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy.conftest import STACK, nothing_refused
from tidepool_lab.deploy.permissions import resolved, statements
from tidepool_lab.deploy.prove import prove
from tidepool_lab.deploy.scenarios import POOL, Scenarios
from tidepool_lab.deploy.stage import REGION, ROOT, Stage
from tidepool_lab.embedded import template

SAMPLE = (
    ("DecideRole", "StoreDecisions"),
    ("ScaleCopiesRole", "SetCopies"),
    ("ReportRole", "KeepReports"),
    ("ScheduleRole", "WakeTheFunctions"),
)


@pytest.fixture(scope="module")
def theirs(stage: Stage) -> Iterator[str]:
    """A component on the pool that nobody gave into Tidepool's hands."""
    client = stage.client("sagemaker")
    client.create_inference_component(
        InferenceComponentName="theirs",
        EndpointName=POOL,
        VariantName="AllTraffic",
        Specification={"ModelName": "calm", "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024}},
        RuntimeConfig={"CopyCount": 1},
    )
    stage.until(lambda seen: seen["components"]["theirs"]["now"] == 1, minutes=10)
    yield "theirs"
    client.delete_inference_component(InferenceComponentName="theirs")


def in_role(stage: Stage, logical: str) -> Any:
    """SageMaker as the stack's role of that logical name."""
    (resource,) = stage.client("cloudformation").describe_stack_resources(StackName=STACK, LogicalResourceId=logical)[
        "StackResources"
    ]
    iam, sts = stage.client("iam"), stage.client("sts")
    arn = iam.get_role(RoleName=resource["PhysicalResourceId"])["Role"]["Arn"]
    key = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.client(
        "sagemaker",
        endpoint_url=stage.endpoint,
        region_name=REGION,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key["SessionToken"],
    )


def denied(call: Callable[[], Any]) -> bool:
    with pytest.raises(ClientError) as error:
        call()
    return bool(error.value.response["Error"]["Code"] == "AccessDeniedException")


@pytest.mark.parametrize(("role", "sid"), SAMPLE)
def test_a_statement_that_is_taken_out_is_missed_and_put_back(role: str, sid: str, stage: Stage) -> None:
    stack = resolved(template.read(ROOT / "template.yaml"), hands="moves", roles="")
    (statement,) = (each for each in statements(stack) if (each.role, each.sid) == (role, sid))
    assert prove(stage, Scenarios(stage, STACK), statement).denied in statement.actions
    with nothing_refused(stage):
        stage.minutes(2)


def test_what_nobody_gave_into_tidepools_hands_is_neither_scaled_nor_removed(stage: Stage, theirs: str) -> None:
    copies, moves = in_role(stage, "ScaleCopiesRole"), in_role(stage, "MoveModelsRole")

    def scale(client: Any, component: str) -> Any:
        return client.update_inference_component_runtime_config(
            InferenceComponentName=component, DesiredRuntimeConfig={"CopyCount": 1}
        )

    assert scale(copies, "zero")
    assert denied(lambda: scale(copies, theirs)) and denied(lambda: scale(moves, theirs))
    assert denied(lambda: moves.delete_inference_component(InferenceComponentName=theirs))


def test_what_is_made_has_tidepools_prefix_and_the_stacks_tags(stage: Stage) -> None:
    moves, instances = in_role(stage, "MoveModelsRole"), in_role(stage, "ScaleInstancesRole")
    ours = {"tidepool:managed": "true", "tidepool:created-by": STACK}
    variant = {"VariantName": "AllTraffic", "ModelName": "calm", "InitialInstanceCount": 1}
    variants = [{**variant, "InstanceType": "ml.p4d.24xlarge"}]

    def make(name: str, tags: dict[str, str]) -> Any:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        return moves.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, Tags=listed)

    assert denied(lambda: make("calm-prod", ours))
    assert denied(lambda: make("tidepool-calm", {**ours, "tidepool:created-by": "another"}))
    assert denied(lambda: make("tidepool-calm", {"tidepool:created-by": STACK}))
    assert make("tidepool-calm", ours)
    theirs = stage.client("sagemaker").describe_endpoint(EndpointName=POOL)["EndpointConfigName"]
    assert denied(lambda: instances.update_endpoint(EndpointName=POOL, EndpointConfigName=theirs))
    moves.delete_endpoint_config(EndpointConfigName="tidepool-calm")
    assert denied(lambda: moves.delete_endpoint_config(EndpointConfigName=theirs))
