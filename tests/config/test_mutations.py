"""Whatever a file holds, it loads or is refused with problems: nothing else, and always the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.fleetfile import FULL, MINIMAL, NOW
from tidepool.config.load import load
from tidepool.config.types import Config
from tidepool.errors import BadFleetFile, Problem

LINES = FULL.split("\n")
TREE = json.loads(json.dumps(yaml.safe_load(FULL), default=str))
_SIGNS = ["", " ", "  ", ":", "{", "}", "[", "]", "'", '"', "#", "*", "&a", "!", "-", "---", "<<", "\t", "\x00"]
_WORDS = ["0", "-1", "99999", "9" * 400, "1e309", "null", "yes", "07:45", "1.6x", "30d", "20%", "2026-13-45"]
_TEXTS = ["s" * 300, "\ud800", "é"]
JUNK = st.sampled_from([*_SIGNS, *_WORDS, *_TEXTS])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | JUNK,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | JUNK, inner, max_size=3),
    max_leaves=5,
)


def outcome(text: str | bytes) -> Config | tuple[Problem, ...]:
    try:
        return load(text, now=NOW)
    except BadFleetFile as refused:
        assert refused.problems
        assert all(problem.allowed for problem in refused.problems)
        return refused.problems


@st.composite
def edited_texts(draw: st.DrawFn) -> str:
    """The full example with pieces inserted, replaced, doubled and cut."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, min(len(line), start + 12)))
        lines[at] = draw(st.sampled_from([line[:start] + draw(JUNK) + line[end:], line + "\n" + line, ""]))
    return "\n".join(lines)


@st.composite
def edited_trees(draw: st.DrawFn) -> Any:
    """The full example with one value, anywhere in it, replaced by any value."""
    tree = json.loads(json.dumps(TREE))
    here = tree
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = draw(st.sampled_from(keys))
        inner = here[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.integers(0, 4)) == 0:
            here[key] = draw(VALUES)
            return tree
        here = inner


@settings(max_examples=150, deadline=None)
@given(edited_texts())
def test_an_edited_file_loads_or_is_refused_and_always_the_same(text: str) -> None:
    assert outcome(text) == outcome(text)


@settings(max_examples=150, deadline=None)
@given(edited_trees())
def test_any_value_anywhere_loads_or_is_refused(tree: Any) -> None:
    outcome(yaml.safe_dump(tree, allow_unicode=True))


@settings(max_examples=100, deadline=None)
@given(st.text() | st.binary())
def test_any_text_and_any_bytes_load_or_are_refused(text: str | bytes) -> None:
    outcome(text)


@pytest.mark.parametrize("text", [FULL, MINIMAL])
def test_each_part_of_an_example_may_be_missing_and_the_rest_is_still_judged(text: str) -> None:
    lines = text.split("\n")
    for at in range(len(lines)):
        outcome("\n".join(lines[:at] + lines[at + 1 :]))
