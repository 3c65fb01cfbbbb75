"""Moves on the simulated account, under load: every request is served, as if nobody had moved anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import a_config
from builders import a_model as a_model_config
from builders.twin_world import BIG, POOL, START, a_cloud, a_model, fate
from tidepool.config.types import Config, Hosting, InstanceConfig, PoolConfig, RouteConfig, Shape, Via
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.ports import Ports
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.faults import Faults, Outage

OTHER, OWN = "pool-2", "own"
A_MINUTE = 300
"""Requests; 50 in flight at 10 s each, so that 8 copies of 10 slots are well used."""
COPIES = 8
TAGS = {"model": "m", "tidepool:managed": "true", "tidepool:created-by": "tidepool"}
KINDS = {
    "pool to pool": (POOL, OTHER),
    "shared to dedicated": (POOL, "tidepool-m"),
    "dedicated to shared": (OWN, OTHER),
    "dedicated to dedicated": (OWN, "tidepool-m"),
}


def the_config() -> Config:
    shapes = tuple(
        Shape(hosting, BIG, accelerators=a, concurrency=10.0 * a, service_s=10.0, start_s=100.0)
        for hosting, a in ((Hosting.SHARED, 1), (Hosting.DEDICATED, 8))
    )
    model = a_model_config("m", route=RouteConfig(Via.TABLE), shapes=shapes)
    return a_config(
        model,
        identity="tag:model",
        pools={name: PoolConfig(name, name) for name in (POOL, OTHER)},
        instances={BIG: InstanceConfig(BIG, 8, 3600.0, 20, 100.0)},
    )


def a_world(source: str, *, faults: Faults | None = None, seed: int = 1) -> tuple[Cloud, Ports]:
    """The model at its source, under steady load, with room elsewhere."""
    cloud = a_cloud(a_model("m"), traffic=[[A_MINUTE]] * 300, seed=seed, faults=faults)
    cloud.create_pool(OTHER, BIG, maximum=20, settled=True)
    if source == OWN:
        cloud.create_endpoint(OWN, "m", instance_type=BIG, instances=1, tags=TAGS, settled=True)
    else:
        cloud.create_component("m", source, model="m", copies=COPIES, tags=TAGS, settled=True)
    return cloud, fast_ports(cloud, the_config())


def the_move(source: str, target: str) -> StartMove:
    shared, to_shared = source != OWN, target == OTHER
    return StartMove(
        id="0123456789abcdef",
        model="m",
        from_hosting=Hosting.SHARED if shared else Hosting.DEDICATED,
        from_endpoint=source,
        component="m" if shared else "",
        to_hosting=Hosting.SHARED if to_shared else Hosting.DEDICATED,
        to_endpoint=target,
        instance_type=BIG,
        accelerators_per_copy=1,
        size=COPIES if to_shared else 1,
        because="a test wants it",
        usd_per_hour=0.0,
        move_cost_usd=0.0,
    )


def live(cloud: Cloud, ports: Ports, ask: StartMove, *, minutes: int = 200) -> Move:
    """The move as it ended, with a run each minute and ten minutes of load before and after."""
    cloud.run_to(cloud.now_s + 600)
    begin(ports, ask, cloud.now_s)
    for _ in range(minutes):
        advance_moves(ports, cloud.now_s)
        if not ports.ledger.moves():
            cloud.run_to(cloud.now_s + 600)
            return ports.ledger.ended_moves(0)[0]
        cloud.run_to(cloud.now_s + 60)
    raise AssertionError(f"it never ended: {ports.ledger.moves()}")


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_move_under_load_loses_no_request_and_every_one_is_on_time(kind: str, seed: int) -> None:
    source, target = KINDS[kind]
    cloud, ports = a_world(source, seed=seed)
    move = live(cloud, ports, the_move(source, target))
    assert move.phase is Phase.DONE, move.why
    cloud.check_conservation()
    figures = cloud.figures(START, cloud.now_s)
    assert fate(cloud)["arrived"] > 9000
    assert (fate(cloud)["lost"], fate(cloud)["timed_out"], fate(cloud)["rejected_once"]) == (0, 0, 0)
    assert figures.on_time == 1.0
    assert list(ports.hosting.components()) == ([move.to_component] if move.to_component else [])
    assert set(ports.hosting.endpoints()) - {POOL, OTHER} == (set() if move.to_component else {target})


@pytest.mark.parametrize("kind", ["pool to pool", "dedicated to shared"])
def test_a_move_that_was_decided_too_small_still_makes_nobody_wait(kind: str) -> None:
    """One copy is asked for where five are needed: half of the first callers would have waited in vain."""
    source, target = KINDS[kind]
    cloud, ports = a_world(source)
    move = live(cloud, ports, replace(the_move(source, target), size=1))
    assert move.phase is Phase.DONE, move.why
    assert ports.hosting.component(move.to_component).copies_now >= 5
    assert cloud.figures(START, cloud.now_s).on_time == 1.0


def test_the_new_home_is_known_as_the_model_at_the_next_look() -> None:
    cloud, ports = a_world(POOL)
    move = live(cloud, ports, the_move(POOL, OTHER))
    home = ports.hosting.component(move.to_component)
    assert (home.model, home.endpoint, home.copies_now) == ("m", OTHER, COPIES)
    assert home.tags["tidepool:change"] == move.id
    route = ports.routes.read("m", RouteConfig(Via.TABLE))
    assert route is not None and [t.name for t in route.targets] == [move.to_component]


@pytest.mark.parametrize("kind", ["pool to pool", "shared to dedicated"])
def test_without_machines_at_the_target_the_move_goes_back_and_nobody_notices(kind: str) -> None:
    source, target = KINDS[kind]
    # The pool's own machine is there; what the target would need cannot be had all day.
    faults = Faults(outages=(Outage(BIG, START + 60, START + 86_400),))
    cloud, ports = a_world(source, faults=faults)
    move = live(cloud, ports, the_move(source, target))
    assert move.phase is Phase.ROLLED_BACK, move.why
    assert (fate(cloud)["lost"], fate(cloud)["timed_out"], fate(cloud)["rejected_once"]) == (0, 0, 0)
    assert list(ports.hosting.components()) == ["m"]
    assert set(ports.hosting.endpoints()) == {POOL, OTHER}


@pytest.mark.parametrize("kind", KINDS)
def test_a_move_takes_less_than_half_an_hour_and_both_homes_only_that_long(kind: str) -> None:
    """Start-up 200 s, then 3 × 120 s of soak and the drain; machines stay ten minutes after their last copy:
    at most 40 minutes of both.
    """
    source, target = KINDS[kind]
    cloud, ports = a_world(source)
    ask = the_move(source, target)
    move = live(cloud, ports, ask)
    cloud.run_to(cloud.now_s + 600)
    assert move.since - move.began <= 1800
    before = cloud.figures(START, START + 600).cost_usd
    after = cloud.figures(cloud.now_s - 60, cloud.now_s).cost_usd * 10
    extra = cloud.figures(START, cloud.now_s).cost_usd - before / 600 * (cloud.now_s - START)
    assert after == pytest.approx(before, rel=0.01)
    assert extra <= before / 600 * 2400
