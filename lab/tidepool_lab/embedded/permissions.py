"""What each function's role allows, and what its handler asked for: the AccessDenied that an account would answer.

Actions are checked for every service; resources for S3, DynamoDB and EventBridge, whose ARNs follow from the call.
Conditions (tags, TaggingAction) are not evaluated: tests/template holds them to their promises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidepool_lab.embedded.intercept import ACCOUNT, Params
from tidepool_lab.embedded.intrinsics import Resolver

PREFIXES = {"service-quotas": "servicequotas", "sagemaker-runtime": "sagemaker"}
"""Services whose IAM prefix is not boto3's name."""
ALIASES = {"s3:HeadObject": "s3:GetObject", "s3:ListObjectsV2": "s3:ListBucket"}
"""Calls that are authorised as another action (service authorization reference)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One Allow of a role."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def covers(self, action: str, resource: str) -> bool:
        """The action is allowed on that resource ('' = any)."""
        if not any(_like(pattern, action) for pattern in self.actions):
            return False
        return not resource or any(_like(pattern, resource) for pattern in self.resources)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a function, as IAM sees it."""

    function: str
    action: str
    resource: str


def statements_of(resolver: Resolver, role_arn: str) -> tuple[Statement, ...]:
    """Every Allow of the stack's role of that ARN, in line or by the stack's managed policies."""
    found: list[Statement] = []
    for logical in resolver.resources:
        if resolver.resources[logical]["Type"] != "AWS::IAM::Role" or not resolver.exists(logical):
            continue
        if resolver.attribute(logical, "Arn") == role_arn:
            role = resolver.properties(logical)
            documents = [policy["PolicyDocument"] for policy in role.get("Policies", ())]
            documents += [_managed(resolver, name) for name in role.get("ManagedPolicyArns", ())]
            found.extend(s for document in documents for s in _allows(document))
    return tuple(found)


def _managed(resolver: Resolver, name: str) -> Mapping[str, Any]:
    for logical in resolver.resources:
        if resolver.resources[logical]["Type"] == "AWS::IAM::ManagedPolicy" and resolver.physical(logical) == name:
            document: Mapping[str, Any] = resolver.properties(logical)["PolicyDocument"]
            return document
    return {"Statement": []}


def _allows(document: Mapping[str, Any]) -> Iterable[Statement]:
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            yield Statement(_each(statement["Action"]), _each(statement["Resource"]))


def asked(function: str, service: str, operation: str, params: Params, *, region: str) -> Asked:
    """The call as an action on a resource."""
    action = f"{PREFIXES.get(service, service)}:{operation}"
    action = ALIASES.get(action, action)
    if action == "s3:GetObject" and params.get("VersionId"):
        action = "s3:GetObjectVersion"
    return Asked(function, action, _resource(service, action, params, region))


def _resource(service: str, action: str, params: Params, region: str) -> str:
    match service:
        case "s3":
            arn = f"arn:aws:s3:::{params['Bucket']}"
            return arn if action == "s3:ListBucket" else f"{arn}/{params['Key']}"
        case "dynamodb" if "TableName" in params:
            return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{params['TableName']}"
        case "dynamodb" if "RequestItems" in params:
            return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{next(iter(params['RequestItems']))}"
        case "events" if params.get("Entries"):
            name = params["Entries"][0].get("EventBusName", "default").rsplit("/", 1)[-1]
            return f"arn:aws:events:{region}:{ACCOUNT}:event-bus/{name}"
        case _:
            return ""


def denied(calls: Iterable[Asked], roles: Mapping[str, Sequence[Statement]]) -> list[Asked]:
    """The calls that the function's role does not allow. `roles` by function."""
    return [
        call
        for call in sorted(set(calls), key=lambda each: (each.function, each.action, each.resource))
        if not any(statement.covers(call.action, call.resource) for statement in roles.get(call.function, ()))
    ]


def _each(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
