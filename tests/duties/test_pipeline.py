"""The whole decision on small fleets: what goes out, what is held, and the reasons in the record."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Bounds, Hold, Hosting, Limits, Money, PoolConfig, RouteConfig, Rung, Schedule
from tidepool.decision.codec import record_bytes
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Endpoint, EndpointKind, Evidence, Route, Series, Signal, SignalKind, Status, Target
from tidepool.memory import Learned, Memory, Minute, ModelLearned, ModelMemory
from tidepool.plan.change import ScaleCopies, ScaleInstances, SetBounds, StartMove

KNOWN = Memory(homes_checked=NOW)
HALF_HOUR = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))
WATCHED = Memory(models={"a": ModelMemory(recent=QUIET)}, homes_checked=NOW)


def only(decision: Decision) -> ScaleCopies:
    (change,) = decision.changes
    assert isinstance(change, ScaleCopies)
    return change


def reasons(decision: Decision) -> dict[str, str]:
    return {held.subject: held.reason for held in decision.held}


def test_a_full_component_gets_copies_with_the_reason() -> None:
    change = only(decide(a_fleet({"a": evidence(50.0, 2)}), a_config(), KNOWN, NOW))
    assert (change.copies_from, change.copies_to) == (2, 4)
    assert change.because == "60.6 in flight to be ready for, 20 a copy"
    assert change.usd_per_hour == round(2 * 25.2513 / 8, 7)


def test_the_record_tells_every_stage() -> None:
    record = json.loads(record_bytes(decide(a_fleet(), a_config(), KNOWN, NOW, commit="c0ffee")))
    assert record["config_commit"] == "c0ffee"
    assert [step["stage"] for step in record["steps"]] == ["forecast", "size"]
    assert set(record["steps"][0]) == {"stage", "subject", "from", "to", "because", "limit"}


def test_slower_in_than_out() -> None:
    """What 20 minutes needed is kept, and a fifth more: one quiet minute lowers nothing, twenty do."""
    busy = Memory(models={"a": ModelMemory(recent=(*QUIET, Minute(NOW - 30, 50.0, 50.0, 5.0)))}, homes_checked=NOW)
    fleet = a_fleet({"a": evidence(5.0, 4)}, components=[a_component(copies=4)])
    assert not decide(fleet, a_config(), busy, NOW).changes
    assert only(decide(fleet, a_config(), WATCHED, NOW)).copies_to == 1


def test_who_has_not_watched_for_fifteen_minutes_lowers_nothing() -> None:
    fleet = a_fleet({"a": evidence(5.0, 3)}, components=[a_component(copies=3)])
    decision = decide(fleet, a_config(), KNOWN, NOW)
    assert not decision.changes
    assert decision.steps[-1].because == "watched for 0s of 15m"


def test_pending_copies_are_supply() -> None:
    """Two of six copies serve and the component is Updating: nothing is asked for again."""
    pending = a_component(copies=6, copies_now=2, status=Status.UPDATING)
    decision = decide(a_fleet({"a": evidence(60.0, 2)}, components=[pending]), a_config(), KNOWN, NOW)
    assert not decision.changes


def test_versions_of_one_model_share_its_floor_and_history() -> None:
    """The floor of two is carried by the version with the traffic; the old one may go to what it needs."""
    old, new = a_component("a", name="a-v1"), a_component("a", name="a-v2")
    fleet = a_fleet({"a-v1": evidence(0.0, 2), "a-v2": evidence(15.0, 2)}, components=[old, new])
    decision = decide(fleet, a_config(a_model(min_copies=2)), WATCHED, NOW)
    assert list(decision.memory.models) == ["a"]
    assert only(decision).component == "a-v1"


def test_to_zero_only_after_the_idle_time_with_evidence_and_back_on_a_rejection() -> None:
    config, memory = a_config(a_model(min_copies=0, zero_after_s=1800)), KNOWN
    asked = []
    for minute in range(40):
        now = NOW + 60 * minute
        decision = decide(
            a_fleet({"a": evidence(0.0, 1, at=now)}, components=[a_component(copies=1)]), config, memory, now
        )
        asked += [(minute, change) for change in decision.changes]
        memory = decision.memory
        if asked:
            break
    minute, change = asked[0]
    assert minute == 30 and isinstance(change, ScaleCopies) and change.copies_to == 0
    later = NOW + 60 * (minute + 10)
    knock = Evidence(rejected=Series(later - 120, 60, np.array([3.0])))
    woken = only(decide(a_fleet({"a": knock}, components=[a_component(copies=0)]), config, memory, later))
    assert woken.copies_to == 1 and "3 requests found no copy" in woken.because


@pytest.mark.parametrize(
    ("start_within_s", "asleep"),
    [
        (600.0, True),
        (300.0, False),  # a start takes 220 s where there is room; where there is none a launch and a look more
        (10.0, True),  # whose callers wait for no start at all is allowed to be zero by somebody's word
    ],
)
def test_no_sleep_that_gambles_on_room_for_a_copy(start_within_s: float, asleep: bool) -> None:
    model = a_model(min_copies=0, zero_after_s=60, start_within_s=start_within_s)
    config, memory = a_config(model), KNOWN
    for now in range(NOW, NOW + 1200, 60):
        fleet = a_fleet({"a": evidence(0.0, 1, at=now)}, components=[a_component(copies=1)])
        decision = decide(fleet, config, memory, now)
        memory = decision.memory
        if decision.changes:
            break
    (size,) = (step for step in decision.steps if step.stage == "size")
    assert (size.to, size.limit) == ((0, "") if asleep else (1, "cold start"))


def test_a_scheduled_floor_is_early_by_the_start_up_time_and_a_tick() -> None:
    """Monday 12:06 is in 360 s, the model takes 105 + 220 s: a tick later its floor of five would come too late."""
    line = Schedule(days=(0,), date="", from_minute=12 * 60 + 6, to_minute=13 * 60, min_copies=5)
    change = only(decide(a_fleet(), a_config(a_model(schedule=(line,))), KNOWN, NOW))
    assert change.copies_to == 5
    later = Schedule(days=(0,), date="", from_minute=12 * 60 + 7, to_minute=13 * 60, min_copies=5)
    assert not decide(a_fleet(), a_config(a_model(schedule=(later,))), KNOWN, NOW).changes


def test_holds_freezes_and_rungs_are_held_with_their_reason() -> None:
    full, quiet = a_fleet({"a": evidence(90.0, 2)}), a_fleet({"a": evidence(0.0, 2)})
    hold = a_config(a_model(hold=Hold(NOW + 60, "audit")))
    assert reasons(decide(full, hold, KNOWN, NOW)) == {"a": "hold"}
    assert reasons(decide(full, a_config(a_model(act=Rung.WATCH)), KNOWN, NOW)) == {"a": "ladder"}
    assert only(decide(full, a_config(a_model(act=Rung.RAISE)), KNOWN, NOW)).copies_to > 2
    assert reasons(decide(quiet, a_config(a_model(act=Rung.RAISE)), WATCHED, NOW)) == {"a": "ladder"}
    freeze = Signal(SignalKind.FREEZE, "*", NOW - 1, NOW + 60, "ann", "launch")
    assert reasons(decide(replace(quiet, signals=(freeze,)), a_config(), WATCHED, NOW)) == {"a": "freeze"}
    assert only(decide(replace(full, signals=(freeze,)), a_config(), KNOWN, NOW)).copies_to > 2


def test_a_surge_multiplies_what_is_foretold() -> None:
    surge = Signal(SignalKind.SURGE, "a", NOW - 1, NOW + 60, "ann", "launch", factor=4.0)
    assert only(decide(replace(a_fleet(), signals=(surge,)), a_config(), KNOWN, NOW)).copies_to == 7


def test_when_the_pool_is_full_the_dearer_miss_gets_the_copy() -> None:
    """One accelerator is left of eight; priority 1 gets it, priority 2 goes without, and the record says so."""
    components = [a_component("a", copies=4), a_component("b", copies=3)]
    load = {"a": evidence(85.0, 4), "b": evidence(65.0, 3)}
    fleet = a_fleet(load, components=components, endpoints=[a_pool(instances_now=1, max_instances=1)])
    config = a_config(a_model("a", priority=2), a_model("b", priority=1))
    decision = decide(fleet, config, KNOWN, NOW)
    assert only(decision).component == "b"
    assert reasons(decision)["a"] == "quota"


def test_the_budget_denies_by_priority_and_never_a_floor() -> None:
    components = [a_component("a", copies=1), a_component("b", copies=4)]
    fleet = a_fleet({"a": evidence(5.0, 1), "b": evidence(120.0, 4)}, components=components)
    config = a_config(a_model("a", min_copies=2), a_model("b"), money=Money(budget_usd_per_hour=1.0))
    decision = decide(fleet, config, KNOWN, NOW)
    assert only(decision).component == "a"
    assert reasons(decision) == {"b": "budget"}


def test_models_that_nothing_names_are_never_touched() -> None:
    fleet = a_fleet({"x": evidence(90.0, 2)}, components=[a_component("x")])
    decision = decide(fleet, a_config(), KNOWN, NOW)
    assert not decision.changes


def test_an_unmeasured_model_is_held() -> None:
    config = a_config(a_model(shapes=()))
    decision = decide(a_fleet({"a": evidence(90.0, 2)}), config, KNOWN, NOW)
    assert reasons(decision) == {"a": "no evidence"}


def alone(**changes: object) -> Endpoint:
    endpoint = Endpoint(
        name="a-alone",
        kind=EndpointKind.DEDICATED,
        config_name="a-config",
        variant="main",
        status=Status.IN_SERVICE,
        instance_type=P4D.name,
        instances_now=1,
        instances_wanted=1,
        changed_at=0,
        model="a",
        sagemaker_model="model-a",
    )
    return replace(endpoint, **changes)  # type: ignore[arg-type]


def test_a_dedicated_endpoint_scales_by_instances() -> None:
    fleet = a_fleet({"a-alone": evidence(200.0, 1)}, components=[], endpoints=[a_pool(), alone()])
    (change,) = decide(fleet, a_config(a_model(host="dedicated")), KNOWN, NOW).changes
    assert isinstance(change, ScaleInstances) and change.instances_to == 2


def test_a_model_that_wastes_its_own_endpoint_moves_to_the_pool() -> None:
    fleet = a_fleet({"a-alone": evidence(25.0, 1)}, components=[], endpoints=[a_pool(), alone()])
    memory = Memory(models={"a": ModelMemory(recent=HALF_HOUR)})
    (change,) = decide(fleet, a_config(), memory, NOW).changes
    assert isinstance(change, StartMove)
    assert (change.to_hosting, change.to_endpoint, change.size) == (Hosting.SHARED, POOL, 2)
    assert change.usd_per_hour < -10


def test_a_model_on_a_capacity_reservation_of_its_own_is_only_recommended_to_leave_it() -> None:
    endpoints = [a_pool(), alone(reservation="plan/h100s")]
    fleet = a_fleet({"a-alone": evidence(25.0, 1)}, components=[], endpoints=endpoints)
    decision = decide(fleet, a_config(), Memory(models={"a": ModelMemory(recent=HALF_HOUR)}), NOW)
    assert decision.changes == ()
    (held,) = [held for held in decision.held if held.kind == "StartMove"]
    assert held.reason == "recommend" and "capacity reservation plan/h100s" in held.because


def test_a_model_that_asks_for_isolation_moves_to_an_endpoint_of_its_own() -> None:
    memory = Memory(models={"a": ModelMemory(recent=HALF_HOUR)})
    (change,) = decide(a_fleet(), a_config(a_model(host="dedicated")), memory, NOW).changes
    assert isinstance(change, StartMove)
    assert change.to_hosting is Hosting.DEDICATED and change.to_endpoint.startswith("tidepool-a-")


def test_what_cannot_move_is_recommended_with_the_reason() -> None:
    memory = Memory(models={"a": ModelMemory(recent=HALF_HOUR)})
    for model, reason in [
        (a_model(host="dedicated", route=RouteConfig()), "recommend"),
        (a_model(host="dedicated", act=Rung.SIZE), "ladder"),
    ]:
        assert reasons(decide(a_fleet(), a_config(model), memory, NOW)) == {"a": reason}
    none_left = a_config(a_model(host="dedicated"), limits=Limits(moves_per_day=0))
    assert reasons(decide(a_fleet(), none_left, memory, NOW)) == {"a": "limits"}


def test_bounds_are_written_only_where_the_pool_says_so() -> None:
    fleet = a_fleet(
        {"a": evidence(500.0, 8)},
        components=[a_component(copies=8)],
        endpoints=[a_pool(instances_now=1, max_instances=1)],
    )
    assert reasons(decide(fleet, a_config(), KNOWN, NOW))[POOL] == "recommend"
    writes = a_config(pools={POOL: PoolConfig(POOL, POOL, bounds=Bounds.WRITE)})
    bounds = [change for change in decide(fleet, writes, KNOWN, NOW).changes if isinstance(change, SetBounds)]
    assert [(change.max_from, change.max_to) for change in bounds] == [(1, 6)]


def test_copies_that_just_came_do_not_multiply_what_was_measured_before_them() -> None:
    """40 a copy over the two copies of the last minute are 80 in flight, not 320 because eight serve by now."""
    memory = Memory(models={"a": ModelMemory(sizes={"a": 2})}, homes_checked=NOW)
    came = a_component(copies=8)
    steps = decide(a_fleet({"a": evidence(80.0, 2)}, components=[came]), a_config(), memory, NOW).steps
    assert steps[0].from_ == 73.5671528, "80 are the mean of maxima, which stand above what is in flight"


def test_what_a_move_left_parked_at_zero_is_no_home() -> None:
    parked, lived_in = a_component("a", copies=0), a_component("a", name="a-2", copies=2)
    fleet = a_fleet({"a-2": evidence(25.0, 2)}, components=[parked, lived_in])
    decision = decide(fleet, a_config(), KNOWN, NOW)
    assert decision.homes == {"a": ("a-2",)}


def test_an_endpoint_that_a_move_left_to_its_owner_is_no_home() -> None:
    """The route names the pool: the dedicated endpoint at its minimum is seen, and not scaled."""
    route = Route("a", 3, (Target(POOL, "a", 100),), NOW - 3600)
    load = {"a": evidence(25.0, 2), "a-alone": evidence(0.0, 1)}
    fleet = a_fleet(load, endpoints=[a_pool(), alone()], routes={"a": route})
    assert decide(fleet, a_config(), KNOWN, NOW).homes == {"a": ("a",)}
    still_called = replace(fleet, routes={"a": replace(route, targets=(Target("a-alone", "", 100),))})
    assert decide(still_called, a_config(), KNOWN, NOW).homes == {"a": ("a", "a-alone")}


def test_a_model_that_may_never_be_at_zero_is_raised_from_it_unasked() -> None:
    change = only(decide(a_fleet({}, components=[a_component(copies=0)]), a_config(a_model(min_copies=0)), KNOWN, NOW))
    assert change.copies_to == 1 and change.because == "it is at zero, and never may be"


def test_a_queue_of_more_than_was_ever_seen_is_expected_to_grow() -> None:
    """40 slots and 55 in flight: twice that is asked for while the busiest minute known is clearly below it."""
    fleet = a_fleet({"a": evidence(60.0, 2)})

    def asked(top: float, **model: object) -> int:
        known = replace(KNOWN, learned=Learned(until=NOW, models={"a": ModelLearned(top=top)}))
        return only(decide(fleet, a_config(a_model(**model)), known, NOW)).copies_to

    assert asked(0.0) == asked(4.0) > asked(5.0)
    assert asked(0.0, start_within_s=600) == asked(5.0, start_within_s=600)


def test_a_queue_that_can_wait_is_not_sized_as_if_it_could_not() -> None:
    """600 of 640 wait. In 3 minutes that is 600 × 10 / 180 = 33 slots more; with 1,010 s to start within, 360 s are
    left after two start-ups, and 17 are enough."""
    queued = evidence(640.0, 2)
    queued = replace(queued, invocations=replace(queued.invocations, values=np.full(15, 240.0)))
    fleet = a_fleet({"a": queued})
    now = only(decide(fleet, a_config(a_model(max_copies=None)), KNOWN, NOW))
    later = only(decide(fleet, a_config(a_model(max_copies=None, start_within_s=1010)), KNOWN, NOW))
    assert (now.copies_to, later.copies_to) == (5, 3)


def test_a_few_copies_fewer_of_many_are_not_worth_a_change() -> None:
    """19 of 20 copies would do: kept. 14 would do: lowered."""

    def after(in_flight: float) -> Decision:
        level = tuple(Minute(NOW - 60 * (30 - i), in_flight, in_flight, in_flight / 10) for i in range(30))
        memory = Memory(models={"a": ModelMemory(recent=level)}, homes_checked=NOW)
        fleet = a_fleet({"a": evidence(in_flight, 20)}, components=[a_component(copies=20)])
        return decide(fleet, a_config(), memory, NOW)

    assert not after(310.0).changes
    assert only(after(220.0)).copies_to == 14


def test_a_dedicated_endpoint_is_never_asked_below_one_instance() -> None:
    config = a_config(a_model(host="dedicated"))
    memory = Memory(models={"a": ModelMemory(recent=QUIET)}, homes_checked=NOW)
    two = [alone(), alone(name="a-old")]
    fleet = a_fleet(
        {"a-alone": evidence(25.0, 1), "a-old": evidence(0.0, 1)}, components=[], endpoints=[a_pool(), *two]
    )
    assert not decide(fleet, config, memory, NOW).changes


def test_a_ceiling_is_met_at_once() -> None:
    """Somebody lowers it from 40 to 38: two of 40 are few, but they are not ours to keep."""
    level = tuple(Minute(NOW - 60 * (30 - i), 640.0, 640.0, 64.0) for i in range(30))
    memory = Memory(models={"a": ModelMemory(recent=level)}, homes_checked=NOW)
    fleet = a_fleet({"a": evidence(640.0, 40)}, components=[a_component(copies=40)])
    assert only(decide(fleet, a_config(a_model(max_copies=38)), memory, NOW)).copies_to == 38


def test_waking_asks_for_no_more_than_the_ceiling_and_for_one_where_nobody_measured() -> None:
    knocks = {"a": Evidence(rejected=Series(NOW - 120, 60, np.array([6000.0])))}
    fleet = a_fleet(knocks, components=[a_component(copies=0)])
    model = a_model(min_copies=0, zero_after_s=60, max_copies=2)
    assert only(decide(fleet, a_config(model), KNOWN, NOW)).copies_to == 2
    unmeasured = replace(model, shapes=(), max_copies=None)
    assert only(decide(fleet, a_config(unmeasured), KNOWN, NOW)).copies_to == 1


def test_a_model_on_cpus_is_held_and_stops_nobody_else() -> None:
    cpu = a_component("b", accelerators_per_copy=0)
    fleet = a_fleet({"a": evidence(90.0, 2), "b": evidence(90.0, 2)}, components=[a_component("a"), cpu])
    decision = decide(fleet, a_config(a_model("a"), a_model("b")), KNOWN, NOW)
    assert only(decision).component == "a"
    assert reasons(decision) == {"b": "no evidence"}


def test_copies_that_somebody_doubles_while_updating_take_their_room() -> None:
    """A blue/green update runs four old and four new copies: eight of eight accelerators, nothing left for b."""
    updating = a_component("a", copies=4, copies_now=8, status=Status.UPDATING)
    one = a_pool(instances_now=1, max_instances=1)
    load = {"a": evidence(20.0, 8), "b": evidence(90.0, 1)}
    components = [updating, a_component("b", copies=1)]
    config = a_config(a_model("a"), a_model("b"))
    decision = decide(a_fleet(load, components=components, endpoints=[one]), config, KNOWN, NOW)
    assert reasons(decision)["b"] == "quota"


def test_a_floor_of_copies_holds_on_a_dedicated_endpoint_as_the_instances_that_serve_as_much() -> None:
    """An instance serves 160 and a copy 20: a floor of 12 copies is two instances."""
    fleet = a_fleet({"a-alone": evidence(25.0, 1)}, components=[], endpoints=[a_pool(), alone()])
    (change,) = decide(fleet, a_config(a_model(host="dedicated", min_copies=12)), KNOWN, NOW).changes
    assert isinstance(change, ScaleInstances) and change.instances_to == 2


def test_what_no_change_releases_is_not_planned_as_saved() -> None:
    """Two copies on four machines could be on one; nothing is asked for, so the plan costs what it costs now."""
    steady = Memory(models={"a": ModelMemory(recent=HALF_HOUR)}, homes_checked=NOW)
    still = decide(a_fleet(), a_config(), steady, NOW)
    assert not still.changes
    assert still.spend.planned_usd_per_hour == still.spend.now_usd_per_hour == round(4 * P4D.usd_per_hour, 7)


def test_more_copies_fill_the_room_there_is_before_a_machine_is_planned() -> None:
    fleet = a_fleet({"a": evidence(90.0, 2)}, endpoints=[a_pool(instances_now=1)])
    up = decide(fleet, a_config(), KNOWN, NOW)
    assert only(up).copies_to == 6
    assert up.spend.planned_usd_per_hour == up.spend.now_usd_per_hour
