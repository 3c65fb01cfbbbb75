"""What SageMaker's Describe calls say → fleet values. Pure: the calls themselves are in sagemaker.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tidepool.aws import settings
from tidepool.fleet import Boundary, Component, Endpoint, EndpointKind, Status
from tidepool.fleet.identity import identity_of

Described = Mapping[str, Any]


def endpoint_of(
    endpoint: Described, config: Described, *, tags: Mapping[str, str], identity: str, model: Described | None
) -> Endpoint:
    """The endpoint with its one production variant.

    `config` is its DescribeEndpointConfig: only there are instance type and model. `model` is DescribeModel of a
    single-model endpoint's model, None for any other, or when it may not be read: then the model never moves. While
    it is being created an endpoint shows no variants yet: nothing runs, and what the config starts with is wanted.
    """
    variants = config["ProductionVariants"]
    first = variants[0]
    shown: Described = next(iter(endpoint.get("ProductionVariants", ())), {})
    scaling: Described = shown.get("ManagedInstanceScaling") or first.get("ManagedInstanceScaling") or {}
    name = endpoint["EndpointName"]
    kind, unmovable = _kind(endpoint, config, model)
    return Endpoint(
        name=name,
        kind=kind,
        config_name=endpoint["EndpointConfigName"],
        variant=first["VariantName"],
        status=_status(endpoint["EndpointStatus"]),
        instance_type=next(iter(_types(first)), ""),
        instances_now=int(shown.get("CurrentInstanceCount", 0)),
        instances_wanted=int(shown.get("DesiredInstanceCount", first.get("InitialInstanceCount", 0))),
        changed_at=int(endpoint["LastModifiedTime"].timestamp()),
        min_instances=int(scaling.get("MinInstanceCount", 0)),
        max_instances=int(scaling.get("MaxInstanceCount", 0)),
        scale_in=str(scaling.get("ScaleInPolicy", {}).get("Strategy", "")),
        model=identity_of(identity, name, tags) if kind is EndpointKind.DEDICATED else "",
        sagemaker_model=first.get("ModelName", ""),
        tags=dict(sorted(tags.items())),
        unmovable=unmovable,
        failure=endpoint.get("FailureReason", ""),
        boundary=_boundary(config if kind is EndpointKind.POOL else model or {}, kms_key=config.get("KmsKeyId", "")),
        other_types=_types(first)[1:],
        reservation=settings.reservation_of(first),
        reserved=settings.reserved_of(shown),
        settings=settings.of_variant(first) if kind is EndpointKind.DEDICATED else {},
    )


def without_config(endpoint: Described, *, tags: Mapping[str, str]) -> Endpoint:
    """An endpoint whose config was deleted under it. It runs on, on which type and with which model nobody tells."""
    shown: Described = next(iter(endpoint.get("ProductionVariants", ())), {})
    config = {"ProductionVariants": [{"VariantName": shown.get("VariantName", "")}]}
    found = endpoint_of(endpoint, config, tags=tags, identity="name", model=None)
    why = f"its config {endpoint['EndpointConfigName']} is deleted: update it to one that is there"
    return replace(found, kind=EndpointKind.OTHER, model="", unmovable=why)


def component_of(component: Described, *, tags: Mapping[str, str], identity: str) -> Component:
    """The inference component. One that runs on several types shows what it asks for on the first of them."""
    name = component["InferenceComponentName"]
    asks: Described = component.get("Specification") or next(iter(component.get("Specifications", ())), {})
    needs: Described = asks.get("ComputeResourceRequirements", {})
    runtime: Described = component.get("RuntimeConfig", {})
    return Component(
        name=name,
        model=identity_of(identity, name, tags),
        endpoint=component["EndpointName"],
        variant=component["VariantName"],
        status=_status(component["InferenceComponentStatus"]),
        copies_wanted=int(runtime.get("DesiredCopyCount", 0)),
        copies_now=int(runtime.get("CurrentCopyCount", 0)),
        accelerators_per_copy=int(needs.get("NumberOfAcceleratorDevicesRequired", 0)),
        changed_at=int(component["LastModifiedTime"].timestamp()),
        memory_mb=int(needs.get("MinMemoryRequiredInMb", 0)),
        artifact=_artifact(asks),
        strategy=str(asks.get("SchedulingConfig", {}).get("PlacementStrategy", "")),
        tags=dict(sorted(tags.items())),
        failure=component.get("FailureReason", ""),
        base=asks.get("BaseInferenceComponentName", ""),
        unmovable=_bound(asks),
        settings=settings.of_component(asks),
    )


def with_model(component: Component, model: Described | None, arn: str) -> Component:
    """The component with what DescribeModel says of the SageMaker Model it names. None = it cannot be described."""
    if model is None:
        return replace(component, unmovable=component.unmovable or UNDESCRIBED)
    unmovable = component.unmovable or _foreign_package(model, arn)
    return replace(component, unmovable=unmovable, boundary=_boundary(model))


UNDESCRIBED = "its SageMaker Model is gone, or may not be described"


def _bound(asks: Described) -> str:
    """Why the component cannot move, as far as its own description says; '' = nothing there stands against it."""
    if asks.get("BaseInferenceComponentName"):
        return f"it is an adapter of {asks['BaseInferenceComponentName']}, and no adapter moves without its base"
    partition = asks.get("ComputeResourceRequirements", {}).get("AcceleratorPartitionType")
    if partition:
        return f"its copies run on {partition}, a part of an accelerator, which another pool may not be cut into"
    return "" if asks.get("ModelName") else "it is defined by a container alone: no endpoint can name it"


def _kind(endpoint: Described, config: Described, model: Described | None) -> tuple[EndpointKind, str]:
    """How it hosts, and why its model cannot move (fleet-yaml.md rule 11; '' = it can)."""
    variants = config["ProductionVariants"]
    other = {
        "it is asynchronous": bool(config.get("AsyncInferenceConfig")),
        "it is serverless": any("ServerlessConfig" in variant for variant in variants),
        "it has several production variants": len(variants) > 1,
        "it has a shadow variant": bool(config.get("ShadowProductionVariants")),
        "it hosts several models": bool(model) and _multi_model(model or {}),
        "its model is a chain of containers": bool(model) and len((model or {}).get("Containers", ())) > 1,
    }
    why = next((reason for reason, so in other.items() if so), "")
    if why:
        return EndpointKind.OTHER, why
    bound = {
        "data capture is on": _captures(endpoint) or _captures(config),
        "its answers are explained by Clarify": bool(config.get("ExplainerConfig")),
    }
    why = next((reason for reason, so in bound.items() if so), "")
    if not variants[0].get("ModelName"):
        return EndpointKind.POOL, why
    if model is None:
        return EndpointKind.DEDICATED, why or UNDESCRIBED
    return EndpointKind.DEDICATED, why or _foreign_package(model, endpoint["EndpointArn"])


def _captures(of: Described) -> bool:
    return bool(of.get("DataCaptureConfig", {}).get("EnableCapture", False))


def _multi_model(model: Described) -> bool:
    containers = (model.get("PrimaryContainer") or {}, *model.get("Containers", ()))
    return any(container.get("Mode") == "MultiModel" for container in containers)


def _types(variant: Described) -> tuple[str, ...]:
    """The variant's type, or those of its InstancePools in the order in which they are tried."""
    if variant.get("InstanceType"):
        return (str(variant["InstanceType"]),)
    pools = sorted(variant.get("InstancePools", ()), key=lambda pool: pool.get("Priority", 1))
    return tuple(str(pool["InstanceType"]) for pool in pools)


