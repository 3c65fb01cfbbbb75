"""The demo on the true seam: handlers, boto3, schedules and alarms of the template."""

from __future__ import annotations

import pytest

from tidepool.report.summary import Summary
from tidepool_lab.demo.play import day, play
from tidepool_lab.demo.stages import FastStage, TrueStage


def lived(hours: int) -> tuple[Summary, TrueStage]:
    plan = day(1, hours=hours)
    stage = TrueStage.of(plan)
    try:
        return play(plan, stage, lambda *_: None), stage
    finally:
        stage.close()


def test_the_handlers_move_the_first_model_and_nothing_fails() -> None:
    summary, stage = lived(2)
    assert any(move.outcome == "done" for move in summary.moves)
    assert summary.service is not None and summary.service.lost_to_moves == 0
    assert [told for told in stage.rig.happened if told.kind in {"failed", "undelivered"}] == []


@pytest.mark.slow
def test_the_whole_day_shows_everything_that_the_demo_claims() -> None:
    summary, stage = lived(24)
    assert [check.claim for check in summary.checks if not check.ok] == []
    assert [told for told in stage.rig.happened if told.kind in {"failed", "undelivered"}] == []


def test_both_seams_live_the_same_hours() -> None:
    plan = day(1, hours=2)
    fast = play(plan, FastStage.of(plan), lambda *_: None)
    true, _ = lived(2)
    assert (true.usd, true.moves, true.notes, true.service) == (fast.usd, fast.moves, fast.notes, fast.service)
