"""Capacity that nobody declared: what a minute served well teaches, and what may be done with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, P4D, a_component, a_config, a_fleet, a_model, evidence
from tidepool.config.types import Hosting, Shape
from tidepool.decision.codec import record_bytes
from tidepool.decision.measured import TRUSTED_S, TRUSTED_SAMPLES
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Component, Endpoint, EndpointKind, Evidence, Fleet, Series, Status
from tidepool.memory import Measured, Memory, Minute, ModelMemory
from tidepool.plan.change import ScaleCopies
from tidepool.runtime.learn import main_homes, served_by_model

UNDECLARED = a_model(shapes=())
KEY = f"shared {P4D.name} 1 model-a"
OLD = Measured(concurrency=20.0, since=NOW - TRUSTED_S, at=NOW - 60, samples=TRUSTED_SAMPLES, latency_ms=10_000.0)
YOUNG = replace(OLD, since=NOW - TRUSTED_S + 60)
QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))


def seen(in_flight: float, copies: int, *, latency_ms: float = 10_000.0, late_ms: float | None = None) -> Evidence:
    """Fifteen minutes at that load and ModelLatency; `late_ms` is the newest minute's."""
    found = evidence(in_flight, copies)
    latency = np.full(len(found.invocations.values), latency_ms)
    latency[-1] = latency_ms if late_ms is None else late_ms
    return replace(found, latency_ms=Series(found.invocations.start_s, 60, latency))


def remembering(measured: Measured | None, *, key: str = KEY, recent: tuple[Minute, ...] = QUIET) -> Memory:
    known = {} if measured is None else {key: measured}
    return Memory(models={"a": ModelMemory(recent=recent, home="pool-p4d", measured=known)}, homes_checked=NOW)


def looked(evidence: Evidence, measured: Measured | None, copies: int = 2, **changes: object) -> Decision:
    fleet = a_fleet({"a": evidence}, components=[a_component(copies=copies, **changes)])
    return decide(fleet, a_config(UNDECLARED), remembering(measured), NOW)


def bound(decision: Decision) -> Measured | None:
    return decision.memory.models["a"].measured.get(KEY)


def wanted(decision: Decision, before: int) -> int:
    return next((change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)), before)


def test_the_first_minute_served_well_is_the_first_bound() -> None:
    decision = looked(seen(30.0, 2), None)
    assert bound(decision) == Measured(concurrency=15.0, since=NOW, at=NOW, samples=1, latency_ms=10_000.0)
    assert not decision.changes
    assert decision.held[0].reason == "no evidence"
    assert decision.steps[-1].because == (
        "15 a copy, a lower bound: it lowers nothing before 1d and 60 minutes served well"
    )


def test_a_busier_minute_served_well_lifts_it_and_asks_for_nothing() -> None:
    decision = looked(seen(60.0, 2), YOUNG)
    found = bound(decision)
    assert found is not None and (found.concurrency, found.samples) == (30.0, TRUSTED_SAMPLES + 1)
    assert not decision.changes


def test_more_than_the_bound_that_is_not_served_well_gets_copies_and_the_reason() -> None:
    """100 in flight on 2 × 20: 5 copies would do, at most doubled at once, so 4."""
    decision = looked(seen(100.0, 2, late_ms=16_000.0), YOUNG)
    assert wanted(decision, 2) == 4
    assert decision.changes[0].because == (
        "100.0 in flight, 20 a copy, a lower bound, were served well: an answer takes 16s, usually 10s"
    )
    assert bound(decision) == YOUNG


def test_slow_answers_below_the_bound_ask_for_nothing() -> None:
    assert not looked(seen(36.0, 2, late_ms=16_000.0), YOUNG).changes


def test_what_is_not_known_to_be_served_well_teaches_nothing() -> None:
    well = seen(60.0, 2)
    lacking = Series(well.latency_ms.start_s, 60, np.full(15, np.nan))
    failing = Series(well.latency_ms.start_s, 60, np.append(np.full(14, np.nan), 1.0))
    dull = replace(well.concurrency, values=np.where(np.arange(90) % 6 == 2, np.nan, well.concurrency.values))
    for broken in (
        evidence(60.0, 2),
        replace(well, latency_ms=lacking),
        replace(well, errors=failing),
        replace(well, rejected=failing),
        replace(well, concurrency=dull),
        replace(well, utilisation=Series(well.utilisation.start_s, 60, np.full(15, np.nan))),
        seen(60.0, 2, late_ms=15_001.0),
    ):
        assert bound(looked(broken, YOUNG)) == YOUNG
        assert bound(looked(broken, None)) is None


