"""What every command promises: exit codes, every problem at once, plain text when piped, help that teaches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tidepool_cli import local
from tidepool_cli.main import COMMANDS, cli
from tidepool_lab.demo import compared, stages
from tidepool_lab.demo import simulated as one_day
from tidepool_lab.demo.play import fleet_text

ROOT = Path(__file__).parents[2]

CHAT_TRACE = "minute,model,requests\n" + "".join(f"{minute},chat,30\n" for minute in range(1440))
"""Thirty requests a minute for a day."""

CHAT_FLEET = """
schema: 1
region: us-east-1
identity: tag:model
act: run
instances:
  ml.g6e.xlarge: {accelerators: 1, usd_per_hour: 2.61, quota: 4, launch: 105s}
pools:
  small: {endpoint: shared-small, types: [ml.g6e.xlarge]}
models:
  chat:
    class: standard
    shapes: {shared: {ml.g6e.xlarge: {accelerators: 1, concurrency: 19, service: 10.4s, start: 137s}}}
"""


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every command runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def whole(result: Result) -> str:
    """stdout and stderr of a run that has not crashed."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


# Help.


def test_without_words_it_says_what_there_is() -> None:
    result = run()
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name}" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_examples(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output and f"  tidepool {name}" in result.output


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    watched = "import sys; from tidepool_cli.main import cli\ntry: cli(['--help'])\nexcept SystemExit: pass\n"
    heavy = "print([m for m in ('numpy', 'boto3', 'pydantic', 'moto', 'rich.live', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", watched + heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


