"""What is paid anyhow: reserved machines are filled first and left in time, committed dollars are never saved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import (
    Config,
    GiveBack,
    Hosting,
    InstanceConfig,
    ModelConfig,
    Money,
    PoolConfig,
    Reserved,
    Shape,
)
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.decision.reserved import LEAVE_S
from tidepool.decision.spend import spend
from tidepool.decision.subjects import subjects
from tidepool.fleet import Fleet, InstanceType
from tidepool.memory import Memory, Minute, ModelMemory
from tidepool.packing.layout import Kind, Layout, Site, Tenant
from tidepool.packing.relocate import relocate
from tidepool.plan.change import ScaleCopies, StartMove

P5 = InstanceType("ml.p5.48xlarge", accelerators=8, usd_per_hour=63.296, quota=20)
NEXT = "pool-p5"
HOUR = 3600
QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))
STEADY = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))


def site(name: str, usd: float, *, sunk: float = 0.0) -> Site:
    return Site(name, Kind(name, usd, 8, 100.0), False, sunk=sunk)


def tenant(name: str, at: str, accelerators: float) -> Tenant:
    held = {place: np.full(4, accelerators) for place in ("dear", "cheap")}
    return Tenant(name, at, held, peak=dict.fromkeys(held, accelerators), least=0.1)


def test_the_first_reserved_machines_cost_nothing_and_those_after_them_their_price() -> None:
    assert site("dear", 30.0, sunk=2).paid(np.array([0.0, 1.0, 2.0, 3.5])).tolist() == [0, 0, 0, 1.5]
    assert site("dear", 30.0).paid(np.array([0.0, 1.0, 2.0, 3.5])).tolist() == [0, 1, 2, 3.5]


def test_reserved_machines_are_filled_first_though_others_are_cheaper() -> None:
    tenants = [tenant("a", "cheap", 6.0), tenant("b", "cheap", 6.0)]
    assert relocate(tenants, [site("dear", 30.0), site("cheap", 10.0)]) == ()
    moved = relocate(tenants, [site("dear", 30.0, sunk=1), site("cheap", 10.0)])
    assert [(one.name, one.to) for one in moved] == [("a", "dear")]
    both = relocate(tenants, [site("dear", 30.0, sunk=2), site("cheap", 10.0)])
    assert {(one.name, one.to) for one in both} == {("a", "dear"), ("b", "dear")}


def test_nobody_leaves_a_reserved_machine_to_save_what_is_paid_anyhow() -> None:
    tenants = [tenant("a", "dear", 6.0)]
    assert [one.to for one in relocate(tenants, [site("dear", 30.0), site("cheap", 10.0)])] == ["cheap"]
    assert relocate(tenants, [site("dear", 30.0, sunk=1), site("cheap", 10.0)]) == ()


def test_what_a_layout_costs_is_without_what_is_reserved() -> None:
    one = [tenant("a", "dear", 16.0)]
    freely, reserved = (Layout(one, [site("dear", 30.0, sunk=sunk)]).usd() for sunk in (0.0, 2.0))
    assert freely - reserved == pytest.approx(60.0)


def two_pools(reserved: Reserved | None, *models: ModelConfig, shapes: bool = True) -> Config:
    kinds = (P4D.name, P5.name) if shapes else (P4D.name,)
    shared = tuple(Shape(Hosting.SHARED, kind, 1, 20.0, 10.0, 220.0) for kind in kinds)
    every = [replace(model, shapes=shared) for model in models or (a_model(),)]
    config = a_config(*every)
    return replace(
        config,
        pools={POOL: PoolConfig(POOL, POOL, reserved=reserved), NEXT: PoolConfig(NEXT, NEXT)},
        instances={**config.instances, P5.name: InstanceConfig(P5.name, 8, P5.usd_per_hour, P5.quota, 105.0)},
    )


def fleet(at: int = NOW, *, copies: int = 2, in_flight: float = 25.0, most: int = 20) -> Fleet:
    pools = [a_pool(instances_now=2, instances_wanted=2)]
    pools.append(a_pool(name=NEXT, instance_type=P5.name, instances_now=1, instances_wanted=1, max_instances=most))
    seen = a_fleet({"a": evidence(in_flight, copies, at=at)}, components=[a_component(copies=copies)], endpoints=pools)
    return replace(seen, instance_types={P4D.name: P4D, P5.name: P5})


def memory(recent: tuple[Minute, ...] = STEADY) -> Memory:
    return Memory(models={"a": ModelMemory(recent=recent)})


def moves(decision: Decision) -> list[tuple[str, str]]:
    return [(change.to_endpoint, change.because) for change in decision.changes if isinstance(change, StartMove)]


def homes(decision: Decision) -> dict[str, tuple[str | float, str]]:
    return {step.subject: (step.to, step.because) for step in decision.steps if step.stage == "home"}


def test_a_pool_is_left_for_the_next_two_days_before_its_reservation_ends_and_not_before() -> None:
    early = decide(fleet(), two_pools(Reserved(2, NOW + LEAVE_S + HOUR, NEXT)), memory(), NOW)
    assert moves(early) == []
    in_time = decide(fleet(), two_pools(Reserved(2, NOW + LEAVE_S - HOUR, NEXT)), memory(), NOW)
    because = f"its reservation ends at 2025-01-08 11:00:00 UTC: {POOL} is left for {NEXT}"
    assert moves(in_time) == [(NEXT, because)]
    assert moves(decide(fleet(), two_pools(Reserved(2, NOW - HOUR, NEXT)), memory(), NOW))


def test_a_reservation_that_names_no_next_pool_moves_nobody() -> None:
    assert moves(decide(fleet(), two_pools(Reserved(2, NOW + HOUR)), memory(), NOW)) == []


def test_who_cannot_go_where_the_pool_is_left_for_stays_and_the_record_says_why() -> None:
    ends = Reserved(2, NOW + HOUR, NEXT)
    unknown = decide(fleet(), two_pools(ends, shapes=False), memory(), NOW)
    full = decide(fleet(most=0), two_pools(ends), memory(), NOW)
    assert moves(unknown) == moves(full) == []
    assert homes(unknown)["a"][1].endswith("and nobody measured what it serves there")
    assert "has room for 0 of" in homes(full)["a"][1]


def test_a_model_of_which_nothing_is_known_yet_goes_with_as_many_slots_as_it_has() -> None:
    known_nothing = decide(fleet(copies=3), two_pools(Reserved(2, NOW + HOUR, NEXT)), Memory(), NOW)
    (move,) = [change for change in known_nothing.changes if isinstance(change, StartMove)]
    assert (move.to_endpoint, move.size) == (NEXT, 3)


def test_nobody_comes_to_a_pool_that_is_left_even_where_fleet_yaml_names_it() -> None:
    config = two_pools(Reserved(2, NOW + HOUR, NEXT), a_model(host=POOL))
    there = fleet()
    there = replace(there, components={"a": replace(there.components["a"], endpoint=NEXT)})
    assert moves(decide(there, config, memory(), NOW)) == []
    assert moves(decide(there, two_pools(None, a_model(host=POOL)), memory(), NOW)) == [
        (POOL, f"fleet.yaml names {POOL}")
    ]


def test_a_model_moves_to_reserved_machines_that_stand_empty_until_they_are_left_themselves() -> None:
    """A p5 costs 2.5 times a p4d and serves as much here: only as it is paid anyhow it is the cheaper home."""

    def to(reserved: Reserved | None) -> list[str]:
        config = two_pools(None)
        pools = {**config.pools, NEXT: replace(config.pools[NEXT], reserved=reserved)}
        return [name for name, _ in moves(decide(fleet(), replace(config, pools=pools), memory(), NOW))]

    assert to(None) == []
    assert to(Reserved(1, NOW + 30 * 86_400, POOL)) == [NEXT]
    assert to(Reserved(1, NOW + HOUR, POOL)) == []
    assert to(Reserved(1, NOW - HOUR)) == []


PLAN = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/p5s"
FAR = NOW + 30 * 86_400


def with_plan(seen: Fleet, pool: str, until: int, *, machines: int = 1) -> Fleet:
    """The fleet, one of whose pools shows that it runs in a training plan; until 0 = when it ends nobody could read."""
    bound = replace(seen.endpoints[pool], reservation=PLAN, reserved=machines, reserved_until=until)
    return replace(seen, endpoints={**seen.endpoints, pool: bound})


def said(decision: Decision) -> list[tuple[str, str | float, str | float, str]]:
    return [(step.subject, step.from_, step.to, step.limit) for step in decision.steps if step.stage == "reserved"]


def test_a_reservation_that_nobody_wrote_is_sunk_and_filled_first() -> None:
    """The p5 is dearer by its list price; as the endpoint's plan has paid it, the model moves in."""
    unread = with_plan(fleet(), NEXT, 0)
    assert moves(decide(fleet(), two_pools(None), memory(), NOW)) == []
    assert moves(decide(unread, two_pools(None), memory(), NOW)) == []
    (move,) = moves(decide(with_plan(fleet(), NEXT, FAR), two_pools(None), memory(), NOW))
    assert move[0] == NEXT
    assert moves(decide(with_plan(fleet(), NEXT, NOW + HOUR), two_pools(None), memory(), NOW)) == []


