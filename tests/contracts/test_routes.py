"""One contract for every way of routing: the twin's table, DynamoDB's, a gateway's, an inference router's.

Each runs over what it really talks to, as far as that can be had offline: real boto3, with DynamoDB by moto and
routers by the lab's (tidepool_lab.embedded.routers), requests and replies held to botocore's service model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from builders.aws_account import an_account
from builders.twin_world import START, a_cloud
from tidepool.aws.clients import Clients
from tidepool.aws.routes import Routes as AwsRoutes
from tidepool.config.types import RouteConfig, Via
from tidepool.errors import Busy, Conflict, NoCapacity, NotFound, Refused, Throttled, UnknownSchema, Unreachable
from tidepool.fleet import Route, Target
from tidepool.runtime.ports import Routes
from tidepool_client.store import RouteStore
from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, answering
from tidepool_lab.embedded.routers import IN_EFFECT_S, Routers, Split, joined
from tidepool_lab.embedded.tables import Tables
from tidepool_lab.embedded.timestamps import moment
from tidepool_lab.twin.fast import FastBus, FastRoutes

TABLE = "tidepool-routes"
OLD, NEW = Target("pool", "m", 100), Target("own", "", 100)
WEIGHTS = (replace(OLD, weight=90), replace(NEW, weight=10))
HALVES = (replace(OLD, weight=50), replace(NEW, weight=50))
ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
REAL = ["table", "gateway", "router"]


@dataclass
class Homes:
    """The homes that a router may lead to, as Describe shows them. `copies` are the component's."""

    copies: int = 1
    gone: bool = False
    theirs: Callable[[], None] | None = None
    """What somebody else does while we look at a home."""

    def __call__(self, operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
        if self.theirs is not None:
            act, self.theirs = self.theirs, None
            act()
        at = {"CreationTime": moment(START), "LastModifiedTime": moment(START)}
        match operation:
            case "DescribeEndpoint":
                name = params["EndpointName"]
                arn = f"{ARN}:endpoint/{name}"
                return {"EndpointName": name, "EndpointArn": arn, "EndpointStatus": "InService", **at}
            case "DescribeInferenceComponent":
                name = params["InferenceComponentName"]
                if self.gone:
                    raise AwsError("ValidationException", "Could not find inference component")
                return {
                    "InferenceComponentName": name,
                    "InferenceComponentArn": f"{ARN}:inference-component/{name}",
                    "EndpointName": "pool",
                    "EndpointArn": f"{ARN}:endpoint/pool",
                    "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": self.copies},
                    **at,
                }
        return None


class Gateway:
    """A team's gateway: it hears each announcement at some time or never, twice or late, and acknowledges it."""

    def __init__(self, way: Way, random: Random) -> None:
        self.way, self.random, self.heard, self.version, self.targets = way, random, 0, 0, (OLD,)
        self.due: list[tuple[int, dict[str, Any]]] = []

    def run(self, now: int) -> None:
        for at, _, wanted in self.way.bus.told[self.heard :]:
            self.due += [(at + self.random.randint(0, 90), wanted) for _ in range(self.random.randint(0, 2))]
        self.heard = len(self.way.bus.told)
        for at, wanted in list(self.due):
            if at <= now:
                self.due.remove((at, wanted))
                self.apply(wanted)

    def apply(self, wanted: dict[str, Any]) -> None:
        if wanted["version"] > self.version:
            self.version = wanted["version"]
            self.targets = tuple(Target(t["endpoint"], t["component"], t["weight"]) for t in wanted["targets"])
            self.way.acknowledge(self.version)


@dataclass
class Way:
    """One adapter, and what its callers' side does: `follow` makes everybody follow what was written."""

    kind: str
    routes: Routes
    via: RouteConfig
    bus: FastBus
    both: tuple[Target, ...] = WEIGHTS
    clients: Clients | None = None
    routers: Routers = field(default_factory=lambda: Routers(lambda: START, Random(1)))
    homes: Homes = field(default_factory=Homes)
    now: int = START

    def write(self, *targets: Target, version: int = 1, at: int | None = None) -> Route:
        self.now = self.now if at is None else at
        route = Route("m", version, targets, self.now)
        self.routes.write(route, self.via, expected_version=version - 1)
        return route

    def read(self) -> Route | None:
        return self.routes.read("m", self.via)

    def followed(self, route: Route, at: int) -> bool:
        self.now = at
        return self.routes.followed(route, self.via, at)

    def follow(self, version: int) -> None:
        """The callers' side has done its part, and its time is over."""
        self.now += IN_EFFECT_S
        if self.kind == "gateway":
            self.acknowledge(version)

    def acknowledge(self, version: int) -> None:
        assert self.clients is not None
        item = {"model": {"S": "ack#m"}, "version": {"N": str(version)}}
        self.clients.get("dynamodb").put_item(TableName=TABLE, Item=item)

    def answers(self) -> dict[str, Any]:
        return {"sagemaker": joined(self.routers, self.homes), "dynamodb": Tables(region="us-east-1")}

    def away(self, error: Exception, *, after: int = 0) -> AbstractContextManager[Any]:
        """The service that the way writes to fails from its call number `after` on."""
        service = "sagemaker" if self.kind == "router" else "dynamodb"
        left, answer = after, self.answers()[service]

        def fail(operation: str, params: dict[str, Any]) -> dict[str, Any] | None:
            nonlocal left
            left -= 1
            if left < 0:
                raise error
            reply: dict[str, Any] | None = answer(operation, params)
            return reply

        return answering({**self.answers(), service: fail})


@pytest.fixture(params=["twin", *REAL])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    with a_way(request.param) as made:
        yield made


@pytest.fixture(params=REAL)
def real(request: pytest.FixtureRequest) -> Iterator[Way]:
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
    if kind == "twin":
        yield Way(kind, FastRoutes(cloud), RouteConfig(Via.TABLE), bus)
        return
    via = {
        "table": RouteConfig(Via.TABLE),
        "gateway": RouteConfig(Via.GATEWAY),
        "router": RouteConfig(Via.ROUTER, router="codegen", target="block-gen"),
    }[kind]
    with an_account() as account:
        _make_table(account.clients)
        made = Way(kind, AwsRoutes(account.clients, table=TABLE, bus=bus), via, bus, clients=account.clients)
        made.both = HALVES if kind == "router" else WEIGHTS
        made.routers = Routers(lambda: made.now, Random(1))
        with answering(made.answers()):
            yield made


def _make_table(clients: Clients) -> None:
    clients.get("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
    )


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


@pytest.mark.parametrize("seed", range(15))
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


# --- An inference router


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
    assert not router.followed(both, router.now + 600)
    assert router.write(OLD, version=3) == router.read()


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
