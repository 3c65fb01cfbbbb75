"""What is particular to inference routers: changes as a whole, other people's targets, and every UNKNOWN both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from builders.move_turns import evidence, move, side
from builders.move_world import a_move
from builders.twin_world import POOL, START, a_cloud
from builders.ways import ARN, NEW, OLD, TABLE, Way, a_way
from tidepool.errors import Busy, NoCapacity, NotFound
from tidepool.fleet import Series, Status
from tidepool.move.machine import step
from tidepool.move.seen import Seen, Side, Terms
from tidepool.move.state import Phase
from tidepool_lab.embedded.routers import IN_EFFECT_S, Routers, Split
from tidepool_lab.embedded.routes import RouterCallers


@pytest.fixture
def router() -> Iterator[Way]:
    with a_way("router") as made:
        yield made


def test_a_router_that_is_changing_is_busy_and_the_row_stays_where_it_was(router: Way) -> None:
    router.write(OLD)
    with pytest.raises(Busy):
        router.write(*router.both, version=2)
    router.follow(1)
    assert router.write(*router.both, version=2) == router.read()


@pytest.mark.parametrize("shows_asked", [True, False])
def test_while_a_router_changes_its_route_is_what_was_asked_whatever_describe_shows(
    router: Way, shows_asked: bool
) -> None:
    router.routers.shows_asked = shows_asked
    router.write(OLD)
    router.follow(1)
    both = router.write(*router.both, version=2)
    assert router.read() == both
    assert not router.followed(both, router.now)


def test_a_router_changed_just_before_a_crash_shows_its_new_destinations_at_the_old_version(router: Way) -> None:
    clients = router.clients
    assert clients is not None
    router.write(OLD)
    router.follow(1)
    row = clients.get("dynamodb").get_item(TableName=TABLE, Key={"model": {"S": "m"}})["Item"]
    router.write(*router.both, version=2)
    clients.get("dynamodb").put_item(TableName=TABLE, Item=row)
    router.follow(2)
    found = router.read()
    assert found is not None and (found.version, found.targets) == (1, router.both)


def test_an_update_that_failed_leaves_the_old_destinations_and_nobody_is_said_to_follow(router: Way) -> None:
    router.write(OLD)
    router.follow(1)
    router.routers.fail_next = True
    both = router.write(*router.both, version=2)
    router.follow(2)
    found = router.read()
    assert found is not None and (found.version, found.targets) == (2, (OLD,))
    assert found.trouble.startswith("router codegen is Failed (")
    assert "it leads to m, version 2 asked for m, own; update it until it is InService" in found.trouble
    assert not router.followed(both, router.now + 600)
    assert router.write(OLD, version=3) == router.read()


@pytest.mark.parametrize("effect_s", [10, 119, 200])
@pytest.mark.parametrize("shows_asked", [True, False])
def test_no_step_of_a_move_follows_another_before_the_router_has_the_last_one_in_effect(
    router: Way, shows_asked: bool, effect_s: int
) -> None:
    """Looked at every 10 s from the write on: nothing is asked of the router, and the move stays in its step."""
    router.write(OLD)
    router.follow(1)
    router.routers.shows_asked, router.routers.effect_s = shows_asked, effect_s
    both = router.write(*router.both, version=2)
    at = wrote = router.now
    there = Side("own", Status.IN_SERVICE, 1, 1, "v", "artifact-m", "0123456789abcdef", "")
    ask = replace(a_move("pool-a", "own"), from_endpoint="pool")
    shifting = move(Phase.SHIFT, ask=ask, to_component="", since=wrote, settled_at=0, route_version=2)
    terms = Terms(weighted=False, soak_from_write=False, ack_s=600)
    lively = replace(evidence(), utilisation=Series(wrote, 60, np.full(30, 50.0)))
    while at < wrote + 900:
        router.now = at
        route = router.read()
        assert route is not None and route.targets == router.both
        looks = Seen(terms, side("m"), there, route, router.followed(route, at), lively, lively)
        turn = step(shifting, looks, at)
        if turn.move.phase is Phase.DRAIN:
            break
        assert (turn.command, turn.move.phase, turn.move.step) == (None, Phase.SHIFT, 0)
        shifting, at = turn.move, at + 10
    assert at >= wrote + effect_s + 120, "it soaked since the change was in effect"
    assert router.followed(both, at)


def test_a_router_that_somebody_changed_says_what_it_leads_to_and_what_was_asked(router: Way) -> None:
    written = router.write(OLD)
    router.follow(1)
    assert written.trouble == ""
    place = [{"ResourceArn": f"{ARN}:endpoint/own"}]
    update(router, [{**router.routers.found["codegen"].targets[0], "Destinations": place}])
    router.follow(1)
    found = router.read()
    assert found is not None and (found.version, found.targets) == (1, (NEW,))
    assert found.trouble.startswith("router codegen: it leads to own, version 1 asked for m; its update failed, or")


def theirs(router: Way, *names: str) -> list[dict[str, Any]]:
    place = [{"ResourceArn": f"{ARN}:endpoint/theirs"}]
    more = [{"Name": name, "Destinations": place, "RoutingPreference": "LocalRegionFirst"} for name in names]
    return [*router.routers.found["codegen"].targets, *more]


def update(router: Way, targets: list[dict[str, Any]]) -> None:
    router.routers("UpdateInferenceRouter", {"InferenceRouterName": "codegen", "RoutingTargets": targets})


def test_other_targets_of_a_router_stay_as_they_are(router: Way) -> None:
    router.write(OLD)
    router.follow(1)
    wanted = theirs(router, "other")
    update(router, wanted)
    router.follow(1)
    router.write(*router.both, version=2)
    router.follow(2)
    router.routers("DescribeInferenceRouter", {"InferenceRouterName": "codegen"})
    after = {target["Name"]: target for target in router.routers.found["codegen"].targets}
    assert sorted(after) == ["block-gen", "other"]
    assert after["other"] in wanted


@pytest.mark.parametrize("shows_asked", [True, False])
def test_a_change_of_somebody_elses_target_meanwhile_is_never_undone(router: Way, shows_asked: bool) -> None:
    """They change theirs while we look at our homes: their change runs, ours is busy, and comes after it."""
    router.routers.shows_asked = shows_asked
    router.write(OLD)
    router.follow(1)
    router.homes.theirs = lambda: update(router, theirs(router, "other"))
    with pytest.raises(Busy):
        router.write(*router.both, version=2)
    router.follow(1)
    router.write(*router.both, version=2)
    router.follow(2)
    router.routers("DescribeInferenceRouter", {"InferenceRouterName": "codegen"})
    assert sorted(target["Name"] for target in router.routers.found["codegen"].targets) == ["block-gen", "other"]


def test_a_router_that_cannot_reach_a_destination_is_not_followed(router: Way) -> None:
    route = router.write(OLD)
    router.follow(1)
    router.routers.unreachable = {f"{ARN}:inference-component/m"}
    assert not router.followed(route, START + 600)


def test_a_router_never_leads_to_a_component_without_a_copy(router: Way) -> None:
    router.homes.copies = 0
    with pytest.raises(NoCapacity, match="Raise the component to one copy"):
        router.write(OLD)
    assert "codegen" not in router.routers.found
    router.homes.copies = 1
    router.write(OLD)


def test_a_router_in_front_of_an_unknown_home_is_refused_before_anything_is_written(router: Way) -> None:
    router.homes.gone = True
    with pytest.raises(NotFound):
        router.write(OLD)
    assert "codegen" not in router.routers.found


@pytest.mark.parametrize("split", ["even", "first", "last"])
def test_however_a_router_spreads_requests_each_reaches_a_home_of_the_old_or_the_new_route(
    router: Way, split: Split
) -> None:
    router.routers.split = split
    homes = {"m", "own"}
    for version, targets, allowed in ((1, (OLD,), {"m"}), (2, router.both, homes), (3, (NEW,), homes)):
        router.write(*targets, version=version)
        for _ in range(3):
            reached = {arn.rpartition("/")[2] for arn in router.routers.serving("codegen", "block-gen")}
            assert reached and reached <= allowed
            router.now += 50
        router.follow(version)


def test_the_twins_callers_go_over_when_the_change_is_in_force_and_not_before() -> None:
    cloud = a_cloud(copies={"m": 1}, traffic=[[60]] * 30)
    cloud.create_component("m-new", POOL, model="m", copies=1, tags={"model": "m"}, settled=True)
    routers = Routers(lambda: cloud.now_s, Random(1))
    callers = RouterCallers(cloud, routers)

    def ask(operation: str, *names: str) -> None:
        places = [{"ResourceArn": f"{ARN}:{name}"} for name in names]
        targets = [{"Name": "block-gen", "Destinations": places}]
        routers(operation, {"InferenceRouterName": "codegen", "RoutingTargets": targets})

    def went_to(after_s: int) -> list[str]:
        cloud.run_to(cloud.now_s + after_s)
        callers.look()
        cloud.run_to(cloud.now_s + 60)
        return [cloud.requests.names[row] for row, _ in cloud.requests.routes[0]]

    ask("CreateInferenceRouter", "inference-component/m")
    assert went_to(IN_EFFECT_S) == ["m"]
    ask("UpdateInferenceRouter", "inference-component/m", "inference-component/m-new")
    assert callers.leads_to("m-new") and not callers.leads_to("theirs")
    assert went_to(0) == ["m"]
    assert went_to(IN_EFFECT_S) == ["m", "m-new"]
    ask("UpdateInferenceRouter", "inference-component/m-new")
    assert went_to(IN_EFFECT_S) == ["m-new"]
