"""Every command of the docs is known to run, every link leads somewhere, and the docs speak of the project alone."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parents[2]

PAGES = sorted(
    [*(path for path in ROOT.glob("*.md")), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "decisions").glob("*.md")]
)

FENCE = re.compile(r"^```(?:console|bash|sh)\n(.*?)^```", re.M | re.S)

NEED_AN_ACCOUNT = {
    ".venv-sam/bin/sam deploy",
    ".venv-sam/bin/sam deploy --parameter-overrides Hands=copies",
    ".venv-sam/bin/sam delete",
    "aws s3 cp fleet.yaml s3://BUCKET/config/fleet.yaml",
    ".venv-sam/bin/sam deploy --config-env hub --parameter-overrides SpokeAccounts=111122223333,444455556666",
    ".venv-sam/bin/sam deploy --config-env spoke --parameter-overrides "
    "Bucket=... UndeliveredQueueArn=... HubBusArn=... ReaderArn=... ExternalId=...",
}
"""Commands that only an AWS account can run; the templates they deploy are held by tests/template and tests/hub."""

ELSEWHERE = {".ci/run", "git clone", "cd "}
"""What starts so is run by whoever runs the tests."""

SENDS = "aws events put-events --entries "
"""What it sends is read by the functions' own models in tests/functions/test_events.py."""


def commands() -> list[tuple[str, str]]:
    """(page, command) of every line in a shell fence; continued lines are joined, `$ ` and comments cut."""
    found = []
    for page in PAGES:
        for block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                command = re.sub(r"\s+# .*$", "", line.removeprefix("$ ")).strip()
                if command and not command.startswith("#"):
                    found.append((page.name, command))
    return found


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


def runs(command: str) -> str:
    """Why the command is not known to run; '' when it is."""
    if command in NEED_AN_ACCOUNT or command.startswith((*ELSEWHERE, SENDS)):
        return ""
    program, *words = command.split()
    if program == "make":
        unknown = [word for word in words if "=" not in word and word not in targets()]
        return f"the Makefile has no {unknown}" if unknown else ""
    if program == "pip" and words[0] == "install":
        return "" if (ROOT / words[-1] / "pyproject.toml").is_file() else f"{words[-1]} is no project of this folder"
    if program in {"tidepool", ".venv/bin/tidepool"}:
        return _click(words)
    return "add it to a table here, with who runs it"


def _click(words: list[str]) -> str:
    """The command and every option of the line exist."""
    from tidepool_cli.main import cli

    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"tidepool has no command {words[0]!r}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--version"}
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in known]
    return f"{command.name} has no {unknown}" if unknown else ""


@pytest.mark.parametrize(("page", "command"), commands())
def test_every_command_of_the_docs_exists(page: str, command: str) -> None:
    assert runs(command) == "", f"{page}: {command}"


def test_what_only_an_account_can_run_is_still_in_the_docs() -> None:
    assert {command for _, command in commands()} >= NEED_AN_ACCOUNT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_docs_speak_of_the_project_alone(page: Path) -> None:
    foreign = re.compile(r"\bissue #?\d|\bthis session\b|\bfounder [A-H]\b|\.\./shared/design|/work/", re.I)
    assert foreign.findall(page.read_text(encoding="utf-8")) == []


def test_every_make_target_is_explained_by_make_help() -> None:
    explained = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    assert targets() - explained == set()


def test_the_gate_calls_every_check() -> None:
    gate = (ROOT / ".ci" / "run").read_text()
    called = set(re.findall(r"make ([a-z-]+)", gate))
    asked = {"lint", "types", "contracts", "validate", "lint-translated", "policies", "build", "try-layers", "test"}
    assert asked <= called
    assert "set -euo pipefail" in gate