def test_the_usual_latency_follows_slowly_and_not_what_load_did() -> None:
    """A light load that is answered slowly is another kind of request; a full one may be a queue."""
    light, full = (
        bound(looked(seen(10.0, 2, latency_ms=20_000.0), OLD)),
        looked(seen(60.0, 2, latency_ms=20_000.0), OLD),
    )
    assert light is not None and light.latency_ms == 10_010.0 and light.samples == OLD.samples
    assert bound(full) == OLD


def test_it_lowers_only_once_it_is_trusted() -> None:
    """10 in flight on six copies of 20: one would do."""
    assert wanted(looked(seen(10.0, 6), OLD, copies=6), 6) == 1
    assert looked(seen(10.0, 6), OLD, copies=6).changes[0].because.endswith("20 a copy, a lower bound")
    for untrusted in (YOUNG, replace(OLD, samples=TRUSTED_SAMPLES - 2)):
        assert not looked(seen(10.0, 6), untrusted, copies=6).changes


def test_a_trusted_bound_raises_like_a_declared_concurrency() -> None:
    decision = looked(seen(39.0, 2), OLD)
    assert wanted(decision, 2) == 3
    assert "20 a copy, a lower bound" in decision.changes[0].because


def test_another_artifact_type_or_size_of_copy_is_learned_anew() -> None:
    for change in ({"artifact": "model-b"}, {"accelerators_per_copy": 2}):
        decision = looked(seen(10.0, 6), OLD, copies=6, **change)
        assert not decision.changes
        found = decision.memory.models["a"].measured
        assert found[KEY] == OLD and len(found) == 2
        assert {one.since for key, one in found.items() if key != KEY} == {NOW}


def test_where_no_artifact_is_named_it_never_lowers() -> None:
    fleet = a_fleet({"a": seen(10.0, 6)}, components=[a_component(copies=6, artifact="")])
    memory = remembering(OLD, key=f"shared {P4D.name} 1 ")
    decision = decide(fleet, a_config(UNDECLARED), memory, NOW)
    assert not decision.changes
    assert decision.steps[-1].because.endswith("while no artifact says which image it was measured on")


def test_where_callers_may_wait_a_start_out_a_queue_is_no_measure() -> None:
    """Undeclared, a start is taken to be 105 + 360 s, and 120 s settle it: from 586 s on they can wait."""
    for start_within_s, there in ((585.0, True), (586.0, False)):
        model = replace(UNDECLARED, start_within_s=start_within_s)
        decision = decide(a_fleet({"a": seen(30.0, 2)}), a_config(model), remembering(None), NOW)
        assert (bound(decision) is not None) is there


def test_a_dedicated_endpoint_is_measured_by_instance() -> None:
    alone = Endpoint(
        name="a-alone",
        kind=EndpointKind.DEDICATED,
        config_name="a",
        variant="main",
        status=Status.IN_SERVICE,
        instance_type=P4D.name,
        instances_now=2,
        instances_wanted=2,
        changed_at=0,
        model="a",
        sagemaker_model="model-a",
    )
    fleet = a_fleet({"a-alone": seen(200.0, 2)}, components=[], endpoints=[alone])
    decision = decide(fleet, a_config(UNDECLARED), Memory(homes_checked=NOW), NOW)
    assert decision.memory.models["a"].measured[f"dedicated {P4D.name} 8 model-a"].concurrency == 100.0


def test_only_a_few_bounds_are_kept_and_those_of_its_home_first() -> None:
    known = {f"shared {P4D.name} 1 v{i}": replace(OLD, at=NOW - i) for i in range(6)} | {KEY: replace(OLD, at=1)}
    memory = Memory(models={"a": ModelMemory(measured=known)}, homes_checked=NOW)
    decision = decide(a_fleet({"a": evidence(10.0, 2)}), a_config(UNDECLARED), memory, NOW)
    kept = decision.memory.models["a"].measured
    assert list(kept) == [KEY, *(f"shared {P4D.name} 1 v{i}" for i in range(3))]


