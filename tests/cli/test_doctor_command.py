"""`doctor` on an account of the twin, through real boto3: each question answered wrong, and how to put it right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from builders.adopted import an_account, aws
from builders.doctoring import RUN, WATCH, about, run
from functions.world import World
from tidepool_lab.embedded.intercept import AwsError


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with an_account() as made:
        yield made


@pytest.fixture(autouse=True)
def place(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_an_account_that_is_only_watched_is_well(world: World) -> None:
    result = run()
    assert result.exit_code == 0 and result.stdout.rstrip().endswith("all is well")


def test_each_wrong_answer_exits_1_and_says_what_to_do(world: World) -> None:
    result = run("--json", "-", fleet=RUN)
    value = json.loads(result.stdout)
    assert result.exit_code == 1 and value["ok"] is False
    assert all(check["fix"] for check in value["checks"] if check["state"] == "wrong")


def test_what_may_be_written_and_is_not_handed_over_is_named(world: World) -> None:
    ((state, said, fix),) = about("tags", fleet=RUN)
    assert state == "wrong" and "chat, evals, notes-own" in said and "tidepool:managed = true" in fix


def test_a_pool_that_does_not_exist_and_one_that_is_none_are_wrong(world: World) -> None:
    fleet = WATCH.replace("endpoint: shared", "endpoint: shard").replace(
        "pools: {", "pools: {own: {endpoint: notes-own}, "
    )
    states = {said: state for state, said, _ in about("fleet.yaml", fleet=fleet)}
    assert states == {
        "pool main: there is no endpoint shard": "wrong",
        "pool own: notes-own hosts a model of its own": "wrong",
        "shared hosts components and is no pool: left alone": "note",
    }


def test_types_that_are_not_the_endpoints_are_wrong(world: World) -> None:
    has = aws("sagemaker").describe_endpoint_config(
        EndpointConfigName=aws("sagemaker").describe_endpoint(EndpointName="shared")["EndpointConfigName"]
    )["ProductionVariants"][0]["InstanceType"]
    for types, wrong in ((has, False), (f"{has}, ml.p5.48xlarge", True), ("ml.p5.48xlarge", True)):
        found = about("fleet.yaml", fleet=WATCH.replace("endpoint: shared", f"endpoint: shared, types: [{types}]"))
        assert [(state, f"and shared has {has}" in said) for state, said, _ in found] == [
            ("wrong", True) if wrong else ("well", False)
        ]


def test_what_was_not_read_is_neither_missing_nor_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(params: Any) -> Any:
        raise AwsError("AccessDeniedException", "not allowed")

    for operation in ("DescribeEndpointConfig", "ListEndpoints"):
        with monkeypatch.context() as denied:
            denied.setitem(world.rig.sagemaker.answers, operation, refuse)
            ((state, said, _),) = about("fleet.yaml")
            assert (state, said) == ("wrong", "pool main: shared could not be read, so nothing is known of it")
            assert about("reservations") == [("well", "nothing to do in what could be read", "")]
    assert about("reservations") == [("well", "nothing to do", "")]


def test_consolidation_and_defaults_that_are_not_set_are_notes(world: World) -> None:
    ((state, said, _),) = about("consolidation")
    assert state == "note" and said.startswith("shared:")
    bare = "\n".join(line for line in WATCH.splitlines() if not line.startswith(("safety", "money")))
    assert [said.split("`")[1] for _, said, _ in about("defaults", fleet=bare)] == [
        "safety.freeze",
        "safety.move_hours",
        "money.budget_usd_per_hour",
    ]


def test_the_lines_for_terraform_are_those_that_it_would_write_back(world: World) -> None:
    assert about("terraform")[0][1] == "nothing to do"
    fleet = RUN.replace("endpoint: shared", "endpoint: shared, bounds: write")
    fixes = [fix for _, _, fix in about("terraform", fleet=fleet)]
    assert "ignore_changes = [runtime_config]" in fixes[0]
    assert "ignore_changes = [endpoint_config_name]" in fixes[1]
    assert "ignore_changes = [production_variants[0].initial_instance_count]" in fixes[2]


def test_a_denied_call_is_wrong_and_its_action_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(params: Any) -> Any:
        raise AwsError("AccessDeniedException", "not allowed")

    monkeypatch.setitem(world.rig.sagemaker.answers, "DescribeModel", refuse)
    denied = about("permissions")
    assert {said for _, said, _ in denied} >= {"sagemaker:DescribeModel of chat is denied"}
    assert {state for state, _, _ in denied} == {"wrong"}


def test_calls_that_are_used_up_are_wrong(world: World) -> None:
    found = json.loads(run("--calls", "5", "--json", "-").stdout)
    assert found["calls"] == 5 and any("calls are used up" in check["said"] for check in found["checks"])


def test_a_home_without_metrics_is_wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.cloud.metrics, "columns", {})
    ((state, said, _),) = about("metrics")
    assert state == "wrong" and "chat, evals, notes-own" in said


def test_what_cannot_move_is_told_with_its_reason(world: World) -> None:
    sagemaker = aws("sagemaker")
    adapter = {
        "BaseInferenceComponentName": "chat",
        "ModelName": "chat",
        "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 128, "NumberOfAcceleratorDevicesRequired": 1},
    }
    sagemaker.create_inference_component(
        InferenceComponentName="lora", EndpointName="shared", Specification=adapter, RuntimeConfig={"CopyCount": 1}
    )
    try:
        assert ("lora cannot move: it is an adapter of chat, and no adapter moves without its base") in {
            said for _, said, _ in about("moves")
        }
        assert "lora" in about("identity")[0][1]
    finally:
        world.rig.run_to(world.now + 900)
        sagemaker.delete_inference_component(InferenceComponentName="lora")
        world.rig.run_to(world.now + 900)


def test_without_a_file_and_without_a_stack_there_is_nothing_to_check_against(world: World) -> None:
    result = run(fleet="")
    assert result.exit_code == 1 and "--stack" in result.output
