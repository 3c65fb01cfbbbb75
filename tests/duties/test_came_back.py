"""A move that left its model where it was waits longer each time; any other place, and a new home, begin anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from builders import NOW, a_config, a_fleet, a_model
from tidepool.config.types import Config, Hosting
from tidepool.decision.came_back import FIRST_S, MOST_S
from tidepool.decision.homes import CHECK_S
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Fleet
from tidepool.memory import LastMove, Memory, Minute, ModelMemory
from tidepool.plan.change import StartMove

APART = a_config(a_model(host="dedicated"))
TO = "dedicated:ml.p4d.24xlarge"


def at(now: int, memory: ModelMemory, config: Config = APART, fleet: Fleet | None = None) -> Decision:
    """One look of a model that asks for an endpoint of its own, half an hour of it known."""
    recent = tuple(Minute(now - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    fleet = fleet or a_fleet()
    return decide(fleet, config, Memory(models={"a": replace(memory, recent=recent)}), now)


def begun(decision: Decision) -> list[StartMove]:
    return [change for change in decision.changes if isinstance(change, StartMove)]


def test_a_move_that_comes_back_each_time_is_asked_for_ever_more_seldom() -> None:
    """Looked at every ten minutes for five days: an hour, 2, 4, 8, 16, 32 and then 48 hours apart."""
    memory, asks = ModelMemory(), []
    for now in range(NOW, NOW + 5 * 86_400, CHECK_S):
        decision = at(now, memory)
        memory = decision.memory.models["a"]
        asks += [now] * len(begun(decision))
    assert [(later - one) // 3600 for one, later in pairwise(asks)] == [1, 2, 4, 8, 16, 32, 48]
    assert memory.last_move == LastMove(TO, asks[-1], 8)


def test_meanwhile_the_record_says_what_it_saves_why_not_and_until_when() -> None:
    first = at(NOW, ModelMemory())
    assert len(begun(first)) == 1
    second = at(NOW + CHECK_S, first.memory.models["a"])
    (held,) = [one for one in second.held if one.kind == "StartMove"]
    assert not begun(second) and held.reason == "came back"
    assert held.because.endswith("its move there came back; it is asked for again in 50m")
    third = at(NOW + CHECK_S, replace(first.memory.models["a"], last_move=LastMove(TO, NOW, 3)))
    assert third.held[-1].because.endswith("its last 3 moves there came back; it is asked for again in 3.83h")


@pytest.mark.parametrize(
    ("memory", "asks", "times"),
    [
        (ModelMemory(last_move=LastMove(TO, NOW - FIRST_S, 1)), True, 2),
        (ModelMemory(last_move=LastMove(TO, NOW - FIRST_S + 60, 1)), False, 1),
        (ModelMemory(last_move=LastMove(TO, NOW - MOST_S, 60)), True, 61),
        (ModelMemory(last_move=LastMove("pool-other", NOW - 60, 5)), True, 1),
        # It went there, and came to live here again later: that move was not in vain.
        (ModelMemory(last_move=LastMove(TO, NOW - 60_000, 9), home="pool-p4d", home_since=NOW - 30_000), True, 1),
    ],
    ids=["the pause is over", "a minute too soon", "never longer than MOST_S", "another place", "a home since"],
)
def test_only_the_same_place_from_the_same_home_waits(memory: ModelMemory, asks: bool, times: int) -> None:
    decision = at(NOW, memory)
    assert bool(begun(decision)) is asks
    after = decision.memory.models["a"].last_move
    assert after is not None and after.times == times


def test_a_move_under_way_is_no_move_that_came_back() -> None:
    first = at(NOW, ModelMemory())
    (ask,) = begun(first)
    assert ask.to_hosting is Hosting.DEDICATED
    under_way = replace(
        a_fleet(),
        moving={"a": (ask.to_endpoint,)},
    )
    later = at(NOW + CHECK_S, first.memory.models["a"], fleet=under_way)
    assert not [one for one in later.held if one.reason == "came back"]
    assert later.memory.models["a"].last_move == LastMove(TO, NOW, 1)
