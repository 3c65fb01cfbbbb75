"""An account in moto as template.yaml makes it: table, versioned bucket, bus. SageMaker and CloudWatch are a twin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tidepool.aws.bus import EventBus
from tidepool.aws.clients import Clients
from tidepool.aws.ledger import Ledger
from tidepool.aws.objects import Bucket
from tidepool.aws.table import Table
from tidepool_lab.embedded.alarms import AlarmBook
from tidepool_lab.embedded.cloudwatch import CloudWatch
from tidepool_lab.embedded.intercept import ACCOUNT, answering
from tidepool_lab.embedded.metrics import Recorded, Store
from tidepool_lab.embedded.sagemaker import Runtime, SageMaker
from tidepool_lab.embedded.twin_metrics import TwinMetrics
from tidepool_lab.twin.cloud import Cloud

REGION, LEDGER, BUCKET, BUS = "us-east-1", "tidepool-ledger", "tidepool-bucket", "tidepool-bus"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


@dataclass(frozen=True, slots=True)
class Account:
    """The account's stores, as adapters and as what they put on the bus."""

    clients: Clients
    alarms: AlarmBook | None = None

    @property
    def bucket(self) -> Bucket:
        return Bucket(self.clients, BUCKET)

    def ledger(self) -> Ledger:
        """A ledger as a fresh function has it: nothing is cached yet."""
        return Ledger(Table(self.clients, LEDGER), self.bucket)

    @property
    def bus(self) -> EventBus:
        return EventBus(self.clients, BUS)

    def upload(self, text: str, *, commit: str = "") -> str:
        """fleet.yaml is in the bucket; its version's id."""
        reply = self.clients.get("s3").put_object(
            Bucket=BUCKET, Key="config/fleet.yaml", Body=text.encode(), Metadata={"commit": commit} if commit else {}
        )
        return str(reply["VersionId"])


@contextmanager
def an_account(cloud: Cloud | None = None) -> Iterator[Account]:
    """Inside, boto3 talks to moto; with a cloud, SageMaker and CloudWatch are its."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        for name, value in CREDENTIALS.items():
            patched.setenv(name, value)
        patched.setattr(boto3, "DEFAULT_SESSION", None)
        made = Clients(REGION)
        _make(made)
        if cloud is None:
            yield Account(made)
            return
        store = Store((TwinMetrics(cloud), Recorded()))
        alarms = AlarmBook(store, region=REGION, account=ACCOUNT)
        responders: Mapping[str, Any] = {
            "sagemaker": SageMaker(cloud),
            "sagemaker-runtime": Runtime(cloud),
            "cloudwatch": CloudWatch(store, alarms, Recorded(), now=lambda: cloud.now_s),
        }
        with answering(responders):
            yield Account(made, alarms)


def _make(clients: Clients) -> None:
    clients.get("dynamodb").create_table(
        TableName=LEDGER,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    clients.get("s3").create_bucket(Bucket=BUCKET)
    clients.get("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    clients.get("events").create_event_bus(Name=BUS)
