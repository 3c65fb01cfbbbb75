"""`--live` reads an account over boto3, decides, and cannot write. The account here is the twin's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from tidepool_cli.live import WouldWrite, reading_clients
from tidepool_cli.main import cli
from tidepool_lab.demo.play import day, fleet_text
from tidepool_lab.demo.stages import TrueStage


@pytest.fixture(scope="module")
def account() -> Iterator[TrueStage]:
    """The demo's account, half an hour old, before anything has been decided there."""
    stage = TrueStage.of(day(1, hours=1))
    try:
        stage.cloud.run_to(stage.cloud.now_s + 1800)
        stage.rig.run_to(stage.cloud.now_s)
        yield stage
    finally:
        stage.close()


@pytest.fixture
def fleet(tmp_path: Path) -> str:
    path = tmp_path / "fleet.yaml"
    path.write_text(fleet_text())
    return str(path)


def test_plan_live_decides_for_the_account_and_calls_nothing_but_reads(account: TrueStage, fleet: str) -> None:
    before = dict(account.rig.calls)
    result = CliRunner().invoke(cli, ["plan", "--live", "--fleet", fleet, "--json", "-"])
    assert result.exit_code in {0, 2}, result.output
    record = json.loads(result.stdout)
    assert {"codegen-inline", "texteval"} <= set(record["homes"])
    made = {name for name, count in account.rig.calls.items() if count != before.get(name, 0)}
    assert made and all(name.split(".")[1].startswith(("Describe", "List", "Get")) for name in made)


def test_explain_live_speaks_of_a_model_by_its_identity(account: TrueStage, fleet: str) -> None:
    result = CliRunner().invoke(cli, ["explain", "texteval", "--live", "--fleet", fleet])
    assert result.exit_code == 0, result.output
    assert "your AWS account" in result.stdout and "texteval-prod" in result.stdout


def test_its_clients_refuse_to_send_a_write(account: TrueStage) -> None:
    clients = reading_clients("us-east-1")
    with pytest.raises(WouldWrite, match="DeleteEndpoint is not a read"):
        clients.get("sagemaker").delete_endpoint(EndpointName="codegen-inline-prod")


@pytest.mark.parametrize(
    "words",
    [
        ["--live"],
        ["--live", "--fleet", "fleet.json"],
        ["--live", "--fleet", "f.yaml", "--at", "5"],
        ["--live", "--fleet", "f.yaml", "--seed", "5"],
        ["--live", "--fleet", "f.yaml", "--types", "ml.p4d.24xlarge"],
    ],
    ids=" ".join,
)
def test_live_wants_a_fleet_yaml_and_nothing_else(words: list[str]) -> None:
    result = CliRunner().invoke(cli, ["plan", *words])
    assert result.exit_code == 1
    assert "problem" in result.output


def test_live_reads_the_region_that_is_named_and_refuses_the_file_of_another(account: TrueStage, fleet: str) -> None:
    result = CliRunner().invoke(cli, ["plan", "--live", "--fleet", fleet, "--region", "eu-west-1"])
    assert result.exit_code == 1 and "eu-west-1, or no region" in result.output


@pytest.mark.parametrize("command", [["plan"], ["explain", "texteval"]], ids=lambda words: words[0])
def test_without_a_region_anywhere_it_says_so(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "f.yaml").write_text("schema: 1\n")
    result = CliRunner().invoke(cli, [*command, "--live", "--fleet", str(tmp_path / "f.yaml")])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "--region" in result.output
