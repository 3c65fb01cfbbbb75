"""`init` on an account of the twin, through real boto3: what it finds, what it writes, and what it may cost."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from builders.adopted import START_S, an_account, autoscaled, reserved
from functions.world import World
from tidepool.config.load import load
from tidepool_cli.account.asker import Kept, Pace, keep, kept
from tidepool_cli.account.decide import alike
from tidepool_cli.account.files import key
from tidepool_cli.main import cli
from tidepool_lab.embedded.intercept import AwsError

FAST = ("--rate", "1000")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with an_account() as made:
        autoscaled()
        reserved(made, ends_s=START_S + 20 * 86_400)
        yield made


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return tmp_path


def init(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["init", *FAST, *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refusing(code: str) -> Callable[[Any], Any]:
    def refuse(asked: Any) -> Any:
        raise AwsError(code, "not now")

    return refuse


def made_since(world: World, before: dict[str, int]) -> dict[str, int]:
    return {name: n - before.get(name, 0) for name, n in world.rig.calls.items() if n != before.get(name, 0)}


def test_the_file_has_ten_lines_at_most_and_writes_nothing(world: World, place: Path) -> None:
    assert init().exit_code == 0
    text = (place / "fleet.yaml").read_text()
    config = load(text)
    assert len(text.splitlines()) <= 10 and config.act.name == "WATCH"
    assert config.identity == "tag:model" and {p.endpoint for p in config.pools.values()} == {"shared", "reserved"}


def test_it_asks_reads_alone_and_no_more_than_it_says(world: World) -> None:
    before = dict(world.rig.calls)
    result = init()
    made = made_since(world, before)
    assert f"{sum(made.values())} calls" in result.stdout and sum(made.values()) <= 200
    assert all(name.split(".")[1].startswith(("Describe", "List", "Get")) for name in made)


def test_the_history_is_every_request_of_fourteen_days(world: World, place: Path) -> None:
    init()
    rows = list(csv.DictReader(gzip.decompress((place / "history.csv.gz").read_bytes()).decode().splitlines()))
    minutes: dict[str, list[int]] = {}
    for row in rows:
        minutes.setdefault(row["model"], []).append(int(row["minute"]))
    past = {name: [m for m in found if m < 15 * 1440] for name, found in minutes.items()}
    # The trace begins on a Monday, and so does the account's: minute for minute they are the same.
    assert past["chat"] == list(range(1440 + 20, 15 * 1440))
    assert past["notes"] == [m for m in past["chat"] if m % 10 == 0]
    assert {row["requests"] for row in rows if row["model"] == "chat" and int(row["minute"]) < 15 * 1440} == {"30"}


def test_simulate_runs_on_what_was_written(world: World, place: Path) -> None:
    command = next(line for line in init().stdout.splitlines() if "tidepool simulate" in line)
    result = CliRunner().invoke(cli, command.split()[1:])
    assert result.exit_code == 0, result.output


def test_what_a_person_must_decide_is_written_with_what_was_seen(world: World, place: Path) -> None:
    init()
    page = (place / "to-decide.md").read_text()
    assert "| notes | 864 | 6 | 90" in page
    assert "inference-component/chat: 1 to 6, track (SageMakerInferenceComponentConcurrent" in page
    assert "morning (cron(0 7 * * ? *): 2 to as it is)" in page
    assert "reserved: h100s, 1 instances, ends 20" in page


def test_it_writes_over_nothing_and_asks_nothing_first(world: World, place: Path) -> None:
    (place / "fleet.yaml").write_text("mine")
    before = dict(world.rig.calls)
    result = init()
    assert result.exit_code == 1 and "--force" in result.output
    assert made_since(world, before) == {} and (place / "fleet.yaml").read_text() == "mine"
    assert init("--force").exit_code == 0 and (place / "fleet.yaml").read_text() != "mine"


def test_a_used_up_budget_writes_nothing_and_the_next_runs_go_on(world: World, place: Path) -> None:
    before, runs = dict(world.rig.calls), 0
    while (result := init("--calls", "8")).exit_code == 1:
        runs += 1
        assert "8 calls were made" in result.output and not (place / "fleet.yaml").exists()
        assert runs < 10
    in_parts = sum(made_since(world, before).values()) - runs  # Each run asks whose the credentials are.
    before = dict(world.rig.calls)
    init("--force")
    assert runs > 1 and in_parts == sum(made_since(world, before).values())
    assert (place / "fleet.yaml").exists() and not list((place / ".tidepool").iterdir())


def test_another_day_and_another_account_begin_anew(place: Path) -> None:
    file = place / "kept.json.gz"
    keep(file, Kept("1", 1000, {"a": {"Endpoints": []}}))
    assert kept(file, account="1", now=2000).answers == {"a": {"Endpoints": []}}
    assert kept(file, account="2", now=2000).answers == {}
    assert kept(file, account="1", now=1000 + 86_400).answers == {}


@pytest.mark.parametrize(("code", "said"), [("AccessDeniedException", "denied"), ("ThrottlingException", "throttled")])
def test_what_is_refused_is_listed_and_the_rest_is_written(
    world: World, place: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(world.rig.sagemaker.answers, "DescribeModel", refusing(code))
        patch.setitem(world.rig.scalers.answers, "DescribeScalableTargets", refusing(code))
        result = init()
    assert result.exit_code == 0
    assert f"{said}: application-autoscaling:DescribeScalableTargets" in result.stdout
    page = (place / "to-decide.md").read_text()
    assert f"{said}: sagemaker:DescribeModel of chat" in page and load((place / "fleet.yaml").read_text()).pools
    before = dict(world.rig.calls)
    init("--force")
    again = made_since(world, before)
    assert again["sagemaker.DescribeModel"] == 3 and "sagemaker.DescribeEndpoint" not in again


def test_nothing_secret_is_kept(world: World, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = world.rig.sagemaker.answers["DescribeModel"]
    secret = {"PrimaryContainer": {"Image": "i", "Environment": {"TOKEN": "hunter2"}}}
    monkeypatch.setitem(world.rig.sagemaker.answers, "DescribeModel", lambda asked: {**made_up(asked), **secret})
    monkeypatch.setitem(world.rig.scalers.answers, "DescribeScalableTargets", refusing("ThrottlingException"))
    assert init().exit_code == 0
    (file,) = (place / ".tidepool").iterdir()
    assert b"DescribeModel" in gzip.decompress(file.read_bytes())
    for file in (f for f in place.rglob("*") if f.is_file()):
        data = file.read_bytes()
        assert b"hunter2" not in (gzip.decompress(data) if file.suffix == ".gz" else data)


def test_calls_are_no_closer_than_the_rate_allows() -> None:
    now, slept = [100.0], []

    def rest(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(2.0, clock=lambda: now[0], sleep=rest)
    at = []
    for took in (0.0, 0.1, 0.7, 0.0):
        pace.wait()
        at.append(now[0])
        now[0] += took
    assert at == pytest.approx([100.0, 100.5, 101.0, 101.7])


@pytest.mark.parametrize("words", [("--calls", "0"), ("--rate", "0")], ids=" ".join)
def test_a_budget_of_nothing_is_refused(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, ["init", *words])
    assert result.exit_code == 1 and "one call at least" in result.output


def test_versions_of_one_model_are_told_by_their_names() -> None:
    names = ("codegen-v36", "codegen-v37", "texteval-2026-11-01", "texteval-2026-11-08", "alone-v1", "chat")
    assert alike(names) == {"codegen": [*names[:2]], "texteval": [*names[2:4]]}


@pytest.mark.parametrize("name", ["yes", "123", "a b", "on"])
def test_a_name_that_yaml_would_misread_is_quoted(name: str) -> None:
    assert key(name) == f'"{name}"' and key("shared-p4d-prod") == "shared-p4d-prod"
