"""`move` under `act: ask`: whoever asks has approved it, in the rehearsal as on the stack."""

from __future__ import annotations

import pytest

from builders.command import run
from functions.world import FLEET, a_world
from tidepool.move.state import Phase

ASK = FLEET.replace("act: run", "act: ask").replace("zones: 1", "zones: 1\n    route: {via: table}")
WHY = ("--why", "CHG-1", "--who", "kim")

pytestmark = pytest.mark.usefixtures("region")


def test_a_move_under_ask_is_asked_for_and_begins() -> None:
    with a_world(fleet=ASK) as world:
        rehearsed = run("move", "b", "--to", "dedicated", "--dry-run")
        assert rehearsed.exit_code == 0 and "Would make the endpoint tidepool-b-" in rehearsed.stdout
        asked = run("move", "b", "--to", "dedicated", *WHY)
        assert asked.exit_code == 0 and "Asked for as move" in asked.stdout
        world.rig.run_to(world.now + 60)
        assert [move.phase for move in world.ledger().moves()] == [Phase.CREATE]
        said = [operation.why for operation in world.ledger().operations(0) if operation.outcome == "approved"]
        assert said == ["approved by kim: CHG-1"]