def test_it_is_never_a_reason_to_move() -> None:
    memory = replace(remembering(OLD), homes_checked=0)
    decision = decide(a_fleet({"a": seen(30.0, 2)}), a_config(UNDECLARED), memory, NOW)
    homes = [step for step in decision.steps if step.stage == "home"]
    assert [step.because for step in homes] == ["nobody measured what it serves where it lives"]


def test_learn_judges_by_a_trusted_bound_and_by_no_other() -> None:
    endpoints, components = a_fleet().endpoints, a_fleet().components
    for known, there in ((OLD, {"a"}), (YOUNG, set())):
        memory = replace(remembering(known), at=NOW)
        homes = main_homes(a_config(UNDECLARED), endpoints, components, memory)
        assert set(served_by_model(homes, memory)) == there


flows, sizes = st.floats(0, 400), st.integers(1, 12)
measures = st.builds(
    Measured,
    concurrency=st.floats(1, 60),
    since=st.sampled_from([NOW - 60, NOW - 2 * TRUSTED_S]),
    at=st.just(NOW - 60),
    samples=st.sampled_from([1, TRUSTED_SAMPLES]),
    latency_ms=st.floats(1000, 20_000),
)


@given(in_flight=flows, copies=sizes, known=st.none() | measures, late_ms=st.floats(5000, 30_000))
@settings(max_examples=200, deadline=None)
def test_a_bound_never_falls(in_flight: float, copies: int, known: Measured | None, late_ms: float) -> None:
    after = bound(looked(seen(in_flight, copies, late_ms=late_ms), known, copies=copies))
    if known is not None:
        assert after is not None and after.concurrency >= known.concurrency and after.since == known.since
    if after is not None and after.samples > (known.samples if known else 0):
        assert after.concurrency >= in_flight / copies - 1e-6


def unanswered(series: Series) -> Series:
    return replace(series, values=np.full(len(series.values), np.nan))


@given(in_flight=flows, copies=sizes, known=measures)
@settings(max_examples=200, deadline=None)
def test_what_is_unknown_or_untrusted_never_lowers(in_flight: float, copies: int, known: Measured) -> None:
    # Who counts requests was there, whatever utilisation says: blind is who asked for both, and has neither.
    clear = seen(in_flight, copies)
    blind = replace(clear, utilisation=unanswered(clear.utilisation), invocations=unanswered(clear.invocations))
    assert wanted(looked(blind, known, copies=copies), copies) >= copies
    untrusted = replace(known, since=NOW - 60, latency_ms=10_000.0)
    assert wanted(looked(seen(in_flight, copies), untrusted, copies=copies), copies) == copies


shapes = st.sampled_from([a_model().shapes, (Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=7.0),)])


@given(in_flight=flows, copies=sizes, known=measures, shape=shapes, minutes=st.sampled_from([(), QUIET]))
@settings(max_examples=200, deadline=None)
def test_a_declared_shape_wins_byte_for_byte(
    in_flight: float, copies: int, known: Measured, shape: tuple[Shape, ...], minutes: tuple[Minute, ...]
) -> None:
    fleet: Fleet = a_fleet({"a": seen(in_flight, copies)}, components=[a_component(copies=copies)])
    config = a_config(a_model(shapes=shape))
    with_it, without = (decide(fleet, config, remembering(measured, recent=minutes), NOW) for measured in (known, None))
    assert record_bytes(with_it) == record_bytes(without)
    assert with_it.memory.models["a"].measured == {KEY: known}


def test_a_day_of_tides_is_learned_at_the_users_size_and_then_slept_through() -> None:
    """Four copies, 8 to 64 in flight: nothing moves for a day, 16 a copy are learned, the next night has fewer."""
    config, memory, copies = a_config(UNDECLARED), Memory.empty(), 4
    least = most = copies
    for minute in range(0, 36 * 60, 4):
        now = NOW + 60 * minute
        flow = 36 - 28 * np.cos(2 * np.pi * minute / 1440)
        found = evidence(float(flow), copies, at=now)
        found = replace(found, latency_ms=Series(found.invocations.start_s, 60, np.full(15, 10_000.0)))
        component: Component = a_component(copies=copies)
        decision = decide(
            a_fleet({"a": found}, components=[component]), config, replace(memory, homes_checked=now), now
        )
        memory, copies = decision.memory, wanted(decision, copies)
        if minute < 1440:
            assert copies == 4
        least, most = min(least, copies), max(most, copies)
    known = memory.models["a"].measured[KEY]
    assert 16.0 <= known.concurrency < 20.0
    assert least < 4 and most <= 6
