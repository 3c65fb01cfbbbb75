"""Memory and what was learned, as bytes: what is written is read, and what an older version wrote still is."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tidepool.memory import SCHEMA, Idle, Learned, Measured, Memory, ModelLearned, ModelMemory
from tidepool.memory_codec import canonical, dump, dump_learned, load, load_learned
from tidepool.units import rounded

figures = st.floats(0, 1e6).map(rounded)
times = st.integers(0, 2**33)
measured = st.builds(
    Measured, concurrency=figures, since=times, at=times, samples=st.integers(0, 10**6), latency_ms=figures
)
idles = st.builds(Idle, gaps=st.lists(st.integers(1, 240), max_size=128).map(tuple), called_at=times, until=times)


@given(known=st.dictionaries(st.text(max_size=20), measured, max_size=4), called_at=times)
@settings(max_examples=100)
def test_measured_capacity_survives_its_store_bit_for_bit(known: dict[str, Measured], called_at: int) -> None:
    memory = Memory(at=called_at, models={"a": ModelMemory(measured=known, called_at=called_at)})
    assert load(dump(memory)) == memory
    assert dump(load(dump(memory))) == dump(memory)


@given(idle=idles)
@settings(max_examples=100)
def test_idle_times_survive_their_store_bit_for_bit(idle: Idle) -> None:
    learned = Learned(models={"a": ModelLearned(idle=idle, minutes=10)})
    assert load_learned(dump_learned(learned)) == learned


def test_bytes_of_before_these_fields_are_read_as_nothing_known() -> None:
    memory = json.loads(dump(Memory(at=60, models={"a": ModelMemory(idle_since=30)})))
    learned = json.loads(dump_learned(Learned(until=60, models={"a": ModelLearned(minutes=10)})))
    assert memory["schema"] == learned["schema"] == SCHEMA == 1
    del memory["models"]["a"]["called_at"], memory["models"]["a"]["measured"]
    del learned["models"]["a"]["idle"], learned["models"]["a"]["spread"]
    assert load(canonical(memory)) == Memory(at=60, models={"a": ModelMemory(idle_since=30)})
    assert load_learned(canonical(learned)) == Learned(until=60, models={"a": ModelLearned(minutes=10)})
