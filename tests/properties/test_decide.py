"""What every decision keeps, whatever the fleet shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, P4D, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.decision.codec import record_bytes
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Evidence, Series
from tidepool.memory import Learned, Memory, Minute, ModelLearned, ModelMemory
from tidepool.memory_codec import dump, dump_learned, load, load_learned
from tidepool.plan.change import ScaleCopies

loads = st.floats(0, 400, allow_nan=False)
recents = st.lists(loads, max_size=25).map(
    lambda flows: tuple(Minute(NOW - 60 * (len(flows) - i), flow, flow, flow / 10) for i, flow in enumerate(flows))
)
learned = st.one_of(
    st.none(),
    st.lists(st.floats(0, 40), min_size=7, max_size=7).map(
        lambda days: ModelLearned(
            profile=tuple(day for day in days for _ in range(144)), minutes=10_080, seen=2**1008 - 1
        )
    ),
)


def copies_after(decision: Decision, component: str, before: int) -> int:
    for change in decision.changes:
        if isinstance(change, ScaleCopies) and change.component == component:
            return change.copies_to
    return before


def remembering(recent: tuple[Minute, ...], known: ModelLearned | None) -> Memory:
    return Memory(
        models={"a": ModelMemory(recent=recent, home="pool-p4d")},
        homes_checked=NOW,
        learned=Learned(models={} if known is None else {"a": known}),
    )


@given(low=loads, more=loads, copies=st.integers(1, 20), recent=recents, known=learned)
@settings(max_examples=300, deadline=None)
def test_more_demand_never_means_fewer_copies(
    low: float, more: float, copies: int, recent: tuple[Minute, ...], known: ModelLearned | None
) -> None:
    memory, config = remembering(recent, known), a_config(a_model(max_copies=None))
    component = a_component(copies=copies)

    def after(in_flight: float) -> int:
        fleet = a_fleet({"a": evidence(in_flight, copies)}, components=[component])
        return copies_after(decide(fleet, config, memory, NOW), "a", copies)

    assert after(low) <= after(low + more)


@given(in_flight=loads, copies=st.integers(1, 20), recent=recents, known=learned)
@settings(max_examples=100, deadline=None)
def test_the_same_input_gives_the_same_bytes(
    in_flight: float, copies: int, recent: tuple[Minute, ...], known: ModelLearned | None
) -> None:
    memory, config = remembering(recent, known), a_config()
    fleet = a_fleet({"a": evidence(in_flight, copies)}, components=[a_component(copies=copies)])
    first = decide(fleet, config, memory, NOW)
    again = decide(fleet, config, memory, NOW)
    assert record_bytes(first) == record_bytes(again)
    assert dump(first.memory) == dump(again.memory)


@given(in_flight=loads, copies=st.integers(1, 20), recent=recents, known=learned)
@settings(max_examples=100, deadline=None)
def test_memory_survives_its_store_bit_for_bit(
    in_flight: float, copies: int, recent: tuple[Minute, ...], known: ModelLearned | None
) -> None:
    fleet = a_fleet({"a": evidence(in_flight, copies)}, components=[a_component(copies=copies)])
    memory = decide(fleet, a_config(), remembering(recent, known), NOW).memory
    assert load(dump(memory), load_learned(dump_learned(memory.learned))) == memory


bad = st.sampled_from([float("nan"), -1.0, float("inf"), float("-inf")])


QUIET = tuple(Minute(NOW - 60 * (25 - i), 0.0, 0.0, 0.0) for i in range(25))
"""A model watched long enough, and idle long enough, that good evidence would lower it at once."""
IDLE = Memory(models={"a": ModelMemory(recent=QUIET, idle_since=NOW - 1500, home="pool-p4d")}, homes_checked=NOW)
SLEEPS = a_config(a_model(min_copies=0, zero_after_s=60))


@given(
    values=st.lists(bad, min_size=90, max_size=90), copies=st.integers(2, 20), late=st.booleans(), gone=st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_nan_negative_missing_and_stale_never_lower_anything(
    values: list[float], copies: int, late: bool, gone: bool
) -> None:
    good = evidence(0.0, copies, at=NOW - 1200 if late else NOW)
    broken = Evidence(
        invocations=Series(good.invocations.start_s, 60, np.array(values[:15])),
        concurrency=Series(good.concurrency.start_s, 10, np.array(values)),
        utilisation=Series(good.utilisation.start_s, 60, np.full(15, np.nan)),
    )
    load = {} if gone else {"a": good if late else broken}
    memory = IDLE
    for minute in range(5):
        decision = decide(a_fleet(load, components=[a_component(copies=copies)]), SLEEPS, memory, NOW + 60 * minute)
        assert copies_after(decision, "a", copies) >= copies
        memory = decision.memory


@given(copies=st.integers(2, 20))
def test_good_evidence_of_the_same_silence_does_lower(copies: int) -> None:
    """The control of the property above: without what is broken, the copies go."""
    fleet = a_fleet({"a": evidence(0.0, copies)}, components=[a_component(copies=copies)])
    assert copies_after(decide(fleet, SLEEPS, IDLE, NOW), "a", copies) == 0


@given(
    accelerators=st.integers(0, 8),
    machine=st.integers(0, 8),
    copies=st.integers(0, 20),
    running=st.integers(0, 20),
    in_flight=loads,
)
@settings(max_examples=150, deadline=None)
def test_whatever_describe_shows_a_decision_is_made(
    accelerators: int, machine: int, copies: int, running: int, in_flight: float
) -> None:
    component = a_component(copies=copies, copies_now=running, accelerators_per_copy=accelerators)
    fleet = a_fleet({"a": evidence(in_flight, running)}, components=[component])
    fleet = replace(fleet, instance_types={P4D.name: replace(P4D, accelerators=machine)})
    assert decide(fleet, a_config(), replace(IDLE, homes_checked=0), NOW).homes == {"a": ("a",)}


@given(
    copies=st.integers(1, 20), in_flight=st.floats(0, 100), busy=st.sampled_from(["Updating", "Creating", "Deleting"])
)
@settings(max_examples=50, deadline=None)
def test_a_component_that_somebody_updates_is_left_alone(copies: int, in_flight: float, busy: str) -> None:
    component = replace(a_component(copies=copies), status=type(a_component().status)(busy))
    decision = decide(
        a_fleet({"a": evidence(in_flight, copies)}, components=[component]), a_config(), Memory.empty(), NOW
    )
    assert not [change for change in decision.changes if isinstance(change, ScaleCopies)]


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 3.0])
def test_a_steady_load_settles_and_stays(factor: float) -> None:
    """Ten quiet minutes after the last change, nothing more is asked for: no oscillation.

    The pool has the one machine that its copies need: on more of them they would be rolled together.
    """
    config, memory, copies, one = a_config(), Memory.empty(), 4, a_pool(instances_now=1)
    changes = []
    for minute in range(60):
        now = NOW + 60 * minute
        load = {"a": evidence(20.0 * factor, copies, at=now)}
        decision = decide(a_fleet(load, components=[a_component(copies=copies)], endpoints=[one]), config, memory, now)
        after = copies_after(decision, "a", copies)
        if after != copies:
            changes.append(minute)
        copies, memory = after, decision.memory
    assert len(changes) <= 2
    assert not [minute for minute in changes if minute > 30]
