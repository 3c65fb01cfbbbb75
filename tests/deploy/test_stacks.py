"""The stack itself: changed in place, hands raised and lowered one at a time, two in one account, deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from deploy.conftest import FLEET, function, functions, nothing_refused
from tidepool_lab.deploy.stage import Stage

FIRST, SECOND = "tidepool-one", "tidepool-two"
LOOKING = {"Decide", "Learn", "Report"}
HANDS = {
    "none": LOOKING,
    "copies": LOOKING | {"ScaleCopies"},
    "instances": LOOKING | {"ScaleCopies", "ScaleInstances"},
    "moves": LOOKING | {"ScaleCopies", "ScaleInstances", "MoveModels"},
}


@pytest.fixture(scope="module")
def stage(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A rig of its own, with no stack."""
    with Stage(tmp_path_factory.mktemp("stacks")) as made:
        yield made


def existing(stage: Stage, stack: str) -> set[str]:
    return {name.removeprefix(f"{stack}-").split("Function")[0] for name in functions(stage, stack)}


def roles(stage: Stage, stack: str) -> set[str]:
    listed = stage.client("iam").list_roles()["Roles"]
    own = {each["RoleName"].removeprefix(f"{stack}-") for each in listed if each["RoleName"].startswith(f"{stack}-")}
    return {name.split("Role")[0] for name in own} - {"Schedule"}


def test_hands_are_raised_and_lowered_one_at_a_time_and_nothing_but_the_functions_and_roles_changes(
    stage: Stage,
) -> None:
    kept = None
    for hands in ("none", "copies", "instances", "moves", "instances", "copies", "none"):
        stage.deploy(FIRST, Hands=hands)
        assert existing(stage, FIRST) == HANDS[hands], hands
        assert roles(stage, FIRST) == HANDS[hands], hands
        if kept is None:
            kept = stage.outputs(FIRST)
            stage.upload(FIRST, FLEET)
        assert {key: value for key, value in stage.outputs(FIRST).items() if key != "MoveModelsRoleArn"} == kept
        count = len(stage.records(FIRST))
        with nothing_refused(stage):
            stage.minutes(2)
        assert len(stage.records(FIRST)) > count


def test_a_stack_is_changed_in_place_and_remembers_everything(stage: Stage) -> None:
    stage.minutes()
    before, decide = stage.outputs(FIRST), function(stage, FIRST, "Decide")
    records = stage.records(FIRST)
    version = stage.items(FIRST, "decide")[0]["memory_version"]
    stage.deploy(FIRST, Hands="none", LogRetentionDays="7")
    (logs,) = stage.client("logs").describe_log_groups(logGroupNamePrefix=f"/tidepool/{FIRST}/decide")["logGroups"]
    assert logs["retentionInDays"] == 7
    assert stage.outputs(FIRST) == before and function(stage, FIRST, "Decide") == decide
    assert stage.records(FIRST) == records
    stage.minutes()
    after = stage.records(FIRST)
    assert len(after) == len(records) + 1 and after[-1]["config_commit"] == "rig"
    assert stage.items(FIRST, "decide")[0]["memory_version"] != version


def test_two_stacks_live_in_one_account_and_share_nothing(stage: Stage) -> None:
    stage.deploy(SECOND, Hands="none")
    stage.upload(SECOND, FLEET, commit="second")
    names = {"BucketName", "LedgerTableName", "RoutesTableName", "BusName", "TopicArn", "DecideFunctionArn"}
    first, second = stage.outputs(FIRST), stage.outputs(SECOND)
    assert not {first[name] for name in names} & {second[name] for name in names}
    stage.minutes(2)
    assert {stage.records(FIRST)[-1]["config_commit"], stage.records(SECOND)[-1]["config_commit"]} == {"rig", "second"}


def test_a_deleted_stack_leaves_what_it_remembers_and_nothing_that_acts(stage: Stage) -> None:
    kept = stage.outputs(SECOND)
    stage.sam("delete", "--stack-name", SECOND, "--no-prompts", "--region", "us-east-1")
    assert existing(stage, SECOND) == set() and roles(stage, SECOND) == set()
    assert not [name for name in stage.seen()["alarms"] if name.startswith(SECOND)]
    schedules = stage.client("scheduler").list_schedules()["Schedules"]
    assert [each["Name"] for each in schedules if each["Name"].startswith(SECOND)] == []
    tables = stage.client("dynamodb").list_tables()["TableNames"]
    assert {kept["LedgerTableName"], kept["RoutesTableName"]} <= set(tables)
    body = stage.client("s3").get_object(Bucket=kept["BucketName"], Key="config/accepted.json")["Body"].read()
    assert json.loads(body)
    with nothing_refused(stage):
        seen = stage.minutes(2)
    assert stage.records(FIRST)[-1]["now"] >= seen["now"] - 60
