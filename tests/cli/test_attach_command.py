"""`attach` against a deployed stack: the exact request, every reason against it, and a home that is really made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from builders.command import run
from functions.world import FLEET, World, a_world

ROUTED = FLEET.replace("zones: 1", "zones: 1\n    route: {via: table}")
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/summaries/3"
B = ("attach", "b", "--pool", "pool")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """b has no home any more."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with a_world(fleet=ROUTED) as made:
        made.cloud.delete_component("b")
        made.rig._move(made.now + 300)
        yield made


def test_a_dry_run_prints_the_request_that_the_hand_then_makes(world: World) -> None:
    result = run(*B, "--model", "b", "--copies", "2", "--memory-mb", "2048", "--dry-run")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout[: result.stdout.rindex("}") + 1])
    assert shown["Specification"] == {
        "ModelName": "b",
        "ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 2048},
        "SchedulingConfig": {"PlacementStrategy": "BINPACK"},
    }
    world.rig.run_to(world.now + 60)
    assert world.ledger().attaches() == ()

    made: list[dict[str, Any]] = []
    create = world.rig.sagemaker.answers["CreateInferenceComponent"]
    world.rig.sagemaker.answers["CreateInferenceComponent"] = lambda params: (made.append(params), create(params))[1]
    said = (*B, "--model", "b", "--copies", "2", "--memory-mb", "2048", "--why", "CHG-1", "--who", "kim")
    assert run(*said).exit_code == 0
    world.rig.run_to(world.now + 60)
    # The name and the change follow from the id, which is another one a moment later.
    for request in (shown, *made):
        request["InferenceComponentName"] = request["InferenceComponentName"][:-8]
        request["Tags"] = [tag for tag in request["Tags"] if tag["Key"] != "tidepool:change"]
    assert made == [shown]


def test_what_is_asked_for_gets_its_home_and_moves_shows_it(world: World) -> None:
    value = json.loads(run(*B, "--model", "b", "--why", "CHG-1", "--who", "kim", "--json", "-").stdout)
    assert value["asked"] and value["reasons"] == []
    world.rig.run_to(world.now + 60)
    shown = run("moves").stdout
    for expected in (value["attach"], "(new)", "▣□ create", "asked for by kim: CHG-1"):
        assert expected in shown
    world.rig.run_to(world.now + 900)
    (home,) = json.loads(run("moves", "--json", "-").stdout)
    assert (home["move"], home["phase"], home["deadline"]) == (value["attach"], "done", None)
    assert world.cloud.component(value["request"]["InferenceComponentName"]).copies_now == 1


def test_every_reason_against_it_is_said(world: World) -> None:
    result = run("attach", "a", "--pool", "pool", "--model", "a", "--copies", "60", "--dry-run")
    assert result.exit_code == 1
    assert "nothing was asked" in result.stdout
    assert "\n  a lives in a already (`tidepool move` takes it elsewhere)\n" in result.stdout
    assert "\n  pool would need 8 instances, its maximum is 6" in result.stdout


@pytest.mark.parametrize("words", [(), ("--model", "b", "--model-package", PACKAGE)], ids=["neither", "both"])
def test_exactly_one_of_model_and_package(world: World, words: tuple[str, ...]) -> None:
    result = run(*B, *words, "--dry-run")
    assert result.exit_code == 1 and "exactly one of them" in result.output


def test_a_model_that_is_not_there_is_told_before_anything_is_asked(world: World) -> None:
    result = run(*B, "--model", "nobody-v1", "--why", "CHG-1")
    assert result.exit_code == 1 and "aws sagemaker list-models" in result.output


def test_a_package_means_the_sagemaker_model_made_of_it(world: World) -> None:
    described = world.rig.sagemaker.answers["DescribeModel"]

    def of_package(params: dict[str, Any]) -> dict[str, Any]:
        reply = described(params) or {}
        return {**reply, "PrimaryContainer": {"ModelPackageName": PACKAGE}} if params["ModelName"] == "b" else reply

    world.rig.sagemaker.answers["DescribeModel"] = of_package
    result = run(*B, "--model-package", PACKAGE, "--dry-run")
    assert result.exit_code == 0 and '"ModelName": "b"' in result.stdout


def test_a_package_without_a_model_gives_the_request_that_makes_one(world: World) -> None:
    result = run(*B, "--model-package", PACKAGE, "--dry-run")
    assert result.exit_code == 1
    request = json.loads(result.output[result.output.rindex(' {"ModelName"') :])
    assert request["ModelName"] == "summaries-v3"
    assert request["PrimaryContainer"] == {"ModelPackageName": PACKAGE}
    assert request["ExecutionRoleArn"].startswith("arn:aws:iam::") and request["EnableNetworkIsolation"] is True
