"""Other writers under the real handlers: persons, deploys and Application Auto Scaling on the template's stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions.world import FLEET, World, a_world, iso
from tidepool.fleet import SignalKind
from tidepool_lab.embedded.intercept import ACCOUNT

COPIES = "sagemaker:inference-component:DesiredCopyCount"


def register(world: World, component: str, minimum: int, maximum: int) -> None:
    """A team's own autoscaling of a component."""
    world.rig.stores.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"inference-component/{component}",
        ScalableDimension=COPIES,
        MinCapacity=minimum,
        MaxCapacity=maximum,
    )


def target(world: World, component: str) -> dict[str, Any]:
    client = world.rig.stores.client("application-autoscaling")
    name = f"inference-component/{component}"
    (found,) = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[name])["ScalableTargets"]
    return dict(found)


def suspended(world: World, component: str) -> set[bool]:
    return set(target(world, component)["SuspendedState"].values())


def set_copies(world: World, component: str, copies: int) -> None:
    """Somebody else does, past Tidepool."""
    world.cloud.set_copies(component, copies)


def wanted(world: World, component: str) -> int:
    return world.cloud.component(component, "tag:model").copies_wanted


def on(world: World, minutes: float) -> None:
    world.rig.run_to(world.now + round(60 * minutes))
    assert [h for h in world.rig.happened if h.kind in {"failed", "undelivered"}] == []


def announced(world: World) -> list[str]:
    """What the topic's subscribers read of other writers."""
    told = [h.event["detail"] for h in world.rig.happened if h.kind == "notified" and "detail" in h.event]
    return [detail["what"] for detail in told if detail.get("kind") == "writer"]


@pytest.fixture
def world() -> Iterator[World]:
    with a_world(busy=True) as made:
        on(made, 12)  # a has what it needs
        yield made


def test_a_count_set_by_hand_is_left_alone_for_its_hours_and_then_scaled_again(world: World) -> None:
    needed = wanted(world, "a")
    set_copies(world, "a", needed + 4)
    on(world, 2)
    (hold,) = world.ledger().signals(world.now)
    (words,) = announced(world)
    assert f"somebody set a of a from {needed} to {needed + 4} (person): left alone for 4h" in words
    assert (hold.kind, hold.scope, hold.by) == (SignalKind.HOLD, "a", "count of a")
    assert hold.until - hold.since == 4 * 3600 and f"from {needed} to {needed + 4} by hand" in hold.why
    on(world, 30)
    assert wanted(world, "a") == needed + 4
    on(world, 240)
    assert wanted(world, "a") < needed + 4


def call_told(world: World, component: str, role: str) -> None:
    event = world.event("call-told")
    event["detail"]["requestParameters"]["inferenceComponentName"] = component
    event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    event["detail"]["eventID"] = f"{role}-{world.now}"
    event["time"] = iso(world.now)
    world.rig.dispatcher.send("default", event)


CI = FLEET.replace("pools:", "writers: {deploys: {principals: [role/gha-deploy]}}\npools:")


def test_a_deploy_that_lowers_a_count_below_need_is_restored_within_one_tick() -> None:
    with a_world(busy=True, fleet=CI) as world:
        on(world, 12)
        needed = wanted(world, "a")
        assert needed > 3
        set_copies(world, "a", 2)
        call_told(world, "a", "gha-deploy")
        on(world, 1.5)
        assert wanted(world, "a") > 5 and world.ledger().signals(world.now) == (), "40 in flight, 8 a copy"
        asked = [one.change for one in world.ledger().operations(world.now - 120)]
        assert any("restored" in change.because for change in asked)
        assert "role/gha-deploy set a of a from" in announced(world)[-1] and "restored" in announced(world)[-1]


