"""What `tidepool hub` says of one stack, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders import a_fleet
from hub.accounts import NOW
from hub.estate import DAY_S, Estate, an_estate, as_json, run_hub
from tidepool.decision.hands_off import HOLD, MOVE
from tidepool.decision.record import Step
from tidepool.decision.standing import still_steps, unread_steps
from tidepool.fleet import UNREAD

RIGHT = """\
schema: 1
spokes:
  - {region: us-east-1, bucket: tidepool-x, role: "arn:aws:iam::111100000000:role/r", external_id: 0123456789abcdef-x}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with an_estate(tmp_path, ["111100000000"], ["eu-west-1"]) as made:
        made.list_in_file([home.entry for home in made.homes])
        yield made


def test_moves_and_holds_are_named_and_counted(estate: Estate) -> None:
    steps = (
        Step(HOLD, "email-draft", "managed", "hands off", "kim holds it: CHG-1", "hold"),
        Step(MOVE, "texteval", "settled", "moving", "nothing is made yet"),
    )
    estate.homes[0].decided(NOW - 30, usd=20.0, alone=100.0, steps=steps, models=2)
    result = run_hub(estate.file)
    assert result.exit_code == 0
    for said in ("moving: texteval", "hands off: email-draft", "held back: 1 by quota"):
        assert f"111100000000 eu-west-1 tidepool: {said}" in result.stdout
    total = as_json(run_hub(estate.file, "--json", "-"))["total"]
    assert (total["moving"], total["holds"]) == (1, 1)


def test_a_freeze_that_cannot_be_read_and_a_move_that_stands_still_are_not_well(estate: Estate) -> None:
    fleet = replace(
        a_fleet(), frozen_by=(f"{UNREAD}: alarm sev1",), standing_still={"1": ("b", "drain", "1h too long")}
    )
    steps = (*unread_steps(fleet), *still_steps(fleet))
    estate.homes[0].decided(NOW - 30, usd=20.0, alone=100.0, steps=steps)
    result = run_hub(estate.file)
    assert result.exit_code == 1
    for said in (f"*: {UNREAD}: alarm sev1", "b: 1h too long"):
        assert f"111100000000 eu-west-1 tidepool: not well: {said}" in result.stdout


def test_dollars_are_counted_by_one_decision_an_hour_since_the_first(estate: Estate) -> None:
    home = estate.homes[0]
    home.decided(NOW - 3600, usd=50.0, alone=100.0)
    home.decided(NOW - 3540, usd=9_999.0, alone=100.0)
    (day,) = as_json(run_hub(estate.file, "--json", "-"))["stacks"]
    assert day["hours"] == pytest.approx(24.0)
    assert day["usd"] == pytest.approx(23 * 10.0 + 50.0 * 59 / 60 + 10.0 / 60)
    (lately,) = as_json(run_hub(estate.file, "--json", "-", "--last", "2h"))["stacks"]
    assert (lately["hours"], lately["usd"]) == pytest.approx((1.0, 50.0 * 59 / 60 + 10.0 / 60))


def test_the_newest_page_of_every_stack_is_saved(estate: Estate, tmp_path: Path) -> None:
    for day in (NOW - DAY_S, NOW):
        estate.homes[0].reported(f"<html>{day}</html>".encode(), day)
    assert run_hub(estate.file, "--reports", str(tmp_path / "pages")).exit_code == 0
    (page,) = (tmp_path / "pages").iterdir()
    assert page.name == "111100000000-eu-west-1-tidepool-2025-11-26.html"
    assert page.read_text() == f"<html>{NOW}</html>"


def test_a_wrong_file_is_refused_with_everything_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "spokes.yaml"
    file.write_text("schema: 2\nspokes:\n  - {region: mars, bucket: b, role: r, external_id: e, pool: p}\n")
    result = run_hub(file)
    assert result.exit_code == 1 and "6 problems" in result.output
    for path in ("schema", "region", "bucket", "role", "external_id", "pool"):
        assert path in result.output
    for said in ("line 3", "a region, such as us-east-1", "one of stack, region, bucket", "output Entry"):
        assert said in result.output


@pytest.mark.parametrize("text", ["schema: 1\nspokes: []\n", "schema: 1\nspokes: [\n", ""])
def test_a_file_that_names_no_stack_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "spokes.yaml").write_text(text)
    result = run_hub(tmp_path / "spokes.yaml")
    assert result.exit_code == 1 and "spokes.yaml: 1 problem" in result.output, result.output


def test_a_stack_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spokes.yaml").write_text(RIGHT + RIGHT.splitlines()[-1] + "\n")
    result = run_hub(tmp_path / "spokes.yaml")
    assert result.exit_code == 1 and "counted twice" in result.output


def test_a_time_that_no_record_covers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spokes.yaml").write_text(RIGHT)
    result = run_hub(tmp_path / "spokes.yaml", "--last", "60d")
    assert result.exit_code == 1 and "--last" in result.output
