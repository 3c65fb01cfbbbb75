"""When quota, room, budget or a limit binds: who gets it, and what those who go without are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, P4D, POOL, WIDE, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Hosting, ModelConfig, Money, Rung, Shape
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Endpoint, EndpointKind, Fleet, Status
from tidepool.guard.arbitration import NAMED, Taken, Urgency, told, urgency
from tidepool.guard.verdict import Passed
from tidepool.memory import Loose, Memory, Minute, ModelMemory
from tidepool.plan.change import ScaleCopies, ScaleInstances

KNOWN = Memory(homes_checked=NOW)


def busy(*names: str, in_flight: float = 50.0, **pool: object) -> Fleet:
    """Models of one copy each that all want more, on one pool."""
    load = {name: evidence(in_flight, 1) for name in names}
    return a_fleet(load, components=[a_component(name, copies=1) for name in names], endpoints=[a_pool(**pool)])


def sizes(decision: Decision) -> dict[str, int]:
    return {
        change.model: change.copies_to if isinstance(change, ScaleCopies) else change.instances_to
        for change in decision.changes
        if isinstance(change, ScaleCopies | ScaleInstances)
    }


def why(decision: Decision) -> dict[str, tuple[str, str]]:
    return {held.subject: (held.reason, held.because) for held in decision.held}


def wanted(fleet: Fleet, *models: ModelConfig) -> int:
    """Copies that each of them asks for when nothing binds."""
    found = set(sizes(decide(fleet, a_config(*models), KNOWN, NOW)).values())
    assert len(found) == 1
    return found.pop()


def test_the_last_room_goes_by_priority_and_the_record_names_who_got_it() -> None:
    """Eight accelerators, three held; of the five left b gets its three, c two of three, and a none."""
    models = a_model("a", priority=3), a_model("b", priority=1), a_model("c", priority=2)
    assert wanted(busy("a", "b", "c"), *models) == 4
    decision = decide(busy("a", "b", "c", max_instances=1), a_config(*models), KNOWN, NOW)
    assert sizes(decision) == {"b": 4, "c": 3}
    reasons = why(decision)
    assert {name: reasons[name] for name in "ac"} == {
        "a": ("quota", "quota and pool have room for 0 more; denied: 3 of 3 copies; the room went to b, c"),
        "c": ("quota", "quota and pool have room for 2 more; denied: 1 of 3 copies; the room went to b"),
    }


def test_of_one_priority_the_dearest_miss_goes_first() -> None:
    fleet = busy("a", "b", max_instances=1)
    models = a_model("a", miss_usd=0.001), a_model("b", miss_usd=0.01)
    asked = wanted(busy("a", "b"), *models)
    limits = replace(WIDE, copies_per_tick=asked - 1)
    decision = decide(fleet, a_config(*models, limits=limits), KNOWN, NOW)
    assert sizes(decision) == {"b": asked}
    assert why(decision)["a"] == (
        "limits",
        f"0 may still be added in this tick; denied: {asked - 1} of {asked - 1} copies; this tick's share went to b",
    )


def test_what_is_at_stake_counts_requests_a_second_and_not_only_their_price() -> None:
    """$0.004 × 5/s is more than $0.01 × 0.5/s; without rates $0.01 is more than $0.004."""
    fleet, models = busy("a", "b"), (a_model("a", miss_usd=0.01), a_model("b", miss_usd=0.004))
    asked = wanted(fleet, *models)
    limits = replace(WIDE, copies_per_tick=asked - 1)

    def winner(*rates: float) -> str:
        seen = {
            name: ModelMemory(recent=(Minute(NOW - 60, 50.0, 50.0, rate),))
            for name, rate in zip("ab", rates, strict=True)
        }
        # The newest minute is this tick's own, so the fleet's evidence carries the rates.
        load = {name: evidence(50.0, 1, service_s=50.0 / rate) for name, rate in zip("ab", rates, strict=True)}
        here = replace(fleet, evidence=load)
        decision = decide(here, a_config(*models, limits=limits), replace(KNOWN, models=seen), NOW)
        (name,) = sizes(decision)
        return name

    assert winner(5.0, 5.0) == "a"
    assert winner(0.5, 5.0) == "b"


def test_a_rate_that_is_not_known_is_one_request_a_second() -> None:
    def first(**changes: object) -> tuple[float, ...]:
        terms = {"name": "a", "lowering": False, "roll": False, "priority": 1, "miss_usd": 0.002, "at_stake": None}
        return (urgency(**{**terms, **changes}).saved_usd,)  # type: ignore[arg-type]

    assert first() == (-0.002,)
    assert first(at_stake=30.0) == pytest.approx((-0.06,))


def test_the_order_is_raises_then_rolls_and_then_priority_price_and_name() -> None:
    def of(name: str, priority: int, price: float, *, lowering: bool = False, roll: bool = False) -> Urgency:
        return urgency(name=name, lowering=lowering, roll=roll, priority=priority, miss_usd=price, at_stake=None)

    order = [
        of("z", 1, 0.02),
        of("a", 1, 0.01),
        of("b", 1, 0.01),
        of("a", 2, 1.0),
        of("a", 1, 1.0, roll=True),
        of("a", 1, 1.0, lowering=True),
    ]
    shuffled = [order[i] for i in (3, 5, 0, 4, 2, 1)]
    assert sorted(shuffled) == order


def test_a_copy_that_only_changes_machines_waits_for_those_that_are_needed() -> None:
    """Ten copies on four machines: a roll could empty one. The one copy of this tick goes to z, though it is last."""
    names = "abcde"
    load = {name: evidence(25.0, 2) for name in names} | {"z": evidence(50.0, 1)}
    parts = [a_component(name) for name in names] + [a_component("z", copies=1)]
    steady = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    known = Memory(
        models={name: ModelMemory(recent=steady) for name in names},
        homes_checked=NOW,
        loose={POOL: Loose(since=NOW - 3600, machines=4)},
    )
    models = (*map(a_model, names), a_model("z", priority=3))
    rolled = decide(a_fleet(load, components=parts), a_config(*models), known, NOW)
    assert any("could go" in change.because for change in rolled.changes)
    one = a_config(*models, limits=replace(WIDE, copies_per_tick=1))
    assert sizes(decide(a_fleet(load, components=parts), one, known, NOW)) == {"z": 2}


def test_a_budget_goes_to_the_dearest_and_the_floors_of_all_others_pass_it() -> None:
    """The budget is spent, and the floor of the least model is met all the same: floors > budget."""
    models = a_model("a", priority=1), a_model("b", priority=3, min_copies=4)
    fleet = busy("a", "b", in_flight=15.0)
    fleet = replace(fleet, evidence={"a": evidence(90.0, 1), "b": evidence(15.0, 1)})
    broke = a_config(*models, money=Money(budget_usd_per_hour=1.0))
    decision = decide(fleet, broke, KNOWN, NOW)
    assert sizes(decision) == {"b": 4}
    reason, because = why(decision)["a"]
    assert reason == "budget" and "; denied: " in because
    assert because.endswith("nobody else got of the budget now"), "b's floor came later, and past the budget"


def test_a_floor_is_denied_by_no_limit_of_the_tick_and_no_budget() -> None:
    """Also when those before it took all of the tick's share."""
    models = a_model("a", priority=1), a_model("b", priority=3, min_copies=5)
    fleet = busy("a", "b", in_flight=50.0)
    fleet = replace(fleet, evidence={"a": evidence(50.0, 1), "b": evidence(1.0, 1)})
    limits, money = replace(WIDE, copies_per_tick=1), Money(budget_usd_per_hour=0.01)
    for config in (a_config(*models, limits=limits), a_config(*models, limits=limits, money=money)):
        assert sizes(decide(fleet, config, KNOWN, NOW))["b"] == 5


