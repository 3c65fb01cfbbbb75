"""Promises of the stack that checkov has no check for: what is stored is encrypted, and whose words a bus takes."""

from __future__ import annotations

from typing import Any

from checkov.cloudformation.checks.resource.base_resource_check import BaseResourceCheck
from checkov.common.models.enums import CheckCategories, CheckResult

ENCRYPTION = {
    "AWS::DynamoDB::Table": lambda stored: _is_true(stored.get("SSESpecification", {}).get("SSEEnabled")),
    "AWS::S3::Bucket": lambda stored: bool(stored.get("BucketEncryption")),
    "AWS::SQS::Queue": lambda stored: _is_true(stored.get("SqsManagedSseEnabled")),
}
"""By type: whether its properties ask for encryption at rest. Logs and topics are encrypted whatever one asks for."""


class StoredDataIsEncrypted(BaseResourceCheck):
    """Tables, buckets and queues say that they encrypt, with a key that the services which write to them may use."""

    def __init__(self) -> None:
        super().__init__(
            name="What is stored is encrypted, and says so",
            id="CKV_TIDEPOOL_1",
            categories=[CheckCategories.ENCRYPTION],
            supported_resources=list(ENCRYPTION),
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        stored = conf.get("Properties") or {}
        return CheckResult.PASSED if ENCRYPTION[conf["Type"]](stored) else CheckResult.FAILED


class OnlyNamedPrincipals(BaseResourceCheck):
    """Whoever a bus, queue, topic or bucket allows is named: accounts or roles for a bus, never everybody."""

    def __init__(self) -> None:
        super().__init__(
            name="A policy of a bus, queue, topic or bucket allows only principals that it names",
            id="CKV_TIDEPOOL_2",
            categories=[CheckCategories.IAM],
            supported_resources=[
                "AWS::Events::EventBusPolicy",
                "AWS::SQS::QueuePolicy",
                "AWS::SNS::TopicPolicy",
                "AWS::S3::BucketPolicy",
            ],
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        properties = conf.get("Properties") or {}
        # A bus's policy is one statement, or in the older form an action and a principal; the others have a document.
        document = properties.get("PolicyDocument") or {"Statement": properties.get("Statement", properties)}
        statements = document["Statement"]
        for stated in [statements] if isinstance(statements, dict) else statements:
            if stated.get("Effect", "Allow") == "Allow" and not _named(stated.get("Principal")):
                return CheckResult.FAILED
        return CheckResult.PASSED


def _named(principal: Any) -> bool:
    if isinstance(principal, dict):
        # checkov notes where each part stands, as members of its own.
        return all(_named(each) for key, each in principal.items() if not key.startswith("__"))
    if isinstance(principal, list):
        return bool(principal) and all(_named(each) for each in principal)
    return isinstance(principal, str) and bool(principal) and "*" not in principal


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


stored, named = StoredDataIsEncrypted(), OnlyNamedPrincipals()