def test_a_reservation_whose_end_cannot_be_read_counts_for_nothing_and_the_record_says_so() -> None:
    here = with_plan(fleet(copies=16, in_flight=1.0), POOL, 0, machines=2)
    decision = decide(here, two_pools(None), replace(memory(QUIET), homes_checked=NOW), NOW)
    assert said(decision) == [(POOL, "unknown", "nothing", "a reservation that cannot be read")]
    assert any(isinstance(change, ScaleCopies) and change.copies_to < 8 for change in decision.changes)
    assert said(decide(here, two_pools(Reserved(2, FAR)), memory(), NOW)) == []


def test_a_pool_whose_plan_ends_is_left_before_it_does_for_the_cheapest_place() -> None:
    """Nobody wrote a word of it, nor where its models go: the pool of p5 has room, and one alone would cost more."""
    early = decide(with_plan(fleet(), POOL, NOW + LEAVE_S + HOUR, machines=2), two_pools(None), memory(), NOW)
    assert moves(early) == []
    in_time = decide(with_plan(fleet(), POOL, NOW + LEAVE_S - HOUR, machines=2), two_pools(None), memory(), NOW)
    assert moves(in_time) == [(NEXT, f"its reservation ends at 2025-01-08 11:00:00 UTC: {POOL} is left")]


