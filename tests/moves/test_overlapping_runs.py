"""Runs come each minute, and one may take longer: a slow model's probes are not overtaken by the next run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builders.move_turns import move, seen
from builders.move_world import World, a_move
from tidepool.errors import Throttled
from tidepool.move.command import Probe, intent
from tidepool.move.machine import step
from tidepool.move.state import Phase
from tidepool.move.warm import PROBING_S
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin

Wrap = Callable[[str, Callable[..., Any]], Callable[..., Any]]


def warming() -> World:
    """A world whose move is about to probe."""
    world = World()
    begin(world.ports(), a_move(), world.now)
    while not any(one.phase is Phase.WARM for one in advance_moves(world.ports(), world.now)):
        world.minute()
    world.minute()
    return world


def probing(before: Callable[[], None]) -> Wrap:
    """`before` happens in the middle of every probe."""

    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*words: Any, **named: Any) -> Any:
            if name == "probe":
                before()
            return call(*words, **named)

        return called

    return wrap


def test_while_one_run_probes_the_next_asks_nothing_and_the_answers_count() -> None:
    world, overlapping = warming(), []

    def next_run() -> None:
        def asked() -> None:
            raise AssertionError("a probe that another run is waiting for is not asked again")

        if len(overlapping) == 4:  # No side is asked for longer than two minutes (move/alike.py).
            return
        world.minute()
        overlapping.extend(advance_moves(world.ports(probing(asked)), world.now))

    (after,) = advance_moves(world.ports(probing(next_run)), world.now)
    assert len(overlapping) == 4
    assert {one.phase for one in overlapping} == {Phase.WARM}
    assert after.phase is Phase.SHIFT


def test_a_run_that_died_while_it_probed_is_followed_by_another_once_it_must_be_over() -> None:
    asked = intent(Probe(seen().terms.sample))
    warm = move(Phase.WARM)
    for ago, command in ((PROBING_S - 1, None), (PROBING_S, Probe(""))):
        stopped = replace(warm, since=warm.since - PROBING_S, intent=asked, asked_at=warm.since + 300 - ago)
        assert step(stopped, seen(), warm.since + 300).command == command


@pytest.mark.parametrize("refusal", [None, Throttled("GetObject", "s3://x", "SlowDown", "slow")])
def test_a_probe_that_is_over_stands_in_nobodys_way(refusal: Exception | None) -> None:
    world = warming()
    world.trouble.target_mute = True

    def asked() -> None:
        if refusal is not None:
            raise refusal

    advance_moves(world.ports(probing(asked)), world.now)
    (stored,) = world.stored.values()
    assert (stored.phase, stored.intent) == (Phase.WARM, "")
