"""What the stack stores in exists: moto's tables, buckets, queues and topics, made from the template's resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from moto.sqs.models import sqs_backends

from tidepool_lab.embedded.intercept import ACCOUNT
from tidepool_lab.embedded.stack import Stack

TABLE_KEYS = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "StreamSpecification",
)
"""Properties of AWS::DynamoDB::Table that CreateTable takes under the same name."""


class Stores:
    """Clients of the rig's own, apart from those of the functions, and what it made with them."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._clients: dict[str, Any] = {}
        self.notifies: set[str] = set()
        """Buckets that tell EventBridge of new objects."""
        self.queues: dict[str, str] = {}
        """Queue name → URL."""
        for logical, kind, properties in stack.resources:
            self._make(kind, stack.physical[logical], properties)

    def client(self, service: str) -> Any:
        """boto3's client of that service."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self.stack.region)
        return self._clients[service]

    def bucket(self) -> str:
        """The stack's one bucket."""
        (name,) = (self.stack.physical[logical] for logical, kind, _ in self.stack.resources if kind.endswith("Bucket"))
        return name

    # dispatcher.Plumbing
    def to_queue(self, arn: str, body: str) -> None:
        """The message is in the queue."""
        self.client("sqs").send_message(QueueUrl=self.queues[arn.rpartition(":")[2]], MessageBody=body)

    def to_topic(self, arn: str, subject: str, message: str) -> None:
        """The topic's subscribers have it."""
        self.client("sns").publish(TopicArn=arn, Subject=subject[:100] or "event", Message=message)

    def messages(self, logical: str) -> list[str]:
        """Bodies of everything in a queue; they stay there."""
        url = self.queues[self.stack.physical[logical]]
        reply = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in reply.get("Messages", ())]

    def depths(self) -> dict[str, int]:
        """Visible messages by queue name."""
        # Read where moto keeps them: asking over boto3 each minute costs a tenth of a whole simulated day.
        kept = sqs_backends[ACCOUNT][self.stack.region].queues
        return {name: int(kept[name].approximate_number_of_messages) for name in self.queues}

    def _make(self, kind: str, name: str, properties: Mapping[str, Any]) -> None:
        match kind:
            case "AWS::DynamoDB::Table":
                asked = {key: properties[key] for key in TABLE_KEYS if key in properties}
                self.client("dynamodb").create_table(TableName=name, **asked)
                lives = properties.get("TimeToLiveSpecification")
                if lives:
                    self.client("dynamodb").update_time_to_live(TableName=name, TimeToLiveSpecification=lives)
            case "AWS::S3::Bucket":
                self.client("s3").create_bucket(Bucket=name)
                if properties.get("VersioningConfiguration", {}).get("Status") == "Enabled":
                    self.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
                bridge = properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {})
                if str(bridge.get("EventBridgeEnabled", "")).lower() == "true":
                    self.notifies.add(name)
            case "AWS::SQS::Queue":
                reply = self.client("sqs").create_queue(QueueName=name)
                self.queues[name] = reply["QueueUrl"]
            case "AWS::SNS::Topic":
                self.client("sns").create_topic(Name=name)
            case _:
                pass  # Buses carry and hold nothing: the dispatcher is they.
