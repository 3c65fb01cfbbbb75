"""Globs: which is more specific, and which pairs can meet."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidepool.config.globs import by_precedence, is_glob, literal_prefix, overlap, ties


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("*", "a", True),
        ("a*", "*a", True),
        ("*-prod", "*-dev", False),
        ("a*b", "a*c", False),
        ("a?", "ab", True),
        ("a?", "a", False),
        ("a*c*e", "a?c*", True),
        ("?", "??", False),
        ("*x*", "*y*", True),
    ],
)
def test_two_globs_meet_when_some_name_matches_both(one: str, other: str, meet: bool) -> None:
    assert overlap(one, other) is overlap(other, one) is meet


GLOBS = st.text("ab*?", max_size=6)


@given(GLOBS, GLOBS, st.text("ab", max_size=7))
def test_a_name_that_matches_both_is_proof_that_they_meet(one: str, other: str, name: str) -> None:
    if fnmatchcase(name, one) and fnmatchcase(name, other):
        assert overlap(one, other)


@given(GLOBS, GLOBS)
def test_globs_that_meet_have_a_short_name_in_common(one: str, other: str) -> None:
    names = [""]
    for _ in range(len(one) + len(other)):
        # Every sign of a common name is in one of the globs: longer names than both together are not needed.
        names += [name + sign for name in names if len(name) == len(names[-1]) for sign in "ab"]
        if len(names) > 4000:
            return
    common = any(fnmatchcase(name, one) and fnmatchcase(name, other) for name in names)
    assert overlap(one, other) is common


def test_the_longest_literal_prefix_comes_first() -> None:
    assert by_precedence(["*", "a-*", "a-b-?", "b*"]) == ("a-b-?", "a-*", "b*", "*")
    assert literal_prefix("a-b-?") == "a-b-"
    assert not is_glob("a-b")


def test_only_globs_that_can_meet_tie() -> None:
    assert list(ties(["a*", "a*x", "b*", "a?y", "*"])) == [("a*", "a*x"), ("a*", "a?y")]
