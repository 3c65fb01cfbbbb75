"""One turn of an attach, where the twin's own time line does not come."""

from __future__ import annotations

import pytest

from builders import NOW
from builders.move_turns import side
from tidepool.fleet import Route
from tidepool.move.attach import Attach, AttachSeen, attach_step
from tidepool.move.command import Delete
from tidepool.move.seen import Side
from tidepool.move.state import Phase

ID = "0123456789abcdef"
BACK = Attach(ID, 5, "m", "pool", "main", "new", "m-v1", 1, 1024, 2, "kim", Phase.BACK, NOW - 300, NOW, why="held: lee")
MADE = side("new", change=ID)


@pytest.mark.parametrize("target", [MADE, None], ids=["still there", "gone already"])
def test_what_a_late_route_sends_callers_to_is_left_to_a_person_and_not_deleted(target: Side | None) -> None:
    route = Route("m", 1, BACK.targets, NOW - 10)
    after = attach_step(BACK, AttachSeen(target, route, routed=True, sample=""), NOW)
    assert (after.attach.phase, after.command) == (Phase.NEEDS_PERSON, None)
    assert "held: lee; but callers were sent to new meanwhile" in after.attach.why
    unrouted = attach_step(BACK, AttachSeen(target, None, routed=True, sample=""), NOW)
    assert (unrouted.command, unrouted.attach.phase) == (
        (Delete("new", False), Phase.BACK) if target is not None else (None, Phase.ROLLED_BACK)
    )
