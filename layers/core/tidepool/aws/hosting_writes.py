"""The writes of runtime.ports.Hosting. Each is one request; each carries the change's id in its user agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidepool.aws.bounds_configs import sweep
from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.aws.settings import for_component, for_variant
from tidepool.errors import AlreadyExists, NotFound
from tidepool.fleet.identity import MANAGED_TAG
from tidepool.runtime.ports import NewComponent, NewEndpoint

NAME_PREFIX = "tidepool-"
"""The hands' permissions allow creating under this name only."""
MAX_NAME = 63
"""Names of endpoints, configs and components (sagemaker-facts: API)."""
CREATED_BY_TAG, CHANGE_TAG = "tidepool:created-by", "tidepool:change"
VARIANT = "AllTraffic"
"""The variant's name of what we create: SageMaker's own default in its console and SDK."""


class HostingWrites:
    """Errors as in tidepool.errors: Busy, QuotaExceeded, NotFound and so on, with AWS's own words."""

    def __init__(self, clients: Clients, *, stack: str) -> None:
        self._clients, self._stack = clients, stack

    @property
    def _sagemaker(self) -> Any:
        return self._clients.get("sagemaker")

    def set_copies(self, component: str, copies: int, *, change: str) -> None:
        """The component wants that many copies."""
        with self._clients.acting_for(change), calling("UpdateInferenceComponentRuntimeConfig", component):
            self._sagemaker.update_inference_component_runtime_config(
                InferenceComponentName=component, DesiredRuntimeConfig={"CopyCount": copies}
            )

    def set_instances(self, endpoint: str, variant: str, instances: int, *, change: str) -> None:
        """The dedicated endpoint wants that many instances; its weight is left alone."""
        with self._clients.acting_for(change), calling("UpdateEndpointWeightsAndCapacities", endpoint):
            self._sagemaker.update_endpoint_weights_and_capacities(
                EndpointName=endpoint,
                DesiredWeightsAndCapacities=[{"VariantName": variant, "DesiredInstanceCount": instances}],
            )

    def set_bounds(self, endpoint: str, *, minimum: int, maximum: int, change: str) -> str:
        """UpdateEndpoint to a copy of its config with these bounds was accepted; the copy's name.

        Everything else of the config is carried over as DescribeEndpointConfig shows it. The copy's name follows
        from the change, so that doing it twice makes one config. What earlier changes left is swept, but for the config
        that was in force until now.
        """
        with calling("DescribeEndpoint", endpoint):
            described = self._sagemaker.describe_endpoint(EndpointName=endpoint)
        old = described["EndpointConfigName"]
        with calling("DescribeEndpointConfig", old):
            config = self._sagemaker.describe_endpoint_config(EndpointConfigName=old)
        name = _named(endpoint, change)
        running = int(described["ProductionVariants"][0].get("CurrentInstanceCount", 0))
        copied = self._copied(config, minimum=minimum, maximum=maximum, running=running)
        with self._clients.acting_for(change):
            self._create_config({**copied, "EndpointConfigName": name, "Tags": self._tags({}, change)})
            with calling("UpdateEndpoint", endpoint):
                self._sagemaker.update_endpoint(
                    EndpointName=endpoint,
                    EndpointConfigName=name,
                    # Without it an update starts again from InitialInstanceCount (MEAS).
                    RetainAllVariantProperties=True,
                )
            if _whole(endpoint):
                # Where the name was cut, another endpoint's configs may begin alike: those stay.
                prefix, older_than = f"{_stem(endpoint)}-", config["CreationTime"]
                sweep(self._clients, prefix, stack=self._stack, kept=old, older_than=older_than)
        return name

    def create_component(self, new: NewComponent, *, change: str) -> None:
        """The component is being created. AlreadyExists when the name is taken."""
        with self._clients.acting_for(change), calling("CreateInferenceComponent", new.name):
            self._sagemaker.create_inference_component(**self.component_request(new, change=change))

    def component_request(self, new: NewComponent, *, change: str) -> dict[str, Any]:
        """What CreateInferenceComponent is asked with."""
        accelerators = new.accelerators_per_copy
        specification = {
            "ModelName": new.sagemaker_model,
            "ComputeResourceRequirements": {
                # At least one, or none named (API).
                **({"NumberOfAcceleratorDevicesRequired": accelerators} if accelerators else {}),
                "MinMemoryRequiredInMb": new.memory_mb,
            },
            "SchedulingConfig": {"PlacementStrategy": new.strategy},
        }
        return {
            "InferenceComponentName": new.name,
            "EndpointName": new.endpoint,
            "VariantName": new.variant,
            "Specification": for_component(specification, new.settings),
            "RuntimeConfig": {"CopyCount": new.copies},
            "Tags": self._tags(new.tags, change),
        }

    def create_endpoint(self, new: NewEndpoint, *, change: str) -> None:
        """The dedicated endpoint is being created, with a config of its name. AlreadyExists when it is taken."""
        tags = self._tags(new.tags, change)
        variant = {
            "VariantName": VARIANT,
            "ModelName": new.sagemaker_model,
            "InstanceType": new.instance_type,
            "InitialInstanceCount": new.instances,
            "InitialVariantWeight": 1.0,
        }
        with self._clients.acting_for(change):
            variants = [for_variant(variant, new.settings)]
            self._create_config({"EndpointConfigName": new.name, "ProductionVariants": variants, "Tags": tags})
            with calling("CreateEndpoint", new.name):
                self._sagemaker.create_endpoint(EndpointName=new.name, EndpointConfigName=new.name, Tags=tags)

    def delete_component(self, name: str, *, change: str) -> None:
        """The component is being deleted. NotFound when it is gone."""
        with self._clients.acting_for(change), calling("DeleteInferenceComponent", name):
            self._sagemaker.delete_inference_component(InferenceComponentName=name)

    def delete_endpoint(self, name: str, *, change: str) -> None:
        """The endpoint is being deleted. When it is gone already, so is the config we made for it, and NotFound.

        Looked at first: what is ours to delete is told by its tags, and what is gone has none, so that AWS may say
        AccessDenied of it and not NotFound.
        """
        with self._clients.acting_for(change):
            try:
                with calling("DescribeEndpoint", name):
                    self._sagemaker.describe_endpoint(EndpointName=name)
            except NotFound:
                # Never before: a config in use must not be deleted (API).
                if name.startswith(NAME_PREFIX):
                    with calling("DescribeEndpointConfig", name):
                        self._sagemaker.describe_endpoint_config(EndpointConfigName=name)
                    with calling("DeleteEndpointConfig", name):
                        self._sagemaker.delete_endpoint_config(EndpointConfigName=name)
                raise
            with calling("DeleteEndpoint", name):
                self._sagemaker.delete_endpoint(EndpointName=name)

    def _create_config(self, request: Mapping[str, Any]) -> None:
        try:
            with calling("CreateEndpointConfig", request["EndpointConfigName"]):
                self._sagemaker.create_endpoint_config(**request)
        except AlreadyExists:
            # Its name is the change's own, so an earlier try made it: "already so" is success.
            return

    def _copied(self, config: Mapping[str, Any], *, minimum: int, maximum: int, running: int) -> dict[str, Any]:
        """What CreateEndpointConfig takes of what DescribeEndpointConfig gave, with new bounds."""
        accepted = self._sagemaker.meta.service_model.operation_model("CreateEndpointConfig").input_shape.members
        copied = {key: value for key, value in config.items() if key in accepted}
        variant = dict(config["ProductionVariants"][0])
        scaling = {**variant.get("ManagedInstanceScaling", {}), "Status": "ENABLED"}
        variant["ManagedInstanceScaling"] = {**scaling, "MinInstanceCount": minimum, "MaxInstanceCount": maximum}
        # At least 1: SageMaker takes no 0 here (API), also where the minimum is 0.
        variant["InitialInstanceCount"] = max(1, minimum, min(running, maximum))
        return {**copied, "ProductionVariants": [variant]}

    def _tags(self, tags: Mapping[str, str], change: str) -> list[dict[str, str]]:
        ours = {MANAGED_TAG: "true", CREATED_BY_TAG: self._stack, CHANGE_TAG: change}
        return [{"Key": key, "Value": value} for key, value in sorted({**tags, **ours}.items())]


def _named(endpoint: str, change: str) -> str:
    """tidepool-ENDPOINT-CHANGE, with as much of the endpoint's name as fits."""
    room = MAX_NAME - len(change) - 1
    return f"{_stem(endpoint)[:room].rstrip('-')}-{change}"


def _stem(endpoint: str) -> str:
    return f"{NAME_PREFIX}{endpoint.removeprefix(NAME_PREFIX)}"


def _whole(endpoint: str) -> bool:
    """The endpoint's whole name is in its configs' names. A change's id has 16 digits (plan.change)."""
    return len(_stem(endpoint)) <= MAX_NAME - 17
