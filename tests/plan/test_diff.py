"""A plan applied to a fleet reaches what it asked for, and the difference is the plan."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders import NOW, P4D, POOL, a_component, a_fleet, a_pool
from tidepool.config.types import Hosting
from tidepool.fleet import Endpoint, EndpointKind, Status
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetBounds, StartMove
from tidepool.plan.diff import Delta, applied, diff

ALONE = Endpoint(
    "alone", EndpointKind.DEDICATED, "c", "main", Status.IN_SERVICE, P4D.name, 1, 1, NOW, model="b",
    tags={"model": "b"},
)  # fmt: skip
FLEET = a_fleet(components=[a_component("a", 2), a_component("c", 1)], endpoints=[a_pool(), ALONE])


def copies(component: str, was: int, will: int) -> ScaleCopies:
    return ScaleCopies("1", component, component, POOL, was, will, "because", 0.0)


def move(to: Hosting, *, model: str, component: str, size: int) -> StartMove:
    source = POOL if component else "alone"
    target = "new-home" if to is Hosting.DEDICATED else POOL
    return StartMove(
        "5", model, Hosting.SHARED if component else Hosting.DEDICATED, source, component, to, target, P4D.name,
        1, size, "because", 0.0, 0.0,
    )  # fmt: skip


@given(st.integers(0, 50), st.integers(1, 20), st.integers(0, 5), st.integers(5, 60))
def test_a_plan_applied_to_the_fleet_reaches_its_target_and_the_difference_is_the_plan(
    to_copies: int, to_instances: int, minimum: int, maximum: int
) -> None:
    plan: list[Change] = [
        copies("a", 2, to_copies),
        ScaleInstances("2", "b", "alone", "main", 1, to_instances, "because", 0.0),
        SetBounds("3", "p", POOL, "main", "pool-config", 0, minimum, 20, maximum, "because", 0.0),
    ]
    after = applied(FLEET, plan)
    assert after.components["a"].copies_now == after.components["a"].copies_wanted == to_copies
    wanted = {
        Delta("a", "copies", 2, to_copies),
        Delta("alone", "instances", 1, to_instances),
        Delta(POOL, "minimum", 0, minimum),
        Delta(POOL, "maximum", 20, maximum),
    }
    assert set(diff(FLEET, after)) == {delta for delta in wanted if delta.before != delta.after}


def test_a_move_to_dedicated_hosting_retires_the_component_and_opens_an_endpoint() -> None:
    after = applied(FLEET, [move(Hosting.DEDICATED, model="a", component="a", size=2)])
    assert diff(FLEET, after) == (Delta("a", "copies", 2, 0), Delta("new-home", "instances", 0, 2))
    assert after.endpoints["new-home"].model == "a"
    assert after.endpoints["new-home"].tags == FLEET.components["a"].tags


def test_a_move_to_a_pool_retires_the_endpoint_and_opens_a_component() -> None:
    after = applied(FLEET, [move(Hosting.SHARED, model="b", component="", size=3)])
    assert [str(delta) for delta in diff(FLEET, after)] == ["tidepool-5: copies 0 → 3", "alone: instances 1 → 0"]
    assert after.components["tidepool-5"].model == "b"


def test_a_plan_changes_nothing_that_it_does_not_name() -> None:
    after = applied(FLEET, [copies("a", 2, 5)])
    assert after.components["c"] is FLEET.components["c"]
    assert after.endpoints == FLEET.endpoints
    assert applied(FLEET, []) == FLEET
    assert diff(FLEET, FLEET) == ()
