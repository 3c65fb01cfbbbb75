"""Several accounts and regions in moto: the hub's template in one, the spoke's in the others, with IAM in force.

moto answers for STS, IAM, S3, DynamoDB, SQS and EventBridge, rules to another account's bus among them, and holds every
call to the caller's policies. Two things it leaves out are done here from the very policies that were deployed: who a
role trusts, with its ExternalId, and whom a bus takes events from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from moto.core.authorization import disable_iam_authentication, enable_iam_authentication
from moto.events.models import EventsBackend

from tidepool.aws.bus import EventBus
from tidepool.aws.clients import Clients
from tidepool.aws.ledger import Ledger
from tidepool.aws.objects import Bucket
from tidepool.aws.table import Table
from tidepool.decision.record import Decision, Held, Spend, Step
from tidepool.memory import Memory
from tidepool_lab.embedded import template
from tidepool_lab.embedded.intercept import AwsError, Params, answering
from tidepool_lab.embedded.intrinsics import Resolver

HUB = Path(__file__).parents[2] / "hub"
HUB_ACCOUNT, HUB_REGION = "999900000000", "us-east-1"
READER = f"arn:aws:iam::{HUB_ACCOUNT}:user/reader"
EXTERNAL_ID = "tidepool-hub-0123456789"
NOW = 1_764_158_400
"""2025-11-26T12:00:00Z."""


@dataclass
class Home:
    """One account and region with a stack's bucket, ledger, bus and queue, and the spoke beside it."""

    account: str
    region: str
    hub: Accounts
    clients: Clients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = in_account(self.account, self.region)
        self.client("s3").create_bucket(Bucket=self.bucket, **_located(self.region))
        self.client("dynamodb").create_table(
            TableName="ledger",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.client("events").create_event_bus(Name="tidepool")
        self.client("sqs").create_queue(QueueName="undelivered")
        self.stack = Resolver(
            template.read(HUB / "spoke.yaml"),
            {
                "Bucket": self.bucket,
                "UndeliveredQueueArn": f"arn:aws:sqs:{self.region}:{self.account}:undelivered",
                "HubBusArn": self.hub.bus_arn,
                "ReaderArn": READER,
                "ExternalId": EXTERNAL_ID,
            },
            stack=f"spoke-{self.region}",
            region=self.region,
            account=self.account,
        )
        deploy(self.stack, self.clients)

    @property
    def bucket(self) -> str:
        return f"tidepool-{self.account}-{self.region}"

    def client(self, service: str) -> Any:
        return self.clients.get(service)

    def ledger(self) -> Ledger:
        """As a fresh function has it."""
        return Ledger(Table(self.clients, "ledger"), Bucket(self.clients, self.bucket))

    @property
    def entry(self) -> dict[str, str]:
        """What the spoke's output says, as people paste it."""
        (entry,) = yaml.safe_load(self.stack.value(self.stack.template["Outputs"]["Entry"]["Value"]))
        return dict(entry)

    def decided(self, at: int, *, usd: float, alone: float, steps: tuple[Step, ...] = (), models: int = 1) -> None:
        """The stack's decide has run at that time."""
        decision = Decision(
            now=at,
            config_commit="abc",
            changes=(),
            held=(Held("ScaleCopies", "a", 1, 2, "quota", "no room"),) if steps else (),
            steps=steps,
            spend=Spend(usd, usd, alone),
            memory=Memory.empty(),
            homes={f"m{number}": (f"m{number}",) for number in range(models)},
        )
        with disable_iam_authentication():
            ledger = self.ledger()
            lease = ledger.lease(at, 1)
            assert lease is not None
            ledger.save_decision(decision, lease)
            ledger.release(lease, at)

    def reported(self, page: bytes, at: int) -> None:
        """The stack's report has run at that time."""
        with disable_iam_authentication():
            self.ledger().save_report(page, at)

    def announces(self, kind: str, **detail: object) -> None:
        EventBus(self.clients, "tidepool").announce(kind, detail, NOW)


@dataclass
class Accounts:
    """The hub's account, and a queue behind its bus that shows what arrived."""

    spokes: tuple[str, ...]

    def __post_init__(self) -> None:
        self.clients = in_account(HUB_ACCOUNT, HUB_REGION)
        self.stack = Resolver(
            template.read(HUB / "hub.yaml"),
            {"SpokeAccounts": ",".join(self.spokes)},
            stack="tidepool-hub",
            region=HUB_REGION,
            account=HUB_ACCOUNT,
        )
        deploy(self.stack, self.clients)
        self.queue = self.client("sqs").create_queue(QueueName="arrived")["QueueUrl"]
        self.client("events").put_rule(
            Name="everything", EventBusName="tidepool-hub", EventPattern='{"source": [{"prefix": ""}]}'
        )
        self.client("events").put_targets(
            Rule="everything",
            EventBusName="tidepool-hub",
            Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:{HUB_REGION}:{HUB_ACCOUNT}:arrived"}],
        )

    @property
    def bus_arn(self) -> str:
        return str(self.stack.value(self.stack.template["Outputs"]["HubBusArn"]["Value"]))

    def client(self, service: str) -> Any:
        return self.clients.get(service)

    def arrived(self) -> list[tuple[str, str]]:
        """(detail-type, kind) of what has come over the hub's bus since the last look."""
        found = []
        with disable_iam_authentication():
            while (
                taken := self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages")
            ):
                for message in taken:
                    event = json.loads(message["Body"])
                    found.append((event["detail-type"], event["detail"]["kind"]))
                    self.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found)


