"""`tidepool bench --frontier`: its files, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builders.command import run
from builders.tiny_bench import TINY, tiny_bench
from tidepool_lab.bench.settings import settings_of
from tidepool_lab.bench.stored import FOLDER

NATIVE = len(settings_of("native"))


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a day of one small model, a reference fleet and a fleet.yaml."""
    monkeypatch.chdir(tmp_path)
    tiny_bench(tmp_path, busy=500)
    return tmp_path


def test_it_writes_both_tables_a_picture_and_json_and_keeps_its_runs_for_the_next_time(tiny: Path) -> None:
    words = (*TINY, "--frontier", "--cache", "kept", "--picture", "out/frontier.svg")
    first = run(*words, "--regain", "30m")
    assert first.exit_code == 0, first.output
    assert "cost against on-time" in first.output and "target 0." in first.output and "regain 30m" in first.output
    assert "native: simulated" in first.stderr and "(100 %)" in first.stderr
    assert (tiny / "out" / "frontier.svg").read_text().startswith("<svg")
    assert len(list((tiny / "kept").glob("native-*.json"))) == NATIVE
    kept = {path: path.stat().st_mtime_ns for path in (tiny / "kept").iterdir()}
    again = run(*words, "--regain", "30m", "--json", "-")
    assert {path: path.stat().st_mtime_ns for path in (tiny / "kept").iterdir()} == kept, "nothing was run again"
    written = json.loads(again.stdout)
    assert written["regain"] == "30m" and len(written["frontier"]) == NATIVE
    assert [row["name"] for row in written["policies"]] == ["native", "floor"]


def test_the_help_says_where_its_runs_are_kept() -> None:
    assert f"[default: {FOLDER}]" in " ".join(run("bench", "--help").output.split())


def test_options_of_the_frontier_are_refused_without_it_all_at_once() -> None:
    result = run(*TINY, "--cache", "kept", "--picture", "frontier.svg")
    assert result.exit_code == 1
    assert "--cache" in result.output and "--picture" in result.output and "2 problems" in result.output


def test_a_fleet_yaml_of_ones_own_has_no_frontier() -> None:
    words = ("bench", "--trace", "traffic.csv", "--fleet", "fleet.yaml", "--policies", "tidepool", "--frontier")
    result = run(*words)
    assert result.exit_code == 1 and "--frontier" in result.output and "reference fleet" in result.output


def test_a_frontier_needs_a_policy_with_a_dial() -> None:
    result = run(*TINY[:-1], "floor", "--frontier")
    assert result.exit_code == 1 and "--policies" in result.output and "with a dial" in result.output


@pytest.mark.parametrize("words", [("--regain", "1m"), ("--regain", "soon"), ("--image-pull", "-5")], ids=" ".join)
def test_a_time_that_is_none_is_refused(words: tuple[str, str]) -> None:
    result = run(*TINY, *words)
    assert result.exit_code == 1 and words[0] in result.output
