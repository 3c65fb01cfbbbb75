"""The plan's text and the explanation, held to golden files; a changed text is a changed file in the commit.

To accept a new text: TIDEPOOL_GOLDEN=write python -m pytest tests/plan
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from builders import NOW
from tidepool.config.types import Hosting
from tidepool.decision.codec import record_bytes
from tidepool.decision.explain import explain, plan_text
from tidepool.decision.record import Decision, Held, Spend, Step
from tidepool.errors import BadInput, UnknownSchema
from tidepool.memory import Memory
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetBounds, StartMove
from tidepool.plan.render import change_row, change_usd, render

GOLDEN = Path(__file__).parent / "golden"

RAISED = ScaleCopies(
    "id-1", "codegen-inline", "codegen-inline", "shared-p4d", 4, 6, "140.2 in flight to be ready for, 24 a copy", 6.3128
)
LOWERED = ScaleCopies("id-2", "texteval", "texteval-v37", "shared-p4d", 3, 2, "8.1 in flight was the most", -3.1564)
COUNTED = ScaleInstances("id-3", "blockgen", "blockgen-alone", "main", 1, 2, "schedule: launch day", 25.2513)
BOUNDED = SetBounds("id-4", "p4d", "shared-p4d", "main", "config-1", 0, 0, 20, 26, "its models want 21 instances", 0.0)
MOVED = StartMove(
    "id-5", "flowgpt", Hosting.DEDICATED, "flowgpt-alone", "", Hosting.SHARED, "shared-p5en", "ml.p5en.48xlarge",
    1, 3, "saves $40.00/h over 6h", -40.0, 12.5,
)  # fmt: skip
HELD = (
    Held("ScaleCopies", "codegen-inline", 6, 8, "limits", "2 may still be added in this tick"),
    Held("StartMove", "sparse", "shared-p4d", "shared-g6e", "recommend", "saves $1.10/h; its callers follow no route"),
)
STEPS = (
    Step("forecast", "codegen-inline", 90.0, 140.2, "90.0 in flight over the last minute"),
    Step("size", "codegen-inline", 4, 8, "140.2 in flight to be ready for, 24 a copy", "max_copies"),
    Step("forecast", "texteval-v37", 8.1, 8.1, "8.1 in flight over the last minute"),
    Step("size", "texteval-v37", 3, 2, "8.1 in flight was the most"),
    Step("size", "calm-v2", 2, 2, "31.0 in flight to be ready for, 24 a copy"),
    Step("home", "codegen-inline", "shared-p4d", "shared-p4d", "nowhere is cheaper by enough"),
)
FULL = Decision(
    now=NOW,
    config_commit="1a2b3c4",
    changes=(RAISED, COUNTED, LOWERED, BOUNDED, MOVED),
    held=HELD,
    steps=STEPS,
    spend=Spend(900.0, 888.41, 12_345.0),
    memory=Memory.empty(),
)
QUIET = Decision(
    NOW, "", (), (), (STEPS[4],), Spend(25.2513, 25.2513, 25.2513), Memory.empty(), homes={"calm": ("calm-v2",)}
)  # fmt: skip


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("TIDEPOOL_GOLDEN") == "write":
        path.write_text(text + "\n", "utf-8")
    assert text + "\n" == path.read_text("utf-8")


def test_a_plan_shows_each_change_with_its_reason_then_what_is_held_then_the_dollars() -> None:
    check("plan.txt", render(FULL))


def test_a_plan_without_changes_says_so() -> None:
    check("plan-quiet.txt", render(QUIET))


def test_a_stored_record_gives_the_very_text_of_its_decision() -> None:
    assert plan_text(record_bytes(FULL)) == render(FULL)
    assert plan_text(record_bytes(QUIET)) == render(QUIET)


@pytest.mark.parametrize(
    ("change", "sign"), [(RAISED, "+"), (LOWERED, "-"), (COUNTED, "+"), (BOUNDED, "~"), (MOVED, "~")]
)
def test_plus_adds_minus_takes_away_and_tilde_does_neither(change: Change, sign: str) -> None:
    assert change_row(change)[0] == sign


def test_a_long_name_does_not_push_the_others_out() -> None:
    long = replace(RAISED, model="m" * 60, component="m" * 60)
    lines = render(replace(FULL, changes=(long, LOWERED), held=())).split("\n")
    assert lines[2].index("copies") < 40


def test_dollars_carry_their_sign_and_vanish_below_half_a_cent() -> None:
    assert [change_usd(x) for x in (9.469, -3.1564, 0.004, -0.004, 12_345.6)] == [
        "+$9.47/h",
        "-$3.16/h",
        "$0.00/h",
        "$0.00/h",
        "+$12,346/h",
    ]


def test_a_model_is_explained_by_what_was_asked_held_and_every_step() -> None:
    check("explain.txt", explain(record_bytes(FULL), "codegen-inline"))


def test_a_models_steps_are_found_under_its_components_name_too() -> None:
    check("explain-component.txt", explain(record_bytes(FULL), "texteval"))


def test_a_model_that_is_left_as_it_is_is_explained_as_plainly() -> None:
    check("explain-quiet.txt", explain(record_bytes(QUIET), "calm"))


def test_a_pool_is_explained_by_its_name() -> None:
    assert "bounds 0-20 → 0-26" in explain(record_bytes(FULL), "p4d")


def test_a_model_that_the_record_does_not_know_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInput) as refused:
        explain(record_bytes(FULL), "codegen-inlin")
    assert refused.value.problems[0].hint == "did you mean codegen-inline?"


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b"\xff", b'{"schema": 2}', b'{"schema": 1, "now": 1}'])
def test_a_record_of_another_version_is_left_alone(record: bytes) -> None:
    with pytest.raises(UnknownSchema):
        explain(record, "a")


@pytest.mark.parametrize("change", [{"kind": "Other"}, {"kind": "ScaleCopies"}, {"kind": "ScaleCopies", "id": 1}])
def test_a_change_that_cannot_be_read_spoils_the_record(change: dict[str, object]) -> None:
    import json

    value = json.loads(record_bytes(QUIET))
    value["changes"] = [change]
    with pytest.raises(UnknownSchema):
        plan_text(json.dumps(value).encode())
