"""boto3's SageMaker on the twin: replies in AWS's shape, refusals in AWS's words."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from seams.world import P4D, START_S, TAGS
from tidepool.errors import Throttled, Unreachable
from tidepool_lab.embedded import intercept
from tidepool_lab.embedded.rig import Rig


@pytest.fixture
def sagemaker(rig: Rig) -> Any:
    return boto3.client("sagemaker", region_name="us-east-1")


def refusal(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    said = error.value.response["Error"]
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return said["Code"], said["Message"]


def test_a_component_is_described_with_what_it_wants_and_what_it_has(rig: Rig, sagemaker: Any) -> None:
    sagemaker.update_inference_component_runtime_config(
        InferenceComponentName="b", DesiredRuntimeConfig={"CopyCount": 3}
    )
    described = sagemaker.describe_inference_component(InferenceComponentName="b")
    assert described["InferenceComponentStatus"] == "Updating"
    assert described["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 1}
    assert described["Specification"]["ComputeResourceRequirements"]["NumberOfAcceleratorDevicesRequired"] == 1.0
    rig.run_to(START_S + 300)
    described = sagemaker.describe_inference_component(InferenceComponentName="b")
    assert described["InferenceComponentStatus"] == "InService"
    assert described["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 3}


def test_a_second_change_is_refused_in_awss_own_words(sagemaker: Any) -> None:
    change = {"InferenceComponentName": "b", "DesiredRuntimeConfig": {"CopyCount": 2}}
    sagemaker.update_inference_component_runtime_config(**change)
    with pytest.raises(ClientError) as error:
        sagemaker.update_inference_component_runtime_config(**change)
    code, text = refusal(error)
    assert code == "ValidationException"
    assert "while it is in state UPDATE_RC_IN_PROGRESS" in text


def test_what_is_not_there_could_not_be_found(sagemaker: Any) -> None:
    with pytest.raises(ClientError) as error:
        sagemaker.describe_endpoint(EndpointName="nowhere")
    assert refusal(error) == ("ValidationException", 'Could not find endpoint "nowhere".')


def test_no_copies_at_create_is_refused_and_one_is_created_and_deleted(rig: Rig, sagemaker: Any) -> None:
    asked = {
        "InferenceComponentName": "tidepool-a",
        "EndpointName": "pool",
        "VariantName": "AllTraffic",
        "Specification": {
            "ModelName": "a",
            "ComputeResourceRequirements": {
                "NumberOfAcceleratorDevicesRequired": 1,
                "MinMemoryRequiredInMb": 1024,
            },
        },
        "Tags": [{"Key": "model", "Value": "a"}],
    }
    with pytest.raises(ClientError, match="larger than 0"):
        sagemaker.create_inference_component(**asked, RuntimeConfig={"CopyCount": 0})
    made = sagemaker.create_inference_component(**asked, RuntimeConfig={"CopyCount": 1})
    tags = sagemaker.list_tags(ResourceArn=made["InferenceComponentArn"])["Tags"]
    assert tags == [{"Key": "model", "Value": "a"}]
    rig.run_to(START_S + 400)
    sagemaker.delete_inference_component(InferenceComponentName="tidepool-a")
    rig.run_to(START_S + 600)
    names = [c["InferenceComponentName"] for c in sagemaker.list_inference_components()["InferenceComponents"]]
    assert names == ["a", "b"]


def test_bounds_change_through_a_new_config_which_the_endpoint_shows_afterwards(rig: Rig, sagemaker: Any) -> None:
    before = sagemaker.describe_endpoint(EndpointName="pool")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=before["EndpointConfigName"])
    variant = config["ProductionVariants"][0]
    assert variant["ManagedInstanceScaling"]["MaxInstanceCount"] == 6
    scaling = variant["ManagedInstanceScaling"] | {"MinInstanceCount": 2, "MaxInstanceCount": 4}
    sagemaker.create_endpoint_config(
        EndpointConfigName="wider",
        ExecutionRoleArn=config["ExecutionRoleArn"],
        ProductionVariants=[variant | {"ManagedInstanceScaling": scaling}],
    )
    sagemaker.update_endpoint(EndpointName="pool", EndpointConfigName="wider", RetainAllVariantProperties=True)
    assert sagemaker.describe_endpoint(EndpointName="pool")["EndpointStatus"] == "Updating"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.update_endpoint(EndpointName="pool", EndpointConfigName=before["EndpointConfigName"])
    rig.run_to(START_S + 600)
    after = sagemaker.describe_endpoint(EndpointName="pool")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "wider")
    assert after["ProductionVariants"][0]["ManagedInstanceScaling"]["MinInstanceCount"] == 2
    # The old config is still there, to go back to.
    sagemaker.describe_endpoint_config(EndpointConfigName=before["EndpointConfigName"])


def test_a_dedicated_endpoint_is_created_from_its_config_scaled_in_place_and_probed(rig: Rig, sagemaker: Any) -> None:
    variant = {"VariantName": "AllTraffic", "ModelName": "a", "InstanceType": P4D, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="alone", ProductionVariants=[variant])
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    sagemaker.create_endpoint(EndpointName="alone", EndpointConfigName="alone", Tags=tags)
    rig.run_to(START_S + 300)
    described = sagemaker.describe_endpoint(EndpointName="alone")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "alone")
    runtime = boto3.client("sagemaker-runtime", region_name="us-east-1")
    assert runtime.invoke_endpoint(EndpointName="alone", Body=b"{}")["Body"].read()
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="alone", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    )
    shown = sagemaker.describe_endpoint(EndpointName="alone")["ProductionVariants"][0]
    assert (shown["CurrentInstanceCount"], shown["DesiredInstanceCount"]) == (1, 2)


def test_a_component_without_copies_rejects_a_probe_as_sagemaker_rejects_a_caller(rig: Rig) -> None:
    runtime = boto3.client("sagemaker-runtime", region_name="us-east-1")
    with pytest.raises(ClientError) as error:
        runtime.invoke_endpoint(EndpointName="pool", InferenceComponentName="a", Body=b"{}")
    code, text = refusal(error)
    assert code == "ValidationError"
    assert "has no capacity to process this request" in text


def test_lists_come_in_pages_and_paginators_see_everything(rig: Rig, sagemaker: Any) -> None:
    page = sagemaker.list_inference_components(MaxResults=1)
    assert len(page["InferenceComponents"]) == 1
    pages = sagemaker.get_paginator("list_inference_components").paginate(PaginationConfig={"PageSize": 1})
    assert [c["InferenceComponentName"] for p in pages for c in p["InferenceComponents"]] == ["a", "b"]


def test_a_request_that_botocore_refuses_never_reaches_the_twin(sagemaker: Any) -> None:
    with pytest.raises(ParamValidationError):
        sagemaker.describe_endpoint(Endpoint="pool")


def test_a_reply_that_aws_would_never_send_is_a_bug_of_the_twin() -> None:
    with (
        intercept.answering({"sagemaker": lambda operation, params: {"EndpointNames": []}}),
        pytest.raises(intercept.TwinBug, match="Endpoints"),
    ):
        boto3.client("sagemaker", region_name="us-east-1", **NOBODY).list_endpoints()


def test_a_service_that_does_not_answer_is_a_connection_error() -> None:
    def silence(operation: str, params: intercept.Params) -> None:
        raise Unreachable("the twin is silent")

    with intercept.answering({"sagemaker": silence}), pytest.raises(EndpointConnectionError):
        boto3.client("sagemaker", region_name="us-east-1", **NOBODY).list_endpoints()


def test_a_throttled_call_is_tried_again_as_often_as_the_client_is_told() -> None:
    tries: list[str] = []

    def busy(operation: str, params: intercept.Params) -> None:
        tries.append(operation)
        raise Throttled(operation, "pool", "ThrottlingException", "Rate exceeded")

    config = Config(retries={"mode": "adaptive", "total_max_attempts": 3})
    with intercept.answering({"sagemaker": busy}), pytest.raises(ClientError, match="Rate exceeded"):
        boto3.client("sagemaker", region_name="us-east-1", config=config, **NOBODY).list_endpoints()
    assert len(tries) == 3


NOBODY = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
