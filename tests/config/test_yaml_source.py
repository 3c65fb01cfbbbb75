"""YAML without surprises: what a YAML reader would guess is a problem here, with its line."""

from __future__ import annotations

import pytest
import yaml

from builders.fleetfile import FULL, MINIMAL, only_problem, paths, problems
from tidepool.config import yaml_source
from tidepool.config.yaml_source import MAX_BYTES, path_text, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1", 1),
        ("a: -3", -3),
        ("a: 0.5", 0.5),
        ("a: 1.5e3", 1500.0),
        ("a: true", True),
        ("a: False", False),
        ("a: 2026-12-08", "2026-12-08"),
        ('a: "07:45"', "07:45"),
        ("a: 'no'", "no"),
        ("a: Mon-Thu 20:00-05:00", "Mon-Thu 20:00-05:00"),
        ("a: arn:aws:ssm:us-east-1:111122223333:document/x", "arn:aws:ssm:us-east-1:111122223333:document/x"),
        ("a: 20%", "20%"),
        ('a: ""', ""),
        ("a: y", "y"),
        ("a: {}", {}),
        ("a: [1, x]", [1, "x"]),
    ],
)
def test_a_plain_scalar_is_a_decimal_number_a_bool_or_text(text: str, value: object) -> None:
    source = read(text)
    assert source.problems == ()
    assert source.value == {"a": value}
    assert type(source.value["a"]) is type(value)


@pytest.mark.parametrize("scalar", ["07:45", "17:45", "7:45", "190:20:30", "20:30.5"])
def test_an_unquoted_clock_time_is_refused_with_the_quotes_it_needs(scalar: str) -> None:
    (refused,) = read(f"\na: {scalar}").problems
    assert (refused.path, refused.line) == ("a", 2)
    assert f'quote it: "{scalar}"' in refused.hint


def test_the_hint_says_which_number_a_clock_time_becomes() -> None:
    assert "the number 465" in read("a: 07:45").problems[0].hint


@pytest.mark.parametrize("word", ["yes", "No", "ON", "off"])
def test_yes_no_on_off_are_refused_as_values_and_as_keys(word: str) -> None:
    (value,) = read(f"a: {word}").problems
    assert f'write "{word}"' in value.hint
    (key,) = read(f"{word}: 1").problems
    assert key.path == word


@pytest.mark.parametrize("scalar", ["010", "0x1F", "0o17", "0b1", "1_000", ".inf", "-.INF", ".nan"])
def test_numbers_that_readers_disagree_on_are_refused(scalar: str) -> None:
    assert paths(read(f"a: {scalar}").problems) == ["a"]


@pytest.mark.parametrize("scalar", ["", "null", "~", "Null"])
def test_null_is_refused_because_it_could_mean_two_things(scalar: str) -> None:
    (refused,) = read(f"a: {scalar}\nb: 1").problems
    assert refused.hint == "leave the key out, or write {} for no settings"


def test_a_key_that_stands_twice_is_refused_and_names_the_first_line() -> None:
    (refused,) = read("models:\n  a: {owner: x}\n  b: {}\n  a: {owner: y}\n").problems
    assert (refused.path, refused.line, refused.hint) == ("models.a", 4, "also on line 2")


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1",
        "a: &x {b: 1}\nc: *x",
        "a: &x {b: 1}\nc:\n  <<: *x",
        "a: !!python/object/apply:os.system [ls]",
        "a: !!str 1",
        "a: !mine 1",
        "? [1, 2]\n: 3",
        "a: 1\n---\nb: 2",
    ],
)
def test_anchors_aliases_merge_keys_tags_and_odd_documents_are_refused(text: str) -> None:
    assert read(text).problems


def test_an_expansion_bomb_is_refused_before_it_expands() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    assert len(read("\n".join(lines)).problems) > 30


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "\ta: 1", "a: 'x", "%x", "a: \x00", "@"])
def test_what_is_not_yaml_is_refused_with_a_line(text: str) -> None:
    (refused,) = read(text).problems
    assert refused.line is not None


@pytest.mark.parametrize("text", ["", "# only a comment\n", "[]", "5", "text"])
def test_a_file_that_is_not_a_block_of_keys_is_refused(text: str) -> None:
    assert problems(text)


def test_bytes_that_are_not_utf_8_are_refused_with_their_line() -> None:
    refused = problems(b"schema: 1\nregion: \xff")[0]
    assert (refused.line, refused.allowed) == (2, "UTF-8 text")
    assert read("a: \udcff").problems


def test_a_file_of_more_than_256_kib_is_refused_unread() -> None:
    comment = "#" + "x" * MAX_BYTES
    assert only_problem(f"schema: 1\n{comment}\n").allowed == "at most 262144 bytes"


def test_nesting_without_end_is_refused() -> None:
    assert read("a: " + "[" * 60 + "]" * 60).problems
    assert read("a: " + "[" * 60_000).problems


def test_every_value_has_its_line_and_a_missing_one_has_its_neighbours() -> None:
    source = read("a:\n  b: 1\n  c:\n    - 1\n    - d: 2\n")
    assert source.line_of(("a", "b")) == 2
    assert source.line_of(("a", "c", 1, "d")) == 5
    assert source.line_of(("a", "nothing", "here")) == 1


def test_a_path_is_written_so_that_every_key_can_be_told_apart() -> None:
    assert path_text(("models", "a-*", "schedule", 0, "from")) == 'models."a-*".schedule[0].from'
    assert path_text(()) == "fleet.yaml"


@pytest.mark.parametrize("text", [FULL, MINIMAL, "a: 07:45\nb: no\nc: &x 1\nd: *x\na: null", "a: b: c", "a: \udcff"])
def test_a_machine_without_libyaml_reads_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read(text)
    monkeypatch.setattr(yaml_source, "_Loader", yaml.SafeLoader)
    slow = read(text)
    assert (slow.value, slow.lines) == (fast.value, fast.lines)
    assert [(p.path, p.line, p.allowed) for p in slow.problems] == [(p.path, p.line, p.allowed) for p in fast.problems]
