"""Which permissions a call needs: every action on every resource, with the tags that policies may ask for.

ministack asks for one action on one resource a call. SageMaker asks for more: a component is made on an endpoint and
under a name, tags at creation want AddTags, a config with a role wants PassRole (sagemaker-facts.md, Events and
permissions; AWS service authorization reference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidepool_lab.deploy.edge import Asked
from tidepool_lab.embedded.intercept import ACCOUNT

NAMESPACES = {
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "cloudwatch": "cloudwatch",
    "pricing": "pricing",
    "service-quotas": "servicequotas",
    "ssm": "ssm",
    "application-autoscaling": "application-autoscaling",
}
"""boto3's service → the prefix of its actions."""

KINDS = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "InferenceComponentName": "inference-component",
    "InferenceRouterName": "inference-router",
    "ModelName": "model",
    "TrainingPlanName": "training-plan",
}
"""SageMaker's parameter → the kind of resource it names, by its name or its ARN."""


@dataclass(frozen=True, slots=True)
class Needed:
    """One permission that the caller must have. `context`: condition keys → values."""

    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


def needed(asked: Asked, *, region: str, tags: Callable[[str], Mapping[str, str]]) -> list[Needed]:
    """Every permission of the call. `tags` of an ARN; {} when there is no such resource."""
    action = f"{NAMESPACES[asked.service]}:{asked.operation}"
    if asked.service in {"sagemaker", "sagemaker-runtime"}:
        return list(_sagemaker(action, asked, region, tags))
    params = asked.params
    if asked.service == "cloudwatch" and "CompositeAlarm" in params.get("AlarmTypes", ()):
        return [Needed(action, "*")]  # "You can't return information about composite alarms … narrower scope" (API).
    if asked.service == "cloudwatch" and asked.operation not in {"GetMetricData", "PutMetricData"}:
        prefix = f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:"
        named = [params["AlarmName"]] if "AlarmName" in params else params.get("AlarmNames", [])
        arn = params.get("ResourceARN")
        return [
            Needed(action, each) for each in ([arn] if arn else [prefix + name for name in named] or [prefix + "*"])
        ]
    if asked.operation == "RegisterScalableTarget":
        # It also asks whether the caller may set the copies or instances itself.
        context = {
            "application-autoscaling:service-namespace": params["ServiceNamespace"],
            "application-autoscaling:scalable-dimension": params["ScalableDimension"],
        }
        return [Needed(action, f"arn:aws:application-autoscaling:{region}:{ACCOUNT}:scalable-target/rig", context)]
    if asked.service == "ssm":
        return [Needed(action, name) for name in params["CalendarNames"]]
    return [Needed(action, "*")]


def _sagemaker(action: str, asked: Asked, region: str, tags: Callable[[str], Mapping[str, str]]) -> Iterator[Needed]:
    params = asked.params
    if asked.operation.startswith("List") and asked.operation != "ListTags":
        yield Needed(action, "*")
        return
    # A call that names nothing known is still asked for: it needs the action on everything.
    resources = [params["ResourceArn"]] if "ResourceArn" in params else list(_named(asked, region)) or ["*"]
    given = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
    made = resources[-1] if asked.operation.startswith("Create") else ""
    for arn in resources:
        context = {f"aws:ResourceTag/{key}": value for key, value in tags(arn).items()}
        context |= {f"aws:RequestTag/{key}": value for key, value in given.items()}
        yield Needed(action, arn, context)
    if made and given:
        context = {f"aws:RequestTag/{key}": value for key, value in given.items()}
        yield Needed("sagemaker:AddTags", made, {**context, "sagemaker:TaggingAction": asked.operation})
    if role := params.get("ExecutionRoleArn"):
        yield Needed("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"})


def _named(asked: Asked, region: str) -> Iterator[str]:
    """ARNs of what the parameters name; what is made comes last."""
    own = asked.operation.removeprefix("Create") + "Name"
    for key in sorted((key for key in KINDS if key in asked.params), key=lambda key: key == own):
        name = asked.params[key]
        yield name if name.startswith("arn:") else f"arn:aws:sagemaker:{region}:{ACCOUNT}:{KINDS[key]}/{name}"
