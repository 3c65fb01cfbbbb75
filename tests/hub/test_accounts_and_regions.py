"""`tidepool hub` over two accounts in two regions each, read by the roles of hub/spoke.yaml, with IAM in force."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest
import time_machine

from builders.command import run, shown
from hub.accounts import EXTERNAL_ID, HUB, NOW, assumed_clients
from hub.estate import DAY_S, Estate, an_estate, as_json, run_hub
from tidepool_cli.spokes import spokes_of

PAGE = HUB.parent / "docs" / "hub.md"
ACCOUNTS, REGIONS = ("111100000000", "222200000000"), ("us-east-1", "eu-west-1")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with an_estate(tmp_path_factory.mktemp("hub"), ACCOUNTS, REGIONS) as made:
        yield made


@pytest.fixture
def estate(every: Estate) -> Estate:
    """The file is right again."""
    every.list_in_file([home.entry for home in every.homes])
    return every


def test_dollars_models_and_savings_are_summed_over_accounts_and_regions(estate: Estate) -> None:
    result = run_hub(estate.file, "--json", "-")
    assert result.exit_code == 0, result.output
    value = as_json(result)
    assert [(one["account"], one["region"]) for one in value["stacks"]] == [(a, r) for a in ACCOUNTS for r in REGIONS]
    assert [one["usd"] for one in value["stacks"]] == pytest.approx([240.0, 480.0, 720.0, 960.0])
    assert value["total"] == pytest.approx(
        {
            "usd": 2400.0,
            "alone_usd": 9600.0,
            "usd_per_hour": 100.0,
            "alone_usd_per_hour": 400.0,
            "models": 10,
            "moving": 0,
            "holds": 0,
        }
    )


def test_the_table_has_a_line_a_stack_and_one_for_all(estate: Estate) -> None:
    lines = [line.split() for line in run_hub(estate.file).stdout.splitlines() if "$" in line]
    assert [line[:3] for line in lines[:-1]] == [[a, r, "tidepool"] for a in ACCOUNTS for r in REGIONS]
    assert lines[-1] == ["all", "$2,400.00", "$7,200.00", "$100.00", "$300.00", "10", "0", "0"]


def test_an_account_that_cannot_be_read_is_named_and_the_rest_is_summed(estate: Estate) -> None:
    entries = [home.entry for home in estate.homes]
    entries[0]["external_id"] = "somebody-elses-word"
    entries[3]["bucket"] = "tidepool-gone"
    estate.list_in_file(entries)
    result = run_hub(estate.file, "--json", "-")
    assert result.exit_code == 1
    value = as_json(result)
    assert value["total"]["usd"] == pytest.approx(480.0 + 720.0)
    assert [(one["account"], one["region"]) for one in value["unread"]] == [
        (ACCOUNTS[0], "us-east-1"),
        (ACCOUNTS[1], "eu-west-1"),
    ]
    assert "AssumeRole" in value["unread"][0]["why"] and "AccessDenied" in value["unread"][0]["why"]
    assert "tidepool-gone" in value["unread"][1]["why"]
    assert run_hub(estate.file).stdout.count("not read, and in no sum") == 2


def test_a_stack_that_is_silent_is_not_well(estate: Estate) -> None:
    with time_machine.travel(NOW + 600, tick=False):
        result = run_hub(estate.file)
    assert result.exit_code == 1
    assert result.stdout.count("not well: decide is silent for 11m") == 4


def test_a_stack_without_a_decision_is_not_read_as_one_that_costs_nothing(estate: Estate) -> None:
    with time_machine.travel(NOW + 3 * DAY_S, tick=False):
        result = run_hub(estate.file)
    assert result.exit_code == 1
    assert result.stdout.count("no decision is recorded in that time") == 4


def test_the_role_reads_decisions_and_reports_and_nothing_else(estate: Estate) -> None:
    home = estate.homes[1]
    role = home.entry["role"]
    reader = assumed_clients(home.region, RoleArn=role, RoleSessionName="test", ExternalId=EXTERNAL_ID)
    s3 = reader.get("s3")
    (newest, *_) = s3.list_objects_v2(Bucket=home.bucket, Prefix="decisions/")["Contents"]
    assert s3.get_object(Bucket=home.bucket, Key=newest["Key"])["Body"].read()
    event = {"Source": "tidepool", "DetailType": "x", "Detail": "{}", "EventBusName": "tidepool"}
    refused = [
        lambda: s3.get_object(Bucket=home.bucket, Key="memory/current.json.gz"),
        lambda: s3.put_object(Bucket=home.bucket, Key="decisions/x", Body=b"x"),
        lambda: s3.delete_object(Bucket=home.bucket, Key=newest["Key"]),
        lambda: s3.get_object(Bucket=estate.homes[0].bucket, Key=newest["Key"]),
        lambda: reader.get("dynamodb").get_item(TableName="ledger", Key={"pk": {"S": "decide"}, "sk": {"S": "now"}}),
        lambda: reader.get("events").put_events(Entries=[event]),
        lambda: reader.get("sagemaker").list_endpoints(),
    ]
    for call in refused:
        with pytest.raises(Exception, match=r"AccessDenied|not authorized|Access Denied"):
            call()


@pytest.mark.parametrize("command", shown(PAGE))
def test_the_command_of_the_page_runs(command: str, estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(estate.file.parent)
    result = run(*shlex.split(command)[1:])
    assert result.exit_code == 0, result.output


def test_the_file_of_the_page_is_right() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert [spoke.account for spoke in spokes_of(block)] == ["111122223333", "444455556666"]


def test_nobody_reads_without_the_external_id(estate: Estate) -> None:
    home = estate.homes[0]
    for asked in ({}, {"ExternalId": "somebody-elses-word"}):
        with pytest.raises(Exception, match="AccessDenied"):
            assumed_clients(home.region, RoleArn=home.entry["role"], RoleSessionName="test", **asked)
