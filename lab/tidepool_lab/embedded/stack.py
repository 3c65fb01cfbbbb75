"""What the translated template declares, as values: functions, schedules, rules, alarms and what they send to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidepool_lab.embedded import template as templates
from tidepool_lab.embedded.intrinsics import Resolver
from tidepool_lab.embedded.permissions import Statement, statements_of
from tidepool_lab.embedded.template import LOCAL

RETRIES = 2
"""Asynchronous Lambda invocations are tried twice more unless the function says otherwise (Lambda's default)."""
MAX_AGE_S = 21_600
"""Six hours: Lambda's default for the age of an asynchronous event."""


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function. `code` is the folder that holds its handler. `on_failure` is an ARN, '' when none."""

    logical: str
    name: str
    arn: str
    code: Path
    handler: str
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int
    retries: int = RETRIES
    max_age_s: int = MAX_AGE_S
    on_failure: str = ""
    allowed: tuple[Statement, ...] = ()
    """What its role allows."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Something that fires by the clock. `input` None: the rule's own scheduled event. `rule` ARN for events."""

    name: str
    arn: str
    expression: str
    zone: str
    target: str
    input: str | None
    retries: int
    dead_letters: str = ""
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class RuleTarget:
    arn: str
    input: str | None = None
    input_path: str = ""
    transformer: Mapping[str, Any] = field(default_factory=dict)
    dead_letters: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """Events of `bus` that match `pattern` go to every target."""

    name: str
    arn: str
    bus: str
    pattern: Mapping[str, Any]
    targets: tuple[RuleTarget, ...]


@dataclass(frozen=True, slots=True)
class Permission:
    """A statement of a function's resource policy. '' = any."""

    function: str
    principal: str
    source_arn: str
    source_account: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything of the template that acts. `resources` are (logical, type, properties) of what services store."""

    name: str
    region: str
    functions: Mapping[str, Function]
    """By ARN."""
    schedules: tuple[Schedule, ...]
    rules: tuple[Rule, ...]
    alarms: tuple[Mapping[str, Any], ...]
    """PutMetricAlarm's parameters."""
    permissions: tuple[Permission, ...]
    resources: tuple[tuple[str, str, Mapping[str, Any]], ...]
    physical: Mapping[str, str]
    """Physical names by logical id."""
    outputs: Mapping[str, Any]

    def function(self, logical: str) -> Function:
        """The function of that logical id. LookupError naming those there are."""
        for found in self.functions.values():
            if found.logical == logical:
                return found
        raise LookupError(f"{logical} is not a function of {[f.logical for f in self.functions.values()]}")

    def permits(self, function_arn: str, principal: str, source_arn: str) -> bool:
        """The function's resource policy lets this service's resource invoke it."""
        name = function_arn.partition(":function:")[2].partition(":")[0]
        return any(
            permission.function.split(":function:")[-1].split(":")[0] == name
            and permission.principal == principal
            and _like(permission.source_arn, source_arn)
            for permission in self.permissions
        )


_made: dict[str, Stack] = {}


def stack_of(source: Mapping[str, Any], parameters: Mapping[str, str], *, name: str, region: str, root: Path) -> Stack:
    """The stack that `sam deploy` would make of the template. `root` is the checkout that holds the code.

    SAM's translation takes half a second; the same template with the same parameters is translated once.
    """
    asked = json.dumps([source, parameters, name, region, str(root)], sort_keys=True, default=str)
    if asked not in _made:
        _made[asked] = _stack_of(source, parameters, name=name, region=region, root=root)
    return _made[asked]


def _stack_of(source: Mapping[str, Any], parameters: Mapping[str, str], *, name: str, region: str, root: Path) -> Stack:
    translated = templates.translate(source, parameters, region=region)
    resolver = Resolver(translated, parameters, stack=name, region=region)
    there = [logical for logical in resolver.resources if resolver.exists(logical)]
    by_type: dict[str, list[str]] = {}
    for logical in there:
        by_type.setdefault(resolver.resources[logical]["Type"], []).append(logical)

    def each(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for logical in by_type.get(kind, []):
            yield logical, resolver.properties(logical)

    invokes = {_function_name(p): p for _, p in each("AWS::Lambda::EventInvokeConfig")}
    functions = [_function(resolver, logical, p, invokes, root) for logical, p in each("AWS::Lambda::Function")]
    timed = [(logical, p) for logical, p in each("AWS::Events::Rule") if "ScheduleExpression" in p]
    ruled = [(logical, p) for logical, p in each("AWS::Events::Rule") if "EventPattern" in p]
    return Stack(
        name=name,
        region=region,
        functions={function.arn: function for function in functions},
        schedules=(
            *(_schedule(resolver, logical, p) for logical, p in each("AWS::Scheduler::Schedule") if _enabled(p)),
            *(s for logical, p in timed if _enabled(p) for s in _rule_schedules(resolver, logical, p)),
        ),
        rules=tuple(_rule(resolver, logical, p) for logical, p in ruled if _enabled(p)),
        alarms=tuple(_alarm(resolver, logical, p) for logical, p in each("AWS::CloudWatch::Alarm")),
        permissions=tuple(_permission(p) for _, p in each("AWS::Lambda::Permission")),
        resources=tuple(
            (logical, resolver.resources[logical]["Type"], resolver.properties(logical))
            for logical in there
            if resolver.resources[logical]["Type"] in STORED
        ),
        physical={logical: resolver.physical(logical) for logical in there},
        outputs={
            key: resolver.value(output["Value"])
            for key, output in translated.get("Outputs", {}).items()
            if "Condition" not in output or resolver.condition(output["Condition"])
        },
    )


STORED = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Events::EventBus")
"""Resources that hold something: moto answers for all but the bus."""


def _function_name(properties: Mapping[str, Any]) -> str:
    return str(properties["FunctionName"]).split(":function:")[-1].split(":")[0]


def _function(
    resolver: Resolver, logical: str, properties: Mapping[str, Any], invokes: Mapping[str, Any], root: Path
) -> Function:
    code = properties["Code"]
    if code.get("S3Bucket") != LOCAL:
        raise LookupError(f"{logical}: its code is not in the checkout but at {code}")
    invoke = invokes.get(resolver.physical(logical), {})
    queue = properties.get("DeadLetterConfig", {}).get("TargetArn", "")
    failure = invoke.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", queue)
    variables = properties.get("Environment", {}).get("Variables", {})
    return Function(
        logical=logical,
        name=resolver.physical(logical),
        arn=str(resolver.attribute(logical, "Arn")),
        code=root / code["S3Key"],
        handler=properties["Handler"],
        environment={key: str(value) for key, value in variables.items()},
        timeout_s=int(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        retries=int(invoke.get("MaximumRetryAttempts", RETRIES)),
        max_age_s=int(invoke.get("MaximumEventAgeInSeconds", MAX_AGE_S)),
        on_failure=failure,
        allowed=statements_of(resolver, properties["Role"]),
    )


def _enabled(properties: Mapping[str, Any]) -> bool:
    return str(properties.get("State", "ENABLED")).startswith("ENABLED")


def _schedule(resolver: Resolver, logical: str, properties: Mapping[str, Any]) -> Schedule:
    target = properties["Target"]
    return Schedule(
        name=resolver.physical(logical),
        arn=str(resolver.attribute(logical, "Arn")),
        expression=properties["ScheduleExpression"],
        zone=properties.get("ScheduleExpressionTimezone", "UTC"),
        target=target["Arn"],
        input=target.get("Input"),
        retries=int(target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185)),
        dead_letters=target.get("DeadLetterConfig", {}).get("Arn", ""),
    )


def _rule_schedules(resolver: Resolver, logical: str, properties: Mapping[str, Any]) -> Iterator[Schedule]:
    for target in properties.get("Targets", []):
        yield Schedule(
            name=resolver.physical(logical),
            arn=str(resolver.attribute(logical, "Arn")),
            expression=properties["ScheduleExpression"],
            zone="UTC",
            target=target["Arn"],
            input=target.get("Input"),
            retries=int(target.get("RetryPolicy", {}).get("MaximumRetryAttempts", 185)),
            dead_letters=target.get("DeadLetterConfig", {}).get("Arn", ""),
            by_rule=True,
        )


def _rule(resolver: Resolver, logical: str, properties: Mapping[str, Any]) -> Rule:
    bus = str(properties.get("EventBusName", "default")).rsplit("/", 1)[-1]
    return Rule(
        name=resolver.physical(logical),
        arn=str(resolver.attribute(logical, "Arn")),
        bus=bus,
        pattern=properties["EventPattern"],
        targets=tuple(
            RuleTarget(
                arn=target["Arn"],
                input=target.get("Input"),
                input_path=target.get("InputPath", ""),
                transformer=target.get("InputTransformer", {}),
                dead_letters=target.get("DeadLetterConfig", {}).get("Arn", ""),
            )
            for target in properties.get("Targets", [])
        ),
    )


def _alarm(resolver: Resolver, logical: str, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**properties, "AlarmName": resolver.physical(logical)}


def _permission(properties: Mapping[str, Any]) -> Permission:
    return Permission(
        function=str(properties["FunctionName"]),
        principal=properties["Principal"],
        source_arn=str(properties.get("SourceArn", "")),
        source_account=str(properties.get("SourceAccount", "")),
    )


def _like(pattern: str, arn: str) -> bool:
    """ArnLike: '*' stands for anything; '' allows every source."""
    if not pattern or pattern == arn:
        return True
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), arn) is not None
