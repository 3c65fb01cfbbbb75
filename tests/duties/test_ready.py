"""What a model is to be ready for follows the price, by model and by dial, and the record says where it comes from."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from builders import NOW, P4D, a_component, a_config, a_fleet, a_model, evidence
from tidepool.config.types import InstanceConfig, ModelConfig, Schedule
from tidepool.decision.pipeline import decide
from tidepool.decision.ready import served_at
from tidepool.decision.record import Step
from tidepool.decision.subjects import subjects
from tidepool.fleet import Evidence
from tidepool.forecast.candidates import COUNT, ROOMS, UNKNOWN
from tidepool.forecast.ensemble import TAUS
from tidepool.forecast.features import TOPS
from tidepool.forecast.members import NAMES
from tidepool.forecast.observed import HIGHEST
from tidepool.forecast.profile import BUCKETS
from tidepool.memory import Judged, Learned, Memory, Minute, ModelLearned, ModelMemory
from tidepool.sizing.copies import copies_in_time

FEW, MANY = TOPS.index(5) * len(ROOMS), TOPS.index(160) * len(ROOMS) + ROOMS.index(1.4)
"""The highest of five minutes, and that of 160 with 40 % more."""
FORECAST = len(TOPS) * len(ROOMS) + TAUS.index(0.9)
STEADY = tuple(Minute(NOW - 60 * (30 - i), 100.0, 100.0, 10.0) for i in range(30))


def accounts(costs: dict[int, tuple[float, float]], **changes: object) -> Judged:
    """Accounts of a day of 10,000 requests in which these candidates held (copy hours, late requests)."""
    held, late = [1000.0] * COUNT, [0.0] * COUNT
    for candidate, (hours, requests) in costs.items():
        held[candidate], late[candidate] = hours, requests
    known = Judged(
        held=tuple(held), late=tuple(late), turned=(0.0,) * COUNT, arrived=10_000.0, quantiles=(1.0,) * len(TAUS)
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def forecast_of(judged: Judged | None, model: ModelConfig | None = None, *, dial: float = 1.0) -> Step:
    learned = Learned(until=NOW, models={} if judged is None else {"a": ModelLearned(judged=judged, top=30.0)})
    memory = Memory(models={"a": ModelMemory(recent=STEADY)}, homes_checked=NOW, learned=learned)
    fleet = a_fleet({"a": evidence(100.0, 6)}, components=[a_component(copies=6)])
    steps = decide(fleet, a_config(model or a_model()), memory, NOW, dial=dial).steps
    (step,) = (step for step in steps if step.stage == "forecast")
    return step


def test_where_the_forecast_was_cheapest_it_is_followed() -> None:
    step = forecast_of(accounts({FORECAST: (100.0, 0.0), FEW: (120.0, 0.0)}))
    assert step.because == "the 90 % quantile of the forecast"


def test_where_how_high_it_went_was_cheaper_the_forecast_steps_aside_and_says_so() -> None:
    step = forecast_of(accounts({FORECAST: (120.0, 0.0), FEW: (100.0, 0.0)}))
    assert step.because == "the highest of the last 5m; the forecast steps aside: it would have cost more"
    assert step.to == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("judged", "model", "because"),
    [
        (None, a_model(), "the highest of the last 20m and 20 % more; nothing is learned of it yet"),
        (accounts({FEW: (1.0, 0.0)}, quantiles=()), a_model(), "…; there is no forecast of it yet"),
        (accounts({}), a_model(start_within_s=600), "…; its callers can wait for a copy to start"),
    ],
)
def test_the_record_says_why_no_forecast_is_followed(judged: Judged | None, model: ModelConfig, because: str) -> None:
    assert forecast_of(judged, model).because.endswith(because.removeprefix("…"))


def test_before_anything_is_learned_a_fifth_more_than_twenty_minutes_needed_is_ready() -> None:
    assert ROOMS[UNKNOWN % len(ROOMS)] == 1.2
    assert forecast_of(None).to == pytest.approx(120.0)


WORTH = {FEW: (100.0, 40.0), MANY: (112.0, 0.0)}
"""Twelve copy hours more of $3.16, $37.88, and nobody late: 40 late requests within the objective of 50 are to pay."""
BREAK_EVEN_USD = 12 * P4D.usd_per_hour / 8 / 40


@pytest.mark.parametrize(("share", "minutes"), [(0.9, "5m"), (1.1, "2.67h")])
def test_the_price_of_a_late_request_is_the_dial_of_each_model(share: float, minutes: str) -> None:
    """The same past: just below the price at which both cost alike five minutes do, just above it hours are ready."""
    own = forecast_of(accounts(WORTH), a_model(miss_usd=share * BREAK_EVEN_USD))
    fleet_wide = forecast_of(accounts(WORTH), a_model(miss_usd=BREAK_EVEN_USD), dial=share)
    assert own == fleet_wide
    assert own.because.startswith(f"the highest of the last {minutes}")


def test_dearer_idling_is_weighed_against_the_same_misses() -> None:
    """At twice the price a machine the same misses are worth half as many copies."""
    dear = replace(P4D, usd_per_hour=2 * P4D.usd_per_hour)
    learned = Learned(until=NOW, models={"a": ModelLearned(judged=accounts(WORTH), top=30.0)})
    memory = Memory(models={"a": ModelMemory(recent=STEADY)}, homes_checked=NOW, learned=learned)
    fleet = a_fleet({"a": evidence(100.0, 6)}, components=[a_component(copies=6)])
    config = a_config(a_model(miss_usd=1.5 * BREAK_EVEN_USD))
    at_price, at_twice = (
        decide(replace(fleet, instance_types={P4D.name: kind}), config, memory, NOW).steps[0].because
        for kind in (P4D, dear)
    )
    assert at_price.startswith("the highest of the last 2.67h") and at_twice.startswith("the highest of the last 5m")


def test_what_the_calendar_expects_multiplies_what_is_to_be_ready_for_from_a_start_up_and_a_tick_before_it() -> None:
    """A launch from 12:06 is 360 s away, and a copy takes 105 + 220 s: asked for a tick later it would come too late.

    So 1.6 times as much is to be ready for now, and for a launch from 12:07 at the next tick.
    """
    launch = Schedule(days=(), date="2025-01-06", from_minute=12 * 60 + 6, to_minute=20 * 60, expect=1.6, why="launch")
    later = replace(launch, from_minute=12 * 60 + 7)
    plain = forecast_of(None)
    assert isinstance(plain.to, float)
    assert forecast_of(None, a_model(schedule=(launch,))).to == pytest.approx(1.6 * plain.to)
    assert forecast_of(None, a_model(schedule=(later,))).to == plain.to


@pytest.mark.parametrize("copies", [2, 3, 5, 9])
def test_one_copy_goes_only_where_the_others_then_still_meet_the_objective(copies: int) -> None:
    """N copies that carry L each become N - 1 once L × N / (N - 1) on each still starts in time, and not before.

    20 slots of 10 s and 10 s to wait: the load for which N - 1 copies are just enough is found by halving.
    """
    low, high = 0.0, 20.0 * copies
    while high - low > 1e-3:
        middle = (low + high) / 2
        enough = copies_in_time(middle, 20.0, wait_s=10.0, service_s=10.0, attain=0.995)
        low, high = (middle, high) if enough <= copies - 1 else (low, middle)
    assert copies_after(low - 0.01, copies) == copies - 1
    assert copies_after(high + 0.01, copies) == copies


def copies_after(in_flight: float, copies: int) -> int:
    """What is asked for of so many copies after half an hour of that load, by the highest of the last minutes."""
    recent = tuple(Minute(NOW - 60 * (30 - i), in_flight, in_flight, in_flight / 10) for i in range(30))
    learned = Learned(until=NOW, models={"a": ModelLearned(judged=accounts({FEW: (1.0, 0.0)}), top=99.0)})
    memory = Memory(models={"a": ModelMemory(recent=recent)}, homes_checked=NOW, learned=learned)
    # The gauge's ten-second maxima stand above the mean that the count gives.
    gauge = in_flight + HIGHEST * math.sqrt(in_flight)
    load = evidence(gauge, copies, service_s=10.0 * gauge / in_flight)
    decision = decide(a_fleet({"a": load}, components=[a_component(copies=copies)]), a_config(), memory, NOW)
    (size,) = (step.to for step in decision.steps if step.stage == "size")
    return int(size)


def test_nothing_is_lowered_for_ten_minutes_after_every_slot_was_taken() -> None:
    """No decrease while panicking: 50 in flight take all 40 slots, and then half an hour of hardly anything follows."""
    taken = decide(a_fleet({"a": evidence(50.0, 2)}), a_config(), Memory(homes_checked=NOW), NOW)
    assert taken.memory.models["a"].panic_at == NOW
    free = decide(a_fleet({"a": evidence(25.0, 2)}), a_config(), Memory(homes_checked=NOW), NOW)
    assert free.memory.models["a"].panic_at == 0

    def size_after(panic_s: int) -> Step:
        quiet = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))
        memory = Memory(models={"a": ModelMemory(recent=quiet, panic_at=NOW - panic_s)}, homes_checked=NOW)
        fleet = a_fleet({"a": evidence(5.0, 4)}, components=[a_component(copies=4)])
        return decide(fleet, a_config(), memory, NOW).steps[1]

    assert (size_after(599).to, size_after(599).because) == (4, "every slot was taken 9.98m ago")
    assert size_after(600).to == 1


@pytest.mark.parametrize(("launch_s", "lead_s"), [(105.0, 385), (300.0, 580)])
def test_what_is_learned_looks_as_far_ahead_as_the_model_takes_to_start_on_its_type(
    launch_s: float, lead_s: int
) -> None:
    """A launch, 220 s of its own, and a minute until it is asked for; a copy of 20 slots of 10 s serves 2 a second."""
    config = a_config(instances={P4D.name: InstanceConfig(P4D.name, 8, P4D.usd_per_hour, P4D.quota, launch_s)})
    (subject,) = subjects(a_fleet(), config)
    served = served_at(subject.homes[0], subject.config)
    assert served is not None
    assert (served.key, served.lead_s, served.rate) == (f"shared {P4D.name}", lead_s, 2.0)
    assert served.copies(np.array([0.0, 2.0, 20.0])).tolist() == [1, 2, 11]


def test_what_is_learned_counts_copies_by_how_much_service_times_vary() -> None:
    (subject,) = subjects(a_fleet(), a_config())
    even, exponential = (served_at(subject.homes[0], subject.config, spread=spread) for spread in (0.25, 1.0))
    assert even is not None and exponential is not None
    assert (even.copies(np.array(13.6)), exponential.copies(np.array(13.6))) == (7, 8)


@pytest.mark.parametrize(("follows", "copies"), [(FORECAST, 1), (FEW, 0)])
def test_who_sleeps_is_woken_by_a_forecast_only_where_that_is_followed(follows: int, copies: int) -> None:
    """Asleep for half an hour, at a time at which the week usually has 3 a second: a quarter of it is foretold."""
    losses = tuple(0.001 if name == "weekly profile" else 1.0 for name in NAMES)
    known = ModelLearned(
        profile=(3.0,) * BUCKETS,
        week=(3.0,) * BUCKETS,
        minutes=10_080,
        judged=accounts({follows: (100.0, 0.0)}, losses=losses),
        top=30.0,
    )
    silent = tuple(Minute(NOW - 60 * (30 - i), 0.0, 0.0, 0.0) for i in range(30))
    memory = Memory(
        models={"a": ModelMemory(recent=silent)},
        homes_checked=NOW,
        learned=Learned(until=NOW, models={"a": known}),
    )
    asleep = a_fleet({"a": Evidence()}, components=[a_component(copies=0)])
    (size,) = (
        step
        for step in decide(asleep, a_config(a_model(min_copies=0, zero_after_s=600)), memory, NOW).steps
        if step.stage == "size"
    )
    assert size.to == copies
    assert ("forecast" in size.because) == bool(copies)


@pytest.mark.parametrize(("ago_s", "copies"), [(660, 6), (720, 1)])
def test_a_forecast_lowers_nothing_that_was_to_be_ready_for_in_the_last_twelve_minutes(ago_s: int, copies: int) -> None:
    """Two minutes are to be ready for, and hardly anything came in them; 100 in flight were to be served before."""
    quiet = [Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30)]
    recent = tuple(sorted([*quiet, Minute(NOW - ago_s, 100.0, 100.0, 10.0)], key=lambda minute: minute.at))
    learned = Learned(until=NOW, models={"a": ModelLearned(judged=accounts({0: (1.0, 0.0)}), top=30.0)})
    memory = Memory(
        models={"a": ModelMemory(recent=recent, held=((NOW - ago_s, 10.0),))}, homes_checked=NOW, learned=learned
    )
    fleet = a_fleet({"a": evidence(2.0, 6)}, components=[a_component(copies=6)])
    assert decide(fleet, a_config(), memory, NOW).steps[1].to == copies
