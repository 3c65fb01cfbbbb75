"""`migrate` against a deployed stack: waves, who cannot, quota, and runs that go on until nobody is left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from builders.command import run
from functions.world import ROOT, World
from seams.world import P4D, START_S, TAGS
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, TypeSpec
from tidepool_lab.twin.traffic import TableArrivals

P5EN = "ml.p5en.48xlarge"
NAMES = ("alone", "chat", "evals", "lonely", "unmeasured")
FLEET = """\
schema: 1
region: us-east-1
identity: tag:model
act: run
safety: {limits: {moves_at_once: 2, moves_per_day: 9}}
pools:
  old: {types: [ml.p4d.24xlarge]}
  new: {types: [ml.p5en.48xlarge], tenants: [us]}
instances:
  ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.2513, quota: 6, launch: 105s}
  ml.p5en.48xlarge: {accelerators: 8, usd_per_hour: 72.795, quota: 2, launch: 105s}
models:
  unmeasured: {class: background, tenant: us, route: {via: table}}
  lonely: {class: background, tenant: them, route: {via: table}, shapes: &shapes}
  evals: {class: background, min_copies: 1, tenant: us, route: {via: table}, shapes: &shapes}
  chat: {class: interactive, min_copies: 1, zones: 1, tenant: us, route: {via: table}, shapes: &shapes}
  alone: {class: standard, min_copies: 1, tenant: us, route: {via: table}, shapes: &shapes}
