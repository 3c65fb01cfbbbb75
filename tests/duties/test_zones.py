"""A model of two zones: met, unmet or unverified is in the record, and it is never lowered below its zones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, P4D, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Hosting, ModelConfig, Shape
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Step
from tidepool.decision.zones import Zones, status
from tidepool.fleet import Component, Endpoint, EndpointKind, Fleet, Status
from tidepool.memory import Memory, Minute, ModelMemory

QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))
WATCHED = Memory(models={"a": ModelMemory(recent=QUIET)}, homes_checked=NOW)


def zones_of(fleet: Fleet, model: ModelConfig) -> tuple[Step, ...]:
    steps = decide(fleet, a_config(model), WATCHED, NOW).steps
    return tuple(step for step in steps if step.stage == "zones")


def on(machines: int, component: Component) -> Fleet:
    pool = a_pool(instances_now=machines, instances_wanted=machines)
    return a_fleet({"a": evidence(15.0, component.copies_now)}, components=[component], endpoints=[pool])


@pytest.mark.parametrize(
    ("copies", "machines", "to"),
    [(2, 4, "unverified"), (2, 2, "unverified"), (2, 1, "unmet"), (1, 4, "unmet"), (0, 4, "unmet")],
)
def test_two_zones_are_unmet_with_fewer_copies_or_machines_and_else_unverified(
    copies: int, machines: int, to: str
) -> None:
    (step,) = zones_of(on(machines, a_component(copies=copies)), a_model(zones=2, min_copies=2))
    assert (step.subject, step.from_, step.to) == ("a", f"{copies} copies, {machines} machines of 2 zones", to)


def test_what_is_on_its_way_stands_in_no_zone_yet() -> None:
    pending = a_component(copies=2, copies_now=1, status=Status.UPDATING)
    assert zones_of(on(4, pending), a_model(zones=2, min_copies=2))[0].to == "unmet"


def test_met_is_said_only_on_evidence_and_nothing_gives_it_today() -> None:
    assert status(copies=9, machines=9, zones=2) is Zones.UNVERIFIED
    assert status(copies=9, machines=9, zones=2, seen=2) is Zones.MET
    assert status(copies=9, machines=9, zones=2, seen=1) is Zones.UNMET
    assert status(copies=9, machines=1, zones=2, seen=2) is Zones.UNMET


def test_the_record_says_what_nothing_would_spread() -> None:
    model = a_model(zones=2, min_copies=2)
    packed, spread = (zones_of(on(4, a_component(strategy=one)), model)[0].because for one in ("BINPACK", "SPREAD"))
    assert packed == f"{spread}; its strategy is BINPACK, which may put all copies on one"


def test_a_model_of_one_zone_has_no_such_step() -> None:
    assert zones_of(on(4, a_component()), a_model()) == ()


def test_idle_copies_are_not_lowered_below_the_zones() -> None:
    """One copy would do for one request in flight, and its floor is one; two zones keep two."""
    fleet = a_fleet({"a": evidence(1.0, 3)}, components=[a_component(copies=3)])
    lowered = {}
    for zones in (1, 2):
        (change,) = decide(fleet, a_config(a_model(zones=zones)), WATCHED, NOW).changes
        lowered[zones] = change.copies_to  # type: ignore[union-attr]
    assert lowered == {1: 1, 2: 2}


@pytest.mark.parametrize(("zones", "left"), [(1, 1), (2, 2), (3, 3)])
def test_a_dedicated_endpoint_is_not_lowered_below_its_zones(zones: int, left: int) -> None:
    endpoint = Endpoint(
        name="alone", kind=EndpointKind.DEDICATED, config_name="c", variant="v", status=Status.IN_SERVICE,
        instance_type=P4D.name, instances_now=4, instances_wanted=4, changed_at=0, model="a",
    )  # fmt: skip
    shapes = (Shape(Hosting.DEDICATED, P4D.name, 8, 20.0, 10.0, 220.0),)
    fleet = replace(a_fleet({"alone": evidence(1.0, 4)}, components=[]), endpoints={"alone": endpoint})
    decision = decide(fleet, a_config(a_model(zones=zones, shapes=shapes, host="dedicated")), WATCHED, NOW)
    (change,) = decision.changes
    assert change.instances_to == left  # type: ignore[union-attr]
    (step,) = [step for step in decision.steps if step.stage == "zones"] or [None]
    assert step is None if zones == 1 else step.from_ == f"4 instances of {zones} zones"  # type: ignore[union-attr]
