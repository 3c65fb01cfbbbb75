"""Several probes of both sides: what makes a target alike, what is only not yet, and what never will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from builders import NOW
from builders.move_turns import move, seen
from builders.move_world import World, a_move
from tidepool.fleet import Target
from tidepool.fleet.asked import Answer
from tidepool.move import warm
from tidepool.move.alike import PROBES, different, enough, typical, unlike
from tidepool.move.machine import step
from tidepool.move.seen import Probed, Terms
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin

GOOD = Answer(True, 200, 1000.0, schema="s", length=1000)
BAD = Answer(False, 503, 20.0, why="ModelError")
SAMPLED = Terms(sample="s3://b/k")


def answers(*latencies: float) -> list[Answer]:
    return [replace(GOOD, latency_ms=latency) for latency in latencies]


@pytest.mark.parametrize(
    ("given", "is_enough"),
    [([], False), (answers(1, 1), False), (answers(1, 1, 1), True), ([GOOD, BAD], True), (answers(60_000), True)],
    ids=["none", "two", "three", "one failed", "one took a minute"],
)
def test_three_probes_are_sent_unless_one_fails_or_they_take_too_long(given: Sequence[Answer], is_enough: bool) -> None:
    assert enough(given) is is_enough


def test_one_slow_answer_of_three_is_not_the_sides_time() -> None:
    assert typical(answers(9000, 1000, 1100)).latency_ms == 1100
    assert typical([GOOD, BAD]) == BAD


def test_a_side_that_answers_in_several_shapes_has_none_to_compare() -> None:
    mixed = typical([GOOD, replace(GOOD, schema="t"), GOOD])
    assert mixed.schema == ""
    assert different(Probed(mixed, GOOD)) == ""
    assert "another shape" in different(Probed(replace(GOOD, schema="t"), GOOD))


NOT_YET = {
    "no answer": (replace(BAD), "answers 503: ModelError"),
    "slow": (replace(GOOD, latency_ms=3501.0), "takes 3501 ms for the sample; up to 3500 ms was expected"),
    "long": (replace(GOOD, length=4257), "with 4257 bytes, the source with 1000"),
    "short": (replace(GOOD, length=185), "with 185 bytes, the source with 1000"),
}


@pytest.mark.parametrize("case", NOT_YET)
def test_what_is_not_alike_yet_waits_and_is_asked_again_and_goes_back_at_the_deadline(case: str) -> None:
    answer, words = NOT_YET[case]
    looks = seen(terms=SAMPLED, probed=Probed(answer, GOOD))
    waits = step(move(Phase.WARM), looks, NOW).move
    assert waits.phase is Phase.WARM and words in waits.why
    late = step(replace(waits, since=NOW - warm.DEADLINE_S - 1), seen(terms=SAMPLED), NOW).move
    assert late.phase is Phase.BACK and words in late.why


@pytest.mark.parametrize(
    "answer", [replace(GOOD, latency_ms=3500.0), replace(GOOD, length=4256), replace(GOOD, length=186)]
)
def test_there_is_room_for_chance(answer: Answer) -> None:
    assert unlike(Probed(answer, GOOD), SAMPLED) == ""


def test_hardware_that_is_declared_slower_may_be() -> None:
    slow = Probed(replace(GOOD, latency_ms=6000.0), GOOD)
    assert unlike(slow, SAMPLED) and not unlike(slow, replace(SAMPLED, slower=2.0))


def test_without_a_sample_or_with_the_source_asleep_there_is_nothing_to_compare_with() -> None:
    slow = replace(GOOD, latency_ms=60_000.0, length=1)
    assert unlike(Probed(slow, GOOD), Terms()) == unlike(Probed(slow, None), SAMPLED) == ""


def test_each_side_is_asked_three_times_before_a_caller_is_sent() -> None:
    world = World()
    asked: list[str] = []
    ports = world.ports()

    def counted(target: Target, sample: str) -> Answer:
        asked.append(target.name)
        return probe(target, sample)

    probe, ports.hosting.probe = ports.hosting.probe, counted  # type: ignore[method-assign]
    begin(ports, a_move(), world.now)
    while world.stored["0123456789abcdef"].phase is not Phase.SHIFT:
        assert all(target.name == "m" for target in world.followed_targets)
        advance_moves(ports, world.now)
        world.minute()
    assert asked == [world.stored["0123456789abcdef"].target_name] * PROBES + ["m"] * PROBES
