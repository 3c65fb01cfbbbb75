"""Each way of routing over what it really talks to, with its callers' side: boto3, moto, the lab's routers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from builders.aws_account import an_account
from builders.twin_world import START, a_cloud
from tidepool.aws.clients import Clients
from tidepool.aws.routes import Routes as AwsRoutes
from tidepool.config.types import RouteConfig, Via
from tidepool.fleet import Route, Target
from tidepool.runtime.ports import Routes
from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, answering
from tidepool_lab.embedded.routers import IN_EFFECT_S, Routers, joined
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
