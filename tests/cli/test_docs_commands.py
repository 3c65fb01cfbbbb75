"""Every `tidepool` command of the docs runs: the cheap ones here, the others where the table says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders.command import STACK, shown
from tidepool_cli.main import cli
from tidepool_lab.demo.play import fleet_text

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

WEEK = (
    "tidepool bench --trace ../shared/traces/servegen-week1.csv.gz --fleet ../shared/traces/fleet-servegen-week1.json"
)
WEEK_RUNS = (
    "--from-day 2 --days 3",
    "--from-day 2 --days 3 --types ml.p4d.24xlarge",
    "--from-day 2 --days 3 --policies native,tidepool --seed 2",
    "--from-day 4 --days 3 --policies native,tidepool",
    "--from-day 2 --days 3 --policies native,tidepool --regain 30m",
)
ONE_DAY = "tidepool bench --trace ../shared/traces/{0}.csv.gz --fleet ../shared/traces/fleet-{0}.json"
DAYS = ("servegen-reason-mm-day", "azure-functions-2019-day")
SCARCE = ("--regain 30m", "--image-pull 333")

LONG = {
    "tidepool demo",
    "tidepool demo --seed 2 --report day-2.html",
    "tidepool demo --picture docs/demo.svg",
    "tidepool simulate --from-day 2 --days 1",
    "tidepool simulate --from-day 2 --days 1 --html week.html",
    "tidepool bench --policies tidepool,native,floor --days 1",
    "tidepool bench --from-day 2 --days 1 --policies tidepool,native --json table.json",
    "tidepool bench --from-day 2 --days 1 --types ml.p4d.24xlarge --scale 0.5 --policies tidepool",
    "tidepool bench --from-day 2 --days 1 --policies tidepool,native --stress 1.5",
    "tidepool bench --from-day 2 --days 1 --policies tidepool,native --where",
    "tidepool bench --from-day 2 --days 1 --policies tidepool,native --frontier --picture frontier.svg",
    *(f"{WEEK} {rest}" for rest in WEEK_RUNS),
    *(f"{ONE_DAY.format(name)} --from-day 0 --days 1 --policies native,tidepool,floor" for name in DAYS),
    *(f"tidepool bench --from-day 2 --days 1 --policies native,tidepool {scarce}" for scarce in SCARCE),
    "tidepool bench --from-day 2 --days 1",
    "tidepool cost",
}
"""Commands that take from half a minute to half an hour: run by the slow test below."""

LIVE = {"tidepool plan --live --fleet fleet.yaml"}
"""Commands that want an account: test_live.py runs them on the twin's."""

ADOPT = (
    "tidepool init",
    "tidepool doctor",
    "tidepool plan --fleet new.yaml --compare ",
    "tidepool plan --fleet fleet.yaml --compare live",
    "tidepool explain calm --live ",
    "tidepool simulate --trace history.csv.gz",
)
"""Commands that want an account that is not yet Tidepool's: test_docs_adopt.py runs them on the twin's."""

HUB = ("tidepool hub ",)
"""Commands that want several accounts: tests/hub runs them in moto's."""


def commands() -> list[str]:
    """Every one that the pages show, once, in their order."""
    return list(dict.fromkeys(command for page in PAGES for command in shown(page)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a reader has it: their fleet.yaml, a day of their traffic, and a demo that has run."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "fleet.yaml").write_text(fleet_text())
    lines = [f"{minute},{model},9" for minute in range(0, 1440) for model in ("codegen-inline", "email-draft")]
    (folder / "traffic.csv").write_text("minute,model,requests\n" + "\n".join(lines) + "\n")
    (folder.parent / "shared").symlink_to(ROOT.parent / "shared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert CliRunner().invoke(cli, ["demo", "--seam", "fast", "--hours", "2"]).exit_code == 0
    return folder


@pytest.mark.parametrize(
    "command", [c for c in commands() if c not in LONG | LIVE and not c.startswith((*STACK, *ADOPT, *HUB))]
)
def test_the_command_runs(command: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    result = CliRunner().invoke(cli, shlex.split(command)[1:])
    allowed = {0, 2} if command.startswith("tidepool plan") else {0}
    assert result.exit_code in allowed, result.output


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(LONG))
def test_the_long_command_runs(command: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "../shared" in command and not (ROOT.parent / "shared" / "traces").exists():
        pytest.skip("../shared/traces is not here")
    monkeypatch.chdir(place)
    result = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output


def test_no_line_of_the_tables_is_left_over() -> None:
    assert set(commands()) >= LONG | LIVE


def test_the_ten_lines_of_the_readme_are_a_right_fleet_file(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    (tmp_path / "fleet.yaml").write_text(block)
    assert CliRunner().invoke(cli, ["validate", str(tmp_path / "fleet.yaml")]).exit_code == 0


def test_the_readmes_picture_is_one_that_the_command_draws() -> None:
    picture = (ROOT / "docs" / "demo.svg").read_text()
    assert picture.startswith("<svg") and "not AWS" in picture and "One simulated day of 14 models" in picture
