"""boto3's endpoints and endpoint configs over the twin."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tidepool.fleet import Endpoint, EndpointKind, Status
from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, Params, page
from tidepool_lab.embedded.timestamps import moment
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.describe import BOUNDARY

CHANGE_TAG = "tidepool:change"
PAGE = 10
"""As in sagemaker.py."""


class Endpoints:
    """Configs are kept here: the twin itself has only the name of the one in force.

    A config that was there before the rig (the start state's) is made up from what its endpoint shows.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.role = BOUNDARY.role
        self._configs: dict[str, Params] = {}
        self._created: dict[str, int] = {}

    def answers(self) -> Mapping[str, Callable[[Params], Params]]:
        """By operation."""
        return {
            "ListEndpoints": self._list,
            "DescribeEndpoint": self._describe,
            "CreateEndpoint": self._create,
            "UpdateEndpoint": self._update,
            "UpdateEndpointWeightsAndCapacities": self._set_instances,
            "DeleteEndpoint": self._delete,
            "CreateEndpointConfig": self._create_config,
            "ListEndpointConfigs": self._list_configs,
            "DescribeEndpointConfig": self._describe_config,
            "DeleteEndpointConfig": self._delete_config,
        }

    def arn(self, kind: str, name: str) -> str:
        return f"arn:aws:sagemaker:{self.cloud.spec.region}:{ACCOUNT}:{kind}/{name}"

    def created_s(self, name: str) -> int:
        """When it was created: by a call, or before the rig."""
        return self._created.get(name, self.cloud.start_s)

    def note_created(self, name: str, tags: Mapping[str, str]) -> None:
        """It exists since now. What Tidepool creates begins a move, and nothing else does: the twin counts it."""
        self._created[name] = self.cloud.now_s
        if CHANGE_TAG in tags:
            self.cloud.note_move()

    def config_tags(self, name: str) -> dict[str, str]:
        """The config's tags, to be changed in place."""
        config = self._config(name)
        tags: dict[str, str] = config.setdefault("_tags", {})
        return tags

    # Endpoints.
    def _list(self, params: Params) -> Params:
        found = [
            endpoint
            for endpoint in self.cloud.endpoints().values()
            if params.get("NameContains", "").lower() in endpoint.name.lower()
            and params.get("StatusEquals", endpoint.status) == endpoint.status
        ]
        items, token = page(found, params.get("NextToken"), params.get("MaxResults", PAGE))
        return {"Endpoints": [self._named(each) for each in items]} | ({"NextToken": token} if token else {})

    def _named(self, endpoint: Endpoint) -> Params:
        return {
            "EndpointName": endpoint.name,
            "EndpointArn": self.arn("endpoint", endpoint.name),
            "CreationTime": moment(self.created_s(endpoint.name)),
            "LastModifiedTime": moment(endpoint.changed_at),
            "EndpointStatus": str(endpoint.status),
        }

    def _describe(self, params: Params) -> Params:
        endpoint = self.cloud.endpoint(params["EndpointName"])
        variant: Params = {
            "VariantName": endpoint.variant,
            "CurrentInstanceCount": endpoint.instances_now,
            "DesiredInstanceCount": endpoint.instances_wanted,
            "CurrentWeight": 1.0,
            "DesiredWeight": 1.0,
        }
        if endpoint.kind is EndpointKind.POOL:
            variant["ManagedInstanceScaling"] = _scaling(endpoint)
        if endpoint.reservation:
            variant["CapacityReservationConfig"] = _bound(endpoint) | _counted(endpoint)
        reply = self._named(endpoint) | {"EndpointConfigName": endpoint.config_name, "ProductionVariants": [variant]}
        if endpoint.status is Status.FAILED or endpoint.failure:
            reply["FailureReason"] = endpoint.failure or "Unknown"
        return reply

    def _create(self, params: Params) -> Params:
        name, config_name = params["EndpointName"], params["EndpointConfigName"]
        variant = self._variant(config_name)
        tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        if "ModelName" in variant:
            self.cloud.create_endpoint(
                name,
                variant["ModelName"],
                instance_type=_first_type(variant),
                instances=variant.get("InitialInstanceCount", 1),
                tags=tags,
                reservation=_reservation(variant),
            )
        else:
            scaling = variant.get("ManagedInstanceScaling", {})
            self.cloud.create_pool(
                name,
                _first_type(variant),
                minimum=scaling.get("MinInstanceCount", 1),
                maximum=scaling.get("MaxInstanceCount", 1),
                scale_in=scaling.get("ScaleInPolicy", {}).get("Strategy", "IDLE_RELEASE"),
                tags=tags,
                reservation=_reservation(variant),
            )
        # The twin names a config after its endpoint; this one has a name already.
        self.cloud.life.endpoints[name].config_name = config_name
        self.note_created(name, tags)
        return {"EndpointArn": self.arn("endpoint", name)}

    def _update(self, params: Params) -> Params:
        name, config_name = params["EndpointName"], params["EndpointConfigName"]
        variant = self._variant(config_name)
        scaling = variant.get("ManagedInstanceScaling", {})
        self._config(self.cloud.endpoint(name).config_name)  # Made up now: afterwards the endpoint shows the new one.
        self.cloud.update_endpoint(
            name,
            config_name,
            minimum=scaling.get("MinInstanceCount", 1),
            maximum=scaling.get("MaxInstanceCount", 1),
            scale_in=scaling.get("ScaleInPolicy", {}).get("Strategy"),
        )
        return {"EndpointArn": self.arn("endpoint", name)}

    def _set_instances(self, params: Params) -> Params:
        name, wanted = params["EndpointName"], params["DesiredWeightsAndCapacities"]
        endpoint = self.cloud.endpoint(name)
        if len(wanted) != 1 or wanted[0]["VariantName"] != endpoint.variant:
            raise AwsError("ValidationException", f"Endpoint {name} has one variant, {endpoint.variant}.")
        if "DesiredInstanceCount" in wanted[0]:
            self.cloud.set_instances(name, wanted[0]["DesiredInstanceCount"])
        return {"EndpointArn": self.arn("endpoint", name)}

    def _delete(self, params: Params) -> Params:
        self.cloud.delete_endpoint(params["EndpointName"])
        return {}

    # Configs.
    def _create_config(self, params: Params) -> Params:
        name = params["EndpointConfigName"]
        if self._known(name):
            text = f'Cannot create already existing endpoint configuration "{self.arn("endpoint-config", name)}".'
            raise AwsError("ValidationException", text)
        for variant in params["ProductionVariants"]:
            if "ModelName" in variant and "ManagedInstanceScaling" in variant:
                raise AwsError("ValidationException", "ManagedInstanceScaling is not supported with a ModelName.")
            if "ModelName" not in variant and "ExecutionRoleArn" not in params:
                text = "ExecutionRoleArn is required for production variants without a ModelName."
                raise AwsError("ValidationException", text)
        config = copy.deepcopy({key: value for key, value in params.items() if key != "Tags"})
        config["_tags"] = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
        config["_created"] = self.cloud.now_s
        self._configs[name] = config
        return {"EndpointConfigArn": self.arn("endpoint-config", name)}

    def _describe_config(self, params: Params) -> Params:
        return self._described(params["EndpointConfigName"])

    def _described(self, name: str) -> Params:
        config = self._config(name)
        shown = {key: copy.deepcopy(value) for key, value in config.items() if not key.startswith("_")}
        return shown | {
            "EndpointConfigArn": self.arn("endpoint-config", config["EndpointConfigName"]),
            "CreationTime": moment(config.get("_created", self.cloud.start_s)),
        }

    def _list_configs(self, params: Params) -> Params:
        """Those that a call created, and those that endpoints use."""
        known = {*self._configs, *(endpoint.config_name for endpoint in self.cloud.endpoints().values())}
        found = [name for name in sorted(known) if params.get("NameContains", "").lower() in name.lower()]
        items, token = page(found, params.get("NextToken"), params.get("MaxResults", PAGE))
        shape = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        listed = [{key: each[key] for key in shape} for name in items for each in [self._described(name)]]
        return {"EndpointConfigs": listed} | ({"NextToken": token} if token else {})

    def _delete_config(self, params: Params) -> Params:
        name = params["EndpointConfigName"]
        self._config(name)
        used = [e.name for e in self.cloud.endpoints().values() if e.config_name == name]
        if used:
            # SageMaker accepts this and breaks the endpoint later (facts: never delete a config in use). Loud here.
            raise AssertionError(f"DeleteEndpointConfig {name}: endpoint {used[0]} uses it")
        self._configs.pop(name, None)
        return {}

    def _known(self, name: str) -> bool:
        return name in self._configs or any(e.config_name == name for e in self.cloud.endpoints().values())

    def _config(self, name: str) -> Params:
        if name in self._configs:
            return self._configs[name]
        for endpoint in self.cloud.endpoints().values():
            if endpoint.config_name == name:
                return self._configs.setdefault(name, self._made_up(endpoint))
        text = f'Could not find endpoint configuration "{self.arn("endpoint-config", name)}".'
        raise AwsError("ValidationException", text)

    def _variant(self, config_name: str) -> dict[str, Any]:
        variants: list[dict[str, Any]] = self._config(config_name)["ProductionVariants"]
        if len(variants) != 1:
            raise AwsError("ValidationException", "The twin hosts one production variant an endpoint.")
        return variants[0]

    def _made_up(self, endpoint: Endpoint) -> Params:
        variant: Params = {"VariantName": endpoint.variant, "InstanceType": endpoint.instance_type}
        if endpoint.kind is EndpointKind.POOL:
            variant |= {
                "InitialInstanceCount": max(1, endpoint.min_instances),
                "ManagedInstanceScaling": _scaling(endpoint),
                "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
            }
        else:
            variant |= {
                "ModelName": endpoint.sagemaker_model,
                "InitialInstanceCount": endpoint.instances_wanted,
                "InitialVariantWeight": 1.0,
            }
        if endpoint.reservation:
            variant["CapacityReservationConfig"] = _bound(endpoint)
        config: Params = {"EndpointConfigName": endpoint.config_name, "ProductionVariants": [variant]}
        return config | ({"ExecutionRoleArn": self.role} if endpoint.kind is EndpointKind.POOL else {})


def _first_type(variant: Params) -> str:
    """Of several instance pools the twin has the one that is tried first."""
    pools = sorted(variant.get("InstancePools", ()), key=lambda pool: int(pool.get("Priority", 1)))
    return str(variant.get("InstanceType") or pools[0]["InstanceType"])


def _reservation(variant: Params) -> str:
    return str(variant.get("CapacityReservationConfig", {}).get("MlReservationArn", ""))


def _bound(endpoint: Endpoint) -> Params:
    return {"CapacityReservationPreference": "capacity-reservations-only", "MlReservationArn": endpoint.reservation}


def _counted(endpoint: Endpoint) -> Params:
    """What DescribeEndpoint says of the reservation beside it; nothing of one that the account has no more."""
    if not endpoint.reserved:
        return {}
    used = min(endpoint.instances_now, endpoint.reserved)
    return {"UsedByCurrentEndpoint": used, "AvailableInstanceCount": endpoint.reserved - used}


def _scaling(endpoint: Endpoint) -> Params:
    return {
        "Status": "ENABLED",
        "MinInstanceCount": endpoint.min_instances,
        "MaxInstanceCount": endpoint.max_instances,
        "ScaleInPolicy": {"Strategy": endpoint.scale_in or "IDLE_RELEASE"},
    }