""".replace(
    "&shapes",
    "{shared: {ml.p4d.24xlarge: &s, ml.p5en.48xlarge: &s}, dedicated: {ml.p4d.24xlarge: &d, ml.p5en.48xlarge: &d}}",
)
FLEET = FLEET.replace("&s", "{accelerators: 1, concurrency: 8, service: 4s, start: 60s}")
FLEET = FLEET.replace("&d", "{concurrency: 64, service: 4s, start: 60s}")
WAY = ("migrate", "--from", P4D, "--to", P5EN)
WHY = ("--why", "CHG-1", "--who", "kim")


def a_cloud() -> Cloud:
    """Four models on the old pool, one on an endpoint of its own, and an empty new pool."""
    models = tuple(
        ModelSpec(n, {"A100": Capacity(1, 8, 4.0), "H200": Capacity(1, 8, 4.0)}, 40, 20, kind=Kind.INTERACTIVE)
        for n in NAMES
    )
    types = {P4D: TypeSpec(P4D, "A100", 8, 25.2513, 6), P5EN: TypeSpec(P5EN, "H200", 8, 72.795, 2)}
    table = np.full((300, len(NAMES)), 10, dtype=np.int64)
    cloud = Cloud(CloudSpec(types=types, models=models), TableArrivals(NAMES, table), seed=1, start_s=START_S)
    cloud.create_pool("old", P4D, maximum=4, tags=TAGS, settled=True)
    cloud.create_pool("new", P5EN, maximum=2, tags=TAGS, settled=True)
    for name in NAMES[1:]:
        cloud.create_component(name, "old", model=name, copies=1, tags={"model": name, **TAGS}, settled=True)
    cloud.create_endpoint("own", "alone", instance_type=P4D, instances=1, tags={"model": "alone", **TAGS}, settled=True)
    return cloud


@contextmanager
def a_world(fleet: str = FLEET) -> Iterator[World]:
    cloud = a_cloud()
    template = ROOT / "template.yaml"
    with Rig(cloud, template=template, parameters={"Hands": "moves"}, fleet_yaml=fleet, learn_first="") as rig:
        yield World(rig, cloud)


pytestmark = pytest.mark.usefixtures("region")


def value(*words: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(run(*WAY, *words, "--json", "-").stdout)
    return found


def on(world: World, minutes: int) -> None:
    """The hand works minute by minute; decide does not, so that only what was asked for moves."""
    world.rig.run_to(world.now + 5)
    for _ in range(minutes):
        world.rig._move(world.now + 60)
        world.rig.fire("MoveModelsFunction")


def test_a_dry_run_shows_waves_who_cannot_and_the_quota_of_both_sides() -> None:
    with a_world() as world:
        found = value("--at-a-time", "2", "--dry-run")
        assert found["waves"] == [["evals", "alone"], ["chat"]], "background first, then standard, then interactive"
        assert found["stuck"]["unmeasured"].startswith("fleet.yaml has no shape of it for shared on ml.p5en")
        assert found["stuck"]["lonely"].startswith("no pool on ml.p5en.48xlarge is for its tenant")
        assert [(q["instance_type"], q["used"], q["more"], q["short"]) for q in found["quota"]] == [
            (P4D, 2, 0, 0),
            # The new pool is empty: one machine for the two that share it, and one for the one alone.
            (P5EN, 0, 2, 0),
        ]
        (note,) = found["without_a_move"]
        assert "old could serve chat, evals, lonely on ml.p5en.48xlarge as well, without a move" in note
        assert found["begun"] == []
        text = run(*WAY, "--dry-run").stdout
        for expected in ("3 to move in 3 waves of up to 1, 2 cannot", "wave 3", "cannot move", "quota of", "note: old"):
            assert expected in text
        assert text.endswith("Nothing was asked.\n")
        on(world, 1)
        assert world.ledger().moves() == ()


def test_it_says_how_many_instances_are_missing() -> None:
    with a_world(FLEET.replace("quota: 2", "quota: 1")):
        assert value("--dry-run")["quota"][1]["short"] == 1
        assert "0 in use, 2 more, 1 allowed: 1 short, ask for them before" in run(*WAY, "--dry-run").stdout


def test_runs_go_on_where_the_last_one_stopped_until_nobody_is_left() -> None:
    with a_world() as world:
        first = value("--at-a-time", "2", *WHY)
        assert [wish["model"] for wish in first["begun"]] == ["evals", "alone"]
        on(world, 2)
        again = value("--at-a-time", "2", *WHY)
        assert (again["begun"], sorted(again["under_way"])) == ([], ["alone", "evals"])
        assert "1 are left, 2 were under way" in run(*WAY, "--at-a-time", "2", *WHY).stdout
        on(world, 60)
        assert [wish["model"] for wish in value("--at-a-time", "2", *WHY)["begun"]] == ["chat"]
        on(world, 60)
        last = run(*WAY, *WHY)
        assert "Nobody else is left to move" in last.stdout
        done = {(m.ask.model, str(m.phase)) for m in world.ledger().ended_moves(0)}
        assert done == {("evals", "done"), ("alone", "done"), ("chat", "done")}


def test_never_more_begin_than_the_limits_allow() -> None:
    with a_world(FLEET.replace("moves_at_once: 2, moves_per_day: 9", "moves_at_once: 5, moves_per_day: 1")) as world:
        first = run(*WAY, "--at-a-time", "3", *WHY)
        assert "2 are left, 0 had begun in 24 hours, limits.moves_per_day is 1" in first.stdout
        on(world, 1)
        assert len(world.ledger().moves()) == 1


def test_a_fleet_of_which_nobody_can_move_exits_1() -> None:
    with a_world(FLEET.replace("act: run", "act: scale")):
        result = run(*WAY, "--dry-run")
        assert result.exit_code == 1 and "a move needs 'ask'" in result.stdout


def test_the_same_type_twice_is_refused() -> None:
    result = run("migrate", "--from", P4D, "--to", P4D, "--dry-run")
    assert result.exit_code == 1 and "another type than --from" in result.output


def test_a_migration_under_ask_begins_who_can_move() -> None:
    with a_world(FLEET.replace("act: run", "act: ask")) as world:
        way = (*WAY, "--at-a-time", "2")
        assert "3 to move in 2 waves" in run(*way, "--dry-run").stdout
        assert run(*way, *WHY).exit_code == 0
        world.rig.run_to(world.now + 60)
        begun = sorted((move.ask.model, str(move.phase)) for move in world.ledger().moves())
        assert begun == [("alone", "create"), ("evals", "create")]
