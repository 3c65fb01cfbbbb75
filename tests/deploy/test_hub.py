"""hub/ on the rig: the hub in an account of its own, the spoke beside a deployed stack in another, IAM on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy.conftest import FLEET, STACK, Inbox, nothing_refused, queue
from tidepool.aws import bus
from tidepool_lab.deploy.stage import REGION, Stage, credentials

HUB, STRANGER = "999900000000", "333300000000"
EXTERNAL_ID = "tidepool-hub-0123456789"
HOME = "123456789012"
"""The account of the rig's stacks."""


@dataclass(frozen=True, slots=True)
class Estate:
    """Both templates deployed. `reader`: variables of who may assume the spoke's role, and nothing else."""

    stage: Stage
    entry: str
    bus_arn: str
    bucket: str
    reader: dict[str, str]
    arrived: Inbox
    told: Inbox

    @property
    def role(self) -> str:
        return self.entry.partition('role: "')[2].partition('"')[0]

    def hub(self, folder: Path, entry: str = "") -> Any:
        """`tidepool hub` by the reader: its exit code and its JSON."""
        (folder / "spokes.yaml").write_text(f"schema: 1\nspokes:\n  {entry or self.entry}\n", encoding="utf-8")
        done = self.stage.tidepool("hub", "spokes.yaml", "--json", "-", folder=folder, by=self.reader)
        return done.returncode, json.loads(done.stdout)

    def put(self, account: str, *, source: str = bus.SOURCE, kind: str = bus.ANNOUNCEMENT) -> None:
        """That account's root says it on the hub's bus."""
        entry = {"Source": source, "DetailType": kind, "Detail": '{"kind": "said"}', "EventBusName": self.bus_arn}
        self.stage.client("events", account=account).put_events(Entries=[entry])


def deploy_hub(stage: Stage, accounts: str) -> None:
    stage.deploy_as("hub", account=HUB, SpokeAccounts=accounts)


def a_user(stage: Stage, name: str, roles: str) -> dict[str, str]:
    """Of the hub's account, who may assume these roles and do nothing else."""
    iam = stage.client("iam", account=HUB)
    iam.create_user(UserName=name)
    may = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": roles}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_user_policy(UserName=name, PolicyName="read-spokes", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return credentials(key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture(scope="module")
def estate(stage: Stage) -> Iterator[Estate]:
    deploy_hub(stage, HOME)
    hub, own = stage.outputs("tidepool-hub", account=HUB), stage.outputs(STACK)
    reader = a_user(stage, "reader", f"arn:aws:iam::{HOME}:role/tidepool-spoke-*")
    stage.deploy_as(
        "spoke",
        account="test",
        Stack=STACK,
        Bucket=own["BucketName"],
        UndeliveredQueueArn=own["UndeliveredQueueArn"],
        HubBusArn=hub["HubBusArn"],
        ReaderArn=f"arn:aws:iam::{HUB}:user/reader",
        ExternalId=EXTERNAL_ID,
    )
    arrived, arn = queue(stage, "arrived", "events.amazonaws.com", account=HUB)
    events = stage.client("events", account=HUB)
    events.put_rule(Name="all", EventBusName="tidepool-hub", EventPattern='{"source": [{"prefix": ""}]}')
    events.put_targets(Rule="all", EventBusName="tidepool-hub", Targets=[{"Id": "queue", "Arn": arn}])
    told, arn = queue(stage, "told", "sns.amazonaws.com", account=HUB)
    stage.client("sns", account=HUB).subscribe(TopicArn=hub["TopicArn"], Protocol="sqs", Endpoint=arn)
    entry = stage.outputs("tidepool-spoke")["Entry"]
    yield Estate(stage, entry, hub["HubBusArn"], own["BucketName"], reader, arrived, told)
    stage.sam("delete", "--stack-name", "tidepool-spoke", "--no-prompts", "--region", REGION)


def test_the_hub_reads_the_stack_of_another_account_by_the_spokes_role(estate: Estate, tmp_path: Path) -> None:
    estate.stage.minutes()
    code, told = estate.hub(tmp_path)
    (one,) = told["stacks"]
    assert (code, told["unread"]) == (0, [])
    assert (one["account"], one["region"], one["stack"]) == (HOME, REGION, STACK)
    newest = estate.stage.records(STACK)[-1]["spend"]
    assert one["usd_per_hour"] == pytest.approx(newest["now_usd_per_hour"]) and one["usd_per_hour"] > 0


