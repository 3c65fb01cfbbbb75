"""One contract for every way of routing: the twin's table, DynamoDB's, a gateway's, an inference router's.

Each runs over what it really talks to, as far as that can be had offline: DynamoDB and EventBridge by moto, routers
by a small one of ours whose requests and replies are held to botocore's service model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from builders.aws_account import an_account
from builders.twin_world import START, a_cloud
from tidepool.aws.clients import Clients
from tidepool.aws.routes import Routes as AwsRoutes
from tidepool.config.types import RouteConfig, Via
from tidepool.errors import Busy, Conflict, NotFound, Refused, UnknownSchema
from tidepool.fleet import Route, Target
from tidepool.runtime.ports import Routes
from tidepool_client.store import RouteStore
from tidepool_lab.embedded.intercept import AwsError, answering
from tidepool_lab.twin.fast import FastBus, FastRoutes

TABLE = "tidepool-routes"
OLD, NEW = Target("pool", "m", 100), Target("own", "", 100)
ARN = "arn:aws:sagemaker:us-east-1:123456789012"


@dataclass
class Way:
    """One adapter, and what its callers' side does: `follow` makes everybody follow what was written."""

    routes: Routes
    via: RouteConfig
    bus: FastBus
    follow: Callable[[int], None]
    both: tuple[Target, ...]
    clients: Clients | None = None
    routers: Routers | None = None

    def write(self, *targets: Target, version: int = 1, at: int = START) -> Route:
        route = Route("m", version, targets, at)
        if self.routers is not None:
            self.routers.now = at
        self.routes.write(route, self.via, expected_version=version - 1)
        return route

    def read(self) -> Route | None:
        return self.routes.read("m", self.via)