@pytest.mark.parametrize(
    "words",
    [
        ["valdate"],
        ["plan", "--nope"],
        ["validate"],
        ["bench", "--days", "many"],
        ["bench", "--seed", "-1"],
        ["plan", "--at", "5", "--seed", "-1"],
        ["demo", "--seed", "-1"],
        ["cost", "--seed", "-1"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_exits_1_so_that_2_always_means_changes(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert "Error" in whole(result)


@pytest.mark.parametrize("said", ["", "1"])
def test_no_color_means_none(somewhere: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("NO_COLOR", said)
    (somewhere / "fleet.yaml").write_text("schema: 2\n")
    result = CliRunner().invoke(cli, ["validate", "fleet.yaml"], color=True)
    assert ("\x1b" in result.output) is (said == "")


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "--seam", "fast", "--report", "taken/report.html", "--json", "."],
        ["simulate", "--html", "taken/week.html", "--json", "."],
        ["bench", "--frontier", "--picture", "taken/p.svg", "--json", "."],
    ],
    ids=lambda words: words[0],
)
def test_every_file_that_cannot_be_written_is_named_before_the_work_and_not_after_it(
    somewhere: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def work(*_: object, **__: object) -> None:
        pytest.fail("it began")

    # All are imported before any is replaced: one that is imported meanwhile would keep what it found.
    for module, name in ((stages, "open_stage"), (one_day, "simulate"), (compared, "run")):
        monkeypatch.setattr(module, name, work)
    (somewhere / "taken").write_text("")
    result = run(*words)
    assert result.exit_code == 1 and "2 problems" in whole(result)
    assert words[-3] in whole(result) and "it is a folder" in whole(result)


def test_a_record_that_could_not_be_kept_is_told_before_the_work(somewhere: Path) -> None:
    (somewhere / ".tidepool").write_text("")
    result = run("simulate")
    assert result.exit_code == 1 and ".tidepool" in whole(result) and "1 problem" in whole(result)


# validate


def test_a_right_file_is_called_right(somewhere: Path) -> None:
    (somewhere / "fleet.yaml").write_text(fleet_text())
    result = run("validate", "fleet.yaml")
    assert (result.exit_code, result.stdout) == (0, "fleet.yaml is right: act run, 2 pools, 14 model lines.\n")


def test_a_wrong_file_gives_every_problem_with_line_value_and_hint(somewhere: Path) -> None:
    (somewhere / "fleet.yaml").write_text(
        "schema: 1\nregion: us-east-1\nact: runn\npools: {p: {}}\nmodels:\n  a: {class: nope, min_copies: -1}\n"
    )
    result = run("validate", "fleet.yaml")
    assert result.exit_code == 1
    text = whole(result)
    for expected in ("3 problems", "nothing was changed", "line 3", "'runn'", "models.a.class", "-1", "allowed"):
        assert expected in text


def test_as_json_a_wrong_file_is_told_too_so_that_no_older_answer_stands(somewhere: Path) -> None:
    for text, right in (("schema: 1\n", True), ("schema: 1\nact: runn\nmodels: {a: {hold: {until: x}}}\n", False)):
        (somewhere / "new.yaml").write_text(text)
        result = run("validate", "new.yaml", "--json", "told.json")
        value = json.loads((somewhere / "told.json").read_text())
        assert (result.exit_code == 0, value["ok"]) == (right, right)
    assert "new.yaml: 3 problems" in whole(result)
    first, *_ = value["problems"]
    assert (first["path"], first["line"], first["value"]) == ("act", 2, "runn") and first["allowed"]


def test_what_changes_nothing_is_said_of_a_right_file(somewhere: Path) -> None:
    (somewhere / "fleet.yaml").write_text("schema: 1\npools: {p: {zones: 2}}\n")
    result = run("validate", "fleet.yaml")
    assert result.exit_code == 0 and "pools.p.zones (line 2) is checked, and changes nothing" in result.stdout
    value = json.loads(run("validate", "fleet.yaml", "--json", "-").stdout)
    assert value["without_effect"] == [{"path": "pools.p.zones", "line": 2}]


def test_a_file_that_is_not_there_is_one_problem() -> None:
    result = run("validate", "nowhere.yaml")
    assert result.exit_code == 1
    assert "nowhere.yaml" in whole(result)


def test_effective_says_where_each_value_comes_from(somewhere: Path) -> None:
    (somewhere / "fleet.yaml").write_text(fleet_text())
    result = run("validate", "fleet.yaml", "--effective", "texteval", "--json", "-")
    lines = {line["name"]: line for line in json.loads(result.stdout)}
    assert (lines["class"]["value"], lines["class"]["from"]) == ("background", "models.texteval.class")
    assert lines["zero"]["from"] == "classes.background.zero"
    assert lines["start_within"]["from"] == "default"


def test_a_moment_beyond_the_trace_is_told_of_the_option_that_named_it() -> None:
    result = run("plan", "--at", "30:00:00")
    assert result.exit_code == 1 and "--at" in whole(result) and "0 to 6" in whole(result)
    assert "--from-day" not in whole(result)


def test_what_a_reference_fleet_lacks_is_called_missing(somewhere: Path) -> None:
    (somewhere / "fleet.json").write_text('{"schema": 1, "surprise": 2}')
    (somewhere / "traffic.csv").write_text(CHAT_TRACE)
    text = whole(run("simulate", "--trace", "traffic.csv", "--fleet", "fleet.json"))
    assert "'(nothing)'" in text and "this key, which is required" in text and "no such key here" in text


# simulate


def simulated(somewhere: Path, *words: str) -> Result:
    (somewhere / "traffic.csv").write_text(CHAT_TRACE)
    (somewhere / "fleet.yaml").write_text(CHAT_FLEET)
    return run("simulate", "--trace", "traffic.csv", "--fleet", "fleet.yaml", *words)


def test_simulate_runs_a_fleet_yaml_on_a_trace(somewhere: Path) -> None:
    result = simulated(somewhere, "--json", "-", "--html", "week.html")
    assert result.exit_code == 0, whole(result)
    value = json.loads(result.stdout)
    (row,) = value["policies"]
    # 30 a minute of 10.4 s are 5 in flight: one copy of 19 slots on one machine at $2.61 all day.
    assert row["name"] == "tidepool"
    assert row["cost_usd"] == pytest.approx(24 * 2.61, rel=0.02)
    assert row["on_time"] > 0.99
    assert (value["rules"], value["trace"], value["fleet"]) == (1, "traffic.csv", "fleet.yaml")
    assert "<svg" in (somewhere / "week.html").read_text()


def test_the_table_of_a_simulation_is_plain_text_when_piped(somewhere: Path) -> None:
    result = simulated(somewhere)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "tidepool" in result.stdout and "not on AWS" in result.stdout


def test_a_wrong_trace_gives_its_problems_and_leaves_nothing_behind(somewhere: Path) -> None:
    (somewhere / "fleet.yaml").write_text(CHAT_FLEET)
    (somewhere / "traffic.csv").write_text("minute,model,requests\n0,chat,x\n1,chat,-3\n")
    result = run("simulate", "--trace", "traffic.csv", "--fleet", "fleet.yaml", "--html", "out.html")
    assert result.exit_code == 1
    assert "2 problems" in whole(result)
    assert sorted(path.name for path in somewhere.iterdir()) == ["fleet.yaml", "traffic.csv"]


@pytest.mark.parametrize(
    "words",
    [
        ["--fleet", "fleet.yaml"],
        ["--trace", "traffic.csv"],
        ["--trace", "traffic.csv", "--fleet", "fleet.yaml", "--days", "2"],
        ["--trace", "traffic.csv", "--fleet", "fleet.yaml", "--types", "ml.p4d.24xlarge"],
        ["--trace", "traffic.csv", "--fleet", "nowhere.yaml"],
        ["--trace", "nowhere.csv", "--fleet", "fleet.yaml"],
        ["--from-day", "9"],
    ],
    ids=" ".join,
)
def test_contradicting_options_are_refused(somewhere: Path, words: list[str]) -> None:
    (somewhere / "traffic.csv").write_text(CHAT_TRACE)
    (somewhere / "fleet.yaml").write_text(CHAT_FLEET)
    result = run("simulate", *words)
    assert result.exit_code == 1
    assert "problem" in whole(result)


# bench


def test_bench_on_a_fleet_yaml_without_p4d_says_that_rivals_need_it(somewhere: Path) -> None:
    simulated(somewhere)
    result = run("bench", "--trace", "traffic.csv", "--fleet", "fleet.yaml")
    assert result.exit_code == 1
    assert "ml.p4d.24xlarge" in whole(result) and "tidepool simulate" in whole(result)


def test_bench_on_a_fleet_yaml_puts_rivals_beside_tidepool(somewhere: Path) -> None:
    p4d = "  ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.2513, quota: 4}\n"
    shape = "ml.p4d.24xlarge: {accelerators: 1, concurrency: 57, service: 11.6s, start: 137s}, "
    fleet = CHAT_FLEET.replace("instances:\n", "instances:\n" + p4d).replace("{shared: {", "{shared: {" + shape)
    (somewhere / "fleet.yaml").write_text(fleet)
    (somewhere / "traffic.csv").write_text(CHAT_TRACE)
    words = ("--trace", "traffic.csv", "--fleet", "fleet.yaml", "--policies", "floor,tidepool", "--json", "-")
    result = run("bench", *words, "--jobs", "1")
    assert result.exit_code == 0, whole(result)
    names = [row["name"] for row in json.loads(result.stdout)["policies"]]
    assert names == ["tidepool", "floor"]


def test_bench_names_every_unknown_policy() -> None:
    result = run("bench", "--policies", "magic,tidepool,luck")
    assert result.exit_code == 1
    assert "magic" in whole(result) and "luck" in whole(result)


# plan, explain


def test_without_a_record_plan_says_how_to_get_one() -> None:
    result = run("plan")
    assert result.exit_code == 1
    assert "tidepool demo" in whole(result)


def test_plan_and_explain_read_the_last_simulation(somewhere: Path) -> None:
    simulated(somewhere)
    plan = run("plan")
    assert plan.exit_code == 0, whole(plan)
    assert "From the last decision of `tidepool simulate" in plan.stdout and "no changes" in plan.stdout
    explained = run("explain", "chat")
    assert explained.exit_code == 0, whole(explained)
    assert "step by step" in explained.stdout and "in flight" in explained.stdout


def test_explain_names_the_nearest_model_when_there_is_no_such_one(somewhere: Path) -> None:
    simulated(somewhere)
    result = run("explain", "chta")
    assert result.exit_code == 1
    assert "did you mean chat" in whole(result)


def test_plan_exits_2_when_there_are_changes(somewhere: Path) -> None:
    simulated(somewhere)
    record = json.loads((somewhere / ".tidepool" / "decision.json").read_text())
    record["changes"] = [
        {
            "kind": "ScaleCopies",
            "id": "1",
            "model": "chat",
            "component": "chat",
            "endpoint": "shared-small",
            "copies_from": 1,
            "copies_to": 2,
            "because": "more came",
            "usd_per_hour": 2.61,
        }
    ]
    local.keep(json.dumps(record).encode(), local.Source("a test", "fleet.yaml", "twin"))
    result = run("plan")
    assert result.exit_code == 2
    assert "+ chat" in result.stdout and "more came" in result.stdout


def test_plan_at_a_moment_simulates_up_to_it(somewhere: Path) -> None:
    simulated(somewhere)
    result = run("plan", "--trace", "traffic.csv", "--fleet", "fleet.yaml", "--at", "0:09:30", "--json", "-")
    assert result.exit_code in {0, 2}
    # Half past nine on Monday 2025-01-06, when minute 0 is.
    assert json.loads(result.stdout)["now"] == 1_736_121_600 + 570 * 60


@pytest.mark.parametrize("at", ["x", "1:2", "0:25:00", "-1"])
def test_a_moment_that_is_none_is_refused(at: str) -> None:
    result = run("plan", "--at", at)
    assert result.exit_code == 1
    assert "day:HH:MM" in whole(result)


def test_a_broken_local_record_says_what_to_do(somewhere: Path) -> None:
    simulated(somewhere)
    (somewhere / ".tidepool" / "decision.json").write_text("{}")
    (somewhere / ".tidepool" / "source.json").write_text("[1")
    result = run("plan")
    assert result.exit_code == 1
    assert "delete .tidepool/" in whole(result)


# demo


def test_the_demo_says_first_that_it_is_a_twin_and_writes_its_report(somewhere: Path) -> None:
    result = run("demo", "--seam", "fast", "--hours", "4", "--picture", "day.svg")
    assert result.exit_code == 0, whole(result)
    first = result.stdout.splitlines()[0]
    assert "twin" in first and "not AWS" in first
    assert "04:00" in result.stdout and "move began" in result.stdout
    assert "<svg" in (somewhere / "report.html").read_text()
    assert (somewhere / "day.svg").read_text().startswith("<svg")


def test_the_demo_of_an_installed_package_says_which_seam_it_can_play(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "TEMPLATE", Path("nowhere/template.yaml"))
    result = run("demo", "--hours", "1")
    assert result.exit_code == 1 and "--seam" in whole(result) and "make demo" in whole(result)


def test_the_demos_json_has_the_checks(somewhere: Path) -> None:
    result = run("demo", "--seam", "fast", "--hours", "4", "--json", "-")
    value = json.loads(result.stdout)
    assert value["source"].endswith("not AWS")
    assert len(value["checks"]) == 7 and value["requests_lost_to_moves"] == 0
    assert {move["outcome"] for move in value["moves"]} == {"done"}
