"""The code that is simulated is the code that is deployed: both seams decide the same, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from seams.both import COMMIT, FLEET, MOVING, on_the_fast_seam, on_the_true_seam
from seams.world import START_S, a_cloud
from tidepool_lab.twin.cloud import Cloud

MINUTES = 180


def three_hours() -> Cloud:
    """A wave of 60 to 300 requests a minute, a model that falls silent and wakes, and one with a copy too many."""
    wave = [int(60 + 240 * max(0.0, np.sin(i / 28))) for i in range(MINUTES)]
    sparse = [30] * 20 + [0] * 80 + [6] * 20 + [0] * 60
    traffic = {"busy": wave, "sparse": sparse, "calm": [20] * MINUTES}
    return a_cloud(traffic, copies={"busy": 2, "sparse": 1, "calm": 2}, past=30)


@pytest.fixture(scope="module")
def lived() -> tuple[Cloud, list[bytes], Cloud, list[bytes]]:
    """Three hours on each seam."""
    until_s = START_S + MINUTES * 60
    return (*on_the_fast_seam(three_hours, until_s), *on_the_true_seam(three_hours, until_s))


def decoded(records: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(record) for record in records]


def test_both_seams_write_the_same_decision_records_byte_for_byte(lived: Any) -> None:
    _, fast, _, true = lived
    for mine, deployed in zip(fast, true, strict=True):
        assert mine == deployed
    assert {record["config_commit"] for record in decoded(true)} == {COMMIT}
    assert len(true) == MINUTES


def test_both_seams_leave_the_same_account_behind(lived: Any) -> None:
    fast, _, true, _ = lived
    assert fast.history == true.history
    window = (START_S, START_S + MINUTES * 60)
    assert fast.figures(*window) == true.figures(*window)


def test_the_three_hours_had_everything_in_them(lived: Any) -> None:
    _, _, cloud, records = lived
    busy = cloud.history.series("busy", "copies")
    assert max(busy) >= 4
    assert busy[-1] < max(busy)
    sparse = cloud.history.series("sparse", "copies")
    zero = sparse.index(0)
    assert 1 in sparse[zero:], "it woke from zero"
    assert 0 in sparse[zero + sparse[zero:].index(1) :], "and went back"
    changes = [change for record in decoded(records) for change in record["changes"]]
    assert any(change["copies_to"] > change["copies_from"] for change in changes)
    assert any(change["copies_to"] < change["copies_from"] for change in changes)
    assert any(record["held"] for record in decoded(records))


def a_machine_too_many() -> Cloud:
    """Two models share a pool; a third, with six requests a minute, has eight accelerators for itself."""
    traffic = {"a": [40] * 90, "b": [60] * 90, "idle": [6] * 90}
    return a_cloud(traffic, copies={"a": 2, "b": 2}, past=30, alone=("idle",))


def test_both_seams_move_a_model_in_the_same_steps_and_lose_no_request() -> None:
    until_s = START_S + 90 * 60
    fast, expected = on_the_fast_seam(a_machine_too_many, until_s, fleet=MOVING)
    true, records = on_the_true_seam(a_machine_too_many, until_s, fleet=MOVING)
    assert records == expected
    assert fast.history == true.history
    figures = true.figures(START_S, until_s)
    assert figures == fast.figures(START_S, until_s)
    assert figures.moves == 1
    assert figures.on_time == 1.0
    # The old home is gone, and callers follow the route to the new one.
    assert sorted(true.endpoints()) == ["pool"]
    assert true.components()[next(n for n in true.components() if n.startswith("tidepool-"))].model == "idle"


def a_sudden_hour() -> Cloud:
    """Ten times the demand from one minute to the next, twice; and a model without copies that is called."""
    spiky = [40] * 10 + [400] * 3 + [40] * 20 + [600] * 10 + [40] * 20
    silent = [0] * 12 + [20] * 5 + [0] * 3 + [9] * 4 + [0] * 39
    return a_cloud({"a": spiky, "b": [60] * 63, "zero": silent}, copies={"a": 1, "b": 1, "zero": 0}, past=30)


def test_both_seams_are_woken_by_burst_alarms_at_the_same_ten_seconds() -> None:
    fleet = FLEET.replace("    min_copies: 0\n", "    min_copies: 0\n    burst_alarm: true\n")
    until_s = START_S + 63 * 60
    _, expected = on_the_fast_seam(a_sudden_hour, until_s, fleet=fleet)
    _, records = on_the_true_seam(a_sudden_hour, until_s, fleet=fleet)
    assert records == expected
    between = [record["now"] - START_S for record in decoded(records) if record["now"] % 60]
    assert between
