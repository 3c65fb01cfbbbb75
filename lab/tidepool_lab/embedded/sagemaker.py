"""boto3's SageMaker over the twin: components, tags, models, probes; endpoints are in endpoints.py."""

from __future__ import annotations

import json
from typing import Any

from tidepool.fleet import Component, Status, Target
from tidepool_lab.embedded.endpoints import Endpoints
from tidepool_lab.embedded.intercept import AwsError, Params, page
from tidepool_lab.embedded.timestamps import moment
from tidepool_lab.twin.cloud import Cloud

PAGE = 10
"""What the List calls give when MaxResults is not asked (SageMaker API reference); at most 100."""


class SageMaker:
    """A responder. What the twin does not model is refused as an unknown action, never half answered."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.endpoints = Endpoints(cloud)
        self._models: dict[str, Params] = {}
        self._bases: dict[str, str] = {}
        self.answers = {
            **self.endpoints.answers(),
            "ListInferenceComponents": self._list_components,
            "DescribeInferenceComponent": self._describe_component,
            "CreateInferenceComponent": self._create_component,
            "UpdateInferenceComponent": self._update_component,
            "UpdateInferenceComponentRuntimeConfig": self._set_copies,
            "DeleteInferenceComponent": self._delete_component,
            "CreateModel": self._create_model,
            "DescribeModel": self._describe_model,
            "ListModels": self._list_models,
            "DescribeTrainingPlan": self._describe_plan,
            "ListTags": self._list_tags,
            "AddTags": self._add_tags,
        }

    def __call__(self, operation: str, params: Params) -> Params | None:
        answer = self.answers.get(operation)
        if answer is None:
            raise AwsError("UnknownOperationException", f"The twin's SageMaker has no {operation}.")
        return answer(params)

    def _arn(self, kind: str, name: str) -> str:
        return self.endpoints.arn(kind, name)

    # Components.
    def _list_components(self, params: Params) -> Params:
        found = [
            component
            for component in self.cloud.components().values()
            if params.get("NameContains", "").lower() in component.name.lower()
            and params.get("EndpointNameEquals", component.endpoint) == component.endpoint
            and params.get("VariantNameEquals", component.variant) == component.variant
            and params.get("StatusEquals", component.status) == component.status
        ]
        items, token = page(found, params.get("NextToken"), params.get("MaxResults", PAGE))
        listed = [{**self._named(c), "InferenceComponentStatus": str(c.status)} for c in items]
        return {"InferenceComponents": listed} | ({"NextToken": token} if token else {})

    def _named(self, component: Component) -> Params:
        return {
            "InferenceComponentName": component.name,
            "InferenceComponentArn": self._arn("inference-component", component.name),
            "EndpointName": component.endpoint,
            "EndpointArn": self._arn("endpoint", component.endpoint),
            "VariantName": component.variant,
            "CreationTime": moment(self.endpoints.created_s(component.name)),
            "LastModifiedTime": moment(component.changed_at),
        }

    def _describe_component(self, params: Params) -> Params:
        component = self.cloud.component(params["InferenceComponentName"])
        reply = self._named(component) | {
            "InferenceComponentStatus": str(component.status),
            "Specification": {
                "ModelName": component.artifact,
                "ComputeResourceRequirements": {
                    "NumberOfAcceleratorDevicesRequired": float(component.accelerators_per_copy),
                    "MinMemoryRequiredInMb": component.memory_mb,
                },
                "SchedulingConfig": {"PlacementStrategy": component.strategy},
            },
            "RuntimeConfig": {
                "DesiredCopyCount": component.copies_wanted,
                "CurrentCopyCount": component.copies_now,
            },
        }
        if component.name in self._bases:
            reply["Specification"]["BaseInferenceComponentName"] = self._bases[component.name]
        if component.status is Status.FAILED:
            reply["FailureReason"] = component.failure or "Unknown"
        return reply

    def _create_component(self, params: Params) -> Params:
        specification = params.get("Specification") or (params.get("Specifications") or [{}])[0]
        needs = specification.get("ComputeResourceRequirements", {})
        devices = needs.get("NumberOfAcceleratorDevicesRequired")
        if devices is not None and (devices < 1 or devices % 1):
            text = f"NumberOfAcceleratorDevicesRequired must be a whole number of at least 1, not {devices}."
            raise AwsError("ValidationException", text)
        name = params["InferenceComponentName"]
        self.cloud.create_component(
            name,
            params["EndpointName"],
            model=_artifact(specification),
            accelerators=int(devices) if devices is not None else None,
            copies=params.get("RuntimeConfig", {}).get("CopyCount", 1),
            strategy=specification.get("SchedulingConfig", {}).get("PlacementStrategy", "SPREAD"),
            memory_mb=needs.get("MinMemoryRequiredInMb"),
            tags=_tags(params),
        )
        self.endpoints.note_created(name, _tags(params))
        if specification.get("BaseInferenceComponentName"):
            self._bases[name] = specification["BaseInferenceComponentName"]
        return {"InferenceComponentArn": self._arn("inference-component", name)}

    def _update_component(self, params: Params) -> Params:
        name = params["InferenceComponentName"]
        if "Specification" in params:
            self.cloud.update_component(name, artifact=_artifact(params["Specification"]))
        if "RuntimeConfig" in params:
            self.cloud.set_copies(name, params["RuntimeConfig"]["CopyCount"])
        return {"InferenceComponentArn": self._arn("inference-component", name)}

    def _set_copies(self, params: Params) -> Params:
        name = params["InferenceComponentName"]
        self.cloud.set_copies(name, params["DesiredRuntimeConfig"]["CopyCount"])
        return {"InferenceComponentArn": self._arn("inference-component", name)}

    def _delete_component(self, params: Params) -> Params:
        self.cloud.delete_component(params["InferenceComponentName"])
        return {}

    # Models and tags.
    def _create_model(self, params: Params) -> Params:
        """What stands for an artifact of the twin from now on, instead of the one that is made up for it."""
        self._models[params["ModelName"]] = {key: value for key, value in params.items() if key != "Tags"}
        return {"ModelArn": self._arn("model", params["ModelName"])}

    def _describe_model(self, params: Params) -> Params:
        name = params["ModelName"]
        if not any(model.artifact == name for model in self.cloud.spec.models):
            raise AwsError("ValidationException", f'Could not find model "{self._arn("model", name)}".')
        made_up = {
            "ModelName": name,
            "ExecutionRoleArn": self.endpoints.role,
            "PrimaryContainer": {"Image": f"image/{name}", "ModelDataUrl": f"s3://models/{name}.tar.gz"},
        }
        known = self._models.get(name, made_up)
        return {**known, "ModelArn": self._arn("model", name), "CreationTime": moment(self.cloud.start_s)}

    def _list_models(self, params: Params) -> Params:
        made = moment(self.cloud.start_s)
        names = sorted({model.artifact for model in self.cloud.spec.models})
        listed = [{"ModelName": n, "ModelArn": self._arn("model", n), "CreationTime": made} for n in names]
        items, token = page(listed, params.get("NextToken"), params.get("MaxResults", PAGE))
        return {"Models": items} | ({"NextToken": token} if token else {})

    def _describe_plan(self, params: Params) -> Params:
        """Of its name or its ARN."""
        name = params["TrainingPlanName"].rsplit("/", 1)[-1]
        for arn, plan in self.cloud.training_plans.items():
            if arn.endswith(f"/{name}"):
                status = "Active" if self.cloud.now_s < plan.until else "Expired"
                named = {"TrainingPlanName": name, "TrainingPlanArn": arn, "Status": status}
                return {**named, "EndTime": moment(plan.until), "TotalInstanceCount": plan.instances}
        raise AwsError("ResourceNotFound", f"Training plan {name} does not exist.")

    def _list_tags(self, params: Params) -> Params:
        tags = self._tags_of(params["ResourceArn"])
        listed = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        items, token = page(listed, params.get("NextToken"), params.get("MaxResults", 50))
        return {"Tags": items} | ({"NextToken": token} if token else {})

    def _add_tags(self, params: Params) -> Params:
        tags = self._tags_of(params["ResourceArn"])
        tags.update(_tags(params))
        return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}

    def _tags_of(self, arn: str) -> dict[str, str]:
        """The resource's own tags, to be changed in place."""
        kind, _, name = arn.rpartition(":")[2].partition("/")
        match kind:
            case "endpoint":
                return self.cloud.control.endpoint("ListTags", name).tags
            case "inference-component":
                return self.cloud.control.component("ListTags", name).tags
            case "endpoint-config":
                return self.endpoints.config_tags(name)
            case "model":
                return {}
            case _:
                raise AwsError("ValidationException", f"Invalid resource ARN {arn}.")


class Runtime:
    """sagemaker-runtime: one request of a probe."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def __call__(self, operation: str, params: Params) -> Params | None:
        if operation != "InvokeEndpoint":
            raise AwsError("UnknownOperationException", f"The twin's runtime has no {operation}.")
        component = params.get("InferenceComponentName", "")
        endpoint = self.cloud.endpoint(params["EndpointName"])
        if not endpoint.model and not component and endpoint.sagemaker_model == "":
            raise AwsError("ValidationError", "Inference Component Name header is required for this endpoint.")
        answer = self.cloud.probe(Target(endpoint=endpoint.name, component=component, weight=100))
        if not answer.ok:
            raise AwsError("ValidationError", answer.why, answer.status)
        body: Any = json.dumps({"twin": True}).encode()
        return {"Body": body, "ContentType": "application/json", "InvokedProductionVariant": endpoint.variant}


def _artifact(specification: Params) -> str:
    return str(specification.get("ModelName") or specification.get("Container", {}).get("Image", ""))


def _tags(params: Params) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