def _boundary(of: Described, *, kms_key: str = "") -> Boundary:
    """Of a pool's endpoint config or of a SageMaker Model, which spell it alike; only a config has a key (API)."""
    network: Described = of.get("VpcConfig", {})
    return Boundary(
        role=of.get("ExecutionRoleArn", ""),
        subnets=tuple(sorted(network.get("Subnets", ()))),
        security_groups=tuple(sorted(network.get("SecurityGroupIds", ()))),
        kms_key=kms_key,
        isolated=bool(of.get("EnableNetworkIsolation", False)),
    )


def _foreign_package(model: Described, arn: str) -> str:
    """The model package it is made of, when another account owns it: AWS Marketplace's products are such. '' = none.

    What a seller allows is not readable, so a package of any other account is left where it is.
    """
    owner = arn.split(":")[4]
    for container in (model.get("PrimaryContainer") or {}, *model.get("Containers", ())):
        package = str(container.get("ModelPackageName", ""))
        if package.startswith("arn:") and package.split(":")[4] != owner:
            return f"it is made of {package}, of another account (AWS Marketplace)"
    return ""


def _artifact(asks: Described) -> str:
    image: Described = asks.get("Container", {}).get("DeployedImage", {})
    return str(asks.get("ModelName") or image.get("SpecifiedImage") or image.get("ResolvedImage") or "")


def _status(word: str) -> Status:
    """A word that this version does not know may mean anything: that one is left alone, and no other."""
    return Status(word) if word in set(Status) else Status.UNKNOWN