def test_nobody_reads_without_the_external_id_or_with_another_or_as_another_user(
    estate: Estate, tmp_path: Path
) -> None:
    code, told = estate.hub(tmp_path, estate.entry.replace(EXTERNAL_ID, "somebody-elses-word"))
    assert code == 1 and "AssumeRole" in told["unread"][0]["why"] and told["stacks"] == []
    asked = {"RoleArn": estate.role, "RoleSessionName": "test"}
    reader = sts(estate.stage, estate.reader)
    assert refused(lambda: reader.assume_role(**asked)) == "AccessDenied"
    other = sts(estate.stage, a_user(estate.stage, "other", "*"))
    assert refused(lambda: other.assume_role(**asked, ExternalId=EXTERNAL_ID)) == "AccessDenied"
    assert reader.assume_role(**asked, ExternalId=EXTERNAL_ID)["Credentials"]


def test_the_spokes_role_reads_decisions_and_reports_and_nothing_else(estate: Estate) -> None:
    asked = {"RoleArn": estate.role, "RoleSessionName": "test", "ExternalId": EXTERNAL_ID}
    key = sts(estate.stage, estate.reader).assume_role(**asked)["Credentials"]
    given = credentials(key["AccessKeyId"], key["SecretAccessKey"]) | {"AWS_SESSION_TOKEN": key["SessionToken"]}
    s3, bucket = by(estate.stage, "s3", given), {"Bucket": estate.bucket}
    (newest, *_) = s3.list_objects_v2(**bucket, Prefix="decisions/")["Contents"]
    assert s3.get_object(**bucket, Key=newest["Key"])["Body"].read()
    for call in (
        lambda: s3.get_object(**bucket, Key="config/accepted.json"),
        lambda: s3.list_objects_v2(**bucket, Prefix="config/"),
        lambda: s3.put_object(**bucket, Key="decisions/x", Body=b"x"),
        lambda: s3.delete_object(**bucket, Key=newest["Key"]),
        lambda: by(estate.stage, "sagemaker", given).list_endpoints(),
        lambda: by(estate.stage, "dynamodb", given).list_tables(),
    ):
        assert refused(call).startswith("AccessDenied")


def test_what_the_stack_announces_arrives_on_the_hubs_bus_and_with_people(estate: Estate) -> None:
    estate.arrived.bodies(), estate.told.bodies()
    with nothing_refused(estate.stage):
        estate.stage.upload(STACK, FLEET.replace("act: run", "act: fly"), commit="bad")
    (event,) = [each for each in estate.arrived.bodies() if each["detail"]["kind"] == "fleet-file-refused"]
    assert (event["account"], event["region"], event["detail-type"]) == (HOME, REGION, bus.ANNOUNCEMENT)
    assert [each["detail"]["kind"] for each in estate.told.take()] == ["fleet-file-refused"]
    estate.stage.upload(STACK, FLEET, commit="rig")


def test_the_hubs_bus_takes_announcements_alone_and_of_named_accounts_alone(estate: Estate) -> None:
    estate.arrived.bodies()
    assert refused(lambda: estate.put(STRANGER)) == "AccessDeniedException"
    assert refused(lambda: estate.put(HOME, kind="tidepool.signal")) == "AccessDeniedException"
    assert refused(lambda: estate.put(HOME, source="other")) == "AccessDeniedException"
    estate.put(HOME)
    assert [event["detail"]["kind"] for event in estate.arrived.bodies()] == ["said"]


def test_what_the_hub_does_not_take_lies_in_the_stacks_own_queue_and_an_alarm_tells(
    estate: Estate, inbox: Inbox
) -> None:
    stage = estate.stage
    inbox.take(), estate.arrived.bodies()
    deploy_hub(stage, STRANGER)
    stage.upload(STACK, FLEET.replace("act: run", "act: fly"), commit="bad")
    stage.minutes(2)
    assert estate.arrived.bodies() == []
    assert f"{STACK}-undelivered" in inbox.alarms()
    (url,) = (each for each in stage.client("sqs").list_queues()["QueueUrls"] if "UndeliveredQueue" in each)
    (lost,) = Inbox(stage, url).bodies()
    assert lost["detail"]["kind"] == "fleet-file-refused"
    deploy_hub(stage, HOME)
    estate.put(HOME)
    assert len(estate.arrived.bodies()) == 1
    stage.upload(STACK, FLEET, commit="rig")


def by(stage: Stage, service: str, given: dict[str, str]) -> Any:
    """boto3 on the rig, with those variables."""
    return boto3.client(
        service,
        endpoint_url=stage.endpoint,
        region_name=REGION,
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given.get("AWS_SESSION_TOKEN"),
    )


def sts(stage: Stage, given: dict[str, str]) -> Any:
    return by(stage, "sts", given)


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])
