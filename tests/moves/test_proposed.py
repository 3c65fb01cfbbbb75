"""What decide recommends instead of asking for: a move that the preflight would refuse is not asked for each time."""

from __future__ import annotations

import pytest

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Config, Hosting, Limits, PoolConfig, Shape
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Boundary, Endpoint, EndpointKind, Fleet, InstanceType, Status
from tidepool.memory import Memory, Minute, ModelMemory
from tidepool.plan.change import StartMove

KNOWN = Memory(models={"a": ModelMemory(recent=tuple(Minute(NOW - at, 25.0, 25.0, 2.5) for at in range(1800, 0, -60)))})
ALONE = a_model(host="dedicated")
ROLE = Boundary(role="role/other")


def decided(fleet: Fleet, config: Config) -> Decision:
    return decide(fleet, config, KNOWN, NOW)


def test_alike_on_both_sides_it_moves() -> None:
    fleet = a_fleet(components=[a_component(boundary=ROLE)], endpoints=[a_pool(boundary=ROLE)])
    (change,) = decided(fleet, a_config(ALONE)).changes
    assert isinstance(change, StartMove)


@pytest.mark.parametrize(
    ("fleet", "config", "reason", "words"),
    [
        (a_fleet(components=[a_component(boundary=ROLE)]), a_config(ALONE), "recommend", "role none here, role/other"),
        (a_fleet(endpoints=[a_pool(boundary=Boundary(kms_key="k"))]), a_config(ALONE), "recommend", "KMS key k here"),
        (a_fleet(components=[a_component(unmovable="a container alone")]), a_config(ALONE), "recommend", "a container"),
        (a_fleet(), a_config(ALONE, limits=Limits(usd_per_move=0.01)), "budget", "usd_per_move is $0.01"),
    ],
    ids=["another role", "a key", "a container", "too dear"],
)
def test_what_the_preflight_would_refuse_is_recommended(fleet: Fleet, config: Config, reason: str, words: str) -> None:
    decision = decided(fleet, config)
    assert not decision.changes
    (held,) = [held for held in decision.held if held.kind == "StartMove"]
    assert held.reason == reason and words in held.because


def test_a_pool_that_nothing_moves_to_is_no_target() -> None:
    other = a_pool(name="other", unmovable="data capture is on")
    config = a_config(a_model(host="other"), pools={name: PoolConfig(name, name) for name in (POOL, "other")})
    decision = decided(a_fleet(endpoints=[a_pool(), other]), config)
    (held,) = [held for held in decision.held if held.kind == "StartMove"]
    assert "nothing moves to other: data capture is on" in held.because


CHEAP = InstanceType("ml.cheap.48xlarge", accelerators=8, usd_per_hour=2.0, quota=20)


def test_a_dedicated_endpoint_that_only_changes_its_type_says_how_that_goes_in_place() -> None:
    shapes = tuple(Shape(Hosting.DEDICATED, t, 8, 160.0, 10.0, 220.0) for t in (P4D.name, CHEAP.name))
    own = Endpoint(
        name="own", kind=EndpointKind.DEDICATED, config_name="c", variant="v", status=Status.IN_SERVICE,
        instance_type=P4D.name, instances_now=1, instances_wanted=1, changed_at=0, model="a", sagemaker_model="m",
    )  # fmt: skip
    fleet = a_fleet(
        {"own": evidence(25.0, 1)}, components=[], endpoints=[own], instance_types={P4D.name: P4D, CHEAP.name: CHEAP}
    )
    config = a_config(a_model(shapes=shapes), pools={})
    (change,) = [c for c in decided(fleet, config).changes if isinstance(c, StartMove)]
    assert change.because.endswith(f"in place: UpdateEndpoint of own with {CHEAP.name} in its InstancePools")