def test_a_guess_that_cloudtrail_corrects_lifts_the_hold_and_restores() -> None:
    with a_world(busy=True, fleet=CI) as world:
        on(world, 12)
        before = world.now
        set_copies(world, "a", 2)
        on(world, 3)
        assert wanted(world, "a") == 2 and len(world.ledger().signals(world.now)) == 1, "taken for a person"
        event = world.event("call-told")
        event["detail"]["requestParameters"]["inferenceComponentName"] = "a"
        event["time"] = iso(before)
        world.rig.dispatcher.send("default", event)
        on(world, 2)
        assert world.ledger().signals(world.now) == () and wanted(world, "a") > 5


def with_autoscaling(mode: str) -> str:
    return FLEET.replace("pools:", f"writers: {{autoscaling: {mode}}}\npools:")


def test_by_default_a_component_with_autoscaling_is_left_alone() -> None:
    with a_world(busy=True) as world:
        register(world, "a", 1, 9)
        on(world, 6)
        assert wanted(world, "a") == 2 and target(world, "a")["MinCapacity"] == 1
        set_copies(world, "a", 5)
        on(world, 3)
        assert world.ledger().signals(world.now) == (), "its autoscaling did that"
        assert world.ledger().taken() == ()
        assert announced(world) == ["Application Auto Scaling scales a of a; writers.autoscaling is yield"]


def test_floor_raises_its_minimum_ahead_of_demand_and_hands_it_back_when_the_file_says_so() -> None:
    with a_world(busy=True, fleet=with_autoscaling("floor")) as world:
        register(world, "a", 1, 9)
        on(world, 3)
        assert target(world, "a")["MinCapacity"] > 2 and wanted(world, "a") == 2
        assert suspended(world, "a") == {False} and target(world, "a")["MaxCapacity"] == 9
        (taken,) = world.ledger().taken()
        assert (taken.found.minimum, taken.done) == (1, True)
        world.rig.upload(FLEET, commit="yield")
        on(world, 2)
        assert target(world, "a")["MinCapacity"] == 1
        assert world.rig.denied() == []


def test_adopt_suspends_it_scales_and_gives_it_back() -> None:
    with a_world(busy=True, fleet=with_autoscaling("adopt")) as world:
        register(world, "a", 1, 9)
        on(world, 4)
        assert suspended(world, "a") == {True} and wanted(world, "a") > 2
        world.rig.upload(FLEET, commit="yield")
        on(world, 2)
        assert suspended(world, "a") == {False} and target(world, "a")["MinCapacity"] == 1
        assert world.rig.denied() == []


def test_a_dedicated_endpoints_autoscaling_is_adopted_by_the_hand_of_instances() -> None:
    with a_world(fleet=with_autoscaling("adopt"), dedicated=True) as world:
        client = world.rig.stores.client("application-autoscaling")
        variant = world.cloud.endpoint("own", "tag:model").variant
        name = f"endpoint/own/variant/{variant}"
        asked = {"ServiceNamespace": "sagemaker", "ResourceId": name}
        client.register_scalable_target(
            **asked, ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=2
        )
        on(world, 3)
        (found,) = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[name])["ScalableTargets"]
        assert set(found["SuspendedState"].values()) == {True}
        (operation,) = [one for one in world.ledger().operations(0) if one.change.id and "adopt" in one.change.because]
        assert operation.outcome == "done" and world.rig.denied() == []


def test_without_a_hand_nobodys_autoscaling_is_touched() -> None:
    with a_world(busy=True, fleet=with_autoscaling("adopt"), hands="none") as world:
        register(world, "a", 1, 9)
        on(world, 3)
        assert suspended(world, "a") == {False} and world.ledger().taken() == ()


def test_a_scaling_target_registered_a_minute_ago_is_found_before_anything_is_asked_for(world: World) -> None:
    on(world, 5)  # it is asked every five minutes: the answer of now is kept for longer than this test lasts
    register(world, "b", 1, 9)
    world.rig.upload(FLEET.replace("min_copies: 1", "min_copies: 3"), commit="more")
    on(world, 1.5)
    assert wanted(world, "c") == 3 and wanted(world, "b") == 1
    assert announced(world) == ["Application Auto Scaling scales b of b; writers.autoscaling is yield"]
