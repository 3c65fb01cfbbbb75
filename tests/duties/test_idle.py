"""Idle times: what the histogram says, who is woken ahead by it, and who stays up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, a_component, a_config, a_fleet, a_model, evidence
from tidepool.config.types import ModelConfig
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Evidence, Series
from tidepool.forecast.idle import ENOUGH, KEPT, RANGE, idle_after, window
from tidepool.forecast.learning import learn
from tidepool.memory import Idle, Learned, Memory, Minute, ModelLearned, ModelMemory
from tidepool.plan.change import ScaleCopies

QUIET = tuple(Minute(NOW - 60 * (30 - i), 0.0, 0.0, 0.0) for i in range(30))
LEAD_S = 105 + 220 + 120
"""A new machine, the model's start-up, and a change's settling: 445 s."""


def calls(*minutes: int, of: int) -> np.ndarray:
    found = np.zeros(of)
    found[list(minutes)] = 1.0
    return found


def test_idle_times_are_the_empty_minutes_between_two_with_requests() -> None:
    idle = idle_after(Idle(), calls(2, 3, 6, 16, of=20), 6000)
    assert idle == Idle(gaps=(2, 9), called_at=6000 + 17 * 60, until=6000 + 20 * 60)


def test_an_idle_time_goes_on_from_one_hour_to_the_next_but_not_over_a_hole() -> None:
    first = idle_after(Idle(), calls(2, of=10), 0)
    assert idle_after(first, calls(5, of=10), 600).gaps == (12,)
    assert idle_after(first, calls(5, of=10), 1200).gaps == ()


@given(
    minutes=st.lists(st.booleans(), min_size=1, max_size=400),
    cut=st.integers(0, 400),
)
def test_it_does_not_matter_how_the_history_is_cut(minutes: list[bool], cut: int) -> None:
    whole = np.array(minutes, dtype=np.float64)
    parts = idle_after(idle_after(Idle(), whole[:cut], 6000), whole[cut:], 6000 + 60 * len(whole[:cut]))
    at_once = idle_after(Idle(), whole, 6000)
    assert parts == at_once
    assert len(at_once.gaps) <= KEPT and all(1 <= gap <= RANGE for gap in at_once.gaps)


def test_learn_keeps_them() -> None:
    history = {"a": Series(NOW - 7200, 60, np.tile([60.0] + [np.nan] * 9, 12))}
    once = learn(Learned(), {"a": Series(NOW - 7200, 60, history["a"].values[:60])}, NOW - 3600)
    assert learn(once, history, NOW).models["a"].idle.gaps == (9,) * 11


def test_the_window_is_the_papers_percentiles_with_its_margins() -> None:
    """Of 100 idle times the 5th alone is 20 m and the 99th alone 40 m: from 20 × 0.9 = 18 m to 41 × 1.1 = 45.1 m."""
    found = window(Idle(gaps=(10,) * 4 + (20,) + (30,) * 93 + (40,) + (100,)))
    assert found is not None
    assert (found.head_s, found.tail_s) == pytest.approx((18 * 60, 45.1 * 60))
    assert found.staying == "its idle times end within 41m in 99 of 100 cases"


def test_too_few_too_long_or_too_spread_out_say_nothing() -> None:
    assert window(Idle(gaps=(20,) * (ENOUGH - 1))) is None
    assert window(Idle(gaps=(20,) * ENOUGH)) is not None
    assert window(Idle(gaps=(20,) * ENOUGH + (RANGE,) * (ENOUGH + 1))) is None
    assert window(Idle(gaps=tuple(range(1, ENOUGH)))) is None
    # 100 different minutes: √(240 / 100 - 1) = 1.18 < 2.
    assert window(Idle(gaps=tuple(range(1, 101)))) is None


def test_nights_beyond_the_range_are_left_out_and_the_words_say_so() -> None:
    found = window(Idle(gaps=(20,) * ENOUGH + (RANGE,) * 5))
    assert found is not None and found.staying == "its idle times under 4h end within 21m in 99 of 100 cases"


@given(
    gaps=st.lists(st.integers(1, RANGE), max_size=KEPT).map(tuple),
    idle_s=st.integers(-600, 40_000),
    lead_s=st.floats(0, 20_000),
)
def test_nobody_is_woken_before_the_idleness_began_nor_kept_for_ever(
    gaps: tuple[int, ...], idle_s: int, lead_s: float
) -> None:
    found = window(Idle(gaps=gaps))
    if found is not None:
        assert 0 < found.head_s <= found.shortest_s <= found.longest_s <= found.tail_s <= RANGE * 66
        if found.due(idle_s, lead_s):
            assert 0 <= idle_s < found.tail_s
        if found.worth_a_nap(idle_s, lead_s):
            assert not found.due(idle_s, lead_s) or idle_s < 0


def sleeper(**changes: object) -> ModelConfig:
    """It may be zero after ten idle minutes, and a cold start of 325 s is late for its 10 s."""
    return a_model(min_copies=0, zero_after_s=600, **changes)


def remembering(gaps: tuple[int, ...], idle_s: int, **changes: object) -> Memory:
    known = ModelMemory(
        recent=QUIET, idle_since=NOW - idle_s, called_at=NOW - idle_s, lowered_at=NOW - 3600, home="pool-p4d"
    )
    return Memory(
        models={"a": replace(known, **changes)},  # type: ignore[arg-type]
        homes_checked=NOW,
        learned=Learned(models={"a": ModelLearned(idle=Idle(gaps=gaps))}),
    )


def asleep(model: ModelConfig, memory: Memory) -> Decision:
    return decide(a_fleet({"a": Evidence()}, components=[a_component(copies=0)]), a_config(model), memory, NOW)


def up(model: ModelConfig, memory: Memory) -> Decision:
    return decide(a_fleet({"a": evidence(0.0, 1)}, components=[a_component(copies=1)]), a_config(model), memory, NOW)


def copies(decision: Decision, before: int) -> int:
    return next((change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)), before)


HOURLY = (59,) * 60
"""Called once an hour: from 59 × 0.9 = 53.1 m to 60 × 1.1 = 66 m, and woken 445 s earlier: from 2,741 s on."""


def test_who_sleeps_is_woken_ahead_and_not_before() -> None:
    assert copies(asleep(sleeper(), remembering(HOURLY, 2740)), 0) == 0
    woken = asleep(sleeper(), remembering(HOURLY, 2741))
    assert copies(woken, 0) == 1
    assert woken.steps[-1].because == "95 of 100 of its idle times last 59m or more: it is woken ahead"
    assert copies(asleep(sleeper(), remembering(HOURLY, 66 * 60)), 0) == 0


def test_who_was_woken_ahead_stays_up_until_the_keep_alive_ends() -> None:
    stays = up(sleeper(), remembering(HOURLY, 65 * 60))
    assert not stays.changes
    assert stays.steps[-1].because == "its idle times end within 1h in 99 of 100 cases"
    assert copies(up(sleeper(), remembering(HOURLY, 66 * 60)), 1) == 0


def test_a_nap_that_is_longer_than_the_start_up_is_taken() -> None:
    """Woken ahead at 2,741 s: at 2,295 s the nap is 446 s, at 2,297 s 444 s, and a start takes 445."""
    assert copies(up(sleeper(), remembering(HOURLY, 2295)), 1) == 0
    assert copies(up(sleeper(), remembering(HOURLY, 2297)), 1) == 1


def test_the_users_idle_time_is_never_cut_short() -> None:
    patient = replace(sleeper(), zero_after_s=7200)
    assert copies(up(patient, remembering(HOURLY, 70 * 60)), 1) == 1


def test_callers_who_can_wait_and_models_that_may_not_be_zero_are_as_ever() -> None:
    waits = sleeper(start_within_s=LEAD_S + 1.0)
    assert copies(asleep(waits, remembering(HOURLY, 3000)), 0) == 0
    assert copies(up(waits, remembering(HOURLY, 3000)), 1) == 0
    assert copies(up(replace(sleeper(), zero_after_s=None), remembering(HOURLY, 9000)), 1) == 1


def test_without_a_histogram_the_fixed_idle_time_decides() -> None:
    for gaps in ((), (59,) * (ENOUGH - 1), tuple(range(1, 101))):
        assert copies(asleep(sleeper(), remembering(gaps, 3000)), 0) == 0
        assert copies(up(sleeper(), remembering(gaps, 601)), 1) == 0


def test_who_was_never_seen_to_be_called_is_not_woken() -> None:
    assert copies(asleep(sleeper(), remembering(HOURLY, 3000, called_at=0)), 0) == 0


def test_when_it_was_called_is_remembered_while_it_sleeps() -> None:
    served = decide(a_fleet(), a_config(), Memory.empty(), NOW)
    assert served.memory.models["a"].called_at == NOW
    slept = asleep(sleeper(), remembering(HOURLY, 600)).memory.models["a"]
    assert (slept.called_at, slept.idle_since) == (NOW - 600, 0)


@given(
    gaps=st.lists(st.integers(1, RANGE), max_size=KEPT).map(tuple),
    idle_s=st.integers(0, 30_000),
    zero_after_s=st.integers(60, 7200),
)
@settings(max_examples=150, deadline=None)
def test_the_histogram_only_ever_keeps_more_up(gaps: tuple[int, ...], idle_s: int, zero_after_s: int) -> None:
    model = replace(sleeper(), zero_after_s=zero_after_s)
    for look, before in ((up, 1), (asleep, 0)):
        with_it = copies(look(model, remembering(gaps, idle_s)), before)
        without = copies(look(model, remembering((), idle_s)), before)
        assert with_it >= without
        assert with_it >= 1 or before == 0 or idle_s >= zero_after_s
