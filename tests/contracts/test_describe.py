"""What Describe says becomes fleet values: kinds, reasons not to move, and gaps that are filled honestly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from builders import NOW
from tidepool.aws.describe import component_of, endpoint_of, with_model
from tidepool.fleet import Boundary, Endpoint, EndpointKind, Status

AT = datetime.fromtimestamp(NOW, UTC)
TAGS = {"model": "a", "tidepool:managed": "true"}


PACKAGE = "arn:aws:sagemaker:us-east-1:{}:model-package/p/1"
NETWORK = {"Subnets": ["s-2", "s-1"], "SecurityGroupIds": ["g-1"]}
ARN = "arn:aws:sagemaker:us-east-1:111122223333:inference-component/a-v1"


def an_endpoint(
    *,
    endpoint: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    variant: dict[str, Any] | None = None,
    model: dict[str, Any] | None = None,
    identity: str = "tag:model",
) -> Endpoint:
    """A dedicated endpoint of model a on two ml.big, unless said otherwise; a value of None takes a field away."""
    shown = {"VariantName": "main", "CurrentInstanceCount": 1, "DesiredInstanceCount": 2}
    described = {
        "EndpointName": "ep",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:111122223333:endpoint/ep",
        "EndpointConfigName": "cfg",
        "EndpointStatus": "InService",
        "LastModifiedTime": AT,
        "ProductionVariants": [shown],
        **(endpoint or {}),
    }
    first = {"VariantName": "main", "ModelName": "m", "InstanceType": "ml.big", "InitialInstanceCount": 3}
    first = {key: value for key, value in (first | (variant or {})).items() if value is not None}
    of = {"EndpointConfigName": "cfg", "ProductionVariants": [first], **(config or {})}
    known = {"ModelName": "m", "PrimaryContainer": {"Image": "i"}} if model is None else model or None
    return endpoint_of(described, of, tags=TAGS, identity=identity, model=known)


def test_a_variant_with_a_model_is_dedicated_and_has_its_models_identity() -> None:
    found = an_endpoint()
    assert (found.kind, found.model, found.sagemaker_model) == (EndpointKind.DEDICATED, "a", "m")
    assert (found.instances_now, found.instances_wanted, found.changed_at) == (1, 2, NOW)
    assert found.unmovable == ""


def test_by_name_the_endpoints_name_is_its_models() -> None:
    assert an_endpoint(identity="name").model == "ep"


def test_without_its_tag_a_model_has_no_identity() -> None:
    assert an_endpoint(identity="tag:team").model == ""


def test_a_variant_without_a_model_is_a_pool_with_its_bounds() -> None:
    scaling = {"MinInstanceCount": 1, "MaxInstanceCount": 7, "ScaleInPolicy": {"Strategy": "CONSOLIDATION"}}
    found = an_endpoint(variant={"ModelName": None, "ManagedInstanceScaling": scaling}, model={})
    assert (found.kind, found.model) == (EndpointKind.POOL, "")
    assert (found.min_instances, found.max_instances, found.scale_in) == (1, 7, "CONSOLIDATION")


def test_a_pool_of_several_types_is_known_by_the_one_that_is_tried_first() -> None:
    pools = [{"InstanceType": "ml.b", "Priority": 2}, {"InstanceType": "ml.a", "Priority": 1}]
    found = an_endpoint(variant={"ModelName": None, "InstanceType": None, "InstancePools": pools}, model={})
    assert found.instance_type == "ml.a"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"config": {"AsyncInferenceConfig": {"OutputConfig": {}}}}, "asynchronous"),
        ({"variant": {"ServerlessConfig": {"MaxConcurrency": 1}, "InstanceType": None}}, "serverless"),
        (
            {"config": {"ProductionVariants": [{"VariantName": "x", "ModelName": "m"}] * 2}},
            "several production variants",
        ),
        ({"config": {"ShadowProductionVariants": [{"VariantName": "s"}]}}, "shadow"),
        ({"model": {"PrimaryContainer": {"Mode": "MultiModel"}}}, "several models"),
        ({"model": {"Containers": [{"Image": "a"}, {"Image": "b"}]}}, "chain of containers"),
    ],
)
def test_what_can_never_move_is_of_another_kind_and_says_why(changes: dict[str, Any], why: str) -> None:
    found = an_endpoint(**changes)
    assert found.kind is EndpointKind.OTHER and why in found.unmovable


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"endpoint": {"DataCaptureConfig": {"EnableCapture": True}}}, "data capture is on"),
        ({"config": {"DataCaptureConfig": {"EnableCapture": True}}}, "data capture is on"),
        ({"config": {"ExplainerConfig": {"ClarifyExplainerConfig": {}}}}, "explained by Clarify"),
        ({"model": {"PrimaryContainer": {"ModelPackageName": PACKAGE.format(999988887777)}}}, "AWS Marketplace"),
        ({"model": {}}, "may not be described"),
    ],
)
def test_what_scales_but_does_not_move_stays_dedicated_and_says_why(changes: dict[str, Any], why: str) -> None:
    found = an_endpoint(**changes)
    assert found.kind is EndpointKind.DEDICATED and why in found.unmovable


def test_an_endpoint_under_creation_runs_nothing_and_wants_what_its_config_starts_with() -> None:
    found = an_endpoint(endpoint={"EndpointStatus": "Creating", "ProductionVariants": []})
    assert (found.status, found.instances_now, found.instances_wanted) == (Status.CREATING, 0, 3)


def test_a_status_that_nobody_knows_holds_that_endpoint_alone() -> None:
    found = an_endpoint(endpoint={"EndpointStatus": "Dreaming"})
    assert found.status is Status.UNKNOWN and found.status.busy


def a_component(**changes: Any) -> dict[str, Any]:
    return {
        "InferenceComponentName": "a-v1",
        "EndpointName": "pool",
        "VariantName": "main",
        "InferenceComponentStatus": "InService",
        "LastModifiedTime": AT,
        "Specification": {
            "ModelName": "m",
            "ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 2.0, "MinMemoryRequiredInMb": 4096},
            "SchedulingConfig": {"PlacementStrategy": "SPREAD"},
        },
        "RuntimeConfig": {"DesiredCopyCount": 3, "CurrentCopyCount": 2},
        **changes,
    }


def test_a_component_shows_what_it_wants_has_and_needs() -> None:
    found = component_of(a_component(), tags=TAGS, identity="tag:model")
    assert (found.model, found.copies_wanted, found.copies_now) == ("a", 3, 2)
    assert (found.accelerators_per_copy, found.memory_mb, found.strategy, found.artifact) == (2, 4096, "SPREAD", "m")


def test_a_component_on_several_types_shows_its_first_specification() -> None:
    several = [{"InstanceType": "ml.a", "ModelName": "one"}, {"InstanceType": "ml.b", "ModelName": "two"}]
    found = component_of(a_component(Specification={}, Specifications=several), tags={}, identity="name")
    assert (found.artifact, found.model, found.accelerators_per_copy) == ("one", "a-v1", 0)


def test_a_component_of_a_container_alone_is_known_by_its_image() -> None:
    container = {"Container": {"DeployedImage": {"SpecifiedImage": "repo/image:1"}}}
    assert component_of(a_component(Specification=container), tags={}, identity="name").artifact == "repo/image:1"


def test_a_package_of_the_same_account_moves() -> None:
    assert an_endpoint(model={"PrimaryContainer": {"ModelPackageName": PACKAGE.format(111122223333)}}).unmovable == ""


def test_a_pool_that_captures_data_is_no_place_to_move_to() -> None:
    capturing = {"DataCaptureConfig": {"EnableCapture": True}}
    found = an_endpoint(variant={"ModelName": None}, model={}, config=capturing)
    assert (found.kind, found.unmovable) == (EndpointKind.POOL, "data capture is on")


def test_a_pools_boundary_is_its_configs_and_a_dedicated_endpoints_its_models_but_for_the_key() -> None:
    written = {"ExecutionRoleArn": "r", "VpcConfig": NETWORK, "EnableNetworkIsolation": True}
    pool = an_endpoint(variant={"ModelName": None}, model={}, config={**written, "KmsKeyId": "k"})
    alone = an_endpoint(model={"PrimaryContainer": {"Image": "i"}, **written}, config={"KmsKeyId": "k"})
    assert pool.boundary == alone.boundary == Boundary("r", ("s-1", "s-2"), ("g-1",), "k", True)


def test_an_endpoint_lists_the_further_types_of_its_instance_pools_in_their_order() -> None:
    pools = [{"InstanceType": f"ml.{name}", "Priority": rank} for name, rank in (("c", 3), ("a", 1), ("b", 2))]
    found = an_endpoint(variant={"InstanceType": None, "InstancePools": pools})
    assert (found.instance_type, found.other_types) == ("ml.a", ("ml.b", "ml.c"))


@pytest.mark.parametrize(
    ("asks", "why"),
    [
        ({"BaseInferenceComponentName": "base"}, "an adapter of base"),
        ({"Container": {"DeployedImage": {"SpecifiedImage": "repo/image:1"}}}, "defined by a container alone"),
        (
            {"ModelName": "m", "ComputeResourceRequirements": {"AcceleratorPartitionType": "mig-1g.10gb"}},
            "its copies run on mig-1g.10gb, a part of an accelerator",
        ),
        ({"ModelName": "m"}, ""),
    ],
)
def test_a_component_says_why_it_does_not_move(asks: dict[str, Any], why: str) -> None:
    found = component_of(a_component(Specification=asks), tags={}, identity="name")
    assert why in found.unmovable and bool(found.unmovable) == bool(why)


def test_a_components_model_tells_its_boundary_alone_and_who_owns_its_package() -> None:
    component = component_of(a_component(), tags={}, identity="name")
    known = {"ExecutionRoleArn": "r", "PrimaryContainer": {"ModelPackageName": PACKAGE.format(999988887777)}}
    assert with_model(component, known, ARN).boundary == Boundary("r")
    assert "AWS Marketplace" in with_model(component, known, ARN).unmovable
    assert "may not be described" in with_model(component, None, ARN).unmovable


def test_the_capacity_reservation_of_a_variant_is_known_and_an_endpoint_without_one_says_so() -> None:
    arn = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/h100s"
    only = {"CapacityReservationPreference": "capacity-reservations-only"}
    assert an_endpoint(variant={"CapacityReservationConfig": {**only, "MlReservationArn": arn}}).reservation == arn
    assert an_endpoint(variant={"CapacityReservationConfig": only}).reservation == "capacity-reservations-only"
    assert an_endpoint().reservation == ""
