"""How long a drain waits: as declared, else as the source's metrics showed, else as AWS allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import NOW
from builders.move_world import TAGS, Trouble, World, a_move
from tidepool.config.load import load
from tidepool.fleet import Evidence, Series
from tidepool.fleet.demand import no_evidence
from tidepool.move.longest import HOURS_LEAST, longest_s
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin

SINCE = NOW - 15 * 86_400


def extremes(*latency_s: float, busy: tuple[int, ...] = (), unknown: int = 0) -> Evidence:
    """Hours with these longest answers (the last one again and again), and runs of so many busy minutes."""
    hours = np.full(15 * 24, np.nan)
    shown = [*latency_s, *([latency_s[-1]] * (HOURS_LEAST - len(latency_s)) if latency_s else [])]
    hours[: len(shown)] = 1000 * np.array(shown)
    minutes = np.zeros(15 * 1440)
    at = 10
    for run in busy:
        minutes[at : at + run] = 2.0
        at += run + 5
    minutes[at : at + unknown] = np.nan
    return Evidence(latency_ms=Series(SINCE, 3600, hours), concurrency=Series(SINCE, 60, minutes))


def test_the_longest_answer_of_fifteen_days_counts_with_room_for_a_longer_one() -> None:
    assert longest_s(extremes(4.0, 70.0, 3.0), stream=False) == 105.0
    assert longest_s(extremes(4.0), stream=False) == 6.0


def test_less_than_a_day_of_answers_teaches_nothing() -> None:
    few = extremes(4.0)
    hours = few.latency_ms.values.copy()
    hours[HOURS_LEAST - 1] = np.nan
    assert longest_s(replace(few, latency_ms=replace(few.latency_ms, values=hours)), stream=False) == 0.0
    assert longest_s(no_evidence(), stream=True) == 0.0


@pytest.mark.parametrize(
    ("seen", "seconds"),
    [
        (extremes(2.0, busy=(1, 3, 2)), 300.0),  # ModelLatency may end with the first byte: 3 busy minutes and a half
        (extremes(250.0, busy=(1,)), 375.0),  # ... or with the last
        (extremes(2.0, busy=(60,)), 480.0),  # a stream is over after 8 minutes, however busy its home is
        (extremes(2.0, busy=(1,), unknown=2), 240.0),  # what nobody saw may have been busy
        (extremes(400.0, busy=(60,)), 600.0),
    ],
)
def test_of_a_stream_the_larger_of_both_readings_is_taken(seen: Evidence, seconds: float) -> None:
    assert longest_s(seen, stream=True) == seconds


def drained_after(world: World) -> int:
    """Minutes from the drain's beginning to its end."""
    begin(world.ports(), a_move(), world.now)
    began = 0
    while True:
        advance_moves(world.ports(), world.now)
        (move,) = world.stored.values()
        if move.phase is Phase.DRAIN and not began:
            began = world.now
        if move.phase is Phase.RETIRE or move.phase.ended:
            assert world.lost == 0
            return (world.now - began) // 60
        world.minute()


def a_stream(**changes: object) -> World:
    said = {"stream": True, "longest_request_s": 480, **changes}
    return World(model_changes=said, source_tags={**TAGS, "tidepool:created-by": "tidepool"})


def test_a_drain_of_streams_waits_as_long_as_was_learned_else_eight_minutes_and_what_is_declared_wins() -> None:
    """Until the route lets go, then 481 s, 181 s (one busy minute may have been three) and 90 s, in whole minutes."""
    unknown, learned, declared = a_stream(), a_stream(), a_stream(longest_request_s=60, longest_request_written=True)
    learned.extremes = declared.extremes = extremes(20.0, busy=(1,))
    minutes = [drained_after(world) for world in (unknown, learned, declared)]
    assert minutes == [12, 7, 5]


def test_while_cloudwatch_is_away_nothing_is_learned_and_the_move_begins_all_the_same() -> None:
    world = a_stream()
    world.trouble = Trouble(extremes_away=True)
    assert begin(world.ports(), a_move(), NOW).longest_s == 0.0


def test_fleet_yaml_says_whether_it_was_written() -> None:
    file = "schema: 1\nmodels: {a: {stream: true, longest_request: 2m}, b: {stream: true}}"
    a, b = (load(file).names[name] for name in "ab")
    assert (a.longest_request_s, a.longest_request_written) == (120, True)
    assert (b.longest_request_s, b.longest_request_written) == (480, False)
