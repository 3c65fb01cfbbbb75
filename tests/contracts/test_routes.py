"""One contract for every way of routing: the twin's table, DynamoDB's, a gateway's, an inference router's.

Each runs over what it really talks to, as far as that can be had offline: real boto3, with DynamoDB by moto and
routers by the lab's (tidepool_lab.embedded.routers), requests and replies held to botocore's service model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from random import Random
from typing import Any

import pytest

from builders.twin_world import START
from builders.ways import NEW, OLD, REAL, TABLE, Gateway, Way, a_way
from tidepool.aws.clients import Clients
from tidepool.aws.counted import CountedClients
from tidepool.aws.routes_table import TableRoutes
from tidepool.config.types import RouteConfig, Via
from tidepool.errors import Conflict, Refused, Throttled, UnknownSchema, Unreachable
from tidepool.fleet import Route
from tidepool_client.store import RouteStore


@pytest.fixture(params=["twin", *REAL])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    with a_way(request.param) as made:
        yield made


@pytest.fixture(params=REAL)
def real(request: pytest.FixtureRequest) -> Iterator[Way]:
    with a_way(request.param) as made:
        yield made


# --- A table that is read again and again


def test_who_reads_the_same_models_in_every_look_reads_them_in_one_call_and_sees_each_write() -> None:
    names = [f"m{i}" for i in range(150)]
    via, now = RouteConfig(Via.TABLE), START
    with a_way("table") as way:
        clients = CountedClients("us-east-1")
        rows = TableRoutes(clients, TABLE, together=lambda: now)

        def looked(models: list[str]) -> tuple[list[Route | None], int]:
            nonlocal now
            now += 60
            clients.taken()
            return [rows.read(model, via) for model in models], clients.taken()["calls"]

        assert looked(names) == ([None] * 150, 150), "of the first look nobody knows what it will ask for"
        for version in (1, 2):
            for name in names[:120]:
                route = Route(name, version, (OLD,), START + version)
                way.routes.write(route, via, expected_version=version - 1)
            expected = [Route(name, version, (OLD,), START + version) for name in names[:120]] + [None] * 30
            assert looked(names) == (expected, 2), "100 keys a call"
        assert looked(names[:5])[1] == 2, "the last look's, once more"
        assert looked([*names[:5], "new"]) == ([*expected[:5], None], 2), "five in one call, and who is new"


# --- Every way


def test_a_model_that_was_never_routed_has_no_route(way: Way) -> None:
    assert way.read() is None


def test_what_was_written_is_read_back(way: Way) -> None:
    written = way.write(OLD)
    assert way.read() == written
    way.follow(1)
    assert way.read() == written
    both = way.write(*way.both, version=2)
    assert way.read() == both
    way.follow(2)
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
    assert not way.followed(route, START)
    way.follow(1)
    assert way.followed(route, START + 180)


# --- Every way over AWS


@pytest.mark.parametrize("error", [Unreachable("no answer"), Throttled("", "", "ThrottlingException", "Rate exceeded")])
def test_a_store_that_is_away_is_said_so_and_never_reads_as_no_route(real: Way, error: Exception) -> None:
    first = real.write(OLD)
    real.follow(1)
    with real.away(error):
        asks: list[Callable[[], Any]] = [real.read, lambda: real.write(NEW, version=2)]
        # Whether callers follow a table is a matter of time alone.
        asks += [] if real.kind == "table" else [lambda: real.followed(first, real.now)]
        for ask in asks:
            with pytest.raises(type(error)):
                ask()
    assert real.read() == first
    assert real.write(NEW, version=2) == real.read()


@pytest.mark.parametrize("after", range(6))
def test_a_write_that_stops_half_way_can_be_written_again_onto_what_is_read(real: Way, after: int) -> None:
    real.write(OLD)
    real.follow(1)
    with real.away(Unreachable("no answer"), after=after) if after < 5 else nullcontext():
        try:
            real.write(*real.both, version=2)
        except Unreachable:
            assert after < 5
    real.follow(2)
    found = real.read()
    assert found is not None
    if found.targets != real.both:
        assert (found.version, found.targets) == (1, (OLD,))
        real.write(*real.both, version=found.version + 1)
        real.follow(2)
    again = real.read()
    assert again is not None and again.targets == real.both


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", REAL)
def test_followed_means_that_no_caller_is_elsewhere(kind: str, seed: int) -> None:
    """Caches of any age, announcements lost, doubled and late, a router's update in effect at any time."""
    with a_way(kind) as way:
        random = Random(seed)
        way.routers.effect_s, way.routers.shows_asked = None, bool(seed % 2)
        reach = _callers(way, random)
        route, at = way.write(OLD), START
        for version, targets in ((2, way.both), (3, (NEW,))):
            while not way.followed(route, at):
                reach(at)
                at += 10
                assert at < START + 7200
            assert reach(at) <= {target.name for target in route.targets}
            route = way.write(*targets, version=version, at=at)
        while not way.followed(route, at):
            reach(at)
            at += 10
        assert reach(at) == {"own"}


def _callers(way: Way, random: Random) -> Callable[[int], set[str]]:
    """Where requests may go at a moment, over every caller there is."""
    if way.kind == "router":
        return lambda at: {arn.rpartition("/")[2] for arn in way.routers.serving("codegen", "block-gen")}
    if way.kind == "gateway":
        gateway = Gateway(way, random)

        def applied(at: int) -> set[str]:
            gateway.run(at)
            return {target.name for target in gateway.targets}

        return applied
    assert way.clients is not None
    table = way.clients.get("dynamodb")
    stores = [RouteStore(table, TABLE, clock=lambda: float(way.now), random=Random(n)) for n in range(10)]

    def followed(at: int) -> set[str]:
        way.now = at
        # Each caller looks now and then, some have not for long: it is what they hold when they call that counts.
        found = [store.route("m") for store in stores if random.random() < 0.5]
        return {t.component or t.endpoint for route in found if route is not None for t in route.targets}

    return followed


# --- A gateway


def test_a_gateway_is_told_again_until_it_acknowledges_that_version() -> None:
    with a_way("gateway") as way:
        _told_until_acknowledged(way)


def _told_until_acknowledged(way: Way) -> None:
    way.write(OLD)
    way.follow(1)
    route = way.write(*way.both, version=2)
    told = len(way.bus.told)
    assert not way.followed(route, START + 600)
    at, kind, wanted = way.bus.told[-1]
    assert (len(way.bus.told), at, kind, wanted["version"]) == (told + 1, START + 600, "route_wanted", 2)
    assert wanted["acknowledge"] == "ack#m"
    way.follow(2)
    assert way.followed(route, START + 600)
    assert len(way.bus.told) == told + 1


def test_an_acknowledgement_of_another_version_is_none() -> None:
    with a_way("gateway") as way:
        route = way.write(OLD)
        for version in (0, 2, 7):
            way.acknowledge(version)
            assert not way.followed(route, START + 60)


# --- Beside them


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
