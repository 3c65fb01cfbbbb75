"""The stack itself: changed in place, hands raised and lowered one at a time, two in one account, deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.conftest import FLEET, function, functions, nothing_refused
from tidepool_lab.deploy.permissions import writes_sagemaker
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


def verbs(stage: Stage, stack: str) -> set[str]:
    """What the stack's roles, as they are deployed, can write to SageMaker."""
    iam = stage.client("iam")
    documents = []
    for role in (each["RoleName"] for each in iam.list_roles()["Roles"] if each["RoleName"].startswith(f"{stack}-")):
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            documents.append(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            documents.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    actions = {
        action for document in documents for stated in document["Statement"] for action in _list(stated["Action"])
    }
    return {action.removeprefix("sagemaker:") for action in actions if writes_sagemaker(action)}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def given(stage: Stage, hands: str) -> None:
    """The stack has these hands and no other, and goes on deciding."""
    stage.deploy(FIRST, Hands=hands)
    assert existing(stage, FIRST) == HANDS[hands], hands
    assert roles(stage, FIRST) == HANDS[hands], hands
    if not stage.records(FIRST):
        stage.upload(FIRST, FLEET)
    count = len(stage.records(FIRST))
    with nothing_refused(stage):
        stage.minutes(2)
    assert len(stage.records(FIRST)) > count


def test_hands_are_raised_one_at_a_time_and_nothing_but_the_functions_and_roles_changes(stage: Stage) -> None:
    kept: dict[str, str] = {}
    may: list[set[str]] = []
    for hands in HANDS:
        given(stage, hands)
        outputs = {key: value for key, value in stage.outputs(FIRST).items() if key != "MoveModelsRoleArn"}
        assert outputs == (kept or outputs)
        kept = outputs
        may.append(verbs(stage, FIRST))
    none, copies, instances, moves = may
    assert none == set() and copies == {"UpdateInferenceComponentRuntimeConfig"}
    assert copies < instances < moves


def test_a_move_that_is_open_while_hands_are_lowered_and_raised_again_ends_and_loses_nothing(stage: Stage) -> None:
    def move() -> dict[str, Any]:
        (found,) = (item["body"] for item in stage.items(FIRST, "move"))
        return dict(found)

    stage.upload(FIRST, FLEET.replace("alone: {host: dedicated}", "alone: {host: auto}"))
    stage.until(lambda _: any(i["body"]["phase"] == "shift" for i in stage.items(FIRST, "move")), minutes=60)
    before = move()
    for hands in ("instances", "copies", "none"):
        given(stage, hands)
        seen = stage.seen()
        assert seen["endpoints"]["alone-prod"]["instances"] >= 1
        assert seen["components"][before["to_component"]]["now"] >= 1
        assert move() == before
    for hands in ("copies", "instances", "moves"):
        given(stage, hands)
    stage.until(lambda _: move()["phase"] in {"done", "rolled back"}, minutes=60)
    figures = stage.ask("figures")
    assert {each["name"]: each["lost"] for each in figures["models"]}["alone"] == 0


def test_a_stack_is_changed_in_place_and_remembers_everything(stage: Stage) -> None:
    stage.minutes()
    before, decide = stage.outputs(FIRST), function(stage, FIRST, "Decide")
    records = stage.records(FIRST)
    version = stage.items(FIRST, "decide")[0]["memory_version"]
    stage.deploy(FIRST, Hands="moves", LogRetentionDays="7")
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
