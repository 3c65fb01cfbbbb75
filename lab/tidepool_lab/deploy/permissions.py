"""Who may do what, read from the translated template: statements of every role, and docs/permissions.md.

`python -m tidepool_lab.deploy.permissions` prints the page; `make permissions` writes it, and a test holds the two
together, so that the page is never a promise that the template does not keep.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidepool_lab.deploy.breaks import BREAKS
from tidepool_lab.embedded import template
from tidepool_lab.embedded.intercept import ACCOUNT
from tidepool_lab.embedded.intrinsics import Resolver

HANDS = ("none", "copies", "instances", "moves")
"""The values of the parameter Hands, each including those before it."""

REGION, STACK = "us-east-1", "tidepool"
EXAMPLE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/pool-execution"

WHY_EVERYTHING: Mapping[str, str] = {
    "sagemaker:ListEndpoints": "List calls have no resource to scope to",
    "sagemaker:ListEndpointConfigs": "List calls have no resource to scope to",
    "sagemaker:ListInferenceComponents": "List calls have no resource to scope to",
    "cloudwatch:DescribeAlarms": "A narrower scope is told of no composite alarm",
    "cloudwatch:GetMetricData": "CloudWatch metrics are not resources: the action takes no ARN",
    "pricing:GetProducts": "The public price list has no resources",
    "application-autoscaling:DescribeScalableTargets": "The list of scalable targets takes no ARN",
    "servicequotas:ListServiceQuotas": "The list of a service's quotas takes no ARN",
}
"""Every action that is allowed on `*`, and why it cannot be narrower (AWS service authorization reference)."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one role's policies, its resources resolved. `condition` as in IAM, {} when none."""

    role: str
    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any]

    @property
    def purpose(self) -> str:
        """The Sid as words: 'SetCopies' → 'Set copies'."""
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", self.sid).lower()
        return words[:1].upper() + words[1:]


def resolved(source: Mapping[str, Any], *, hands: str, roles: str = EXAMPLE_ROLE) -> Resolver:
    """The translated template as a stack with these hands; `roles` are the ExecutionRoleArns, comma-separated."""
    parameters = {"Hands": hands, "ExecutionRoleArns": roles}
    translated = template.translate(source, parameters, region=REGION)
    return Resolver(translated, parameters, stack=STACK, region=REGION)


def statements(stack: Resolver) -> tuple[Statement, ...]:
    """Every statement of every role that exists in the stack, in the template's order."""
    return tuple(
        _statement(logical, stated)
        for logical, resource in stack.resources.items()
        if resource["Type"] == "AWS::IAM::Role" and stack.exists(logical)
        for stated in _stated(stack, logical, resource["Properties"])
    )


def _stated(stack: Resolver, logical: str, declared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for reference in declared.get("ManagedPolicyArns", ()):
        if not (isinstance(reference, Mapping) and "Ref" in reference):
            raise LookupError(f"{logical} has {reference!r}: a policy of AWS's own grants more than anyone reads")
        yield from stack.properties(reference["Ref"])["PolicyDocument"]["Statement"]
    for policy in stack.properties(logical).get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]


def _statement(role: str, stated: Mapping[str, Any]) -> Statement:
    return Statement(
        role=role,
        sid=stated["Sid"],
        effect=stated["Effect"],
        actions=_list(stated["Action"]),
        resources=_list(stated["Resource"]),
        condition=stated.get("Condition", {}),
    )


def _list(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def page(source: Mapping[str, Any]) -> str:
    """docs/permissions.md for this template."""
    stack = resolved(source, hands="moves")
    known = statements(stack)
    return "\n".join([*_head(source), *_by_role(stack, known), *_everything(known), ""])


def _head(source: Mapping[str, Any]) -> list[str]:
    lines = [
        "# Permissions",
        "",
        "Made from template.yaml by `make permissions`; a test holds the two together.",
        "",
        "`Hands` decides what exists, function and role alike. What is not granted is not in the stack:",
        "",
        "| Hands | functions that can write to SageMaker | what they can write |",
        "|---|---|---|",
    ]
    for hands in HANDS:
        writers = [s for s in statements(resolved(source, hands=hands)) if any(map(writes_sagemaker, s.actions))]
        names = sorted({_function_of(s.role) for s in writers})
        verbs = sorted({a.removeprefix("sagemaker:") for s in writers for a in s.actions if writes_sagemaker(a)})
        lines.append(f"| {hands} | {', '.join(names) or 'none'} | {', '.join(verbs) or 'nothing'} |")
    return lines


def writes_sagemaker(action: str) -> bool:
    """The action changes something in SageMaker, or calls a model."""
    service, verb = action.split(":", 1)
    return service == "sagemaker" and not verb.startswith(("Describe", "List", "Get"))


def _function_of(role: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", role.removesuffix("Role")).lower()


def _by_role(stack: Resolver, known: Sequence[Statement]) -> Iterator[str]:
    for role in dict.fromkeys(statement.role for statement in known):
        resource = stack.resources[role]
        yield from ("", f"## {_function_of(role)}", "")
        yield f"{resource['Properties']['Description']}. Condition: {_existence(resource)}."
        yield from ("", "| for | allowed | on | only when | without it |", "|---|---|---|---|---|")
        for statement in (s for s in known if s.role == role):
            yield (
                f"| {statement.purpose} | {_lines(statement.actions)} | {_lines(map(_shown, statement.resources))} "
                f"| {_lines(_conditions(statement.condition)) or 'always'} | {BREAKS[statement.sid]} |"
            )


def _existence(resource: Mapping[str, Any]) -> str:
    return f"exists only when `{resource['Condition']}`" if "Condition" in resource else "always exists"


def _conditions(condition: Mapping[str, Any]) -> Iterator[str]:
    for operator, tests in condition.items():
        for key, wanted in tests.items():
            yield f"{key} {operator} {' or '.join(_list(wanted))}"


def _lines(parts: Iterator[str] | Sequence[str]) -> str:
    return "<br>".join(f"`{part}`" for part in parts)


def _shown(resource: str) -> str:
    """The ARN without what every line repeats, and with the names that CloudFormation makes cut short."""
    for constant, word in ((f":{REGION}:", ":REGION:"), (f":{ACCOUNT}:", ":ACCOUNT:"), ("arn:aws:", "")):
        resource = resource.replace(constant, word)
    return resource.replace("-twin", "-…")


def _everything(known: Sequence[Statement]) -> Iterator[str]:
    yield from ("", "## What is allowed on every resource, and why", "", "| action | why |", "|---|---|")
    for action in sorted({a for s in known if "*" in s.resources for a in s.actions}):
        yield f"| `{action}` | {WHY_EVERYTHING[action]} |"


if __name__ == "__main__":
    sys.stdout.write(page(template.read(Path(sys.argv[1] if len(sys.argv) > 1 else "template.yaml"))))
