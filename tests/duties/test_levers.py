"""Every saving names its lever, and the chance that a machine is released by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Config, Hosting, PoolConfig, RouteConfig, Shape, Via
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision, Step
from tidepool.fleet import Endpoint, EndpointKind, Fleet, InstanceType
from tidepool.memory import Loose, Memory, Minute, ModelMemory
from tidepool.move.naming import CREATED_TAG
from tidepool.plan.change import StartMove

QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))
WATCHED = Memory(models={"a": ModelMemory(recent=QUIET)}, homes_checked=NOW)


def savings(decision: Decision) -> list[Step]:
    return [step for step in decision.steps if step.stage == "saving"]


def lowered(copies: int, memory: Memory = WATCHED, **pool: object) -> Step:
    """The saving of a model that needs one copy of so many, on a pool of two machines."""
    endpoint = a_pool(**{"instances_now": 2, "instances_wanted": 2, **pool})
    fleet = a_fleet({"a": evidence(5.0, copies)}, components=[a_component(copies=copies)], endpoints=[endpoint])
    (step,) = savings(decide(fleet, a_config(), memory, NOW))
    return step


def test_fewer_copies_free_a_machine_by_chance() -> None:
    """One of two machines would do. Untried, each copy that leaves frees one in 1 of 4 cases: one copy 25 %."""
    step = lowered(2)
    assert (step.subject, step.from_, step.to) == ("a", "fewer copies", "25 %")
    assert step.because == f"1 of 2 machines of {POOL} could go; each copy that leaves frees one in 25 %"


def test_of_several_copies_one_is_likelier_to_free_a_machine() -> None:
    assert lowered(3).to == "44 %", "1 - 0.75²"


def test_the_chance_is_what_the_pools_own_rolls_taught() -> None:
    """Of 16 rolls 9 released one: (9 + 1) / (16 + 4)."""
    taught = replace(WATCHED, loose={POOL: Loose(tried=16.0, released=9.0, machines=2)})
    assert lowered(2, taught).to == "50 %"


@pytest.mark.parametrize("pool", [{"instances_now": 1, "instances_wanted": 1}, {"min_instances": 2}])
def test_where_what_stays_needs_every_machine_none_goes(pool: dict[str, int]) -> None:
    step = lowered(2, **pool)
    assert step.to == "0 %" and "what stays needs all" in step.because


def test_what_consolidation_packs_is_left_to_it_and_promised_by_nobody() -> None:
    step = lowered(2, scale_in="CONSOLIDATION")
    assert (step.from_, step.to) == ("fewer copies", "CONSOLIDATION")


def test_zero_is_a_lever_of_its_own() -> None:
    config = a_config(a_model(min_copies=0, zero_after_s=1800))
    silent = tuple(Minute(NOW - 60 * (30 - i), 0.0, 0.0, 0.0) for i in range(30))
    memory = Memory(models={"a": ModelMemory(recent=silent, idle_since=NOW - 3600)}, homes_checked=NOW)
    fleet = a_fleet({"a": evidence(0.0, 1)}, components=[a_component(copies=1)])
    (step,) = savings(decide(fleet, config, memory, NOW))
    assert (step.from_, step.to) == ("zero", "25 %")


def alone(instances: int, **changes: object) -> Fleet:
    own = Endpoint(
        name="a-alone",
        kind=EndpointKind.DEDICATED,
        config_name="c",
        variant="main",
        instance_type=P4D.name,
        status=a_pool().status,
        instances_now=instances,
        instances_wanted=instances,
        changed_at=0,
        model="a",
        max_instances=10,
        sagemaker_model="model-a",
    )
    own = replace(own, **changes)  # type: ignore[arg-type]
    return a_fleet({"a-alone": evidence(25.0, instances)}, components=[], endpoints=[a_pool(), own])


def test_instances_of_a_dedicated_endpoint_go_by_number() -> None:
    (step,) = savings(decide(alone(3), a_config(a_model(host="dedicated")), WATCHED, NOW))
    assert (step.from_, step.to, step.because) == ("fewer instances", "100 %", "2 of 3 instances go by number")


@pytest.mark.parametrize(
    ("tags", "terms", "told"),
    [({}, {}, []), ({CREATED_TAG: "move"}, {}, ["100 %"]), ({}, {"retire_delete": True}, ["100 %"])],
)
def test_an_endpoint_that_stays_its_owners_keeps_its_last_instance(
    tags: dict[str, str], terms: dict[str, object], told: list[str]
) -> None:
    """A model that wastes an instance of its own moves to the pool: nothing goes unless the endpoint is deleted."""
    recent = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    memory = Memory(models={"a": ModelMemory(recent=recent)})
    decision = decide(alone(1, tags=tags), a_config(a_model(**terms)), memory, NOW)
    assert any(isinstance(change, StartMove) for change in decision.changes)
    assert [step.to for step in savings(decision)] == told


def test_a_copy_more_is_no_saving() -> None:
    decision = decide(a_fleet({"a": evidence(90.0, 2)}), a_config(), Memory(homes_checked=NOW), NOW)
    assert decision.changes and not savings(decision)


def test_a_roll_is_a_lever_though_it_begins_with_a_copy_more() -> None:
    """Two steady copies on four machines, loose for an hour: the one that leaves afterwards frees a machine or not."""
    steady = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    loose = {POOL: Loose(since=NOW - 3600, machines=4)}
    memory = Memory(models={"a": ModelMemory(recent=steady)}, homes_checked=NOW, loose=loose)
    (step,) = savings(decide(a_fleet(), a_config(), memory, NOW))
    assert (step.from_, step.to) == ("a roll", "25 %")
    assert step.because.startswith(f"3 of 4 machines of {POOL} could go")


CHEAP = InstanceType("ml.cheap.48xlarge", accelerators=8, usd_per_hour=5.0, quota=20)


def two_pools(*names: str, via: Via) -> tuple[Fleet, Config, Memory]:
    """Models of 25, 50, 75… in flight on ml.p4d.24xlarge, and an empty pool of machines at a fifth of its price."""
    cheap = a_pool(name="cheap", instance_type=CHEAP.name, instances_now=0, instances_wanted=0)
    shapes = tuple(Shape(Hosting.SHARED, kind, 1, 20.0, 10.0, 220.0) for kind in (P4D.name, CHEAP.name))
    every = [a_model(name, shapes=shapes, route=RouteConfig(via)) for name in names]
    loads = {name: 25.0 * (i + 1) for i, name in enumerate(names)}
    fleet = a_fleet(
        {name: evidence(load, 2 * (i + 1)) for i, (name, load) in enumerate(loads.items())},
        components=[a_component(name, copies=2 * (i + 1)) for i, name in enumerate(names)],
        endpoints=[a_pool(), cheap],
        instance_types={P4D.name: P4D, CHEAP.name: CHEAP},
    )
    config = a_config(*every, pools={name: PoolConfig(name, name) for name in (POOL, "cheap")})
    recent = {
        name: tuple(Minute(NOW - 60 * (30 - i), load, load, load / 10) for i in range(30))
        for name, load in loads.items()
    }
    return fleet, config, Memory(models={name: ModelMemory(recent=recent[name]) for name in names})


def test_a_move_of_a_whole_model_is_a_lever() -> None:
    """Four copies leave four machines, on which nobody else lives: 1 - 0.75⁴."""
    fleet, config, memory = two_pools("a", via=Via.TABLE)
    fleet = replace(fleet, components={"a": a_component(copies=4)}, evidence={"a": evidence(50.0, 4)})
    decision = decide(fleet, config, memory, NOW)
    (move,) = (change for change in decision.changes if isinstance(change, StartMove))
    (step,) = savings(decision)
    assert move.model == step.subject == "a"
    assert (step.from_, step.to) == ("a move", "68 %")


def test_recommendations_are_ranked_by_the_dollars_that_they_save_a_month() -> None:
    """Nobody's callers follow a route. The names run against the sums, and so does what each saves an accelerator."""
    decision = decide(*two_pools("a", "b", "c", via=Via.NONE), NOW)
    recommended = [held for held in decision.held if held.kind == "StartMove"]
    months = [float(held.because.split("($")[1].split(" a month")[0].replace(",", "")) for held in recommended]
    assert len(recommended) >= 2 and len(set(months)) >= 2
    assert months == sorted(months, reverse=True)
    hours = [float(held.because.split("$")[1].split(" ")[0]) for held in recommended]
    assert months == pytest.approx([720 * hour for hour in hours], abs=720 * 0.005)
