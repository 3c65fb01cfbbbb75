"""One contract for hosting: straight on the twin, and through boto3, held to botocore's own model of SageMaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from builders.aws_account import an_account
from builders.twin_world import BIG, POOL, SMALL, START, a_cloud, a_model
from tidepool.aws.sagemaker import SageMaker
from tidepool.errors import AlreadyExists, Busy, Denied, HostingError, NotFound, QuotaExceeded
from tidepool.fleet import Boundary, EndpointKind, Status, Target
from tidepool.runtime.ports import Hosting, NewComponent, NewEndpoint
from tidepool_lab.embedded.intercept import AwsError, Params, answering
from tidepool_lab.embedded.sagemaker import SageMaker as TwinSageMaker
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastHosting

SME = "own"
NEW = NewComponent("tidepool-n", POOL, "AllTraffic", "m", 1, 2048, 1, "SPREAD", {"model": "m"})


@dataclass
class World:
    cloud: Cloud
    hosting: Hosting


def a_world() -> Cloud:
    cloud = a_cloud(a_model("m"), a_model("n"), copies={"m": 2})
    cloud.create_endpoint(SME, "n", instance_type=BIG, instances=2, tags={"model": "n", "owner": "x"}, settled=True)
    return cloud


@pytest.fixture(params=["memory", "aws"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    cloud = a_world()
    if request.param == "memory":
        yield World(cloud, FastHosting(cloud, "tag:model", "tidepool"))
        return
    with an_account(cloud) as account:
        adapter = SageMaker(account.clients, stack="tidepool", identity=lambda: "tag:model", clock=lambda: cloud.now_s)
        yield World(cloud, adapter)


def test_endpoints_and_components_show_what_the_twin_shows(world: World) -> None:
    assert world.hosting.endpoints() == world.cloud.endpoints("tag:model")
    assert world.hosting.components() == world.cloud.components("tag:model")
    assert world.hosting.endpoint(SME).kind is EndpointKind.DEDICATED
    assert world.hosting.endpoint(POOL).kind is EndpointKind.POOL
    assert world.hosting.endpoint(SME).tags["owner"] == "x"


def test_what_is_not_there_is_not_found(world: World) -> None:
    for ask in (world.hosting.endpoint, world.hosting.component):
        with pytest.raises(NotFound):
            ask("nobody")


def test_copies_that_are_set_are_wanted_at_once_and_the_component_is_busy(world: World) -> None:
    world.hosting.set_copies("m", 3, change="c1")
    component = world.hosting.component("m")
    assert (component.copies_wanted, component.copies_now, component.status) == (3, 2, Status.UPDATING)
    with pytest.raises(Busy) as refused:
        world.hosting.set_copies("m", 4, change="c2")
    assert "while it is in state UPDATE_RC_IN_PROGRESS" in refused.value.message


def test_instances_of_a_dedicated_endpoint_are_set_in_place(world: World) -> None:
    world.hosting.set_instances(SME, "AllTraffic", 3, change="c1")
    assert world.hosting.endpoint(SME).instances_wanted == 3
    with pytest.raises(Busy):
        world.hosting.set_instances(SME, "AllTraffic", 4, change="c2")


def test_bounds_come_with_a_new_config_and_keep_the_rest(world: World) -> None:
    before = world.hosting.endpoint(POOL)
    name = world.hosting.set_bounds(POOL, minimum=1, maximum=6, change="0123456789abcdef")
    assert name.startswith("tidepool-") and name.endswith("-0123456789abcdef") and len(name) <= 63
    world.cloud.run_to(START + 3600)
    after = world.hosting.endpoint(POOL)
    assert (after.config_name, after.min_instances, after.max_instances) == (name, 1, 6)
    assert (after.scale_in, after.instance_type, after.status) == (before.scale_in, BIG, Status.IN_SERVICE)


def test_a_component_is_created_with_our_tags_and_its_name_is_taken(world: World) -> None:
    world.hosting.create_component(NEW, change="c1")
    made = world.hosting.component(NEW.name)
    assert (made.model, made.endpoint, made.copies_wanted, made.strategy) == ("m", POOL, 1, "SPREAD")
    assert made.tags == {
        "model": "m",
        "tidepool:managed": "true",
        "tidepool:created-by": "tidepool",
        "tidepool:change": "c1",
    }
    with pytest.raises(AlreadyExists):
        world.hosting.create_component(NEW, change="c1")


def test_no_component_is_created_without_a_copy(world: World) -> None:
    with pytest.raises(HostingError):
        world.hosting.create_component(replace(NEW, copies=0), change="c1")


def test_a_dedicated_endpoint_is_created_with_its_config_and_deleted(world: World) -> None:
    new = NewEndpoint("tidepool-e", "m", BIG, 1, {"model": "m"})
    world.hosting.create_endpoint(new, change="c1")
    made = world.hosting.endpoint(new.name)
    assert (made.kind, made.model, made.status, made.instances_wanted) == (
        EndpointKind.DEDICATED,
        "m",
        Status.CREATING,
        1,
    )
    with pytest.raises(AlreadyExists):
        world.hosting.create_endpoint(new, change="c1")
    world.cloud.run_to(START + 3600)
    world.hosting.delete_endpoint(new.name, change="c2")
    world.cloud.run_to(START + 7200)
    with pytest.raises(NotFound):
        world.hosting.endpoint(new.name)


def test_more_than_the_quota_is_refused_in_awss_words(world: World) -> None:
    with pytest.raises(QuotaExceeded) as refused:
        world.hosting.create_endpoint(NewEndpoint("tidepool-e", "m", SMALL, 5, {}), change="c1")
    assert "service limit 'ml.small.xlarge for endpoint usage' is 4 Instances" in refused.value.message


def test_a_component_that_is_deleted_is_gone_when_it_has_drained(world: World) -> None:
    world.hosting.delete_component("m", change="c1")
    world.cloud.run_to(START + 3600)
    assert "m" not in world.hosting.components()
    with pytest.raises(NotFound):
        world.hosting.delete_component("m", change="c1")


def test_a_probe_tells_whether_a_target_serves(world: World) -> None:
    assert world.hosting.probe(Target(POOL, "m", 100), "").ok
    world.hosting.create_component(NEW, change="c1")
    refused = world.hosting.probe(Target(POOL, NEW.name, 100), "")
    assert not refused.ok


def test_the_change_is_named_in_the_user_agent_of_its_own_calls_only() -> None:
    with an_account() as account:
        agents: list[str] = []
        client = account.clients.get("events")
        client.meta.events.register(
            "before-send", lambda request, **_: agents.append(str(request.headers["User-Agent"]))
        )
        with account.clients.acting_for("0123456789abcdef"):
            client.list_event_buses()
        client.list_event_buses()
    assert "tidepool-change/0123456789abcdef" in agents[0] and "tidepool/" in agents[0]
    assert "tidepool-change" not in agents[1]


def test_tags_and_configs_are_read_once_and_counts_each_time() -> None:
    cloud = a_world()
    with an_account(cloud) as account:
        hosting = SageMaker(account.clients, stack="s", identity=lambda: "tag:model", clock=lambda: cloud.now_s)
        with answering({"sagemaker": TwinSageMaker(cloud)}) as calls:
            for _ in range(3):
                hosting.endpoints()
                hosting.components()
    asked = {name.removeprefix("sagemaker."): count for name, count in calls.items()}
    assert asked["DescribeEndpoint"] == 3 * 2 and asked["DescribeInferenceComponent"] == 3
    assert (asked["DescribeEndpointConfig"], asked["DescribeModel"], asked["ListTags"]) == (2, 2, 3)


def test_models_that_may_not_be_described_or_are_gone_take_nothing_else_away() -> None:
    cloud = a_world()
    with an_account(cloud) as account:
        hosting = SageMaker(account.clients, stack="s", identity=lambda: "tag:model", clock=lambda: cloud.now_s)
        twin, asked = TwinSageMaker(cloud), []

        def refused(operation: str, params: Params) -> Params | None:
            if operation != "DescribeModel":
                return twin(operation, params)
            asked.append(params["ModelName"])
            if params["ModelName"] == "m":
                raise AwsError("AccessDeniedException", "not authorized to perform sagemaker:DescribeModel", 403)
            raise AwsError("ValidationException", "Could not find model.")

        with answering({"sagemaker": refused}):
            for _ in range(2):
                endpoints, components = hosting.endpoints(), hosting.components()
    assert set(endpoints) == {SME, POOL} and set(components) == {"m"}
    homes = (endpoints[SME], *components.values())
    assert all("gone, or may not be described" in home.unmovable for home in homes)
    assert sorted(asked) == sorted(set(asked)), "nobody is refused each minute"


def test_what_may_not_be_read_is_left_out_with_the_reason_and_stops_nobody() -> None:
    cloud = a_world()
    cloud.create_component("n", POOL, model="n", accelerators=1, copies=1)
    with an_account(cloud) as account:
        hosting = SageMaker(account.clients, stack="s", identity=lambda: "tag:model", clock=lambda: cloud.now_s)
        twin, denied = TwinSageMaker(cloud), {SME, "n"}

        def tagged(operation: str, params: Params) -> Params | None:
            name = params.get("EndpointName") or params.get("InferenceComponentName")
            if operation in {"DescribeEndpoint", "DescribeInferenceComponent"} and name in denied:
                raise AwsError("AccessDeniedException", f"not authorized to perform sagemaker:{operation}", 403)
            return twin(operation, params)

        with answering({"sagemaker": tagged}):
            assert (set(hosting.endpoints()), set(hosting.components())) == ({POOL}, {"m"})
            assert [(one.name, one.endpoint) for one in hosting.left_out()] == [(SME, ""), ("n", POOL)]
            assert all("not authorized to perform sagemaker:Describe" in one.why for one in hosting.left_out())
            denied.remove("n")
            assert set(hosting.components()) == {"m", "n"}
            assert [one.name for one in hosting.left_out()] == [SME]
            denied.add(POOL)
            with pytest.raises(Denied):
                hosting.endpoints()


def test_an_endpoint_whose_config_is_deleted_is_still_there_and_says_so() -> None:
    cloud = a_world()
    with an_account(cloud) as account:
        hosting = SageMaker(account.clients, stack="s", identity=lambda: "tag:model", clock=lambda: cloud.now_s)
        twin = TwinSageMaker(cloud)

        def gone(operation: str, params: Params) -> Params | None:
            if operation == "DescribeEndpointConfig":
                raise AwsError("ValidationException", "Could not find endpoint configuration")
            return twin(operation, params)

        with answering({"sagemaker": gone}):
            endpoints = hosting.endpoints()
            assert hosting.endpoint(SME).kind is EndpointKind.OTHER, "a move does not take it for deleted"
    assert set(endpoints) == {SME, POOL}
    assert all("is deleted: update it" in endpoint.unmovable for endpoint in endpoints.values())


def test_boundary_package_and_base_are_read_through_boto3() -> None:
    cloud = a_world()
    with an_account(cloud) as account:
        client = account.clients.get("sagemaker")
        package = "arn:aws:sagemaker:us-east-1:999988887777:model-package/bought/1"
        role = "arn:aws:iam::123456789012:role/other-role"
        shared, dedicated = cloud.components()["m"].artifact, cloud.endpoints()[SME].sagemaker_model
        for artifact, container in ((dedicated, {"ModelPackageName": package}), (shared, {"Image": "i"})):
            client.create_model(
                ModelName=artifact,
                PrimaryContainer=container,
                ExecutionRoleArn=role,
                VpcConfig={"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                EnableNetworkIsolation=True,
            )
        client.create_inference_component(
            InferenceComponentName="adapter",
            EndpointName=POOL,
            Specification={"BaseInferenceComponentName": "m", "ModelName": shared},
            RuntimeConfig={"CopyCount": 1},
        )
        hosting = SageMaker(account.clients, stack="s", identity=lambda: "tag:model", clock=lambda: cloud.now_s)
        components, own = hosting.components(), hosting.endpoint(SME)
    boundary = Boundary(role, ("subnet-1",), ("sg-1",), "", True)
    assert (components["m"].boundary, components["m"].unmovable) == (boundary, "")
    assert own.boundary == boundary and "AWS Marketplace" in own.unmovable
    assert (components["adapter"].base, "an adapter of m" in components["adapter"].unmovable) == ("m", True)
