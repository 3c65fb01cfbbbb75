"""`tidepool bench --where`: its tables, its JSON, and what it does not go with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from builders.command import run
from builders.tiny_bench import TINY, tiny_bench


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a day of one small model that comes in bursts, a reference fleet and a fleet.yaml."""
    monkeypatch.chdir(tmp_path)
    tiny_bench(tmp_path, busy=900)
    return tmp_path


def test_each_policy_that_acts_has_its_tables_in_plain_text_when_piped() -> None:
    result = run(*TINY, "--where")
    assert result.exit_code == 0, result.output
    titles = [line for line in result.stdout.splitlines() if line.startswith("native: ")]
    assert titles[:2] == ["native: where the dollars go", "native: why requests were late"]
    assert "ml.p4d.24xlarge, pooled" in result.stdout and "busy at cheapest" in result.stdout
    assert "queued while a copy started" in result.stdout
    assert "\x1b" not in result.stdout and "floor: where" not in result.stdout


def test_the_json_has_the_account_whose_lines_are_the_rows_cost(tiny: Path) -> None:
    result = run(*TINY, "--where", "--json", "out.json")
    assert result.exit_code == 0, result.output
    written = json.loads((tiny / "out.json").read_text())
    (native,) = (row for row in written["policies"] if row["name"] == "native")
    dollars = written["where"]["native"]["dollars"]
    parts = ("busy", "idle", "starting", "leaving", "loose", "empty")
    assert sum(dollars[f"{part}_usd"] for part in parts) == pytest.approx(native["cost_usd"], abs=0.005)
    late = written["where"]["native"]["late"]
    assert sum(late["causes"].values()) == late["late"] > 0
    assert native["on_time"] == pytest.approx(1 - late["late"] / late["requests"])


def test_without_it_nothing_is_said_of_it(tiny: Path) -> None:
    result = run(*TINY, "--json", "out.json")
    assert "where the dollars go" not in result.output
    assert "where" not in json.loads((tiny / "out.json").read_text())


def test_it_does_not_go_with_a_frontier() -> None:
    result = run(*TINY, "--where", "--frontier")
    assert result.exit_code == 1 and "--where" in result.output and "without --frontier" in result.output


def test_a_fleet_yaml_of_ones_own_has_no_account() -> None:
    words = ("bench", "--trace", "traffic.csv", "--fleet", "fleet.yaml", "--policies", "tidepool", "--where")
    result = run(*words)
    assert result.exit_code == 1 and "--where" in result.output and "reference fleet" in result.output
