"""Who may do what: each promise of docs/permissions.md, read from the translated template."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from tidepool_lab.deploy.breaks import BREAKS
from tidepool_lab.deploy.permissions import HANDS, WHY_EVERYTHING, Statement, page, writes_sagemaker
from tidepool_lab.embedded.intrinsics import Resolver

Granted = Callable[..., tuple[Statement, ...]]

VERBS = {
    "ScaleCopiesRole": {"UpdateInferenceComponentRuntimeConfig"},
    "ScaleInstancesRole": {
        "UpdateEndpointWeightsAndCapacities",
        "UpdateEndpoint",
        "CreateEndpointConfig",
        "AddTags",
        "DeleteEndpointConfig",
    },
    "MoveModelsRole": {
        "CreateInferenceComponent",
        "CreateEndpoint",
        "CreateEndpointConfig",
        "AddTags",
        "InvokeEndpoint",
        "CreateInferenceRouter",
        "UpdateInferenceRouter",
        "UpdateInferenceComponentRuntimeConfig",
        "UpdateEndpointWeightsAndCapacities",
        "DeleteInferenceComponent",
        "DeleteEndpoint",
        "DeleteEndpointConfig",
    },
}
"""What each hand may write, and nothing more."""

ROLES_OF = {
    "none": set(),
    "copies": {"ScaleCopiesRole"},
    "instances": {"ScaleCopiesRole", "ScaleInstancesRole"},
    "moves": {"ScaleCopiesRole", "ScaleInstancesRole", "MoveModelsRole"},
}

MANAGED = {"aws:ResourceTag/tidepool:managed": "true"}
OURS = {"aws:ResourceTag/tidepool:created-by": "tidepool"}
ASKED_OF_A_ROUTER = {"aws:RequestTag/tidepool:managed": "true"}
"""A router belongs to the team whose models it names, so it does not carry the stack that made it."""
ASKED = {"aws:RequestTag/tidepool:managed": "true", "aws:RequestTag/tidepool:created-by": "tidepool"}


def writers(statements: Iterable[Statement]) -> list[Statement]:
    return [s for s in statements if any(map(writes_sagemaker, s.actions))]


def actions(statements: Iterable[Statement]) -> set[str]:
    return {action for statement in statements for action in statement.actions}


@pytest.mark.parametrize("hands", HANDS)
def test_only_the_hands_that_were_granted_exist_and_may_write(hands: str, granted: Granted, stack: Any) -> None:
    assert {s.role for s in writers(granted(hands))} == ROLES_OF[hands]
    functions = {role.replace("Role", "Function") for role in VERBS}
    there = {name for name in functions if stack(hands).exists(name)}
    assert there == {role.replace("Role", "Function") for role in ROLES_OF[hands]}


def test_with_hands_none_no_verb_that_writes_to_sagemaker_is_anywhere_in_the_stack(stack: Any) -> None:
    resolver: Resolver = stack("none", "")
    everything = repr([resolver.properties(name) for name in resolver.resources if resolver.exists(name)])
    for verb in sorted(set().union(*VERBS.values())):
        assert f"sagemaker:{verb}'" not in everything
    assert "iam:PassRole" not in everything


def test_each_hand_has_only_its_own_verbs(granted: Granted) -> None:
    for role, verbs in VERBS.items():
        of_role = [s for s in granted() if s.role == role]
        assert {a.removeprefix("sagemaker:") for a in actions(of_role) if writes_sagemaker(a)} == verbs


def test_each_function_has_a_role_of_its_own(stack: Any) -> None:
    resources = stack().resources
    roles = [
        r["Properties"]["Role"]["Fn::GetAtt"][0] for r in resources.values() if r["Type"] == "AWS::Lambda::Function"
    ]
    assert len(roles) == len(set(roles)) == 6


def test_no_action_is_a_wildcard(granted: Granted) -> None:
    assert [a for a in actions(granted()) if "*" in a] == []


def test_what_is_allowed_on_everything_has_its_reason(granted: Granted) -> None:
    assert actions(s for s in granted() if "*" in s.resources) == set(WHY_EVERYTHING)


def test_every_statement_only_allows(granted: Granted) -> None:
    assert {s.effect for s in granted()} == {"Allow"}


def test_every_write_is_scoped_by_tag_or_by_name_and_requested_tag(granted: Granted) -> None:
    for statement in writers(granted()):
        names = [resource.rsplit("/", 1)[-1] for resource in statement.resources]
        if statement.actions == ("sagemaker:AddTags",):
            assert set(names) == {"tidepool-*"}
            continue
        tests = statement.condition["StringEquals"]
        asked = ASKED_OF_A_ROUTER if statement.actions == ("sagemaker:CreateInferenceRouter",) else ASKED
        creates_it = asked.items() <= tests.items() and set(names) == {"tidepool-*"}
        owns_it = OURS.items() <= tests.items() and set(names) == {"tidepool-*"}
        assert creates_it or owns_it or MANAGED.items() <= tests.items(), statement


def test_tags_are_added_only_while_creating(granted: Granted) -> None:
    tagging = [s for s in granted() if "sagemaker:AddTags" in s.actions]
    assert len(tagging) == 2
    for statement in tagging:
        asked = statement.condition["StringEquals"]["sagemaker:TaggingAction"]
        created = {a.removeprefix("sagemaker:") for s in granted() if s.role == statement.role for a in s.actions}
        assert set([asked] if isinstance(asked, str) else asked) == {a for a in created if a.startswith("Create")}


def test_a_component_is_created_only_on_a_managed_endpoint_and_under_our_name(granted: Granted) -> None:
    endpoint, component = sorted(
        (s for s in granted() if "sagemaker:CreateInferenceComponent" in s.actions), key=lambda s: s.resources[0]
    )
    assert endpoint.resources[0].endswith(":endpoint/*")
    assert endpoint.condition == {"StringEquals": MANAGED}
    assert component.resources[0].endswith(":inference-component/tidepool-*")
    assert component.condition == {"StringEquals": ASKED}


def test_an_endpoint_is_updated_only_to_a_config_that_this_stack_made(granted: Granted) -> None:
    updating = [s for s in granted() if "sagemaker:UpdateEndpoint" in s.actions]
    by_kind = {s.resources[0].split(":")[-1].split("/")[0]: s for s in updating}
    assert by_kind["endpoint"].condition == {"StringEquals": MANAGED}
    assert by_kind["endpoint-config"].condition == {"StringEquals": OURS}


def test_what_people_made_is_deleted_only_where_its_owner_tagged_it(granted: Granted) -> None:
    deleting = [s for s in granted() if any(a.startswith("sagemaker:Delete") for a in s.actions)]
    assert {s.role for s in deleting} == {"MoveModelsRole", "ScaleInstancesRole"}
    sweeping = [s for s in deleting if s.role == "ScaleInstancesRole"]
    assert [(s.actions, s.condition["StringEquals"]) for s in sweeping] == [(("sagemaker:DeleteEndpointConfig",), OURS)]
    for statement in deleting:
        tests = statement.condition["StringEquals"]
        assert tests in (OURS, {**MANAGED, "aws:ResourceTag/tidepool:retire": "delete"})


def test_roles_are_passed_only_when_listed_and_only_to_sagemaker(granted: Granted) -> None:
    roles = "arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:role/b"
    passing = [s for s in granted("moves", roles) if "iam:PassRole" in s.actions]
    assert [s.role for s in passing] == ["ScaleInstancesRole"]
    assert passing[0].resources == tuple(roles.split(","))
    assert passing[0].condition == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert "iam:PassRole" not in actions(granted("moves", ""))


def test_every_action_is_an_operation_that_botocore_knows(granted: Granted) -> None:
    session = get_session()
    known = {
        f"{prefix}:{operation}"
        for prefix, service in (
            ("sagemaker", "sagemaker"),
            ("sagemaker", "sagemaker-runtime"),
            ("cloudwatch", "cloudwatch"),
            ("events", "events"),
            ("ssm", "ssm"),
            ("pricing", "pricing"),
            ("servicequotas", "service-quotas"),
            ("dynamodb", "dynamodb"),
        )
        for operation in session.get_service_model(service).operation_names
    }
    prefixes = {action.split(":")[0] for action in known}
    asked = {action for action in actions(granted()) if action.split(":")[0] in prefixes}
    assert asked - known == set()


def test_burst_alarms_are_the_only_alarms_that_may_be_written(granted: Granted) -> None:
    writing = [
        s for s in granted() if "cloudwatch:PutMetricAlarm" in s.actions or "cloudwatch:DeleteAlarms" in s.actions
    ]
    assert [(s.role, s.resources) for s in writing] == [
        (
            "LearnRole",
            ("arn:aws:cloudwatch:us-east-1:" + writing[0].resources[0].split(":")[4] + ":alarm:tidepool-burst-*",),
        )
    ]


def test_routes_are_written_only_by_moves(granted: Granted) -> None:
    writing = [
        s.role for s in granted() if any("RoutesTable" in r for r in s.resources) and "dynamodb:PutItem" in s.actions
    ]
    assert writing == ["MoveModelsRole"]


def test_what_breaks_without_it_is_said_of_every_statement_and_of_no_other(granted: Granted) -> None:
    assert {statement.sid for statement in granted()} == set(BREAKS)


def test_docs_permissions_is_what_the_template_grants(source: dict[str, Any], root: Path) -> None:
    written = (root / "docs" / "permissions.md").read_text()
    assert written == page(source), "run `make permissions` and commit docs/permissions.md"
