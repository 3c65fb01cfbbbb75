"""What ships to Lambda is locked, for every Python and architecture that the template offers."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

SHIPS = {"aws-lambda-powertools", "boto3", "botocore", "pydantic", "pyyaml", "numpy", "tzdata"}
LOCKED = re.compile(r"^([a-z0-9_.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}$")


def locks(source: dict[str, Any], root: Path) -> dict[tuple[str, str], Path]:
    offered = source["Parameters"]
    return {
        (runtime, architecture): root / "layers" / "dependencies" / runtime / architecture / "requirements.txt"
        for runtime in offered["Runtime"]["AllowedValues"]
        for architecture in offered["Architecture"]["AllowedValues"]
    }


def read(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    found = [LOCKED.match(line) for line in lines]
    assert all(found), f"{path}: every line is name==version --hash=sha256:…"
    return {match.group(1).replace("_", "-"): match.group(2) for match in found if match}


def test_there_is_a_lock_with_hashes_for_every_target(source: dict[str, Any], root: Path) -> None:
    assert len(locks(source, root)) == 6
    for path in locks(source, root).values():
        assert read(path).keys() >= SHIPS


def test_what_is_asked_for_is_what_ships(root: Path) -> None:
    asked = re.findall(r"^([\w-]+)>=", (root / "layers" / "dependencies" / "requirements.in").read_text(), re.M)
    assert {name.lower() for name in asked} == SHIPS


def test_boto3_and_botocore_know_inference_routers_and_go_together(source: dict[str, Any], root: Path) -> None:
    for path in locks(source, root).values():
        locked = read(path)
        assert locked["boto3"] == locked["botocore"]
        assert tuple(map(int, locked["botocore"].split("."))) >= (1, 44, 5)


def test_what_is_tested_is_what_ships(source: dict[str, Any], root: Path) -> None:
    tested = dict(
        line.lower().replace("_", "-").split("==")
        for line in (root / ".ci" / "constraints.txt").read_text().splitlines()
    )
    for (runtime, _), path in locks(source, root).items():
        for name, version in read(path).items():
            # Python 3.11's Lambda has glibc 2.26, for which the newest NumPy wheel is 2.2.
            if (runtime, name) != ("python3.11", "numpy"):
                assert tested[name] == version, f"{path}: {name}; run `make lock`"


def test_both_architectures_of_a_python_ship_the_same_versions(source: dict[str, Any], root: Path) -> None:
    found = {target: read(path) for target, path in locks(source, root).items()}
    for runtime in source["Parameters"]["Runtime"]["AllowedValues"]:
        assert found[runtime, "arm64"] == found[runtime, "x86_64"]


def test_layers_are_built_for_the_architecture_they_are_asked_for(source: dict[str, Any]) -> None:
    layers = [r for r in source["Resources"].values() if r["Type"] == "AWS::Serverless::LayerVersion"]
    assert len(layers) == 2
    for layer in layers:
        metadata = layer["Metadata"]
        assert metadata["BuildMethod"] == "makefile"
        assert metadata["BuildArchitecture"] == {"Ref": "Architecture"}
        assert metadata["WorkingDirectory"] == {"Fn::Sub": "layers/dependencies/${Runtime}/${Architecture}"}


def loaded(path: Path) -> Any:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def prune(root: Path) -> Any:
    return loaded(root / "layers" / "dependencies" / "prune.py")


def test_pruning_keeps_every_service_that_the_code_makes_a_client_of(prune: Any, root: Path) -> None:
    code = [*(root / "layers" / "core" / "tidepool").rglob("*.py"), *(root / "functions").rglob("*.py")]
    called = {name for path in code for name in re.findall(r'\.(?:get|client)\(\s*"([a-z0-9-]+)"', path.read_text())}
    clients = called & set(boto3.session.Session().get_available_services())
    assert len(clients) > 5
    assert clients <= prune.SERVICES


def test_pruning_leaves_only_what_is_used(prune: Any, tmp_path: Path) -> None:
    data = tmp_path / "botocore" / "data"
    unused = [data / "sagemaker" / "x" / "examples-1.json", data / "ec2" / "x" / "service-2.json"]
    unused += [tmp_path / "boto3" / "data" / "ec2" / "resources.json", tmp_path / "numpy" / "tests" / "__init__.py"]
    used = [data / "endpoints.json", data / "sagemaker" / "x" / "service-2.json"]
    for path in (*unused, *used):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    prune.prune(tmp_path)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(used)


BUILT = """\
Parameters:
  TimeZone:
    Type: String
    Default: UTC
  Runtime:
    Type: String
    Default: python3.13
    AllowedValues:
    - python3.12
    - python3.13
    Description: Of the functions
  Architecture:
    Type: String
    Default: arm64
    AllowedValues:
    - arm64
    - x86_64
"""
"""As sam build writes it."""


def test_what_was_built_can_be_deployed_for_no_other_python_or_machine(root: Path) -> None:
    pinned = loaded(root / ".ci" / "pin_built.py").pinned
    built = yaml.safe_load(BUILT)["Parameters"]
    for name, value in (("Runtime", "python3.12"), ("Architecture", "x86_64")):
        built[name] |= {"Default": value, "AllowedValues": [value]}
    assert yaml.safe_load(pinned(BUILT, {"Runtime": "python3.12", "Architecture": "x86_64"}))["Parameters"] == built
    with pytest.raises(SystemExit, match="0 parameters Machine"):
        pinned(BUILT, {"Machine": "arm64"})


def test_make_build_pins_what_it_built(root: Path) -> None:
    said = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv-sam/.stamp", "build", "ARCHITECTURE=x86_64"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    asked = "Runtime=$runtime Architecture=x86_64"
    assert f"--parameter-overrides {asked}" in said
    assert f".ci/pin_built.py .aws-sam/build/template.yaml {asked}" in said


def test_a_first_deploy_has_no_hands_and_an_upgrade_keeps_every_parameter(source: dict[str, Any], root: Path) -> None:
    # What samconfig names is sent with each update; of what is not named, sam sends UsePreviousValue.
    config = tomllib.loads((root / "samconfig.toml").read_text())["default"]
    assert "parameter_overrides" not in config["deploy"]["parameters"]
    assert source["Parameters"]["Hands"]["Default"] == "none"


@pytest.mark.parametrize("environment", ["default", "sandbox", "local"])
def test_samconfig_asks_only_for_what_the_template_offers(environment: str, source: dict[str, Any], root: Path) -> None:
    config = tomllib.loads((root / "samconfig.toml").read_text())[environment]
    for command in ("build", "deploy"):
        asked = config[command]["parameters"].get("parameter_overrides", "")
        for pair in asked.split():
            name, value = pair.split("=")
            offered = source["Parameters"][name].get("AllowedValues", [value])
            assert value in map(str, offered)
    assert config["deploy"]["parameters"]["capabilities"] == "CAPABILITY_IAM"
