"""What a tick asks of AWS: few calls while nothing changes, and no metric that cannot change the decision."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seams.both import FLEET, a_rig
from seams.world import P4D, START_S, TAGS, a_spec
from tidepool.config.load import load
from tidepool.fleet import Component, Endpoint, EndpointKind, Status
from tidepool.memory import Block, Memory, Minute, ModelMemory
from tidepool.runtime.ports import MetricTarget
from tidepool.runtime.reading import ALIVE, ANSWERS, COUNT, GAUGE, LOAD, REFUSED, asks_all, sparing
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.traffic import TableArrivals

MODELS = 66
QUIET_CALLS = 12
"""Of decide in a tick in which nothing has changed, with one pool; each further pool is one more. In every fifth,
Application Auto Scaling is asked as well (runtime/writers.py)."""


def an_idle_fleet() -> Cloud:
    names = tuple(f"m{i:02d}" for i in range(MODELS))
    spec = a_spec(*names, quota=12)
    cloud = Cloud(spec, TableArrivals(names, np.zeros((180, MODELS), dtype=np.int64)), seed=1, start_s=START_S)
    cloud.create_pool("pool", P4D, maximum=12, scale_in="IDLE_RELEASE", tags=TAGS, settled=True)
    for name in names:
        cloud.create_component(name, "pool", model=name, copies=0, tags={"model": name, **TAGS}, settled=True)
    return cloud


@pytest.mark.parametrize(("way", "more"), [("none", 0), ("table", 1)], ids=["without routes", "routed"])
def test_a_quiet_tick_of_66_idle_models_is_few_calls_and_a_metric_a_model_in_five_minutes(
    monkeypatch: pytest.MonkeyPatch, way: str, more: int
) -> None:
    metrics: Counter[int] = Counter()
    note = Rig._note

    def noting(rig: Rig, service: str, operation: str, params: dict[str, Any]) -> None:
        if operation == "GetMetricData":
            metrics[(rig.cloud.now_s - START_S) // 60] += len(params["MetricDataQueries"])
        note(rig, service, operation, params)

    monkeypatch.setattr(Rig, "_note", noting)
    # Without hands only decide runs, and learn in minute 7.
    fleet = FLEET.replace("    host: shared\n", f"    host: shared\n    route: {{via: {way}}}\n")
    with a_rig(an_idle_fleet(), fleet=fleet, hands="none") as rig:
        ticks = []
        for minute in range(16):
            before = Counter(rig.calls)
            rig.run_to(START_S + minute * 60 + 1)
            ticks.append(Counter(rig.calls) - before)
        assert [happened for happened in rig.happened if happened.kind == "failed"] == rig.denied() == []
    for minute in (6, 9, 11, 12, 13, 14):  # minute 5 reads tags; in minute 8 what learn has just written is fetched
        assert ticks[minute].total() <= QUIET_CALLS + more, ticks[minute]
    scalers = [tick["application-autoscaling.DescribeScalableTargets"] for tick in ticks]
    assert [minute for minute, asked in enumerate(scalers) if asked] == [0, 5, 10, 15]
    described = [tick["sagemaker.DescribeInferenceComponent"] for tick in ticks]
    assert described[0] == described[15] == MODELS
    assert sum(described[1:15]) - described[7] == 0
    tagged = [tick["sagemaker.ListTags"] for tick in ticks]
    assert tagged[5] == tagged[10] == MODELS + 1
    assert {minute: asked for minute, asked in metrics.items() if minute > 7} == {10: MODELS, 15: MODELS}


POOL = Endpoint("pool", EndpointKind.POOL, "c", "main", Status.IN_SERVICE, P4D, 1, 1, 0)
NOW = 99_930
"""A minute and a half into eight."""


def waiting(time: str) -> str:
    """The fleet file whose callers wait so long for a copy."""
    return FLEET.replace("    min_copies: 0\n", f"    min_copies: 0\n    start_within: {time}\n")


HURRIED = waiting("10s")


def fields(
    known: ModelMemory,
    *,
    fleet: str = HURRIED,
    at: int = NOW - 60,
    copies: int = 1,
    moving: tuple[str, ...] = (),
    thorough: bool = True,
) -> tuple[str, ...] | None:
    """What a look asks of the one component, which has not changed for an hour; None when it does not ask."""
    component = Component("m", "m", "pool", "main", Status.IN_SERVICE, copies, copies, 1, NOW - 3600)
    targets = sparing(
        [MetricTarget("m", "pool", "main", "m")],
        load(fleet),
        Memory(at=at, models={"m": known}),
        endpoints={"pool": POOL},
        components={"m": component},
        moving=moving,
        now=NOW,
        thorough=thorough,
    )
    return targets[0].fields if targets else None


CALLED = ModelMemory(sizes={"m": 1}, recent=(Minute(NOW - 120, 3.0, 4.0, 0.5),))
"""Three of its eight slots are taken."""
BUSY = ModelMemory(sizes={"m": 1}, recent=(Minute(NOW - 60, 5.0, 6.0, 1.2),))
SILENT = replace(CALLED, recent=(Minute(NOW - 120, 0.0, 0.0, 0.0),))


def test_a_model_far_from_full_is_counted_every_second_minute() -> None:
    assert fields(CALLED) == COUNT
    assert fields(replace(CALLED, recent=(Minute(NOW - 60, 3.0, 4.0, 0.5),))) is None
    filled = Block(NOW - 7200, 1.3, 1.3, 1)  # 1.3 requests a second of 4 s are 5.2 of 8 slots, two hours ago
    assert fields(replace(CALLED, blocks=(filled,))) == GAUGE


def test_a_model_that_fills_its_slots_is_asked_every_minute_how_many_are_in_flight() -> None:
    assert fields(BUSY) == GAUGE
    assert fields(replace(BUSY, panic_at=NOW - 240)) == LOAD, "a queue is more than its count says"
    assert fields(replace(BUSY, recent=())) == (*LOAD, *ALIVE)
    assert fields(replace(CALLED, rolled_from=1)) == LOAD, "what comes before a roll ends keeps its copy"


def test_a_model_whose_callers_can_wait_is_counted_every_second_minute_however_full_it_is() -> None:
    assert fields(BUSY, fleet=waiting("299s")) == GAUGE
    assert fields(BUSY, fleet=waiting("300s")) is None
    earlier = replace(BUSY, recent=(replace(BUSY.recent[-1], at=NOW - 120),))
    assert fields(earlier, fleet=waiting("300s")) == COUNT
    assert fields(replace(BUSY, panic_at=NOW - 240), fleet=waiting("300s")) == LOAD, "a queue is looked at all the same"


def test_every_eighth_minute_both_are_asked() -> None:
    assert fields(CALLED, at=NOW - 101) == fields(BUSY, at=NOW - 101) == LOAD


def test_a_model_is_looked_at_closely_before_it_goes_to_zero_and_where_an_alarm_is_on_its_bursts() -> None:
    assert fields(replace(SILENT, idle_since=NOW - 1140)) == (*COUNT, *ALIVE)
    assert fields(replace(SILENT, idle_since=NOW - 1200)) == (*LOAD, *ALIVE)
    assert (
        fields(CALLED, fleet=HURRIED.replace("    min_copies: 0\n", "    min_copies: 0\n    burst_alarm: true\n"))
        == LOAD
    )


def test_a_silent_model_has_to_prove_that_it_is_there() -> None:
    assert fields(SILENT) == (*COUNT, *ALIVE)


def test_a_model_at_zero_is_asked_only_whether_it_was_called() -> None:
    at_zero = ModelMemory(sizes={"m": 0}, zero_at=NOW - 60)
    assert fields(at_zero, copies=0) == REFUSED
    assert set(REFUSED) < set(fields(replace(at_zero, sizes={"m": 1}), copies=0) or ()), "its last minute is read"


def test_a_tick_does_not_ask_of_a_model_at_zero_that_was_not_called_lately() -> None:
    at_zero = ModelMemory(sizes={"m": 0}, zero_at=NOW - 60, called_at=NOW - 721)
    assert fields(at_zero, copies=0, thorough=False) is None
    assert fields(replace(at_zero, called_at=NOW - 720), copies=0, thorough=False) == REFUSED
    assert fields(replace(SILENT, called_at=NOW - 7200), thorough=False) == (*COUNT, *ALIVE), "no alarm is on its calls"


def test_every_model_is_asked_at_the_first_look_of_each_five_minutes() -> None:
    assert [now for now in range(3000, 3900, 60) if asks_all(Memory(asked_all=now - 60), now)] == [3000, 3300, 3600]
    assert asks_all(Memory(asked_all=2760), 3060), "a tick that was lost is made up for"


def test_a_model_that_woke_lately_is_asked_for_who_found_no_copy() -> None:
    assert fields(replace(CALLED, zero_at=NOW - 700)) == (*LOAD, *REFUSED)
    assert fields(replace(CALLED, zero_at=NOW - 721)) == COUNT


def test_without_the_last_ticks_memory_or_while_it_moves_everything_is_read() -> None:
    everything = (*LOAD, *REFUSED, *ALIVE)
    assert fields(CALLED, at=NOW - 121) == everything
    assert fields(CALLED, moving=("m",)) == everything


def test_answers_are_read_only_where_nobody_declared_what_a_copy_serves() -> None:
    undeclared = HURRIED.replace(", concurrency: 8", "")
    assert fields(CALLED, fleet=undeclared) == (*LOAD, *ANSWERS)