def test_a_pool_of_many_models_is_left_as_early_as_moves_a_day_allow() -> None:
    """Nine models at two moves a day are five days, and one to spare."""
    names = [f"m{i}" for i in range(9)]

    def at(days: float) -> list[tuple[str, str]]:
        there = with_plan(fleet(copies=1), POOL, NOW + int(days * 86_400), machines=2)
        there = replace(
            there,
            components={name: a_component(name, copies=1) for name in names},
            evidence={name: evidence(2.0, 1, at=NOW) for name in names},
        )
        known = Memory(models={name: ModelMemory(recent=QUIET) for name in names})
        config = two_pools(None, *(a_model(name) for name in names))
        limits = replace(config.safety.limits, moves_per_day=2)
        return moves(decide(there, replace(config, safety=replace(config.safety, limits=limits)), known, NOW))

    assert at(6.1) == []
    assert len(at(5.9)) == 2


def test_what_cannot_leave_a_plan_that_ends_stays_and_the_record_says_why() -> None:
    ends = NOW + HOUR
    unknown = decide(with_plan(fleet(), POOL, ends, machines=2), two_pools(None, shapes=False), memory(), NOW)
    full = decide(with_plan(fleet(most=0), POOL, ends, machines=2), two_pools(None), memory(), NOW)
    assert moves(unknown) == moves(full) == []
    assert homes(unknown)["a"][1].endswith("is left, and nobody measured what it serves elsewhere")
    assert f"{NEXT} has room for 0 of" in homes(full)["a"][1]


def test_what_fleet_yaml_writes_wins_over_the_plan_and_a_contradiction_is_said() -> None:
    ends = with_plan(fleet(), POOL, NOW + HOUR, machines=2)
    later = decide(ends, two_pools(Reserved(2, FAR, NEXT)), memory(), NOW)
    assert moves(later) == []
    read, written = "2 until 2025-01-06 13:00:00 UTC", "2 until 2025-02-05 12:00:00 UTC"
    assert said(later) == [(POOL, read, written, "what fleet.yaml writes")]
    far = with_plan(fleet(), POOL, FAR, machines=2)
    sooner = decide(far, two_pools(Reserved(2, NOW + HOUR, NEXT)), memory(), NOW)
    assert [to for to, _ in moves(sooner)] == [NEXT] and len(said(sooner)) == 1
    assert said(decide(far, two_pools(Reserved(2, FAR - 3600, NEXT)), memory(), NOW)) == []
    assert len(said(decide(far, two_pools(Reserved(1, FAR, NEXT)), memory(), NOW))) == 1


def test_a_reservation_written_without_a_next_pool_is_left_too_where_the_endpoint_serves_no_longer() -> None:
    ends = Reserved(2, NOW + HOUR)
    assert moves(decide(fleet(), two_pools(ends), memory(), NOW)) == []
    bound = with_plan(fleet(), POOL, NOW + HOUR, machines=2)
    assert [to for to, _ in moves(decide(bound, two_pools(ends), memory(), NOW))] == [NEXT]


def test_no_more_goes_to_a_pool_than_its_plan_has_machines() -> None:
    """Nine copies: eight tenths of four machines have room for them, of one for six, though its maximum is 20."""
    known = Memory(models={"a": ModelMemory(recent=tuple(replace(one, rate=15.0) for one in STEADY))})
    ends = with_plan(fleet(copies=9, in_flight=150.0), POOL, NOW + HOUR, machines=2)

    def to(machines: int) -> tuple[str | float, str]:
        return homes(decide(with_plan(ends, NEXT, FAR, machines=machines), two_pools(None), known, NOW))["a"]

    assert to(4)[0] == NEXT
    assert to(1)[0] == POOL and f"{NEXT} has room for 6 of" in to(1)[1]


