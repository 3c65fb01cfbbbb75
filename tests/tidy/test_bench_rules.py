"""Every rule of docs/bench-rules.md is held by a test that carries its number in its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SECTION = re.compile(r"^## (\d+)\. ")
NUMBERED = re.compile(r"^(\d+)\. ")
IN_A_NAME = re.compile(r"def test_\w*?rule_(\d+(?:_\d+)?)_")


def rules() -> list[str]:
    """The rules as test names spell them: `2_7` for point 7 of section 2, `6` for a section without points."""
    found: list[str] = []
    for line in (ROOT / "docs" / "bench-rules.md").read_text(encoding="utf-8").splitlines():
        if section := SECTION.match(line):
            found.append(section.group(1))
        elif (point := NUMBERED.match(line)) and found:
            number = found[-1].split("_")[0]
            if found[-1] == number:
                found.pop()
            found.append(f"{number}_{point.group(1)}")
    return found


def numbers_in_names() -> set[str]:
    """The numbers in the names of tests. tests/config counts the rules of docs/fleet-yaml.md instead."""
    others = ROOT / "tests" / "config"
    return {
        number
        for path in (ROOT / "tests").rglob("test_*.py")
        if others not in path.parents
        for number in IN_A_NAME.findall(path.read_text(encoding="utf-8"))
    }


def test_the_page_is_read_whole() -> None:
    sections = ((1, 5), (2, 8), (3, 10), (4, 3))
    assert rules() == [f"{s}_{point}" for s, last in sections for point in range(1, last + 1)] + ["5", "6", "7"]


@pytest.mark.parametrize("rule", rules())
def test_the_rule_has_a_test_with_its_number(rule: str) -> None:
    assert rule in numbers_in_names(), f"docs/bench-rules.md {rule.replace('_', '.')} has no test named rule_{rule}_…"
