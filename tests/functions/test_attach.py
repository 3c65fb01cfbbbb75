"""A model's first home, through the deployed hand: made, proved, routed to; or the reasons why not and nothing left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.world import FLEET, World, a_world, noticing
from tidepool.aws.clients import Clients
from tidepool.aws.routes_table import TableRoutes
from tidepool.config.types import RouteConfig, Via
from tidepool.fleet import Route, Signal, SignalKind, Target
from tidepool.move.attach import Attach
from tidepool.move.state import Phase

ROUTED = FLEET.replace("zones: 1", "zones: 1\n    route: {via: table}")
HAND = "MoveModelsFunction"


@pytest.fixture
def world() -> Iterator[World]:
    with a_world(fleet=ROUTED) as made:
        leave(made)
        yield made


def leave(world: World) -> None:
    """b has no home any more."""
    world.cloud.delete_component("b")
    world.rig._move(world.now + 300)
    assert "b" not in world.cloud.components()


def attach(world: World, **words: Any) -> Attach:
    """What is stored right after the hand was asked to attach b to the pool."""
    said = {"model": "b", "pool": "pool", "sagemaker_model": "b", **words}
    world.rig.invoke(HAND, world.event("attach", **said))
    return stored(world)


def stored(world: World) -> Attach:
    (found,) = world.ledger().attaches()
    return found


def ended(world: World) -> Attach:
    for _ in range(120):
        if stored(world).phase.ended:
            return stored(world)
        world.rig._move(world.now + 60)
        world.rig.fire(HAND)
    raise AssertionError(f"it never ended: {stored(world)}")


def route(world: World) -> Route | None:
    routes = TableRoutes(Clients("us-east-1"), world.environment("TIDEPOOL_ROUTES_TABLE"))
    return routes.read("b", RouteConfig(Via.TABLE))


def test_a_new_model_gets_a_component_and_a_route_once_it_answers(world: World) -> None:
    begun = attach(world, copies=2)
    assert (begun.phase, begun.component, route(world)) == (Phase.CREATE, "tidepool-b-61234567", None)
    done = ended(world)
    assert (done.phase, done.why) == (Phase.DONE, "callers are routed to tidepool-b-61234567")
    made = world.cloud.component("tidepool-b-61234567")
    assert (made.copies_now, made.accelerators_per_copy, made.memory_mb, made.strategy) == (2, 1, 1024, "BINPACK")
    assert made.tags == {
        "model": "b",
        "tidepool:managed": "true",
        "tidepool:created-by": "tidepool",
        "tidepool:change": "6123456789abcdef",
    }
    assert world.rig.denied() == []
    written = route(world)
    assert written is not None and (written.version, written.targets) == (1, (Target("pool", made.name, 100),))


def test_the_same_words_again_are_the_same_attach(world: World) -> None:
    attach(world)
    attach(world)
    done = ended(world)
    assert attach(world) == done
    assert world.rig.calls["sagemaker.CreateInferenceComponent"] == 1


def test_people_hear_of_its_end_and_not_of_every_step(world: World) -> None:
    attach(world)
    ended(world)
    world.rig.run_to(world.now + 60)
    heard = [h.event["detail"] for h in world.rig.happened if h.kind == "notified" and "detail" in h.event]
    steps = [(d["kind"], d["phase"], d["model"]) for d in heard if d["kind"] == "attach"]
    assert steps == [("attach", "done", "b")]


def test_without_a_route_in_the_file_callers_name_the_component() -> None:
    with a_world() as world:
        leave(world)
        attach(world)
        done = ended(world)
        assert done.phase is Phase.DONE and "callers must name tidepool-b-61234567" in done.why
        assert route(world) is None


def test_what_stands_against_it_is_said_at_once_and_nothing_is_made() -> None:
    fleet = ROUTED.replace("act: run", "act: scale").replace("bounds: write", "bounds: write, tenants: [x]")
    with a_world(fleet=fleet) as world:
        signal = Signal(SignalKind.HOLD, "b", world.now, world.now + 3600, "lee", "audit")
        world.ledger().put_signal(signal)
        refused = attach(world, copies=60)
        assert refused.phase is Phase.SUPERSEDED
        for reason in (
            "held: lee: audit",
            "act up to 'scale'",
            "for the tenants x",
            "b lives in b",
            "would need 8 instances, its maximum is 6",
            "quota: 1 of 6 ml.p4d.24xlarge are in use, 7 more are needed",
        ):
            assert reason in refused.why
        assert "sagemaker.CreateInferenceComponent" not in world.rig.calls


def test_a_pool_that_nobody_declared_is_refused(world: World) -> None:
    with pytest.raises(Exception, match=r"attach\.pool: 'elsewhere' is not allowed; allowed: pool"):
        world.rig.invoke(HAND, world.event("attach", model="b", pool="elsewhere"))


def test_a_model_that_sagemaker_does_not_know_leaves_nothing(world: World) -> None:
    refused = attach(world, sagemaker_model="nobody-v1")
    assert refused.phase is Phase.BACK and "SageMaker refused" in refused.why
    assert ended(world).phase is Phase.ROLLED_BACK
    assert set(world.cloud.components()) == {"a", "c"} and route(world) is None


def test_a_component_that_never_answers_is_removed_again() -> None:
    with a_world(fleet=ROUTED.replace("{via: table}", "{via: table}\n    sample: s3://nowhere/b.json")) as world:
        leave(world)
        attach(world)
        last = ended(world)
        assert last.phase is Phase.ROLLED_BACK and "NoSuchBucket" in last.why
        assert set(world.cloud.components()) == {"a", "c"} and route(world) is None


def test_a_hold_takes_it_back_before_callers_are_sent(world: World) -> None:
    attach(world)
    world.ledger().put_signal(Signal(SignalKind.HOLD, "pool", world.now, world.now + 36_000, "lee", "audit"))
    last = ended(world)
    assert (last.phase, last.why) == (Phase.ROLLED_BACK, "held: lee: audit")
    assert set(world.cloud.components()) == {"a", "c"} and route(world) is None


def test_a_hold_by_tag_on_what_is_made_takes_it_back() -> None:
    """Without its sample it does not answer, and is still there when its tags are read again."""
    with a_world(fleet=ROUTED.replace("route:", "sample: s3://nowhere/b.json\n    route:")) as world:
        leave(world)
        made = attach(world).component
        client = world.rig.stores.client("sagemaker")
        arn = client.describe_inference_component(InferenceComponentName=made)["InferenceComponentArn"]
        client.add_tags(ResourceArn=arn, Tags=[{"Key": "tidepool:hold-until", "Value": "soon"}])
        last = ended(world)
        assert (last.phase, last.why.partition(" cannot")[0]) == (
            Phase.ROLLED_BACK,
            f"held: tag on {made}: tidepool:hold-until=soon",
        )


def test_a_move_that_fails_stops_no_attach_and_is_counted_as_standing_still(monkeypatch: pytest.MonkeyPatch) -> None:
    denied: list[str] = []

    def deny(operation: str, params: dict[str, Any]) -> None:
        if operation == "DescribeEndpoint" and params["EndpointName"] in denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)

    noticing(monkeypatch, deny)
    with a_world(fleet=ROUTED) as world:
        leave(world)
        world.rig.invoke(HAND, world.event("move", model="c", to="dedicated"))
        attach(world)
        (move,) = world.ledger().moves()
        denied.append(move.target_name)
        for later_s, late in ((600, 0), (4 * 3600, 1)):
            world.rig._move(world.now + later_s)
            with pytest.raises(Exception, match="AccessDenied"):
                world.rig.invoke(HAND, world.event("moves-tick"))
            assert (stored(world).phase, world.counted("PastDeadline")) == (Phase.DONE, late)
