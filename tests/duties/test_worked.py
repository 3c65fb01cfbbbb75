"""A declared concurrency that full copies do not serve: convicted by what they finish, never by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, P4D, a_component, a_config, a_fleet, a_model, evidence
from tidepool.config.types import Hosting, Shape
from tidepool.decision.pipeline import decide
from tidepool.decision.worked import LEAST, STEADY_S
from tidepool.fleet import Evidence, Series
from tidepool.memory import Memory, ModelMemory, Worked

KEY = f"shared {P4D.name} 20 10.0"
STEADY = Worked(KEY, copies=2, since=NOW - STEADY_S, due=0.0, done=0.0)


def queue(came: float, *, start: float = 100.0, growth: float = 0.0, copies: int = 2) -> Evidence:
    """Fifteen minutes with `came` requests each; in flight `start` at the first gauge, growing by so many a minute."""
    found = evidence(start, copies)
    load = (start + growth / 6 * np.arange(len(found.concurrency.values))) / copies
    came_each = np.full(len(found.invocations.values), came)
    return replace(
        found,
        concurrency=Series(found.concurrency.start_s, 10, load),
        invocations=Series(found.invocations.start_s, 60, came_each),
    )


def after(
    seen: Evidence, worked: Worked | None = STEADY, *, share: float = 1.0, copies: int = 2, **model: object
) -> ModelMemory:
    known = ModelMemory(worked=worked, share=share, home="pool-p4d", sizes={"a": copies})
    memory = Memory(models={"a": known}, homes_checked=NOW)
    fleet = a_fleet({"a": seen}, components=[a_component(copies=copies)])
    return decide(fleet, a_config(a_model(**model)), memory, NOW).memory.models["a"]


def test_copies_that_finish_what_is_declared_are_believed() -> None:
    # 2 copies x 20 slots / 10 s = 240 a minute. All that came was finished, the queue stands.
    known = after(queue(240.0))
    assert known.share == 1.0
    assert known.worked is not None
    assert (known.worked.due, known.worked.done) == (240.0, 240.0)


def test_copies_that_finish_less_are_believed_for_that_share_of_it() -> None:
    # Came 200, 60 of them were added to the queue: 140 of 240 finished, and one standard error more is believed.
    known = after(queue(200.0, growth=60.0))
    assert known.share == np.float64((140 + 140**0.5) / 240).round(9)


def test_half_a_standard_error_short_proves_nothing() -> None:
    assert after(queue(232.0)).share == 1.0
    # Over many minutes the same shortfall would be proof, but a tenth must be missing.
    assert after(queue(232.0), replace(STEADY, due=24_000.0, done=23_200.0)).share == 1.0


def test_a_minute_in_which_some_slot_may_have_been_free_says_nothing() -> None:
    assert after(queue(100.0, start=41.0)).worked == STEADY
    assert after(queue(100.0, start=30.0)).worked == STEADY


def test_a_minute_of_changing_copies_says_nothing() -> None:
    young = replace(STEADY, since=NOW - STEADY_S + 60)
    assert after(queue(140.0), young).worked == young
    other = after(queue(140.0), replace(STEADY, copies=3))
    assert other.worked == replace(STEADY, since=NOW)
    assert other.share == 1.0


def test_missing_metrics_say_nothing() -> None:
    seen = queue(140.0)
    holes = seen.concurrency.values.copy()
    holes[-5] = np.nan
    assert after(replace(seen, concurrency=Series(seen.concurrency.start_s, 10, holes))).worked == STEADY
    nothing = np.full(15, np.nan)
    assert after(replace(seen, invocations=Series(seen.invocations.start_s, 60, nothing))).worked == STEADY


def test_what_is_believed_sizes_and_is_said() -> None:
    seen = evidence(60.0, 4)
    fleet = a_fleet({"a": seen}, components=[a_component(copies=4)])

    def step(share: float) -> tuple[float, str]:
        known = ModelMemory(worked=replace(STEADY, copies=4), share=share, home="pool-p4d", sizes={"a": 4})
        decision = decide(fleet, a_config(), Memory(models={"a": known}, homes_checked=NOW), NOW)
        found = next(step for step in decision.steps if step.stage == "size")
        return float(found.to), found.because

    (believed, _), (doubted, words) = step(1.0), step(0.5)
    assert doubted > believed
    assert "10 a copy, 50 % of what is declared" in words


def test_a_figure_declared_anew_is_believed_and_another_home_is_not() -> None:
    slower = Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=15.0, service_s=10.0, start_s=220.0)
    assert after(queue(240.0), share=0.5, shapes=(slower,)).share == 1.0
    elsewhere = replace(STEADY, key="shared ml.p5.48xlarge 20 10.0")
    known = after(queue(240.0), elsewhere, share=0.5)
    assert known.share == 0.5
    assert known.worked == replace(STEADY, since=NOW)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), copies=st.integers(1, 12), slots=st.integers(4, 80), true=st.floats(0.4, 1.0))
def test_an_hour_of_full_minutes_finds_the_share_and_never_less(
    seed: int, copies: int, slots: int, true: float
) -> None:
    """Poisson arrivals and exponential service behind a queue that never empties: the share is found from above."""
    chance = np.random.default_rng(seed)
    shape = Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=float(slots), service_s=10.0, start_s=220.0)
    worked = Worked(f"shared {P4D.name} {slots:g} 10.0", copies, NOW - STEADY_S, 0.0, 0.0)
    known, load = ModelMemory(worked=worked, home="pool-p4d", sizes={"a": copies}), 3.0 * slots * copies
    rate = true * slots * copies / 10.0
    for _ in range(60):
        gauges = [load]
        came = 0
        for _ in range(6):
            arrived, finished = chance.poisson(rate * 10), chance.poisson(rate * 10)
            came += arrived
            gauges.append(max(gauges[-1] + arrived - finished, 2.0 * slots * copies))
        load = gauges[-1]
        seen = evidence(1.0, copies)
        # The seven gauges around the newest visible minute, and two after it.
        series = np.array([*[gauges[0]] * 20, *gauges, *[load] * 4]) / copies
        seen = replace(
            seen,
            concurrency=Series(NOW - 20 - 10 * len(series), 10, series),
            invocations=Series(seen.invocations.start_s, 60, np.full(15, float(came))),
        )
        fleet = a_fleet({"a": seen}, components=[a_component(copies=copies)])
        memory = Memory(models={"a": known}, homes_checked=NOW)
        found = decide(fleet, a_config(a_model(shapes=(shape,), max_copies=copies)), memory, NOW).memory.models["a"]
        assert found.worked is not None
        if found.share != known.share:
            # What was seen by then says how sure it is: later minutes that agree leave it.
            surest = max(LEAST, true - 4 * (true / found.worked.due) ** 0.5)
            assert found.share >= surest
        known = replace(known, worked=found.worked, share=found.share)
    assert known.worked is not None
    assert known.worked.due > 0
    if true < 0.75 and known.worked.due > 400:
        assert known.share <= true + 0.15