@contextmanager
def accounts(spokes: tuple[str, ...]) -> Iterator[Accounts]:
    """Inside, boto3 talks to moto; nobody's rights are asked until `as_reader`."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patched.setenv(name, "test")
        patched.setattr(boto3, "DEFAULT_SESSION", None)
        patched.setattr(EventsBackend, "put_events", _held_to_the_bus(EventsBackend.put_events))
        yield Accounts(spokes)


@contextmanager
def as_reader(hub: Accounts, roles: list[str]) -> Iterator[None]:
    """Inside, the process has the credentials of a user of the hub's account who may assume these roles, no more."""
    iam = hub.client("iam")
    iam.create_user(UserName="reader")
    policy = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": roles}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    iam.put_user_policy(UserName="reader", PolicyName="read-spokes", PolicyDocument=document)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    with pytest.MonkeyPatch.context() as patched, enable_iam_authentication(), answering({"sts": _trusted}):
        patched.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        patched.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        patched.setattr(boto3, "DEFAULT_SESSION", None)
        yield


def in_account(account: str, region: str) -> Clients:
    """Clients of that account's own administrators."""
    role = f"arn:aws:iam::{account}:role/administrator"
    return assumed_clients(region, RoleArn=role, RoleSessionName="test")


def assumed_clients(region: str, **asked: str) -> Clients:
    """Clients with the credentials that STS gives for it."""
    given = Clients(region).get("sts").assume_role(**asked)["Credentials"]
    words = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    return Clients(region, credentials={name: given[word] for name, word in zip(names, words, strict=True)})


def deploy(stack: Resolver, clients: Clients) -> None:
    """Every resource of the template exists in that account, as the template says it."""
    for logical, resource in stack.resources.items():
        if stack.exists(logical):
            _make(resource["Type"], stack.physical(logical), stack.properties(logical), clients)


def _make(kind: str, name: str, of: Mapping[str, Any], clients: Clients) -> None:
    events, iam = clients.get("events"), clients.get("iam")
    match kind:
        case "AWS::IAM::Role":
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(of["AssumeRolePolicyDocument"]))
            for policy in of["Policies"]:
                document = json.dumps(policy["PolicyDocument"])
                iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
        case "AWS::Events::EventBus":
            events.create_event_bus(Name=name)
        case "AWS::Events::EventBusPolicy":
            statement = {"Sid": of["StatementId"], **of["Statement"]}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            events.put_permission(EventBusName=of["EventBusName"], Policy=document)
        case "AWS::Events::Rule":
            events.put_rule(Name=name, EventBusName=of["EventBusName"], EventPattern=json.dumps(of["EventPattern"]))
            reached = [target for target in of["Targets"] if ":sns:" not in target["Arn"]]  # moto's rules know no topic
            if reached:
                events.put_targets(Rule=name, EventBusName=of["EventBusName"], Targets=reached)
        case "AWS::SNS::Topic":
            clients.get("sns").create_topic(Name=name)
        case "AWS::SNS::TopicPolicy":
            pass  # tests/policies reads whom it names
        case _:
            raise LookupError(f"no test makes a {kind}")


def _trusted(operation: str, params: Params) -> Params | None:
    """STS refuses who the role does not trust, and who does not say its ExternalId; else moto answers."""
    if operation != "AssumeRole":
        return None
    account, name = params["RoleArn"].split(":")[4], params["RoleArn"].rpartition("/")[2]
    with disable_iam_authentication(), answering({}):
        iam = in_account(account, HUB_REGION).get("iam")
        try:
            trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        except iam.exceptions.NoSuchEntityException:
            trust = {"Statement": []}
    given = {"sts:ExternalId": params.get("ExternalId")}
    for stated in trust["Statement"]:
        asked = stated.get("Condition", {}).get("StringEquals", {})
        if stated["Principal"].get("AWS") == READER and all(given[key] == value for key, value in asked.items()):
            return None
    raise AwsError("AccessDenied", f"not authorized to perform: sts:AssumeRole on resource: {params['RoleArn']}", 403)


def _held_to_the_bus(put_events: Any) -> Any:
    """PutEvents over a rule of another account, as EventBridge takes it: only what the bus's own policy allows."""
    sender: list[str] = []

    def put(backend: Any, entries: list[dict[str, Any]]) -> Any:
        crossing = bool(sender) and sender[-1] != backend.account_id
        if crossing:
            bus = backend.describe_event_bus(entries[0]["EventBusName"].rpartition("/")[2])
            stated = json.loads(bus.policy or '{"Statement": []}')["Statement"]
            entries = [entry for entry in entries if any(_lets_in(one, sender[-1], entry) for one in stated)]
        sender.append(backend.account_id)
        try:
            return put_events(backend, entries)
        finally:
            sender.pop()

    return put


def _lets_in(stated: Mapping[str, Any], account: str, entry: Mapping[str, Any]) -> bool:
    named, said = (
        stated["Principal"]["AWS"],
        {"events:detail-type": entry["DetailType"], "events:source": entry["Source"]},
    )
    asked = [test for tests in stated.get("Condition", {}).values() for test in tests.items()]
    return account in ([named] if isinstance(named, str) else named) and all(said[key] == value for key, value in asked)


def _located(region: str) -> dict[str, Any]:
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
