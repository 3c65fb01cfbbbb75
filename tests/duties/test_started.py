"""What start-ups take: noted from the ask until all serve, believed where nothing is written or clearly longer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, P4D, a_component, a_config, a_fleet, a_model, a_pool, evidence
from builders.bench_case import a_case
from tidepool.config.types import Hosting, ModelConfig, Shape
from tidepool.decision.pipeline import decide
from tidepool.decision.ready import served_at
from tidepool.decision.record import Decision
from tidepool.decision.started import after_look
from tidepool.decision.subjects import Home, subjects
from tidepool.decision.times import KEPT, believed, high
from tidepool.fleet import Endpoint, EndpointKind, Fleet, Status
from tidepool.memory import Memory, ModelMemory, Started
from tidepool.memory_codec import dump, load
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.stress import Kind, stressed
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model
from tidepool_lab.rivals.tidepool import Tidepool
from tidepool_lab.twin.cloud import Cloud

KEY = f"shared {P4D.name} model-a"
NONE = Started(KEY)


def home_fleet(size_now: int, wanted: int, machines: int, *, dedicated: bool = False) -> Fleet:
    busy = Status.UPDATING if wanted != size_now else Status.IN_SERVICE
    if dedicated:
        own = Endpoint("own", EndpointKind.DEDICATED, "c", "main", busy, P4D.name, size_now, wanted, NOW, model="a")
        return a_fleet({"own": evidence(25.0, 8)}, components=[], endpoints=[own])
    component = a_component(copies=size_now, copies_wanted=wanted, status=busy)
    return a_fleet(components=[component], endpoints=[a_pool(instances_now=machines)])


def looks(
    *seen: tuple[int, int, int],
    known: Started | None = None,
    start_s: float | None = 220.0,
    dedicated: bool = False,
    raised_at: int = NOW,
) -> Started:
    """A minute apart, the first at NOW + 60, after a raise of two: (in service, wanted, machines in service)."""
    hosting, before = Hosting.DEDICATED if dedicated else Hosting.SHARED, 2
    shape = Shape(hosting, P4D.name, accelerators=1, concurrency=20.0, service_s=10.0, start_s=start_s)
    for minute, (size_now, wanted, machines) in enumerate(seen, 1):
        fleet = home_fleet(size_now, wanted, machines, dedicated=dedicated)
        (subject,) = subjects(fleet, a_config(a_model(shapes=(shape,))))
        memory = ModelMemory(sizes={subject.homes[0].target: before}, raised_at=raised_at, started=known)
        known, before = after_look(subject, memory, NOW + 60 * minute), size_now
    assert known is not None
    return known


def test_a_raise_that_found_room_is_noted_from_its_ask_until_all_its_copies_serve() -> None:
    found = looks((2, 4, 1), (2, 4, 1), (3, 4, 1), (4, 4, 1), (4, 4, 1))
    assert (found.room, found.launched, found.to) == ((240,), (), 0)


def test_a_raise_for_which_a_machine_came_is_kept_apart() -> None:
    found = looks((2, 4, 1), (2, 4, 2), (2, 4, 2), (2, 4, 2), (2, 4, 2), (4, 4, 2))
    assert (found.room, found.launched) == ((), (360,))


def test_copies_that_serve_at_the_very_next_look_took_a_minute() -> None:
    assert looks((4, 4, 1)).room == (60,)


def test_what_waited_for_a_machine_for_longer_than_any_launch_is_no_start_up() -> None:
    """Ten minutes are one still: five launches of 105 s and a tick."""
    for minutes, launched in ((10, (660,)), (11, ())):
        found = looks(*[(2, 4, 1)] * (minutes - 1), (2, 4, 2), (4, 4, 2))
        assert (found.room, found.launched, found.to) == ((), launched, 0)


def test_what_fell_back_was_lowered_or_was_raised_by_others_is_no_start_up() -> None:
    for gone in ((2, 2, 1), (2, 5, 1)):
        found = looks((2, 4, 1), gone, (5, 5, 1))
        assert (found.room, found.launched, found.to) == ((), (), 0)
    assert looks((2, 4, 1), (4, 4, 1), raised_at=NOW - 240) == NONE


def test_while_a_model_has_two_homes_no_raise_of_it_is_followed() -> None:
    (subject,) = subjects(home_fleet(2, 4, 1), a_config())
    moving = replace(subject, homes=subject.homes * 2)
    waiting = replace(NONE, to=4, asked_at=NOW)
    assert after_look(moving, ModelMemory(started=waiting), NOW) == replace(waiting, to=0)
    assert after_look(moving, ModelMemory(raised_at=NOW), NOW) is None


@pytest.mark.parametrize(
    ("start_s", "minutes", "noted"), [(220.0, 13, True), (220.0, 14, False), (None, 70, True), (None, 71, False)]
)
def test_where_no_machine_shows_it_the_length_alone_tells_a_wait(
    start_s: float | None, minutes: int, noted: bool
) -> None:
    """Ten minutes beyond the written 220 s; beyond the hour that a container may take where nothing is written."""
    for dedicated in (False, True):
        machines = 2 if dedicated else 1
        seen = [(2, 4, machines)] * (minutes - 1) + [(4, 4, machines + 2 * dedicated)]
        found = looks(*seen, start_s=start_s, dedicated=dedicated)
        assert (found.launched if dedicated else found.room) == ((60 * minutes,) if noted else ())


def test_the_newest_eight_are_kept() -> None:
    found = looks((4, 4, 1), known=replace(NONE, room=tuple(range(100, 100 + KEPT))))
    assert found.room == (*range(101, 100 + KEPT), 60)


def test_the_careful_end_lies_between_the_two_longest_of_eight() -> None:
    assert high([60 * minutes for minutes in range(8, 0, -1)]) == pytest.approx(438)  # 420 + 0.3 × 60
    assert high([90]) == 90


def test_three_that_took_clearly_longer_outweigh_what_is_written() -> None:
    """Written 325 s: 385 s are the look once a minute. Of 1,000 s a tenth is 100."""
    assert believed(325, (480, 480), written=True) == 325
    assert believed(325, (385,) * 8, written=True) == 325
    assert believed(325, (420, 480, 480), written=True) == 480
    assert believed(1000, (1080,) * 8, written=True) == 1000
    assert believed(325, (120,) * 8, written=True) == 325


def test_three_stand_where_nothing_is_written() -> None:
    assert believed(360, (120, 120), written=False) == 360
    assert believed(360, (120, 120, 180), written=False) == 168  # 120 + 0.8 × 60
    assert believed(360, (900,) * 3, written=False) == 900


@settings(deadline=None)
@given(st.floats(1, 4000), st.lists(st.integers(0, 8000), max_size=8))
def test_what_is_written_is_never_shortened(written_s: float, seen: list[int]) -> None:
    assert written_s <= believed(written_s, seen, written=True) <= max([written_s, *seen])


def home_with(started: Started, *, start_s: float | None = 220.0, artifact: str = "model-a") -> Home:
    shape = Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=20.0, service_s=10.0, start_s=start_s)
    fleet = a_fleet(components=[a_component(artifact=artifact)])
    known = {"a": ModelMemory(started=started)}
    return subjects(fleet, a_config(a_model(shapes=(shape,))), known)[0].homes[0]


SLOW = Started(KEY, room=(480,) * 3, launched=(660,) * 3)


def test_a_home_starts_as_it_was_seen_to_and_another_artifact_as_written() -> None:
    seen, other = home_with(SLOW), home_with(SLOW, artifact="model-b")
    assert (seen.start_s, seen.own_start_s) == (660, 480)
    assert (other.start_s, other.own_start_s) == (325, 220)
    assert other.start_words == ""
    unknown = home_with(replace(SLOW, room=(), launched=()), start_s=None)
    assert (unknown.start_s, unknown.own_start_s, unknown.start_words) == (465, 360, "")
    assert home_with(SLOW, start_s=None).start_s == 660


def test_the_lead_that_the_past_is_judged_by_is_what_was_seen() -> None:
    served = served_at(home_with(SLOW), a_model())
    assert served is not None and served.lead_s == 660 + 60


def decided(started: Started | None, *, copies: int = 2, wanted: int = 2, model: ModelConfig | None = None) -> Decision:
    updating = Status.UPDATING if wanted != copies else Status.IN_SERVICE
    fleet = a_fleet(
        {"a": evidence(25.0, copies)},
        components=[a_component(copies=copies, copies_wanted=wanted, status=updating)],
        endpoints=[a_pool()],
    )
    known = ModelMemory(started=started, raised_at=NOW - 60, sizes={"a": 2}, home="pool-p4d")
    return decide(fleet, a_config(model or a_model()), Memory(models={"a": known}, homes_checked=NOW), NOW)


def test_the_record_says_where_a_start_up_is_the_one_seen() -> None:
    def words(started: Started) -> str:
        return next(step.because for step in decided(started).steps if step.stage == "forecast")

    assert words(SLOW).endswith("; a start-up takes 11m as seen, 5.42m written")
    assert "start-up" not in words(NONE)


def test_a_decision_follows_the_raise_before_it_and_hands_it_on() -> None:
    memory = decided(None, wanted=4).memory
    assert memory.models["a"].started == replace(NONE, asked_at=NOW - 60, to=4, machines=4)
    assert load(dump(memory)) == memory
    elsewhere = replace(SLOW, key=f"dedicated {P4D.name} model-a")
    assert decided(elsewhere).memory.models["a"].started == NONE


def bursts() -> Case:
    """Eight hours of a 14B model, quiet but for the first 20 minutes of each hour."""
    fleet = reference_fleet((reference_model("a", SIZES["14B"]),), minutes=1440)
    minute = np.arange(1440) % 60
    counts = np.where(minute < 20, 1500, 60).astype(np.int64)[:, None]
    return a_case(fleet, counts, only_minutes=480)


def lived(case: Case) -> tuple[Home, Decision]:
    """The model's home and the newest decision, after the hours of the case on the twin."""
    first, until = (case.at_s(minute) for minute in case.simulated)
    cloud = Cloud(
        account_of(case.fleet, start_up=case.start_up),
        case.arrivals(),
        seed=case.seed,
        start_s=first,
        epoch_s=case.epoch_s,
    )
    policy = Tidepool(case.declared, case.fleet_yaml, case.first_minutes)
    policy.start(cloud)
    assert policy.run is not None
    decisions: list[Decision] = []
    policy.run.on_decision = decisions.append
    policy.run_to(cloud, until)
    memory, config = decisions[-1].memory, policy.run.ports.config.current()[0]
    fleet = a_fleet(endpoints=list(cloud.endpoints().values()), components=list(cloud.components().values()))
    return subjects(fleet, config, memory.models)[0].homes[0], decisions[-1]


def test_on_the_twin_true_start_ups_are_believed_and_ones_half_as_long_again_are_found_out() -> None:
    """A 14B copy of its own takes 190 s, 285 s when it takes half as long again, and is seen up to a minute later."""
    true, _ = lived(bursts())
    assert true.started is not None and len(true.started.room) + len(true.started.launched) >= 3
    assert (true.start_words, true.start_s) == ("", 105 + 190)
    slow, decision = lived(stressed(bursts(), Kind.START_UP, 1.5))
    assert slow.started is not None
    assert 1.5 * (105 + 190) <= slow.start_s <= 1.5 * (105 + 190) + 60
    assert slow.start_words in next(step.because for step in decision.steps if step.stage == "forecast")
