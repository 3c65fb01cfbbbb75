"""Why a move may not begin: each reason by itself, and all of them at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import P4D, WIDE
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, World, a_move
from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting, PoolConfig, RouteConfig, Rung, Safety, Via
from tidepool.fleet import EndpointKind, Status
from tidepool.move import preflight as rules
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove


def a_world(source: str = POOL_A, **changes: Any) -> rules.World:
    """Everything as a move wants it, with `changes` to the world's values."""
    live = World(source=source)
    config: Config = changes.pop("config", live.config())
    base = rules.World(
        config=config,
        model=changes.pop("model", model_config(config, MODEL)),
        endpoints=live.endpoints,
        components=live.components,
        instance_types={P4D.name: P4D},
    )
    return replace(base, **changes)


def reasons(world: rules.World, ask: StartMove | None = None) -> tuple[str, ...]:
    return rules.preflight(ask or a_move(), "tidepool-m-01234567", world)


def with_source(world: rules.World, **changes: Any) -> rules.World:
    return replace(world, components={MODEL: replace(world.components[MODEL], **changes)})


def with_pool(world: rules.World, **changes: Any) -> rules.World:
    return replace(world, endpoints={**world.endpoints, POOL_B: replace(world.endpoints[POOL_B], **changes)})


def an_open_move(model: str = MODEL) -> Move:
    return Move("open", 1, replace(a_move(), model=model), Phase.SHIFT, step=0, since=0, began=0)


def the_model(**changes: Any) -> Any:
    return replace(model_config(World().config(), MODEL), **changes)


@pytest.mark.parametrize(
    "source,target", [(POOL_A, POOL_B), (POOL_A, "tidepool-m"), (OWN, POOL_B), (OWN, "tidepool-m")]
)
def test_with_nothing_in_its_way_every_kind_of_move_may_begin(source: str, target: str) -> None:
    assert reasons(a_world(source), a_move(source, target)) == ()


CONFIG = World().config()
ONE_AT_A_TIME = replace(CONFIG, safety=Safety(limits=replace(WIDE, moves_at_once=1)))
POOL_B_SCALES = replace(CONFIG, pools={**CONFIG.pools, POOL_B: PoolConfig(POOL_B, POOL_B, act=Rung.SCALE)})
NOT_DECLARED = replace(CONFIG, pools={POOL_A: PoolConfig(POOL_A, POOL_A)})
BY_NAME = replace(CONFIG, identity="name")
FULL = {P4D.name: replace(P4D, quota=8)}

REFUSED: dict[str, tuple[rules.World, StartMove, str]] = {
    "held": (a_world(held="ana: audit"), a_move(), "held: ana: audit"),
    "frozen": (a_world(frozen="sev1-open"), a_move(), "frozen: sev1-open"),
    "the model's rung": (a_world(model=the_model(act=Rung.SIZE)), a_move(), "act up to 'size'"),
    "the pool's rung": (a_world(config=POOL_B_SCALES), a_move(), "act up to 'scale'"),
    "no route": (a_world(model=the_model(route=RouteConfig(Via.NONE))), a_move(), "no route"),
    "another move of it": (a_world(open=(an_open_move(),)), a_move(), "move open of the same model is open"),
    "too many moves": (a_world(config=ONE_AT_A_TIME, open=(an_open_move("x"),)), a_move(), "1 moves are open, 1 may"),
    "no source": (a_world(components={}), a_move(), "the source m is not there"),
    "another model's source": (with_source(a_world(), model="other"), a_move(), "a home of other, not of m"),
    "on another endpoint": (with_source(a_world(), endpoint=POOL_B), a_move(), "the decision saw pool-a"),
    "source changing": (with_source(a_world(), status=Status.UPDATING), a_move(), "somebody is changing it"),
    "a container alone": (with_source(a_world(), artifact="1.dkr.ecr/img:2"), a_move(), "not a SageMaker Model"),
    "no artifact": (with_source(a_world(), artifact=""), a_move(), "an unnamed container"),
    "identity is the name": (a_world(config=BY_NAME), a_move(), "would lose its identity"),
    "no identity tag": (with_source(a_world(), tags={}), a_move(), "would lose its identity"),
    "to itself": (a_world(), replace(a_move(), to_endpoint=POOL_A), "is where it lives"),
    "no shape": (a_world(model=the_model(shapes=())), a_move(), "its capacity is unknown"),
    "no such pool": (a_world(), replace(a_move(), to_endpoint="nowhere"), "nowhere is not a pool"),
    "not a pool": (with_pool(a_world(), kind=EndpointKind.OTHER), a_move(), "is not a pool"),
    "not declared": (a_world(config=NOT_DECLARED), a_move(), "is no pool of fleet.yaml"),
    "pool changing": (with_pool(a_world(), status=Status.UPDATING), a_move(), "pool-b is Updating"),
    "another type": (with_pool(a_world(), instance_type="ml.x"), a_move(), "pool-b has ml.x"),
    "pool too small": (with_pool(a_world(), max_instances=0), a_move(), "its maximum is 0"),
    "quota": (a_world(instance_types=FULL), a_move(POOL_A, "tidepool-m", size=1), "8 of 8"),
    "type unknown": (a_world(instance_types={}), a_move(), "are not known"),
    "endpoint's name taken": (
        a_world(),
        replace(a_move(POOL_A, "x"), to_endpoint=POOL_B, to_hosting=Hosting.DEDICATED),
        "the name pool-b is taken",
    ),
    "not a name": (a_world(), a_move(POOL_A, "under_score"), "is not an endpoint's name"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_stands_in_the_way_is_said(why: str) -> None:
    world, ask, words = REFUSED[why]
    found = reasons(world, ask)
    assert any(words in reason for reason in found), found


def test_a_component_name_that_is_taken_is_said() -> None:
    world = a_world()
    taken = {**world.components, "tidepool-m-01234567": replace(world.components[MODEL], endpoint=POOL_A)}
    assert any("is taken" in reason for reason in reasons(replace(world, components=taken)))


def test_an_endpoint_that_cannot_move_says_which_kind_it_is() -> None:
    world = a_world(OWN)
    other = replace(world.endpoints[OWN], kind=EndpointKind.OTHER, unmovable="asynchronous")
    found = reasons(replace(world, endpoints={**world.endpoints, OWN: other}), a_move(OWN, POOL_B))
    assert any("own cannot move: asynchronous" in reason for reason in found)


def test_every_reason_is_said_at_once() -> None:
    world = with_source(a_world(held="ana: audit", frozen="sev1"), status=Status.UPDATING, artifact="")
    assert len(reasons(world)) == 4


def test_copies_that_fit_on_machines_that_are_there_need_no_quota() -> None:
    """Both pools have 4 machines of 8: 8 of 8 are in use, and two copies fit on what pool-b has."""
    assert reasons(a_world(instance_types=FULL)) == ()
    assert any("quota" in reason for reason in reasons(a_world(instance_types=FULL), a_move(size=33)))
