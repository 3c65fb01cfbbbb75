"""Every field of fleet.yaml is acted on, or said to be without effect: none is accepted and forgotten."""

from __future__ import annotations

import ast
from dataclasses import fields, is_dataclass
from pathlib import Path

from tidepool.config import types
from tidepool.config.without_effect import without_effect

ROOT = Path(__file__).parents[2]
BY_CONFIG = {"Schedule": "calendar.py", "Window": "calendar.py", "PoolConfig": "resolve.py", "Config": "resolve.py"}
"""What config itself reads for the others, and where."""
SAID = {("Money", "chargeback"), ("Shape", "env")}
"""What `without_effect` tells, beside a pool's zones, whose name a model's zones share."""

FILE = """\
schema: 1
money: {chargeback: "tag:team", budget_usd_per_hour: 9}
pools:
  p: {zones: 2}
  q: {}
models:
  a: {shapes: {shared: {ml.p4d.24xlarge: {accelerators: 1, env: {A: "1"}}}}}
  b: {zones: 2, shapes: {dedicated: {ml.p4d.24xlarge: {concurrency: 8}}}}
"""


def read_in(*files: Path) -> set[str]:
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_each_field_is_read_by_what_decides_acts_or_tells_or_is_said_to_be_without_effect() -> None:
    core = ROOT / "layers" / "core" / "tidepool"
    outside = [file for file in core.rglob("*.py") if file.parent != core / "config"]
    read = read_in(*outside, *(ROOT / "cli").rglob("*.py"))
    forgotten = set()
    for name, block in vars(types).items():
        if isinstance(block, type) and is_dataclass(block):
            own = read_in(core / "config" / BY_CONFIG[name]) if name in BY_CONFIG else set()
            forgotten |= {(name, field.name) for field in fields(block) if field.name not in read | own}
    assert forgotten == SAID


def test_what_is_without_effect_is_told_with_its_line() -> None:
    assert without_effect(FILE) == (
        ("money.chargeback", 2),
        ("pools.p.zones", 4),
        ('models.a.shapes.shared."ml.p4d.24xlarge".env', 7),
    )


def test_the_docs_name_the_same_fields() -> None:
    page = (ROOT / "docs" / "fleet-yaml.md").read_text(encoding="utf-8")
    section = page.split("### Checked, and not acted on yet\n")[1]
    assert section.startswith("`money.chargeback`, a pool's `zones`, and a shape's `env` are read and checked")
