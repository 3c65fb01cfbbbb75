"""A move that left its model where it was waits longer each time; any other place, and a new home, begin anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from builders import NOW, a_config, a_fleet, a_model
from tidepool.config.types import Config
from tidepool.decision.came_back import FIRST_S, MOST_S, waits
from tidepool.decision.homes import CHECK_S
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Fleet
from tidepool.hosting.cost import Place
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


@pytest.mark.parametrize("open_s", [75 * 60, 86_400], ids=["a target that never came", "an approval nobody gave"])
def test_the_pause_begins_when_the_move_is_over_however_long_it_took(open_s: int) -> None:
    memory = at(NOW, ModelMemory()).memory.models["a"]
    open_still = replace(a_fleet(), moving={"a": ("new",)})
    for now in range(NOW + CHECK_S, NOW + open_s + 1, CHECK_S):
        decision = at(now, memory, fleet=open_still)
        memory = decision.memory.models["a"]
        assert not begun(decision) and not [one for one in decision.held if one.reason == "came back"]
    back = memory.last_move
    assert back is not None and back.at >= NOW + open_s - CHECK_S and back.times == 1
    assert not begun(at(back.at + FIRST_S - 60, memory))
    assert len(begun(at(back.at + FIRST_S, memory))) == 1


def test_who_has_to_leave_is_asked_for_every_hour() -> None:
    place = Place(TO, True, "ml.p4d.24xlarge", 160.0, 8, 25.25, 10.0, 220.0, 0)
    known = ModelMemory(last_move=LastMove(TO, NOW - FIRST_S, 9))
    assert waits(known, place, NOW, leaves=False).endswith("it is asked for again in 1.96d")
    assert waits(known, place, NOW, leaves=True) == ""
    assert waits(known, place, NOW - 60, leaves=True).endswith("it is asked for again in 1m")
