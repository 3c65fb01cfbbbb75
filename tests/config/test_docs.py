"""docs/fleet-yaml.md is true: its examples load, its commands run, its tables are the code's own defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from builders.fleetfile import FULL, MINIMAL, NOW
from tidepool.config.classes import CLASSES, SCARCE_FAMILIES
from tidepool.config.effective import effective
from tidepool.config.load import load
from tidepool.config.schema import ClassBlock, FleetFile, ModelBlock, PoolBlock, ShapeBlock
from tidepool_cli.main import cli

PAGE = (Path(__file__).parents[2] / "docs" / "fleet-yaml.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def column(title: str, number: int) -> dict[str, str]:
    """One column of the first table below a heading, by the table's first column."""
    table = PAGE.split(title, 1)[1].split("\n#", 1)[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.split("\n") if line.startswith("|")]
    return {row[0].strip(): row[number].strip() for row in rows[2:]}


def keys(block: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in block.model_fields.items()}


def test_both_examples_load_and_are_the_tested_ones() -> None:
    minimal, full = EXAMPLES
    assert minimal == MINIMAL
    assert full == FULL.replace("via: ssm", "via: table")
    assert load(full, now=NOW) == load(FULL, now=NOW)


@pytest.mark.parametrize("text", [FULL, MINIMAL])
def test_the_proposed_examples_load_word_for_word(text: str) -> None:
    load(text, now=NOW)


@pytest.mark.parametrize("name", ["interactive", "standard", "background"])
def test_the_class_table_is_what_the_code_does(name: str) -> None:
    table = column("### A class", 1 + list(CLASSES).index(name))
    said: dict[str, Any] = {
        line.name: line.value for line in effective(f'schema: 1\nmodels: {{"*": {{class: {name}}}}}', "m")
    }
    said["attain"] = said["attain"].replace(" ", "")
    said["zero"] = said["zero"].replace("after 1h", "{after: 1h}")
    assert {field: said[field] for field in table} == table
    assert set(table) == keys(ClassBlock)


def test_every_field_is_in_a_table() -> None:
    top = {key.partition(".")[0] for key in column("## Fields of the file", 1)}
    assert top == keys(FleetFile)
    assert set(column("### A pool", 1)) == keys(PoolBlock)
    assert set(column("### A model", 1)) == keys(ModelBlock) - keys(ClassBlock)
    assert all(f"`{key}`" in column("### A model", 2)["shapes"] for key in keys(ShapeBlock))


def test_the_other_defaults_are_what_the_code_does() -> None:
    config = load("schema: 1\npools: {p: {}}\nmodels: {m: {}}")
    table = column("## Fields of the file", 1)
    assert (table["timezone"], table["identity"], table["act"]) == (
        config.timezone, config.identity, config.act.name.lower()
    )  # fmt: skip
    limits = config.safety.limits
    said = column("## Fields of the file", 2)["safety.limits"]
    assert f"`lowered_per_hour` ({limits.lowered_per_hour:.0%})" in said
    for name in ("instances_per_hour", "moves_at_once", "moves_per_day"):
        assert f"`{name}` ({getattr(limits, name)})" in said
    assert table["writers.autoscaling"] == config.writers.autoscaling
    pool, said_pool = config.pools["p"], column("### A pool", 1)
    assert (said_pool["bounds"], said_pool["zones"], said_pool["act"]) == (
        pool.bounds.value, str(pool.zones), pool.act.name.lower()
    )  # fmt: skip
    kept = re.findall(r"p\d\w*", column("### A pool", 2)["give_back"])
    assert set(kept) == SCARCE_FAMILIES
    assert pool.give_back.after_s == 3600


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(MINIMAL, "utf-8")
    commands = re.findall(r"`tidepool (validate fleet\.yaml[^`]*)`", PAGE)
    assert len(commands) == 2
    for command in commands:
        words = command.replace("fleet.yaml", str(path)).replace("MODEL", "codegen-inline").split()
        result = CliRunner().invoke(cli, words, standalone_mode=False)
        assert result.exit_code == 0, result.output