def test_dedicated_endpoints_and_pools_take_of_one_quota_and_the_record_says_so() -> None:
    """Three machines of the type: one is the pool's, one is d's and the last goes to d, whose priority is higher."""
    alone = Endpoint(
        name="alone", kind=EndpointKind.DEDICATED, config_name="c", variant="v", status=Status.IN_SERVICE,
        instance_type=P4D.name, instances_now=1, instances_wanted=1, changed_at=0, model="d",
    )  # fmt: skip
    shapes = (Shape(Hosting.DEDICATED, P4D.name, 8, 20.0, 10.0, 220.0),)
    fleet = a_fleet(
        {"alone": evidence(30.0, 1), "a": evidence(200.0, 7)},
        components=[a_component("a", copies=7)],
        endpoints=[a_pool(instances_now=1, instances_wanted=1), alone],
        instance_types={P4D.name: replace(P4D, quota=3)},
    )
    models = a_model("d", priority=1, shapes=shapes, host="dedicated", max_copies=None), a_model("a", priority=2)
    decision = decide(fleet, a_config(*models), KNOWN, NOW)
    assert sizes(decision)["d"] > 1
    reason, because = why(decision)["a"]
    assert reason == "quota" and because.endswith("the room went to d")


def test_nobody_is_said_to_have_won_what_is_not_shared_out() -> None:
    fleet = replace(busy("a"), evidence={"a": evidence(50.0, 1)})
    held = why(decide(fleet, a_config(a_model("a", act=Rung.WATCH)), KNOWN, NOW))["a"]
    assert held[0] == "ladder" and "denied" not in held[1]
    assert told(Passed(1, "freeze", "sev1 is open"), denied=1, asked=1, unit="copies", winners=["b"]) == "sev1 is open"


def test_of_many_winners_some_are_named_and_the_rest_are_counted() -> None:
    taken = Taken()
    for name in "abcdefg":
        taken.take(name, ("copies", f"pool {POOL}"))
    winners = taken.winners("g", ("copies", f"pool {POOL}"))
    because = told(Passed(1, "quota", "room for 0 more"), denied=2, asked=2, unit="copies", winners=winners)
    assert (len(winners), NAMED) == (6, 5)
    assert because == "room for 0 more; denied: 2 of 2 copies; the room went to a, b, c, d, e and 1 more"
