"""Slots that start requests in time: against Erlang's exact formula, and on the twin."""

from __future__ import annotations

import heapq
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.twin_world import BIG, POOL, START, TIMES, TYPES, a_model
from tidepool.sizing.copies import copies_in_time
from tidepool.sizing.queueing import slots_in_time
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import CloudSpec
from tidepool_lab.twin.traffic import STEP_S, STEPS, Counts

SERVICE_S = 10.0
LOADS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)
WAITS = (0.0, 1.0, 3.0, 10.0, 30.0)
LATES = (0.05, 0.01, 0.005, 0.001)


@cache
def erlang_c(slots: int, load: float) -> float:
    """The share that waits at all, in M/M/n: Erlang's B by its recursion, and C from it."""
    blocked = 1.0
    for n in range(1, slots + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / slots * (1 - blocked))


def exactly_late(slots: int, load: float, wait_s: float) -> float:
    """The share that waits longer than `wait_s` in M/M/n, all of them where the load fills the slots."""
    if slots <= load:
        return 1.0
    return erlang_c(slots, load) * math.exp(-(slots - load) * wait_s / SERVICE_S)


def exact_slots(load: float, wait_s: float, late: float) -> int:
    slots = math.floor(load) + 1
    while exactly_late(slots, load, wait_s) > late:
        slots += 1
    return slots


def slots(load: float, wait_s: float = 10.0, late: float = 0.005, **more: float) -> float:
    return float(slots_in_time(load, wait_s=wait_s, service_s=SERVICE_S, late=late, **more))


def whole(load: float, wait_s: float, late: float, **more: float) -> int:
    return math.ceil(slots(load, wait_s, late, **more) - 1e-9)


@pytest.mark.parametrize("wait_s", WAITS)
def test_at_most_two_slots_from_erlangs_exact_answer(wait_s: float) -> None:
    """Of 180 figures, 104 are it exactly, 54 are one slot short, 10 two short, and 12 one more."""
    off = [whole(load, wait_s, late) - exact_slots(load, wait_s, late) for load in LOADS for late in LATES]
    assert min(off) >= -2 and max(off) <= 1


@pytest.mark.parametrize("load", LOADS)
def test_with_the_references_ten_seconds_to_wait_no_more_are_late_than_may_be(load: int) -> None:
    """Five in flight are one slot short where only one of a thousand may be late: 1.5 are."""
    for late in LATES[:3]:
        assert exactly_late(whole(load, 10.0, late), load, 10.0) <= late
    assert exactly_late(whole(load, 10.0, 0.001), load, 10.0) <= 0.0016


def test_the_worked_figures_are_true() -> None:
    """β = 0.47 and 104.7 slots, exactly 105; without time to wait β = 2.62 and 126.2, exactly 128."""
    assert slots(100) == pytest.approx(104.7, abs=0.05)
    assert (slots(100) - 100) / 10 == pytest.approx(0.47, abs=0.005)
    assert exact_slots(100, 10.0, 0.005) == 105
    assert slots(100, wait_s=0.0) == pytest.approx(126.2, abs=0.05)
    assert exact_slots(100, 0.0, 0.005) == 128


loads = st.floats(0.0, 30_000.0)


@given(loads, loads, st.sampled_from(WAITS), st.sampled_from(LATES))
def test_more_demand_never_means_fewer_slots(one: float, other: float, wait_s: float, late: float) -> None:
    low, high = sorted((one, other))
    assert slots(low, wait_s, late) <= slots(high, wait_s, late) + 1e-9


def test_more_demand_never_means_fewer_slots_however_little_more() -> None:
    close = np.geomspace(0.01, 30_000, 50_000)
    for wait_s in WAITS:
        needed = slots_in_time(close, wait_s=wait_s, service_s=SERVICE_S, late=0.005)
        assert (np.diff(needed) >= 0).all()
        assert (needed >= close).all()


@given(st.floats(0.01, 5000.0), st.sampled_from(WAITS))
def test_a_stricter_objective_never_means_fewer_slots(load: float, wait_s: float) -> None:
    by_late = [slots(load, wait_s, late) for late in (1.0, 0.2, *LATES, 1e-6)]
    assert by_late == sorted(by_late)


@given(st.floats(0.01, 5000.0), st.sampled_from(LATES))
def test_more_time_to_wait_never_means_more_slots(load: float, late: float) -> None:
    by_wait = [slots(load, wait_s, late) for wait_s in (*WAITS, 600.0)]
    assert by_wait == sorted(by_wait, reverse=True)


def test_service_that_varies_more_needs_more_slots_and_even_service_fewer() -> None:
    assert slots(100, spread=0.0) < slots(100) < slots(100, spread=4.0)


