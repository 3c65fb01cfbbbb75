"""`tidepool cost`: a month's bill from the calls that the deployed handlers make on the twin, line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tidepool_cli.main import cli
from tidepool_lab.cost import prices
from tidepool_lab.cost.bill import MONTH_HOURS
from tidepool_lab.cost.prices import Price

SMALL = ("cost", "--models", "3", "--hours", "1")


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    file = tmp_path_factory.mktemp("cost") / "cost.json"
    return run(*SMALL, "--json", str(file)), file


def test_every_line_has_its_quantity_its_price_and_its_source_and_the_lines_are_the_sum(
    written: tuple[Result, Path],
) -> None:
    result, file = written
    assert result.exit_code == 0, result.output
    bill = json.loads(file.read_text())
    lines = {line["what"]: line for line in bill["lines"]}
    assert bill["usd"] == pytest.approx(sum(line["usd"] for line in bill["lines"]), abs=0.01)
    for line in bill["lines"]:
        assert line["usd"] == pytest.approx(line["quantity"] * line["usd_each"], abs=1e-3), line
        assert line["source"] and line["unit"]
    used = {"functions run", "functions start", "metrics read", "metrics of its own", "alarms", "dashboard", "logs"}
    used |= {"ledger written", "ledger read", "records put", "files read", "records kept", "events"}
    assert {what for what, line in lines.items() if line["usd"] > 0} >= used
    # decide and move_models each run once a minute; whatever wakes them besides comes on top.
    assert lines["functions start"]["quantity"] >= 2 * 60 * MONTH_HOURS
    assert lines["records put"]["quantity"] >= 2 * 60 * MONTH_HOURS
    assert bill["share"] == pytest.approx(bill["usd"] / bill["fleet_usd"], rel=1e-3)
    assert bill["metrics_a_model_and_minute"] * 3 * 60 * MONTH_HOURS == pytest.approx(
        lines["metrics read"]["quantity"], rel=1e-3
    )


def test_the_table_shows_what_the_json_has(written: tuple[Result, Path]) -> None:
    result, file = written
    for line in json.loads(file.read_text())["lines"]:
        assert line["what"] in result.stdout and line["source"] in result.stdout
    assert "in all" in result.stdout and "which the fleet costs a month" in result.stdout


def test_more_than_it_may_cost_exits_1_with_the_bill_all_the_same() -> None:
    result = run(*SMALL, "--at-most", "1", "--json", "-")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["usd"] > 1 and "more than $1.00 a month" in result.stderr


def test_every_price_names_the_page_it_is_from_and_where_it_was_seen() -> None:
    listed = {name: price for name, price in vars(prices).items() if isinstance(price, Price)}
    assert len(listed) >= 15
    assert all(price.usd > 0 and ": " in price.source and price.seen for price in listed.values())