class Routers:
    """Inference routers as the API describes them: replace-all updates, refused while one runs."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self.now = START
        self.asked: list[str] = []

    def __call__(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(operation)
        match operation:
            case "DescribeInferenceRouter":
                return self._router(params["InferenceRouterName"])
            case "CreateInferenceRouter" | "UpdateInferenceRouter":
                return self._changed(operation, params)
            case "DescribeEndpoint":
                name = params["EndpointName"]
                return {
                    "EndpointName": name,
                    "EndpointArn": f"{ARN}:endpoint/{name}",
                    "EndpointStatus": "InService",
                    "CreationTime": datetime.fromtimestamp(START, UTC),
                    "LastModifiedTime": datetime.fromtimestamp(START, UTC),
                }
            case "DescribeInferenceComponent":
                name = params["InferenceComponentName"]
                return {
                    "InferenceComponentName": name,
                    "InferenceComponentArn": f"{ARN}:inference-component/{name}",
                    "EndpointName": "pool",
                    "EndpointArn": f"{ARN}:endpoint/pool",
                    "CreationTime": datetime.fromtimestamp(START, UTC),
                    "LastModifiedTime": datetime.fromtimestamp(START, UTC),
                }
        raise AssertionError(operation)

    def _router(self, name: str) -> dict[str, Any]:
        if name not in self.found:
            raise AwsError("ResourceNotFound", f"no router {name}")
        return deepcopy(self.found[name])

    def _changed(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        name = params["InferenceRouterName"]
        if operation == "UpdateInferenceRouter" and self._router(name)["Status"] != "InService":
            raise AwsError("ConflictException", "another change is in progress")
        assert all("RoutingStatus" not in d for t in params["RoutingTargets"] for d in t["Destinations"])
        self.found[name] = {
            "InferenceRouterName": name,
            "InferenceRouterArn": f"{ARN}:inference-router/{name}",
            "RoutingTargets": params["RoutingTargets"],
            "Status": "Updating" if name in self.found else "Creating",
            "CreationTime": datetime.fromtimestamp(START, UTC),
            "LastModifiedTime": datetime.fromtimestamp(self.now, UTC),
        }
        return {"InferenceRouterArn": f"{ARN}:inference-router/{name}"}

    def settle(self) -> None:
        for router in self.found.values():
            router["Status"] = "InService"
            for target in router["RoutingTargets"]:
                for destination in target["Destinations"]:
                    destination["RoutingStatus"] = "Routable"


@pytest.fixture(params=["twin", "table", "gateway", "router"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    with a_way(request.param) as made:
        yield made


@pytest.fixture
def router() -> Iterator[Way]:
    with a_way("router") as made:
        yield made


@contextmanager
def a_way(kind: str) -> Iterator[Way]:
    """One adapter over an account with the routes table, and nothing in it."""
    cloud = a_cloud(copies={"m": 1})
    bus = FastBus(cloud)
    weights = (replace(OLD, weight=90), replace(NEW, weight=10))
    halves = (replace(OLD, weight=50), replace(NEW, weight=50))
    if kind == "twin":
        yield Way(FastRoutes(cloud), RouteConfig(Via.TABLE), bus, lambda version: None, weights)
        return
    with an_account() as account:
        clients = account.clients
        _make_table(clients)
        routes = AwsRoutes(clients, table=TABLE, bus=bus)
        if kind == "table":
            yield Way(routes, RouteConfig(Via.TABLE), bus, lambda version: None, weights, clients)
        elif kind == "gateway":
            yield Way(routes, RouteConfig(Via.GATEWAY), bus, _acknowledge(clients), weights, clients)
        else:
            routers = Routers()
            via = RouteConfig(Via.ROUTER, router="codegen", target="block-gen")
            with answering({"sagemaker": routers}):
                yield Way(routes, via, bus, lambda version: routers.settle(), halves, clients, routers)


def _make_table(clients: Clients) -> None:
    clients.get("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
    )


def _acknowledge(clients: Clients) -> Callable[[int], None]:
    def acknowledge(version: int) -> None:
        item = {"model": {"S": "ack#m"}, "version": {"N": str(version)}}
        clients.get("dynamodb").put_item(TableName=TABLE, Item=item)

    return acknowledge


def test_a_model_that_was_never_routed_has_no_route(way: Way) -> None:
    assert way.read() is None


def test_what_was_written_is_read_back(way: Way) -> None:
    written = way.write(OLD)
    assert way.read() == written
    way.follow(1)
    both = way.write(*way.both, version=2, at=START + 60)
    assert way.read() == both


def test_of_two_writes_onto_one_version_one_is_refused_and_changes_nothing(way: Way) -> None:
    first = way.write(OLD)
    way.follow(1)
    with pytest.raises(Conflict):
        way.write(NEW)
    assert way.read() == first
    second = way.write(NEW, version=2)
    way.follow(2)
    with pytest.raises(Conflict):
        way.write(OLD, version=2)
    assert way.read() == second


def test_nobody_is_said_to_follow_at_once_and_everybody_in_the_end(way: Way) -> None:
    route = way.write(OLD)
    assert not way.routes.followed(route, way.via, START)
    way.follow(1)
    assert way.routes.followed(route, way.via, START + 180)


def test_a_gateway_is_told_again_until_it_acknowledges_that_version() -> None:
    with a_way("gateway") as way:
        _told_until_acknowledged(way)


def _told_until_acknowledged(way: Way) -> None:
    way.write(OLD)
    way.follow(1)
    route = way.write(*way.both, version=2)
    told = len(way.bus.told)
    assert not way.routes.followed(route, way.via, START + 600)
    at, kind, wanted = way.bus.told[-1]
    assert (len(way.bus.told), at, kind, wanted["version"]) == (told + 1, START + 600, "route_wanted", 2)
    assert wanted["acknowledge"] == "ack#m"
    way.follow(2)
    assert way.routes.followed(route, way.via, START + 600)
    assert len(way.bus.told) == told + 1


def test_a_router_that_is_changing_is_busy_and_the_row_stays_where_it_was(router: Way) -> None:
    router.write(OLD)
    with pytest.raises(Busy):
        router.write(*router.both, version=2)
    router.follow(1)
    assert router.write(*router.both, version=2) == router.read()


def test_a_router_changed_just_before_a_crash_shows_its_new_destinations_at_the_old_version(router: Way) -> None:
    clients = router.clients
    assert clients is not None
    router.write(OLD)
    router.follow(1)
    row = clients.get("dynamodb").get_item(TableName=TABLE, Key={"model": {"S": "m"}})["Item"]
    router.write(*router.both, version=2)
    clients.get("dynamodb").put_item(TableName=TABLE, Item=row)
    found = router.read()
    assert found is not None and (found.version, found.targets) == (1, router.both)


def test_other_targets_of_a_router_stay_as_they_are(router: Way) -> None:
    routers = router.routers
    assert routers is not None
    router.write(OLD)
    other = {"Name": "other", "Destinations": [{"ResourceArn": f"{ARN}:endpoint/theirs"}]}
    routers.found["codegen"]["RoutingTargets"].append(other)
    routers.settle()
    router.write(*router.both, version=2)
    names = [target["Name"] for target in routers.found["codegen"]["RoutingTargets"]]
    assert sorted(names) == ["block-gen", "other"]
    assert routers.found["codegen"]["RoutingTargets"][0]["Destinations"][0]["ResourceArn"].endswith("/theirs")


def test_a_router_that_cannot_reach_a_destination_is_not_followed(router: Way) -> None:
    routers = router.routers
    assert routers is not None
    route = router.write(OLD)
    router.follow(1)
    routers.found["codegen"]["RoutingTargets"][0]["Destinations"][0]["RoutingStatus"] = "Unroutable"
    assert not router.routes.followed(route, router.via, START + 600)


@pytest.mark.parametrize("kind", ["table", "gateway"])
def test_a_route_of_a_later_schema_is_left_alone(kind: str) -> None:
    with a_way(kind) as way:
        assert way.clients is not None
        _later_schema(way, way.clients)


def _later_schema(way: Way, clients: Clients) -> None:
    clients.get("dynamodb").put_item(
        TableName=TABLE, Item={"model": {"S": "m"}, "schema": {"N": "2"}, "version": {"N": "1"}}
    )
    with pytest.raises(UnknownSchema):
        way.read()


def test_a_model_without_a_route_is_never_written() -> None:
    none, route = RouteConfig(Via.NONE), Route("m", 1, (OLD,), START)
    with a_way("table") as way:
        with pytest.raises(Refused):
            way.routes.write(route, none, expected_version=0)
        assert way.routes.read("m", none) is None
        assert way.read() is None
        assert not way.routes.followed(route, none, START + 600)


def test_a_router_in_front_of_an_unknown_home_is_refused_before_anything_is_written(router: Way) -> None:
    routers = router.routers
    assert routers is not None
    describe = routers.__class__.__call__

    def gone(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeInferenceComponent":
            raise AwsError("ValidationException", "Could not find inference component")
        return describe(routers, operation, params)

    with answering({"sagemaker": gone}), pytest.raises(NotFound):
        router.write(OLD)
    assert "codegen" not in routers.found


def test_the_client_reads_what_the_table_adapter_wrote() -> None:
    with a_way("table") as way:
        assert way.clients is not None
        way.write(*way.both)
        store = RouteStore(way.clients.get("dynamodb"), TABLE, clock=lambda: 0.0, random=Random(1))
        found = store.route("m")
    assert found is not None and found.version == 1
    assert [(t.endpoint, t.component, t.weight) for t in found.targets] == [
        (t.endpoint, t.component, t.weight) for t in way.both
    ]
