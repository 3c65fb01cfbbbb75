"""The same moves through the real adapters: boto3 calls held to botocore's model, DynamoDB by moto, the twin behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from builders import a_config
from builders import a_model as a_model_config
from builders.aws_account import Account, an_account
from builders.twin_world import BIG, POOL, START, a_cloud, a_model, fate
from tidepool.aws.cloudwatch import CloudWatch
from tidepool.aws.failures import calling
from tidepool.aws.routes import Routes as AwsRoutes
from tidepool.aws.sagemaker import SageMaker
from tidepool.config.types import Config, Hosting, InstanceConfig, PoolConfig, RouteConfig, Shape, Via
from tidepool.errors import NotFound
from tidepool.fleet import Route
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.ports import NewEndpoint, Ports
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastBus, fast_ports

OWN, TABLE = "own", "tidepool-routes"
TAGS = {"model": "m", "tidepool:managed": "true", "tidepool:created-by": "tidepool"}


@dataclass
class Followed:
    """The routes table, whose writes the twin's callers hear of."""

    behind: AwsRoutes
    cloud: Cloud

    def read(self, model: str, via: RouteConfig) -> Route | None:
        return self.behind.read(model, via)

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        self.behind.write(route, via, expected_version=expected_version)
        self.cloud.set_route(route)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        return self.behind.followed(route, via, now)


def the_config(shapes: tuple[Shape, ...]) -> Config:
    model = a_model_config("m", route=RouteConfig(Via.TABLE), shapes=shapes)
    return a_config(
        model,
        identity="tag:model",
        pools={POOL: PoolConfig(POOL, POOL)},
        instances={BIG: InstanceConfig(BIG, 8, 3600.0, 20, 100.0)},
    )


def an_ask(*, shared: bool) -> StartMove:
    """From the pool to an endpoint of its own, or back."""
    return StartMove(
        id="0123456789abcdef",
        model="m",
        from_hosting=Hosting.SHARED if shared else Hosting.DEDICATED,
        from_endpoint=POOL if shared else OWN,
        component="m" if shared else "",
        to_hosting=Hosting.DEDICATED if shared else Hosting.SHARED,
        to_endpoint="tidepool-m" if shared else POOL,
        instance_type=BIG,
        accelerators_per_copy=1,
        size=1 if shared else 8,
        because="a test wants it",
        usd_per_hour=0.0,
        move_cost_usd=0.0,
    )


def the_hosting(cloud: Cloud, account: Account) -> SageMaker:
    return SageMaker(account.clients, stack="tidepool", identity=lambda: "tag:model", clock=lambda: cloud.now_s)


def the_ports(cloud: Cloud, account: Account) -> Ports:
    account.clients.get("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
    )
    shapes = tuple(
        Shape(hosting, BIG, accelerators=a, concurrency=10.0 * a, service_s=10.0, start_s=100.0)
        for hosting, a in ((Hosting.SHARED, 1), (Hosting.DEDICATED, 8))
    )
    return replace(
        fast_ports(cloud, the_config(shapes)),
        hosting=the_hosting(cloud, account),
        metrics=CloudWatch(account.clients, decide_arn=""),
        routes=Followed(AwsRoutes(account.clients, table=TABLE, bus=FastBus(cloud)), cloud),
        ledger=account.ledger(),
    )


@pytest.fixture(params=["shared to dedicated", "dedicated to shared"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Cloud, Ports, StartMove]]:
    cloud = a_cloud(a_model("m"), traffic=[[300]] * 120)
    shared = request.param == "shared to dedicated"
    if shared:
        cloud.create_component("m", POOL, model="m", copies=8, tags=TAGS, settled=True)
    else:
        cloud.create_endpoint(OWN, "m", instance_type=BIG, instances=1, tags=TAGS, settled=True)
    with an_account(cloud) as account:
        yield cloud, the_ports(cloud, account), an_ask(shared=shared)


def live(cloud: Cloud, ports: Ports, ask: StartMove) -> Move:
    cloud.run_to(cloud.now_s + 600)
    begin(ports, ask, cloud.now_s)
    for _ in range(90):
        advance_moves(ports, cloud.now_s)
        if not ports.ledger.moves():
            cloud.run_to(cloud.now_s + 300)
            return ports.ledger.ended_moves(0)[0]
        cloud.run_to(cloud.now_s + 60)
    raise AssertionError(f"it never ended: {ports.ledger.moves()}")


def test_a_move_through_boto3_loses_no_request_and_is_stored_as_it_went(world: tuple[Cloud, Ports, StartMove]) -> None:
    cloud, ports, ask = world
    move = live(cloud, ports, ask)
    assert (move.phase, move.ask) == (Phase.DONE, ask), move.why
    assert move.tags == TAGS
    assert (fate(cloud)["lost"], fate(cloud)["timed_out"], fate(cloud)["rejected_once"]) == (0, 0, 0)
    assert cloud.figures(START, cloud.now_s).on_time == 1.0
    made = {**cloud.components("tag:model"), **cloud.endpoints("tag:model")}
    assert set(made) - {POOL} == {move.target_name}
    assert made[move.target_name].tags["tidepool:change"] == ask.id
    assert move.usd > 0 and move.double_usd_per_hour == 0


def test_a_dedicated_source_that_tidepool_made_is_gone_with_its_config() -> None:
    cloud = a_cloud(a_model("m"), traffic=[[300]] * 120)
    with an_account(cloud) as account:
        ports, hosting = the_ports(cloud, account), the_hosting(cloud, account)
        tags = {"model": "m", "tidepool:managed": "true"}
        hosting.create_endpoint(NewEndpoint("tidepool-old", cloud.spec.models[0].artifact, BIG, 1, tags), change="c")
        cloud.run_to(cloud.now_s + 1800)
        ask = replace(an_ask(shared=False), from_endpoint="tidepool-old")
        assert live(cloud, ports, ask).phase is Phase.DONE
        with pytest.raises(NotFound):
            hosting.endpoint("tidepool-old")
        with pytest.raises(NotFound), calling("DescribeEndpointConfig", "tidepool-old"):
            account.clients.get("sagemaker").describe_endpoint_config(EndpointConfigName="tidepool-old")


def test_a_way_back_through_boto3_leaves_nothing_behind(world: tuple[Cloud, Ports, StartMove]) -> None:
    """Somebody takes the target away by hand, just before callers are shifted to it."""
    cloud, ports, ask = world
    cloud.run_to(cloud.now_s + 600)
    before = {**cloud.components("tag:model"), **cloud.endpoints("tag:model")}
    begin(ports, ask, cloud.now_s)
    while ports.ledger.moves()[0].phase is not Phase.SHIFT:
        advance_moves(ports, cloud.now_s)
        cloud.run_to(cloud.now_s + 60)
    move = ports.ledger.moves()[0]
    if move.to_component:
        cloud.delete_component(move.to_component)
    else:
        cloud.delete_endpoint(move.ask.to_endpoint)
    while ports.ledger.moves():
        advance_moves(ports, cloud.now_s)
        cloud.run_to(cloud.now_s + 60)
    ended = ports.ledger.ended_moves(0)[0]
    assert ended.phase is Phase.ROLLED_BACK and "stopped serving" in ended.why
    assert set({**cloud.components("tag:model"), **cloud.endpoints("tag:model")}) == set(before)
    route = ports.routes.read("m", RouteConfig(Via.TABLE))
    assert route is not None and [t.name for t in route.targets] == [ended.source_name]
