"""The permissions are exactly what the code calls: nothing is missing, and nothing is granted that nobody uses."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from tidepool_lab.deploy.permissions import Statement

Granted = Callable[..., tuple[Statement, ...]]

SERVICES = {
    "application-autoscaling": "application-autoscaling",
    "cloudwatch": "cloudwatch",
    "dynamodb": "dynamodb",
    "events": "events",
    "iam": "iam",
    "pricing": "pricing",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "service-quotas": "servicequotas",
    "ssm": "ssm",
}
"""boto3's name of each service that the adapters use → its prefix in IAM."""

AUTHORISED_AS = {"s3:HeadObject": "s3:GetObject"}
"""Operations whose permission has another name (S3 user guide, required permissions)."""

WITHOUT_A_CALL_OF_OURS = {
    "dynamodb:DeleteItem": "Powertools' idempotency forgets a change whose hand failed, so that it may be tried again",
    "iam:PassRole": "asked for when CreateEndpointConfig carries the pool's ExecutionRoleArn",
    "lambda:InvokeFunction": "EventBridge Scheduler wakes the functions",
    "logs:CreateLogStream": "Lambda writes the logs",
    "logs:PutLogEvents": "Lambda writes the logs",
    "s3:GetObjectVersion": "asked for when GetObject names a version",
    "s3:ListBucket": "without it a missing object reads as AccessDenied",
    "sagemaker:AddTags": "asked for when a Create call carries tags",
    "sqs:SendMessage": "Lambda and the scheduler hand over what failed",
}


def calls(adapters: Path) -> Iterator[set[str]]:
    """For every boto3 call of the adapters, the IAM actions that it may need: one, unless two services of a file have
    an operation of that name. A call is any name that is an operation of a service the file makes a client of, also
    as a paginator's name.
    """
    session = get_session()
    operations = {
        service: {xform_name(name): name for name in session.get_service_model(service).operation_names}
        for service in SERVICES
    }
    for path in sorted(adapters.glob("*.py")):
        words, names = spoken(ast.parse(path.read_text()))
        clients = {service for service in SERVICES if service in words} | (
            {"sagemaker"} & {n.strip("_") for n in names}
        )
        for name in sorted(words | names):
            known = {f"{SERVICES[c]}:{operations[c][name]}" for c in clients if name in operations[c]}
            if known:
                yield {AUTHORISED_AS.get(action, action) for action in known}


def spoken(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Every text constant and every attribute's name of a module."""
    nodes = list(ast.walk(tree))
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return words, {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def actions(statements: tuple[Statement, ...]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


@pytest.fixture(scope="module")
def needed(root: Path) -> list[set[str]]:
    found = list(calls(root / "layers" / "core" / "tidepool" / "aws"))
    assert len(found) > 20
    return found


def test_every_call_of_the_adapters_is_granted_to_somebody(needed: list[set[str]], granted: Granted) -> None:
    assert [sorted(call) for call in needed if not call & actions(granted())] == []


def test_nothing_is_granted_that_nobody_calls(needed: list[set[str]], granted: Granted) -> None:
    assert actions(granted()) - set().union(*needed) - set(WITHOUT_A_CALL_OF_OURS) == set()


def test_every_exception_is_still_granted(granted: Granted) -> None:
    assert set(WITHOUT_A_CALL_OF_OURS) - actions(granted()) == set()
