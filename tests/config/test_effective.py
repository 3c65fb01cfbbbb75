"""`tidepool validate --effective`: every value of a model, with the line that set it."""

from __future__ import annotations

import pytest

from builders.fleetfile import FULL, fleet
from tidepool.config.load import Line, effective
from tidepool.errors import BadFleetFile


def values(text: str, model: str) -> dict[str, Line]:
    return {line.name: line for line in effective(text, model)}


def test_every_value_names_its_line_or_default_or_sagemaker() -> None:
    found = values(FULL, "codegen-flowgpt")
    assert str(found["class"]) == "class: background  (line 65, models.codegen-flowgpt.class)"
    assert str(found["zero"]) == "zero: after 45m  (line 38, classes.background.zero)"
    assert str(found["zones"]) == "zones: 1  (default)"
    assert str(found["max_copies"]) == "max_copies: what the pools hold  (read from SageMaker)"
    assert str(found["act"]) == "act: watch  (line 5, act)"
    assert (
        str(found["shapes"])
        == "shapes: what runs; nothing says what one copy serves, so sizes are held  (read from SageMaker)"
    )


def test_every_named_line_holds_the_value_in_the_text() -> None:
    rows = FULL.split("\n")
    for name in ("codegen-inline", "codegen-blockgen", "texteval", "anything"):
        for line in effective(FULL, name):
            if line.line is not None:
                key = line.origin.rpartition(".")[2].split("[")[0].strip('"')
                assert key in rows[line.line - 1] or line.name == "schedule" or line.origin.endswith('xlarge"')


def test_each_schedule_line_and_shape_stands_for_itself() -> None:
    found = effective(FULL, "codegen-inline")
    assert [(line.line, line.value) for line in found if line.name == "schedule"] == [
        (55, "Mon-Fri 07:45-18:00: min_copies 8"),
        (56, "2026-12-08 06:00-20:00: expect 1.6x (launch day)"),
    ]
    assert [line.line for line in found if line.name == "shapes"] == [50, 50, 52, 53]


def test_the_regain_time_of_each_type_of_a_models_shapes_is_told_with_its_line() -> None:
    shapes = "shapes: {shared: {ml.p4d.24xlarge: {}, ml.g5.xlarge: {}}, dedicated: {ml.p4d.24xlarge: {}}}"
    text = fleet("instances:", "  ml.p4d.24xlarge: {regain: never}", f"models: {{a: {{{shapes}}}}}")
    assert [str(line) for line in effective(text, "a") if line.name == "regain"] == [
        'regain: ml.p4d.24xlarge: never  (line 4, instances."ml.p4d.24xlarge".regain)',
        "regain: ml.g5.xlarge: 2m, the launch alone  (default)",
    ]


def test_a_model_that_nothing_names_is_said_to_be_left_alone() -> None:
    found = values(fleet("act: run", "models: {a: {}}"), "b")
    assert str(found["matched"]) == "matched: nothing: it is observed and never touched  (default)"
    assert str(found["act"]) == "act: watch  (default)"


def test_a_refused_file_has_no_effective_values() -> None:
    with pytest.raises(BadFleetFile):
        effective(fleet("models: {a: {copies: 1}}"), "a")
