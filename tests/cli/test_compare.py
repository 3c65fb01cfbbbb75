"""`plan --fleet NEW --compare`: one look at the account, decided under both files, through real boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from functions.world import FLEET, World, a_world
from tidepool_cli.main import cli

WATCH = FLEET.replace("act: run", "act: watch")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Model `a` is busy, and the file in force only watches."""
    with a_world(fleet=WATCH, busy=True) as made:
        made.rig.run_to(made.now + 1200)
        yield made


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def plan(new: str, *words: str, compare: str = "live") -> Result:
    Path("new.yaml").write_text(new)
    result = CliRunner().invoke(cli, ["plan", "--fleet", "new.yaml", "--compare", compare, *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_same_file_differs_in_nothing(world: World) -> None:
    result = plan(WATCH)
    assert result.exit_code == 0, result.output
    assert "0 of 3 models differ" in result.stdout and "$0.00/h" in result.stdout


def test_a_file_that_may_scale_says_what_it_would_do_and_what_it_allows(world: World) -> None:
    result = plan(FLEET)
    assert result.exit_code == 2, result.output
    old, new, *_ = (line for line in result.stdout.splitlines() if line.startswith(("old", "new")))
    assert old.startswith("old  = a  copies 2 → ") and "ladder: act is watch" in old
    assert new.startswith("new  + a  copies 2 → ")
    assert "allows more: rung raised for fleet.yaml: watch → run" in result.stdout


def test_as_json_it_has_both_sides_and_the_dollars(world: World) -> None:
    value = json.loads(plan(FLEET, "--json", "-").stdout)
    assert set(value["models"]) == {"a"} and value["models"]["a"]["new"][0][0] == "+"
    assert set(value["usd_per_hour"]) == {"now", "old", "new"}


def test_dollars_are_the_difference_of_the_two_plans(world: World) -> None:
    floor = FLEET.replace("min_copies: 1", "min_copies: 12")
    value = json.loads(plan(floor, "--json", "-").stdout)
    text = plan(floor).stdout.splitlines()[-1]
    more = value["usd_per_hour"]["new"] - value["usd_per_hour"]["old"]
    assert more > 0 and f"+${more:.2f}/h" in text


def test_it_can_stand_beside_another_file_without_a_stack(world: World) -> None:
    Path("main.yaml").write_text(WATCH)
    before = dict(world.rig.calls)
    result = plan(FLEET.replace("identity: tag:model", "identity: name"), compare="main.yaml")
    assert result.exit_code == 2 and "beside main.yaml" in result.stdout
    made = {name for name, count in world.rig.calls.items() if count != before.get(name, 0)}
    assert made and all(name.split(".")[1].startswith(("Describe", "List", "Get")) for name in made)
    assert world.rig.calls["sagemaker.ListEndpoints"] == before["sagemaker.ListEndpoints"] + 1


def test_nothing_is_stored_and_nothing_is_sent(world: World) -> None:
    records, runs = world.rig.records(), dict(world.rig.runs)
    plan(FLEET)
    assert (world.rig.records(), dict(world.rig.runs)) == (records, runs)


@pytest.mark.parametrize(
    "words",
    [
        ["--compare", "live"],
        ["--compare", "live", "--fleet", "new.yaml", "--live"],
        ["--compare", "live", "--fleet", "new.yaml", "--at", "5"],
        ["--compare", "live", "--fleet", "new.yaml", "--seed", "5"],
        ["--compare", "nobody.yaml", "--fleet", "new.yaml"],
        ["--compare", "live", "--fleet", "new.yaml", "--stack", "nobody"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_compared_is_refused(world: World, words: list[str]) -> None:
    Path("new.yaml").write_text(FLEET)
    result = CliRunner().invoke(cli, ["plan", *words])
    assert result.exit_code == 1 and "problem" in result.output


def test_a_file_of_another_region_is_refused_beside_a_stack_and_beside_a_file(world: World) -> None:
    Path("main.yaml").write_text(WATCH)
    for compare in ("live", "main.yaml"):
        result = plan(FLEET.replace("us-east-1", "eu-west-1"), compare=compare)
        assert result.exit_code == 1 and "1 problem" in result.output
        assert "us-east-1" in result.output and "eu-west-1" in result.output