def simulated_late(slots: int, load: float, wait_s: float, spread: float) -> float:
    """The share of requests that waits longer than `wait_s`, each followed by itself: first come, first served.

    Service is gamma, whose squared coefficient of variation is 1 / shape: exponential at 1.
    """
    late, count, runs = 0, 120_000, 4
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        arrivals = np.cumsum(rng.exponential(SERVICE_S / load, count)).tolist()
        service = rng.gamma(1 / spread, spread * SERVICE_S, count).tolist()
        free_at = [0.0] * slots
        for at, held in zip(arrivals, service, strict=True):
            begins = max(at, free_at[0])
            late += begins - at > wait_s
            heapq.heapreplace(free_at, begins + held)
    return late / (count * runs)


def test_sized_by_its_spread_no_more_are_late_than_may_be_and_sized_as_if_exponential_twice_as_many() -> None:
    """20 in flight, 10 s to wait, 1 % late. Spread 2: 25 slots, 0.8 % late; on 24, as exponential times ask, 2.1 %.

    Even service of spread 0.5 does with 23, 0.9 % late, on which 2.2 % of exponential requests would be.
    """
    even, exponential, varied = (whole(20, 10.0, 0.01, spread=spread) for spread in (0.5, 1.0, 2.0))
    assert (even, exponential, varied) == (23, 24, 25)
    assert simulated_late(varied, 20, 10.0, 2.0) <= 0.01
    assert simulated_late(exponential, 20, 10.0, 2.0) == pytest.approx(0.021, abs=0.003)
    assert simulated_late(even, 20, 10.0, 0.5) <= 0.01
    assert simulated_late(even, 20, 10.0, 1.0) == pytest.approx(0.022, abs=0.003)


def test_no_demand_needs_no_slot_and_a_target_that_no_queue_meets_gets_what_six_roots_are() -> None:
    assert slots(0.0) == 0.0
    assert slots(100, wait_s=0.0, late=0.0) == pytest.approx(100 + 6 * 10)


def test_copies_are_whole_and_their_slots_are_enough() -> None:
    """104.7 slots on copies of 20: six; of 5: 21, exactly what Erlang asks for."""

    def of(concurrency: float) -> int:
        return int(copies_in_time(100.0, concurrency, wait_s=10, service_s=SERVICE_S, attain=0.995))

    assert (of(20), of(5)) == (6, 21)


# On the twin.


class Poisson:
    """Steady arrivals that know nothing of each other: so many a second on the mean."""

    def __init__(self, model: str, per_s: float, minutes: int, *, seed: int) -> None:
        self._models = (model,)
        rng = np.random.default_rng(seed)
        self._counts: Counts = rng.poisson(per_s * STEP_S, (minutes, 1, STEPS)).astype(np.int64)

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    def counts(self, minute: int) -> Counts:
        return self._counts[minute] if minute < len(self._counts) else np.zeros((1, STEPS), dtype=np.int64)

    def per_minute(self, first: int, until: int) -> Counts:
        return self._counts[first:until].sum(axis=2)


HELD_S = STEP_S / (1 - math.exp(-STEP_S / SERVICE_S))
"""The twin holds a slot for whole steps: 11.03 s on the mean for 10 s of service."""
MINUTES = 180


def on_time(copies: int, *, in_flight: float, concurrency: int, seed: int = 1) -> float:
    """The share of requests that the twin starts within 10 s, once the first hour is over."""
    model = a_model(concurrency=concurrency, service_s=SERVICE_S, wait_s=10.0)
    traffic = Poisson("m", in_flight / HELD_S, MINUTES, seed=seed)
    cloud = Cloud(CloudSpec(types=TYPES, models=(model,), times=TIMES), traffic, seed=seed, start_s=START)
    cloud.create_pool(POOL, BIG, maximum=20, settled=True)
    cloud.create_component("m", POOL, model="m", copies=copies, settled=True)
    cloud.run_to(START + MINUTES * 60)
    arrived, _, in_time, *_ = cloud.requests.outcomes.between(START + 3600, START + (MINUTES - 1) * 60)[:, 0]
    return float(in_time / arrived)


@pytest.mark.parametrize(("in_flight", "concurrency"), [(20.0, 1), (50.0, 1), (100.0, 1), (100.0, 5)])
def test_on_the_twin_so_many_copies_keep_the_objective_and_clearly_fewer_do_not(
    in_flight: float, concurrency: int
) -> None:
    """One slot more than what is in flight, as a staffing by the mean would have it, is clearly too few.

    The twin is kinder than Erlang: it waits in steps of 2 s, so that 11.9 s are on time, and its service varies less.
    """
    needed = copies_in_time(in_flight, concurrency, wait_s=10.0, service_s=HELD_S, attain=0.995)
    copies, few = int(needed), math.floor((in_flight + 1) / concurrency)
    assert on_time(copies, in_flight=in_flight, concurrency=concurrency) >= 0.995
    assert on_time(few, in_flight=in_flight, concurrency=concurrency) < 0.99
