"""The JSON Schema that ships for editors says the same as the loader, as far as single fields go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from builders.fleetfile import FULL, MINIMAL, fleet, one_model, problems
from tidepool.config.json_schema import json_schema, json_schema_text

SHIPPED = Path(__file__).parents[2] / "docs" / "fleet.schema.json"
VALIDATOR = Draft202012Validator(json_schema())


def as_editors_read_it(text: str) -> Any:
    """YAML 1.2 has no dates: an editor's reader leaves 2026-12-08 as text."""
    return _dates_to_text(yaml.safe_load(text))


def _dates_to_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dates_to_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_dates_to_text(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def test_the_shipped_file_is_what_the_command_writes() -> None:
    assert SHIPPED.read_text("utf-8") == json_schema_text(), "write it again"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [FULL, MINIMAL])
def test_both_examples_are_valid_for_an_editor_too(text: str) -> None:
    assert list(VALIDATOR.iter_errors(as_editors_read_it(text))) == []


@pytest.mark.parametrize(
    "fields",
    [
        "copies: 1",
        "act: scales",
        "start_within: 90",
        "start_within: 1h30m",
        "attain: 0.99",
        "zero: sometimes",
        "zero: {}",
        "route: {via: dns}",
        "route: table",
        "min_copies: -1",
        "class: interactiv",
        "hold: {until: 2026-11-20}",
        'schedule: [{days: Mon-Fry, from: "08:00", to: "09:00", min_copies: 1}]',
        "shapes: {shared: {p4d: {}}}",
        "owner: {}",
    ],
)
def test_what_the_schema_refuses_the_loader_refuses(fields: str) -> None:
    text = one_model(fields)
    assert list(VALIDATOR.iter_errors(as_editors_read_it(text)))
    assert problems(text)


@pytest.mark.parametrize(
    "fields", ["zero: never", "zero: {after: 45m}", "route: none", "route: {via: ssm}", "max_copies: 3, miss_usd: 0.5"]
)
def test_what_the_loader_takes_the_schema_takes(fields: str) -> None:
    text = one_model(f"class: background, {fields}")
    assert problems(text) == ()
    assert list(VALIDATOR.iter_errors(as_editors_read_it(text))) == []


@pytest.mark.parametrize(("written", "taken"), [("30m", True), ("never", True), ("30", False), ("soon", False)])
def test_the_schema_and_the_loader_agree_on_a_regain_time(written: str, taken: bool) -> None:
    text = fleet(f"instances: {{ml.p4d.24xlarge: {{regain: {written}}}}}")
    assert (problems(text) == (), list(VALIDATOR.iter_errors(as_editors_read_it(text))) == []) == (taken, taken)


def test_move_hours_are_one_window_or_several() -> None:
    for hours in ('"Mon-Thu 20:00-05:00"', '["Mon 20:00-23:00", "Sat,Sun 08:00-12:00"]'):
        text = fleet(f"safety: {{move_hours: {hours}}}")
        assert problems(text) == ()
        assert list(VALIDATOR.iter_errors(as_editors_read_it(text))) == []