def test_machines_of_a_plan_are_not_given_back_before_it_ends() -> None:
    def copies(until: int, machines: int) -> int:
        watched = replace(memory(QUIET), homes_checked=NOW)
        there = with_plan(fleet(copies=16, in_flight=1.0), POOL, until, machines=machines)
        decision = decide(there, two_pools(None), watched, NOW)
        return next((change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)), 16)

    assert copies(FAR, 1) == copies(0, 2) < 8 < copies(FAR, 2) < 16


def test_a_model_is_drawn_to_machines_that_are_never_given_back() -> None:
    """One machine of the dear pool stands empty. As nothing gives it back, it costs nothing to fill."""

    def to(back: GiveBack) -> list[str]:
        config = two_pools(None)
        pools = {**config.pools, NEXT: replace(config.pools[NEXT], give_back=back)}
        return [name for name, _ in moves(decide(fleet(), replace(config, pools=pools), memory(), NOW))]

    assert to(GiveBack(HOUR)) == []
    assert to(GiveBack(None)) == [NEXT]


def test_nobody_moves_to_save_what_is_committed_anyhow() -> None:
    """The model lives on the dear pool: two p4d and one p5 are $113.80 an hour, and leaving the p5 saves $63."""
    there = fleet()
    there = replace(there, components={"a": replace(there.components["a"], endpoint=NEXT)})

    def to(committed: float) -> list[str]:
        config = replace(two_pools(None), money=Money(committed_usd_per_hour=committed))
        return [name for name, _ in moves(decide(there, config, memory(), NOW))]

    assert to(0.0) == to(50.0) == [POOL]
    assert to(110.0) == []


def copies_after(config: Config, at: int = NOW) -> int:
    watched = replace(memory(QUIET), homes_checked=at)
    decision = decide(fleet(at, copies=16, in_flight=1.0), config, watched, at)
    return next((change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)), 16)


def test_reserved_machines_are_not_given_back_before_their_pool_is_left() -> None:
    """Sixteen idle copies on two machines: two reserved keep nine or more, one keeps one machine's worth or less."""
    far = NOW + 30 * 86_400
    freely = copies_after(two_pools(None))
    assert freely < 8
    assert 8 < copies_after(two_pools(Reserved(2, far, NEXT))) < 16
    assert copies_after(two_pools(Reserved(1, far, NEXT))) == freely
    assert copies_after(two_pools(Reserved(2, NOW - 1, NEXT))) == freely
    assert copies_after(two_pools(Reserved(2, NOW + 86_400, NEXT))) == freely


def test_what_is_spent_less_than_is_committed_is_not_counted_as_saved() -> None:
    """Two p4d are $50.50 an hour, one is $25.25. The pool of p5 holds nobody of ours, and is not counted."""
    config = two_pools(None)
    watched = replace(memory(QUIET), homes_checked=NOW)
    here = fleet(copies=16, in_flight=1.0)

    def planned(committed: float) -> float:
        decision = decide(here, replace(config, money=Money(committed_usd_per_hour=committed)), watched, NOW)
        assert decision.spend.now_usd_per_hour == pytest.approx(50.5026)
        return decision.spend.planned_usd_per_hour

    assert planned(0.0) == pytest.approx(25.2513)
    assert planned(20.0) == pytest.approx(25.2513)
    assert planned(40.0) == pytest.approx(50.5026), "no machine may go: it would save $10.50 of its $25.25"
    assert planned(500.0) == pytest.approx(50.5026)


def test_a_plan_is_never_said_to_cost_less_than_the_commitment_or_than_it_does() -> None:
    everyone = subjects(fleet(copies=16), two_pools(None))

    def planned(committed: float, copies: int = 2) -> float:
        return spend(everyone, {"a": copies}, committed=committed).planned_usd_per_hour

    assert [planned(committed) for committed in (0.0, 30.0, 50.0, 400.0)] == pytest.approx([25.2513, 30, 50, 50.5026])
    assert planned(40.0, copies=24) == pytest.approx(75.7539)


def test_no_machine_goes_that_is_committed_anyhow_and_the_record_says_so() -> None:
    committed = replace(two_pools(None), money=Money(committed_usd_per_hour=40.0))
    assert copies_after(committed) > 8
    decision = decide(fleet(copies=16, in_flight=1.0), committed, replace(memory(QUIET), homes_checked=NOW), NOW)
    (held,) = [held for held in decision.held if held.reason == "give back"]
    assert held.because.endswith("$40.00/h are committed: less than that saves nothing")
