"""Configs that changes of bounds made: the one in force and the one before it stay, and whatever is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationModel

from builders.aws_account import an_account
from builders.twin_world import BIG, POOL, a_cloud, a_model
from tidepool.aws.clients import Clients
from tidepool.aws.sagemaker import SageMaker
from tidepool_lab.twin.cloud import Cloud

ROLE = "arn:aws:iam::123456789012:role/pool"
OURS = {"tidepool:managed": "true", "tidepool:created-by": "tidepool"}


@dataclass
class World:
    cloud: Cloud
    clients: Clients
    changes: int = 0

    def change(self, maximum: int, *, endpoint: str = POOL, hours: int = 1) -> str:
        """The bounds are changed, and settled some hours later; the new config's name."""
        hosting = SageMaker(
            self.clients, stack="tidepool", identity=lambda: "tag:model", clock=lambda: self.cloud.now_s
        )
        self.changes += 1
        name = hosting.set_bounds(endpoint, minimum=1, maximum=maximum, change=f"{self.changes:016x}")
        self.cloud.run_to(self.cloud.now_s + hours * 3600)
        return name

    def made(self, name: str, tags: Mapping[str, str]) -> str:
        """A config that somebody made by hand."""
        self.clients.get("sagemaker").create_endpoint_config(
            EndpointConfigName=name,
            ExecutionRoleArn=ROLE,
            ProductionVariants=[{"VariantName": "AllTraffic", "InstanceType": BIG, "InitialInstanceCount": 1}],
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        return name

    def configs(self, *, of: str = "tidepool-") -> set[str]:
        listed = self.clients.get("sagemaker").list_endpoint_configs(NameContains=of)["EndpointConfigs"]
        return {each["EndpointConfigName"] for each in listed}


@pytest.fixture
def world() -> Iterator[World]:
    cloud = a_cloud(a_model("m"), copies={"m": 2})
    with an_account(cloud) as account:
        yield World(cloud, account.clients)


def test_of_many_changes_the_config_in_force_and_the_one_before_it_are_left(world: World) -> None:
    names = [world.change(maximum) for maximum in (4, 5, 6, 7, 8)]
    assert world.configs() == set(names[-2:])
    assert world.cloud.endpoints()[POOL].config_name == names[-1]


def test_a_change_that_came_back_keeps_the_config_it_came_from(world: World) -> None:
    """It is in force, and older than what failed: what failed goes once a later change has come through."""
    first, second = world.change(4), world.change(5)
    failed = world.change(6)
    world.cloud.update_endpoint(POOL, second, minimum=1, maximum=5)
    world.cloud.run_to(world.cloud.now_s + 3600)
    third = world.change(7)
    assert world.configs() == {second, failed, third} and first not in world.configs()
    fourth = world.change(8)
    assert world.configs() == {third, fourth}


def test_what_is_not_ours_by_name_and_by_tags_stays(world: World) -> None:
    like = f"tidepool-{POOL}-00000000000000"
    theirs = {
        world.made(f"{like}aa", {}),
        world.made(f"{like}bb", {"tidepool:managed": "true", "tidepool:created-by": "another-stack"}),
        world.made(f"tidepool-{POOL}-more-00000000000000cc", OURS),
        world.made(f"tidepool-{POOL}-by-hand", OURS),
    }
    gone = world.made(f"{like}dd", OURS)
    world.cloud.run_to(world.cloud.now_s + 3600)
    names = [world.change(maximum) for maximum in (4, 5)]
    assert world.configs() == {*theirs, *names} and gone not in world.configs()


def test_an_endpoint_whose_name_was_cut_keeps_them_since_anothers_may_begin_alike(world: World) -> None:
    long = "p" * 47
    world.cloud.create_pool(long, BIG, maximum=9, settled=True)
    names = {world.change(maximum, endpoint=long) for maximum in (4, 5, 6)}
    assert world.configs() == names


@pytest.mark.parametrize("operation", ["ListEndpointConfigs", "ListTags", "DeleteEndpointConfig"])
def test_what_cannot_be_swept_does_not_fail_the_change_and_goes_with_the_next(world: World, operation: str) -> None:
    for maximum in (4, 5):
        world.change(maximum)
    events, hook = world.clients.get("sagemaker").meta.events, f"before-parameter-build.sagemaker.{operation}"
    events.register(hook, refused)
    world.change(6)
    events.unregister(hook, refused)
    assert len(world.configs()) == 3
    world.change(7)
    assert len(world.configs()) == 2


def refused(model: OperationModel, **_: object) -> None:
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not allowed"}}, model.name)
