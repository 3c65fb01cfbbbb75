"""Reads an account through an Asker: what matters most first, so that a small budget is well spent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tidepool.aws.describe import component_of, endpoint_of, with_model
from tidepool.aws.pricing import QUOTA_NAME, asked, listed_in
from tidepool.fleet import Component, Endpoint, InstanceType
from tidepool_cli.account.asker import Answer, Asker
from tidepool_cli.account.found import Account, Reservation, Scaler, Written
from tidepool_cli.account.metrics import loads, seen

NAME = "name"
"""The identity that everything is read under: which one is right is known when all tags are."""
WRITES = (
    "UpdateEndpoint",
    "UpdateEndpointWeightsAndCapacities",
    "UpdateInferenceComponent",
    "UpdateInferenceComponentRuntimeConfig",
)
"""Whose callers write the knobs that Tidepool writes."""


def read_account(
    asker: Asker, *, account: str, region: str, now: int, history_s: int = 0, written_s: int = 0
) -> Account:
    """What could be read; what could not is in its gaps. Everything is as of `now`, also when a run goes on.

    history_s: how far back loads are read; 0 = only whether there are metrics at all. written_s: how far back
    CloudTrail is asked who wrote; 0 = not at all.
    """
    listed = asker.pages("sagemaker", "ListEndpoints", "Endpoints", MaxResults=100)
    named = asker.pages("sagemaker", "ListInferenceComponents", "InferenceComponents", MaxResults=100)
    scalers = tuple(_scalers(asker))
    described = {each["EndpointName"]: _endpoint(asker, each["EndpointName"]) for each in listed}
    hosted = {
        name: asker.ask("sagemaker", "DescribeInferenceComponent", name, InferenceComponentName=name)
        for name in (each["InferenceComponentName"] for each in named)
    }
    endpoints = {name: (*both, _tags(asker, both[0]["EndpointArn"])) for name, both in described.items() if both}
    components = {
        name: component_of(one, tags=_tags(asker, one["InferenceComponentArn"]), identity=NAME)
        for name, one in hosted.items()
        if one is not None
    }
    whole = {name: _built(asker, *parts) for name, parts in endpoints.items()}
    types = _types(asker, region, {e.instance_type for e in whole.values() if e.instance_type})
    homes: list[Component | Endpoint] = [*components.values(), *(e for e in whole.values() if e.model)]
    past = loads(asker, homes, now - history_s, now) if history_s else {}
    shown = None if history_s else seen(asker, homes, now)
    # Last: only whether a component can move hangs on its Model.
    movable = {name: _with_model(asker, one, hosted[name]) for name, one in components.items()}
    unlisted = any(gap.action == "sagemaker:ListEndpoints" for gap in asker.gaps)
    return Account(
        account=account,
        region=region,
        at=now,
        endpoints=whole,
        components=movable,
        types=types,
        scalers=scalers,
        reservations=tuple(_reservations(asker, {name: parts[1] for name, parts in endpoints.items()})),
        loads=past,
        history=(now - history_s, now) if history_s else (0, 0),
        seen=shown,
        written=tuple(_written(asker, now - written_s)) if written_s else (),
        gaps=tuple(asker.gaps),
        unread=None if unlisted else frozenset(described.keys() - whole.keys()),
    )


def _endpoint(asker: Asker, name: str) -> tuple[Answer, Answer] | None:
    """DescribeEndpoint and DescribeEndpointConfig: without both nothing is known of it."""
    endpoint = asker.ask("sagemaker", "DescribeEndpoint", name, EndpointName=name)
    if endpoint is None:
        return None
    wanted = endpoint["EndpointConfigName"]
    config = asker.ask("sagemaker", "DescribeEndpointConfig", wanted, EndpointConfigName=wanted)
    return None if config is None else (endpoint, config)


def _built(asker: Asker, endpoint: Answer, config: Answer, tags: Mapping[str, str]) -> Endpoint:
    model = config["ProductionVariants"][0].get("ModelName")
    described = _model(asker, model) if model else None
    return endpoint_of(endpoint, config, tags=tags, identity=NAME, model=described)


def _with_model(asker: Asker, component: Component, described: Answer | None) -> Component:
    model = None if component.unmovable else _model(asker, component.artifact)
    return with_model(component, model, described["InferenceComponentArn"] if described else "")


def _model(asker: Asker, name: str) -> Answer | None:
    return asker.ask("sagemaker", "DescribeModel", name, ModelName=name)


def _tags(asker: Asker, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in asker.pages("sagemaker", "ListTags", "Tags", ResourceArn=arn)}


def _scalers(asker: Asker) -> Iterable[Scaler]:
    def all_of(operation: str, key: str) -> list[Answer]:
        return asker.pages("application-autoscaling", operation, key, ServiceNamespace="sagemaker")

    targets = all_of("DescribeScalableTargets", "ScalableTargets")
    policies = all_of("DescribeScalingPolicies", "ScalingPolicies") if targets else []
    actions = all_of("DescribeScheduledActions", "ScheduledActions") if targets else []
    for target in targets:
        pauses = target.get("SuspendedState", {})
        yield Scaler(
            home=home_of(target["ResourceId"]),
            resource=target["ResourceId"],
            dimension=target["ScalableDimension"],
            minimum=int(target["MinCapacity"]),
            maximum=int(target["MaxCapacity"]),
            suspended=len(pauses) == 3 and all(pauses.values()),
            policies=tuple(_policy(each) for each in policies if _same(each, target)),
            schedules=tuple(_schedule(each) for each in actions if _same(each, target)),
        )


def home_of(resource: str) -> str:
    """'endpoint/NAME/variant/V' → NAME; 'inference-component/NAME' → NAME (Application Auto Scaling API)."""
    return resource.split("/")[1] if "/" in resource else resource


def _same(one: Answer, target: Answer) -> bool:
    return all(one[key] == target[key] for key in ("ResourceId", "ScalableDimension"))


def _policy(policy: Answer) -> str:
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    if tracking is None:
        return f"{policy['PolicyName']} ({policy['PolicyType']})"
    metric = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", "a metric of its own")
    return f"{policy['PolicyName']} ({metric} at {tracking['TargetValue']:g})"


def _schedule(action: Answer) -> str:
    bounds = action.get("ScalableTargetAction", {})
    low, high = (bounds.get(key, "as it is") for key in ("MinCapacity", "MaxCapacity"))
    return f"{action['ScheduledActionName']} ({action['Schedule']}: {low} to {high})"


def _types(asker: Asker, region: str, names: set[str]) -> dict[str, InstanceType]:
    """Types whose price, accelerators and quota all could be read. Quotas are read no further than the last of them."""
    prices = {}
    for name in sorted(names):
        reply = asker.ask("pricing", "GetProducts", name, **asked(region, name))
        prices[name] = listed_in(reply) if reply is not None else None
    quotas = _quotas(asker, {QUOTA_NAME.format(name) for name in names})
    found = {}
    for name, price in prices.items():
        quota = quotas.get(QUOTA_NAME.format(name))
        if price is not None and quota is not None:
            found[name] = InstanceType(name, price.accelerators, price.usd_per_hour, quota)
    return found


def _quotas(asker: Asker, wanted: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    more: dict[str, Any] = {}
    while wanted - found.keys():
        reply = asker.ask("service-quotas", "ListServiceQuotas", ServiceCode="sagemaker", MaxResults=100, **more)
        if reply is None:
            break
        found |= {each["QuotaName"]: int(each["Value"]) for each in reply["Quotas"]}
        if not reply.get("NextToken"):
            break
        more = {"NextToken": reply["NextToken"]}
    return found


def _reservations(asker: Asker, configs: Mapping[str, Answer]) -> Iterable[Reservation]:
    for endpoint, config in configs.items():
        bound = config["ProductionVariants"][0].get("CapacityReservationConfig", {})
        name = bound.get("MlReservationArn", "").rsplit("/", 1)[-1]
        if not name:
            continue
        plan = asker.ask("sagemaker", "DescribeTrainingPlan", name, TrainingPlanName=name) or {}
        ends = int(plan["EndTime"].timestamp()) if "EndTime" in plan else 0
        yield Reservation(endpoint, name, int(plan.get("TotalInstanceCount", 0)), ends)


def _written(asker: Asker, since: int) -> Iterable[Written]:
    """The newest 50 of each kind of write, from CloudTrail's event history, which needs no trail."""
    for name in WRITES:
        reply = asker.ask(
            "cloudtrail",
            "LookupEvents",
            name,
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
            StartTime=datetime.fromtimestamp(since, UTC),
            MaxResults=50,
        )
        for event in (reply or {}).get("Events", ()):
            told = json.loads(event.get("CloudTrailEvent", "{}"))
            if "errorCode" in told:
                continue
            resources = [each.get("ResourceName", "") for each in event.get("Resources", ())]
            at = int(event["EventTime"].timestamp())
            agent = str(told.get("userAgent", ""))
            yield Written(name, next(iter(resources), ""), event.get("Username", "somebody"), agent, at)
