"""docs/adopt.md and its policy: each command runs on an account of the twin, in order, and asks for what is granted."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders.adopted import START_S, an_account, autoscaled, reserved
from builders.doctoring import RUN
from functions.world import ROOT, World
from tidepool_cli.main import cli
from tidepool_lab.embedded import intercept
from tidepool_lab.embedded.intercept import Params
from tidepool_lab.embedded.permissions import Asked, Statement, asked

PAGE, POLICY = ROOT / "docs" / "adopt.md", ROOT / "docs" / "read-only-policy.json"
CALENDAR = "arn:aws:ssm:us-east-1:123456789012:document/freeze"
IN_FORCE = RUN.replace("alarms: [sev1]", f'alarms: [sev1], calendars: ["{CALENDAR}"]')
WITHOUT_A_CALL_OF_OURS = {"s3:ListBucket": "without it a missing object reads as AccessDenied"}


def commands() -> list[str]:
    """But for the first half hour, which tests/deploy/test_first_half_hour.py lives on the rig."""
    _, *blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's folder, with the file of their pull request and nothing else."""
    folder = tmp_path_factory.mktemp("adopter")
    (folder / "new.yaml").write_text(IN_FORCE.replace("route: {via: table}", "min_copies: 3"))
    return folder


@pytest.fixture(scope="module")
def calls() -> set[Asked]:
    """What every command of this file asked AWS for."""
    return set()


@pytest.fixture(scope="module")
def world(calls: set[Asked]) -> Iterator[World]:
    with an_account(hands="copies", fleet=IN_FORCE) as made:
        made.rig.calendars[CALENDAR] = "OPEN"
        made.rig.run_to(made.now + 180)
        autoscaled()
        reserved(made, ends_s=START_S + 60 * 86_400)

        def note(service: str, operation: str, params: Params) -> None:
            calls.add(asked("a person", service, operation, params, region="us-east-1"))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(intercept._stack[-1], "noted", note)
            yield made


def run(command: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(place)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    words = shlex.split(command)[1:]
    if words[0] in {"init", "doctor"}:
        words += ["--rate", "1000"]
    result = CliRunner().invoke(cli, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    print(result.output)
    return result.exit_code


@pytest.mark.parametrize("command", commands())
def test_the_command_runs(command: str, world: World, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {0, 2} if command.startswith("tidepool plan") else {0}
    assert run(command, place, monkeypatch) in allowed


def test_the_stack_alone_tells_the_doctor_what_is_wrong(
    world: World, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("tidepool doctor", place, monkeypatch) == 1


def test_the_policy_grants_every_call_and_no_call_that_nobody_makes(world: World, calls: set[Asked]) -> None:
    assert len(calls) > 20, "the commands above make the calls: run the whole file"
    written = json.loads(POLICY.read_text())["Statement"]
    granted = [Statement(tuple(one["Action"]), tuple(_each(one["Resource"]))) for one in written]
    missing = {call for call in calls if not any(one.covers(call.action, call.resource) for one in granted)}
    assert {(call.action, call.resource) for call in missing} == set()
    actions = {action for one in granted for action in one.actions}
    assert actions - {call.action for call in calls} == WITHOUT_A_CALL_OF_OURS.keys()


def test_the_policy_has_reads_alone() -> None:
    actions = {a.split(":")[1] for one in json.loads(POLICY.read_text())["Statement"] for a in one["Action"]}
    assert [a for a in actions if not a.startswith(("Describe", "List", "Get", "Query", "Lookup"))] == []


def _each(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
