"""What the target is set up with: as its source, and as fleet.yaml says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from builders import NOW
from builders.move_world import OWN, POOL_A, POOL_B, World, a_move
from tidepool.aws.clients import Clients
from tidepool.aws.hosting_writes import HostingWrites
from tidepool.aws.settings import for_variant, of_component, of_variant
from tidepool.fleet.asked import NewComponent
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin


@pytest.mark.parametrize(
    ("source", "zones", "strategy"), [(OWN, 2, "SPREAD"), (OWN, 1, "BINPACK"), (POOL_A, 2, "BINPACK")]
)
def test_copies_of_a_model_from_a_dedicated_endpoint_are_placed_as_its_zones_ask(
    source: str, zones: int, strategy: str
) -> None:
    """A component's own strategy stays."""
    world = World(source=source, model_changes={"zones": zones})
    move = begin(world.ports(), a_move(source, POOL_B), NOW)
    advance_moves(world.ports(), NOW)
    assert world.components[move.to_component].strategy == strategy


STARTUP = {"ModelDataDownloadTimeoutInSeconds": 1800, "ContainerStartupHealthCheckTimeoutInSeconds": 2400}
COMPONENT = {
    "ModelName": "m",
    "StartupParameters": STARTUP,
    "ComputeResourceRequirements": {
        "NumberOfAcceleratorDevicesRequired": 2,
        "NumberOfCpuCoresRequired": 8.0,
        "MinMemoryRequiredInMb": 1024,
        "MaxMemoryRequiredInMb": 4096,
    },
    "DataCacheConfig": {"EnableCaching": True},
    "SchedulingConfig": {
        "PlacementStrategy": "SPREAD",
        "AvailabilityZoneBalance": {"EnforcementMode": "PERMISSIVE", "MaxImbalance": 50},
    },
}
VARIANT = {
    **STARTUP,
    "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-3-1",
    "VolumeSizeInGB": 256,
    "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    "CapacityReservationConfig": {
        "CapacityReservationPreference": "capacity-reservations-only",
        "MlReservationArn": "arn:aws:sagemaker:us-east-1:111122223333:training-plan/h100s",
    },
}
BARE = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1}


def asked(settings: Any, **changes: Any) -> dict[str, Any]:
    """The Specification that CreateInferenceComponent is asked with; botocore knows every field of it."""
    new = replace(NewComponent("n", "pool", "AllTraffic", "m", 2, 1024, 1, "SPREAD", settings=settings), **changes)
    request = HostingWrites(Clients("us-east-1"), stack="tidepool").component_request(new, change="c")
    valid("CreateInferenceComponent", request)
    found: dict[str, Any] = request["Specification"]
    return found


def valid(operation: str, request: dict[str, Any]) -> None:
    shape = get_session().get_service_model("sagemaker").operation_model(operation).input_shape
    assert not ParamValidator().validate(request, shape).has_errors()


def test_a_component_is_made_with_everything_that_its_source_has() -> None:
    assert asked(of_component(COMPONENT)) == COMPONENT


def test_a_component_without_accelerators_names_none() -> None:
    needs = {"NumberOfCpuCoresRequired": 2.0, "MinMemoryRequiredInMb": 1024}
    made = asked(of_component({"ComputeResourceRequirements": needs}), accelerators_per_copy=0)
    assert made["ComputeResourceRequirements"] == needs


def test_a_variant_is_made_with_everything_that_its_source_has() -> None:
    shown = {**BARE, **VARIANT, "InitialVariantWeight": 1.0, "ManagedInstanceScaling": {"Status": "DISABLED"}}
    made = for_variant(BARE, of_variant(shown))
    assert made == {**BARE, **VARIANT}
    valid("CreateEndpointConfig", {"EndpointConfigName": "n", "ProductionVariants": [made]})


def test_to_the_other_hosting_go_the_start_up_limits_alone() -> None:
    assert for_variant(BARE, of_component(COMPONENT)) == {**BARE, **STARTUP}
    made = asked(of_variant(VARIANT))
    assert made["StartupParameters"] == STARTUP
    assert set(made) == {"ModelName", "StartupParameters", "ComputeResourceRequirements", "SchedulingConfig"}


@pytest.mark.parametrize(
    ("source", "target"), [(POOL_A, POOL_B), (POOL_A, "tidepool-m"), (OWN, "tidepool-m"), (OWN, POOL_B)]
)
def test_a_move_hands_its_sources_settings_to_whoever_makes_the_target(source: str, target: str) -> None:
    world = World(source=source)
    if source == OWN:
        world.endpoints[OWN] = replace(world.endpoints[OWN], settings=VARIANT)
    else:
        world.components["m"] = replace(world.components["m"], settings=STARTUP)
    move = begin(world.ports(), a_move(source, target), NOW)
    advance_moves(world.ports(), NOW)
    made = world.components.get(move.target_name) or world.endpoints[move.target_name]
    assert made.settings == (VARIANT if source == OWN else STARTUP)
