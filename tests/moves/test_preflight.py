"""Why a move may not begin: each reason by itself, and all of them at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from builders import NOW, P4D, WIDE
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, World, a_move
from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting, Limits, PoolConfig, RouteConfig, Rung, Safety, Shape, Via, Window
from tidepool.fleet import Boundary, EndpointKind, Route, Status, Target
from tidepool.fleet.writers import PAUSED, ScalingTarget
from tidepool.move import preflight as rules
from tidepool.move.notes import notes
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.ports import NoAutoscaling


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
        now=NOW,
    )
    return replace(base, **changes)


def reasons(world: rules.World, ask: StartMove | None = None) -> tuple[str, ...]:
    return rules.preflight(ask or a_move(), "tidepool-m-01234567", world)


def with_source(world: rules.World, **changes: Any) -> rules.World:
    return replace(world, components={MODEL: replace(world.components[MODEL], **changes)})


def with_pool(world: rules.World, **changes: Any) -> rules.World:
    return replace(world, endpoints={**world.endpoints, POOL_B: replace(world.endpoints[POOL_B], **changes)})


def an_open_move(model: str = MODEL, **changes: Any) -> Move:
    return replace(Move("open", 1, replace(a_move(), model=model), Phase.SHIFT, step=0, since=0, began=0), **changes)


def with_home(world: rules.World, name: str = POOL_A, **changes: Any) -> rules.World:
    return replace(world, endpoints={**world.endpoints, name: replace(world.endpoints[name], **changes)})


def limited(**limits: Any) -> Config:
    return replace(CONFIG, safety=Safety(limits=replace(WIDE, **limits)))


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
THEIR_TENANTS = replace(CONFIG, pools={**CONFIG.pools, POOL_B: PoolConfig(POOL_B, POOL_B, tenants=("other",))})
AT_NIGHT = replace(CONFIG, safety=Safety(limits=WIDE, move_hours=(Window((0,), 20 * 60, 24 * 60),)))
ROLE = Boundary(role="role/pool-b")
FULL = {P4D.name: replace(P4D, quota=8)}

REFUSED: dict[str, tuple[rules.World, StartMove, str]] = {
    "held": (a_world(held="ana: audit"), a_move(), "held: ana: audit"),
    "frozen": (a_world(frozen="sev1-open"), a_move(), "frozen: sev1-open"),
    "the model's rung": (a_world(model=the_model(act=Rung.SIZE)), a_move(), "act up to 'size'"),
    "the pool's rung": (a_world(config=POOL_B_SCALES), a_move(), "act up to 'scale'"),
    "no route": (a_world(model=the_model(route=RouteConfig(Via.NONE))), a_move(), "no route"),
    "another move of it": (a_world(open=(an_open_move(),)), a_move(), "move open of the same model is open"),
    "too many moves": (a_world(config=ONE_AT_A_TIME, open=(an_open_move("x"),)), a_move(), "1 moves are open, 1 may"),
    "quiet hours": (a_world(config=AT_NIGHT), a_move(), "outside move_hours"),
    "too many at one pool": (
        a_world(config=limited(moves_per_pool=1), open=(an_open_move("x"),)),
        a_move(),
        "1 moves at pool-b are open (open), 1 may be",
    ),
    "too many today": (
        a_world(config=limited(moves_per_day=1), ended=(an_open_move("x", phase=Phase.ROLLED_BACK, began=NOW - 3600),)),
        a_move(),
        "1 moves began in the last 24 hours, moves_per_day is 1",
    ),
    "too dear": (a_world(config=limited(usd_per_move=0.5)), a_move(), "about $1.00, usd_per_move is $0.50"),
    "too dear today": (
        a_world(config=limited(move_usd_per_day=10), ended=(an_open_move("x", usd=9.5),)),
        a_move(),
        "of the last 24 hours cost $9.50, this one about $1.00: move_usd_per_day is $10.00",
    ),
    "the route is elsewhere": (
        a_world(route=Route(MODEL, 3, (Target(POOL_B, "other", 100),), NOW)),
        a_move(),
        "the route sends callers to other, the decision saw m",
    ),
    "cannot move": (with_source(a_world(), unmovable="it is an adapter of b"), a_move(), "m cannot move: it is an ad"),
    "data capture": (with_home(a_world(), unmovable="data capture is on"), a_move(), "nothing moves from pool-a: data"),
    "to data capture": (
        with_pool(a_world(), unmovable="data capture is on"),
        a_move(),
        "moves to pool-b: data capture",
    ),
    "its pool is changing": (with_home(a_world(), status=Status.UPDATING), a_move(), "pool-a is Updating"),
    "another tenant": (a_world(config=THEIR_TENANTS), a_move(), "pool-b takes tenants other; m has its own"),
    "another role": (
        with_pool(a_world(), boundary=ROLE),
        a_move(),
        "the move would change its boundary: execution role none here, role/pool-b there",
    ),
    "its Model has another role": (
        with_source(a_world(), boundary=Boundary(isolated=True)),
        a_move(POOL_A, "tidepool-m"),
        "network isolation off here, on there",
    ),
    "a key that a new endpoint has not": (
        with_home(a_world(OWN), OWN, boundary=Boundary(kms_key="k")),
        a_move(OWN, "tidepool-m"),
        "KMS key k here, none there",
    ),
    "a reservation, to a component": (
        with_home(a_world(OWN), OWN, reservation="plan/h100s"),
        a_move(OWN, POOL_B),
        "own would leave its capacity reservation plan/h100s (update own to a config without CapacityReservationConfig",
    ),
    "a reservation, to another type": (
        with_home(a_world(OWN), OWN, reservation="plan/h100s", instance_type="ml.x"),
        a_move(OWN, "tidepool-m"),
        "own would leave its capacity reservation plan/h100s",
    ),
    "a source that may not be read": (
        a_world(components={}, left_out={MODEL: "AccessDenied"}),
        a_move(),
        "the source m may not be read: AccessDenied",
    ),
    "a pool that may not be read": (
        a_world(left_out={POOL_B: "AccessDenied"}),
        a_move(),
        "pool pool-b may not be read: AccessDenied",
    ),
    "in place for a component": (
        with_home(a_world(), instance_type="ml.x", other_types=(P4D.name,)),
        a_move(),
        f"pool-a lists {P4D.name} among its own InstancePools: give m Specifications for it",
    ),
    "in place for an endpoint": (
        with_home(a_world(OWN), OWN, instance_type="ml.x", other_types=(P4D.name,)),
        a_move(OWN, "tidepool-m"),
        "put it first there, and nothing needs to move",
    ),
    "nobody measured it": (
        a_world(model=the_model(shapes=(Shape(Hosting.SHARED, P4D.name, accelerators=1),))),
        a_move(),
        "says its `concurrency`, and none was measured: declare it",
    ),
    "autoscaled": (a_world(left_alone="Application Auto Scaling sets it (1 to 4)"), a_move(), "m: Application Auto"),
    "a caller who may not": (
        a_world(
            callers=(rules.Caller("role/app"), rules.Caller("role/gw", refused="InvokeEndpoint on x: implicitDeny"))
        ),
        a_move(),
        "caller role/gw may not invoke tidepool-m-01234567: InvokeEndpoint on x: implicitDeny (allow it",
    ),
    "a caller of whom nobody can tell": (
        a_world(callers=(rules.Caller("role/app", unknown="AccessDenied"),)),
        a_move(),
        "unverified whether caller role/app may invoke tidepool-m-01234567: AccessDenied (take it out",
    ),
    "no source": (a_world(components={}), a_move(), "the source m is not there"),
    "another model's source": (with_source(a_world(), model="other"), a_move(), "a home of other, not of m"),
    "on another endpoint": (with_source(a_world(), endpoint=POOL_B), a_move(), "the decision saw pool-a"),
    "source changing": (with_source(a_world(), status=Status.UPDATING), a_move(), "somebody is changing it"),
    "a container alone": (with_source(a_world(), artifact="1.dkr.ecr/img:2"), a_move(), "not a SageMaker Model"),
    "no artifact": (with_source(a_world(), artifact=""), a_move(), "an unnamed container"),
    "identity is the name": (a_world(config=BY_NAME), a_move(), "would lose its identity"),
    "no identity tag": (with_source(a_world(), tags={}), a_move(), "would lose its identity"),
    "to itself": (a_world(), replace(a_move(), to_endpoint=POOL_A), "is where it lives"),
    "no shape": (a_world(model=the_model(shapes=())), a_move(), "and none was measured: declare it"),
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


@dataclass(frozen=True)
class Scalers(NoAutoscaling):
    """One scaling target of the source."""

    scaler: ScalingTarget

    def targets(self, *, at_most_s: int = 0) -> Mapping[str, ScalingTarget]:
        return {self.scaler.target: self.scaler}


@pytest.mark.parametrize("mode", ["yield", "floor", "adopt"])
@pytest.mark.parametrize(("source", "kind"), [(POOL_A, "inference-component/m"), (OWN, "endpoint/own/variant/v")])
def test_a_source_that_application_auto_scaling_scales_is_not_moved_whoever_asks(
    source: str, kind: str, mode: str
) -> None:
    """As decide does for the moves it proposes: what its autoscaling fills again never becomes empty."""
    live = World(source=source)
    config = replace(live.config(), writers=replace(live.config().writers, autoscaling=mode))
    live.config = lambda: config  # type: ignore[method-assign]
    ask = a_move(source)
    scaler = ScalingTarget(kind, ask.component or source, 1, 4)
    begun = begin(replace(live.ports(), autoscaling=Scalers(scaler)), ask, NOW)
    assert begun.phase is Phase.SUPERSEDED
    assert f"{ask.component or source}: Application Auto Scaling sets it (1 to 4)" in begun.why
    assert f"is {mode}" in begun.why and "suspend it" in begun.why
    paused = replace(scaler, suspended=PAUSED)
    again = begin(replace(live.ports(), autoscaling=Scalers(paused)), replace(ask, id="b"), NOW)
    assert again.phase is Phase.CREATE


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


def test_a_base_does_not_move_away_from_its_adapters() -> None:
    world = a_world()
    adapters = {name: replace(world.components[MODEL], name=name, base=MODEL) for name in ("b", "a")}
    found = reasons(replace(world, components={**world.components, **adapters}))
    assert any("its adapters a, b would be left without their base m" in reason for reason in found)


def test_what_an_open_move_will_cost_counts_for_the_day_and_what_it_has_cost_if_that_is_more() -> None:
    dear = an_open_move("x", usd=9.5)
    assert any("cost $9.50" in why for why in reasons(a_world(config=limited(move_usd_per_day=10), open=(dear,))))
    assert reasons(a_world(config=limited(move_usd_per_day=10), open=(an_open_move("x"),))) == ()


def test_a_route_that_nobody_wrote_or_that_names_the_source_is_no_reason() -> None:
    assert reasons(a_world(route=None)) == ()
    assert reasons(a_world(route=Route(MODEL, 1, (Target(POOL_A, MODEL, 100),), NOW))) == ()


def test_a_tenant_that_the_pool_lists_may_enter() -> None:
    assert reasons(a_world(config=THEIR_TENANTS, model=the_model(tenant="other"))) == ()


def test_by_default_there_is_no_limit_of_dollars_or_of_moves_at_one_pool() -> None:
    assert (Limits().moves_per_pool, Limits().usd_per_move, Limits().move_usd_per_day) == (None, None, None)


def test_a_dedicated_endpoint_that_only_changes_its_type_is_told_how_that_goes_in_place() -> None:
    """It may move: Tidepool may not update an endpoint of people, and an update in place is not soaked."""
    assert "UpdateEndpoint of own with" in rules.in_place(a_move(OWN, "tidepool-m"), "ml.other")
    assert rules.in_place(a_move(OWN, "tidepool-m"), P4D.name) == ""
    assert rules.in_place(a_move(POOL_A, "tidepool-m"), "ml.other") == ""


def test_a_move_that_waits_for_a_person_takes_nobodys_place() -> None:
    waits = an_open_move("x", phase=Phase.WAITING)
    assert reasons(a_world(config=ONE_AT_A_TIME, open=(waits,))) == ()


def test_what_was_superseded_or_began_a_day_ago_counts_for_no_day() -> None:
    never = an_open_move("x", phase=Phase.SUPERSEDED, began=NOW - 60)
    long_ago = an_open_move("x", phase=Phase.DONE, began=NOW - 86_400)
    assert reasons(a_world(config=limited(moves_per_day=1), ended=(never, long_ago))) == ()


def test_a_capacity_reservation_is_taken_to_the_same_type_and_a_pools_binds_nobody_and_both_are_said() -> None:
    own = with_home(a_world(OWN), OWN, reservation="plan/h100s")
    assert reasons(own, a_move(OWN, "tidepool-m")) == ()
    (said, _) = notes(a_move(OWN, "tidepool-m"), "", P4D.name, own)
    assert said == "both homes come from the capacity reservation plan/h100s: without room in it the move goes back"
    into = with_home(a_world(), POOL_B, reservation="plan/h100s")
    assert reasons(into) == () and reasons(with_home(a_world(), reservation="plan/h100s")) == ()
    (said, _) = notes(a_move(), "tidepool-m", P4D.name, into)
    assert said == "pool-b runs in the capacity reservation plan/h100s, and serves until that ends"
