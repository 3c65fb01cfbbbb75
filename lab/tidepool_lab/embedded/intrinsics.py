"""CloudFormation's intrinsic functions, evaluated when a value is asked for, over physical names fixed in advance."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tidepool_lab.embedded.intercept import ACCOUNT


class Unresolvable(LookupError):
    """A value of the template that the rig cannot know."""


class Resolver:
    """Values of one translated template, for one set of parameters and one stack name."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        *,
        stack: str,
        region: str,
        account: str = ACCOUNT,
    ) -> None:
        declared = template.get("Parameters", {})
        unknown = sorted(set(parameters) - set(declared))
        if unknown:
            raise Unresolvable(f"the template has no parameter {unknown[0]!r}; it has {sorted(declared)}")
        self.parameters = {
            name: _typed(declared[name], parameters.get(name, declared[name].get("Default", ""))) for name in declared
        }
        self.pseudo = {
            "AWS::AccountId": account,
            "AWS::Region": region,
            "AWS::Partition": "aws",
            "AWS::StackName": stack,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{stack}/twin",
            "AWS::NoValue": None,
        }
        self.stack, self.region, self.account, self.template = stack, region, account, template
        self.resources: Mapping[str, Any] = template.get("Resources", {})

    def condition(self, name: str) -> bool:
        """The template's condition of that name holds."""
        return bool(self.value(self.template["Conditions"][name]))

    def exists(self, logical: str) -> bool:
        """The resource is part of the stack: it has no condition, or one that holds."""
        resource = self.resources.get(logical)
        return resource is not None and ("Condition" not in resource or self.condition(resource["Condition"]))

    def properties(self, logical: str) -> dict[str, Any]:
        """The resource's properties, every intrinsic function evaluated."""
        found = self.value(self.resources[logical].get("Properties", {}))
        assert isinstance(found, dict)
        return found

    def value(self, node: Any) -> Any:
        """`node` with its intrinsic functions evaluated; members that are AWS::NoValue are gone."""
        if isinstance(node, dict):
            if len(node) == 1:
                ((key, argument),) = node.items()
                if key == "Ref":
                    return self.ref(argument)
                if key == "Condition" and isinstance(argument, str):
                    return self.condition(argument)
                if key.startswith("Fn::"):
                    function = _FUNCTIONS.get(key)
                    if function is None:
                        raise Unresolvable(f"{key} is not known to the rig")
                    return function(self, argument)
            evaluated = {key: self.value(item) for key, item in node.items()}
            return {key: item for key, item in evaluated.items() if item is not None}
        if isinstance(node, list):
            return [item for item in map(self.value, node) if item is not None]
        return node

    def ref(self, name: str) -> Any:
        """A pseudo parameter, a parameter, or what Ref gives of a resource."""
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        if not self.exists(name):
            raise Unresolvable(f"Ref {name}: no such resource under these conditions")
        kind = self.resources[name]["Type"]
        physical = self.physical(name)
        match kind:
            case "AWS::SQS::Queue":
                return f"https://sqs.{self.region}.amazonaws.com/{self.account}/{physical}"
            case "AWS::SNS::Topic" | "AWS::Lambda::LayerVersion":
                return self.attribute(name, "Arn")
            case _:
                return physical

    def physical(self, logical: str) -> str:
        """The resource's own name, or the one CloudFormation would make from stack and logical id."""
        resource = self.resources[logical]
        named = resource.get("Properties", {}).get(_NAMES.get(resource["Type"], ""))
        if named is not None:
            return str(self.value(named))
        made = f"{self.stack}-{logical}-twin"
        return made.lower() if resource["Type"] == "AWS::S3::Bucket" else made

    def attribute(self, logical: str, attribute: str) -> Any:
        """What Fn::GetAtt gives."""
        if not self.exists(logical):
            raise Unresolvable(f"GetAtt {logical}.{attribute}: no such resource under these conditions")
        kind, name = self.resources[logical]["Type"], self.physical(logical)
        if attribute in {"Name", "QueueName", "TopicName"}:
            return name
        if attribute == "QueueUrl":
            return self.ref(logical)
        if attribute in {"Arn", "TopicArn", "StreamArn"} and kind in _ARNS:
            properties = self.resources[logical].get("Properties", {})
            if kind == "AWS::Events::Rule" and "EventBusName" in properties:
                name = f"{self.value(properties['EventBusName'])}/{name}"
            return _ARNS[kind].format(region=self.region, account=self.account, name=name)
        if kind == "AWS::S3::Bucket" and attribute in {"DomainName", "RegionalDomainName"}:
            return f"{name}.s3.amazonaws.com"
        raise Unresolvable(f"GetAtt {logical}.{attribute} ({kind}) is not known to the rig")


def _typed(declared: Mapping[str, Any], value: Any) -> Any:
    if declared.get("Type", "").startswith(("CommaDelimitedList", "List<")):
        return [part.strip() for part in str(value).split(",")] if value else []
    return str(value)


_ARNS = {
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::LayerVersion": "arn:aws:lambda:{region}:{account}:layer:{name}:1",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Events::EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::Scheduler::Schedule": "arn:aws:scheduler:{region}:{account}:schedule/default/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
}
_NAMES = {
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SSM::Parameter": "Name",
}


def _get_att(resolver: Resolver, argument: Any) -> Any:
    logical, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    return resolver.attribute(logical, attribute)


def _sub(resolver: Resolver, argument: Any) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument

    def one(match: re.Match[str]) -> str:
        name = match.group(1)
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in given:
            return str(resolver.value(given[name]))
        return str(_get_att(resolver, name) if "." in name else resolver.ref(name))

    return re.sub(r"\$\{([^}]+)\}", one, text)


def _find_in_map(resolver: Resolver, argument: Any) -> Any:
    name, first, second = (resolver.value(part) for part in argument[:3])
    return resolver.value(resolver.template["Mappings"][name][first][second])


def _join(resolver: Resolver, argument: Any) -> str:
    return str(argument[0]).join(str(part) for part in resolver.value(argument[1]))


def _if(resolver: Resolver, argument: Any) -> Any:
    return resolver.value(argument[1] if resolver.condition(argument[0]) else argument[2])


def _equals(resolver: Resolver, argument: Any) -> bool:
    left, right = (resolver.value(part) for part in argument)
    return str(left) == str(right)


_FUNCTIONS: Mapping[str, Callable[[Resolver, Any], Any]] = {
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::Equals": _equals,
    "Fn::And": lambda resolver, argument: all(resolver.value(part) for part in argument),
    "Fn::Or": lambda resolver, argument: any(resolver.value(part) for part in argument),
    "Fn::Not": lambda resolver, argument: not resolver.value(argument[0]),
    "Fn::Select": lambda resolver, argument: resolver.value(argument[1])[int(resolver.value(argument[0]))],
    "Fn::Split": lambda resolver, argument: str(resolver.value(argument[1])).split(argument[0]),
    "Fn::Base64": lambda resolver, argument: resolver.value(argument),
    "Fn::GetAZs": lambda resolver, argument: [f"{resolver.region}{zone}" for zone in "abc"],
}
