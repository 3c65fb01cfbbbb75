"""What checkov and parliament say of every template: nothing, but what its resource takes back with a reason."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from policies.checkers import ROOT, Finding, Resources, checkov, ignored, parliament, reasons, resources_of

TEMPLATES = {
    "template.yaml": {"Hands": "moves", "ExecutionRoleArns": "arn:aws:iam::111122223333:role/pool-execution"},
    "hub/hub.yaml": {"SpokeAccounts": "111122223333,444455556666"},
    "hub/spoke.yaml": {
        "Bucket": "tidepool-bucket",
        "UndeliveredQueueArn": "arn:aws:sqs:us-east-1:111122223333:undelivered",
        "HubBusArn": "arn:aws:events:us-east-1:999900000000:event-bus/tidepool-hub",
        "ReaderArn": "arn:aws:iam::999900000000:role/reader",
        "ExternalId": "tidepool-hub-0123456789",
    },
}
"""Each template, with the parameters under which everything that it can make exists."""


@pytest.fixture(scope="module", params=TEMPLATES)
def resources(request: pytest.FixtureRequest) -> Resources:
    return resources_of(ROOT / request.param, TEMPLATES[request.param])


def test_checkov_finds_nothing(resources: Resources, tmp_path: Path) -> None:
    assert checkov(resources, tmp_path) == set()


def test_parliament_finds_exactly_what_the_resources_name(resources: Resources, tmp_path: Path) -> None:
    assert parliament(resources, tmp_path) == ignored(resources)


def test_whatever_is_taken_back_has_a_reason(resources: Resources) -> None:
    assert [name for name, reason in reasons(resources) if len(reason.split()) < 3] == []


# A copy of the template with every promise broken once: each must be found, or the check finds nothing at all.

A_SECRET = {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue"], "Resource": "*"}


@pytest.fixture(scope="module")
def broken() -> Resources:
    found = copy.deepcopy(resources_of(ROOT / "template.yaml", TEMPLATES["template.yaml"]))

    def properties(name: str) -> dict[str, Any]:
        properties: dict[str, Any] = found[name]["Properties"]
        return properties

    del properties("LedgerTable")["SSESpecification"]
    del properties("Bucket")["BucketEncryption"]
    properties("UndeliveredQueue")["SqsManagedSseEnabled"] = False
    properties("Bucket")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False
    found["BusPolicy"] = copy.deepcopy(resources_of(ROOT / "hub/hub.yaml", TEMPLATES["hub/hub.yaml"])["BusPolicy"])
    properties("BusPolicy")["Statement"]["Principal"] = "*"
    properties("TopicPolicy")["PolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}
    decide = properties("DecideRole")["Policies"][0]["PolicyDocument"]["Statement"]
    decide += [A_SECRET, {"Effect": "Allow", "Action": ["s3:*"], "Resource": "*"}]
    learn = properties("LearnRole")["Policies"][0]["PolicyDocument"]["Statement"]
    learn.append({"Effect": "Allow", "Action": ["sqs:SendMesage"], "Resource": "arn:aws:sqs:us-east-1:111122223333:q"})
    return found


def test_checkov_finds_every_broken_promise(broken: Resources, tmp_path: Path) -> None:
    encrypted, named = "CKV_TIDEPOOL_1", "CKV_TIDEPOOL_2"
    assert checkov(broken, tmp_path) >= {
        Finding("LedgerTable", encrypted),
        Finding("Bucket", encrypted),
        Finding("UndeliveredQueue", encrypted),
        Finding("Bucket", "CKV_AWS_54"),  # public policies are blocked
        Finding("BusPolicy", named),
        Finding("TopicPolicy", named),
    }


def test_parliament_finds_every_broken_policy(broken: Resources, tmp_path: Path) -> None:
    found = {(one.resource, one.issue) for one in parliament(broken, tmp_path) - ignored(broken)}
    assert found >= {("DecideRole", "RESOURCE_STAR"), ("LearnRole", "UNKNOWN_ACTION")}
