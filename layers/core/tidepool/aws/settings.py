"""What a home is set up with beyond its model, size and type, in SageMaker's words: a move takes along what fits.

A component's and a variant's start-up limits are spelled alike (API), so they follow to the other hosting as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STARTUP = ("ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds")
NEEDS = ("NumberOfCpuCoresRequired", "MaxMemoryRequiredInMb")
RESERVATION = "CapacityReservationConfig"
VARIANT = ("InferenceAmiVersion", "VolumeSizeInGB", "RoutingConfig", "CoreDumpConfig", "EnableSSMAccess", RESERVATION)
CACHE, BALANCE = "DataCacheConfig", "AvailabilityZoneBalance"

Settings = Mapping[str, Any]


def of_component(asks: Mapping[str, Any]) -> Settings:
    """Of what DescribeInferenceComponent says under Specification."""
    return {
        **_some(asks.get("StartupParameters", {}), STARTUP),
        **_some(asks.get("ComputeResourceRequirements", {}), NEEDS),
        **_some(asks.get("SchedulingConfig", {}), (BALANCE,)),
        **_some(asks, (CACHE,)),
    }


def of_variant(variant: Mapping[str, Any]) -> Settings:
    """Of a production variant of DescribeEndpointConfig."""
    return _some(variant, (*STARTUP, *VARIANT))


def reservation_of(variant: Mapping[str, Any]) -> str:
    """The ML capacity reservation (a training plan) that the variant's instances come from; '' = none."""
    bound = variant.get(RESERVATION, {})
    return str(bound.get("MlReservationArn") or bound.get("CapacityReservationPreference") or "")


def reserved_of(shown: Mapping[str, Any]) -> int:
    """Instances of that reservation that the variant has or can still get, by DescribeEndpoint; 0 = it does not say."""
    found = shown.get(RESERVATION, {})
    if "AvailableInstanceCount" not in found:
        return int(found.get("TotalInstanceCount", 0))
    return int(found["AvailableInstanceCount"]) + int(found.get("UsedByCurrentEndpoint", 0))


def for_component(specification: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The Specification of CreateInferenceComponent, with what of the settings a component has."""
    startup = _some(settings, STARTUP)
    return {
        **specification,
        **({"StartupParameters": startup} if startup else {}),
        "ComputeResourceRequirements": specification["ComputeResourceRequirements"] | _some(settings, NEEDS),
        "SchedulingConfig": specification["SchedulingConfig"] | _some(settings, (BALANCE,)),
        **_some(settings, (CACHE,)),
    }


def for_variant(variant: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """The production variant of CreateEndpointConfig, with what of the settings a variant has."""
    return {**variant, **_some(settings, (*STARTUP, *VARIANT))}


def _some(of: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: of[name] for name in names if name in of}
