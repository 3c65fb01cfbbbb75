"""Every command of docs/operate.md that wants a deployed stack runs on one, in the order of the page."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import numpy as np
import pytest
from click.testing import CliRunner

from builders.command import STACK, shown
from functions.world import ROOT, World
from seams.world import P4D, START_S, TAGS
from tidepool_cli.main import cli
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, TypeSpec
from tidepool_lab.twin.traffic import TableArrivals

P5EN = "ml.p5en.48xlarge"
FLEET = """\
schema: 1
region: us-east-1
identity: tag:model
act: run
safety: {limits: {moves_at_once: 4, moves_per_day: 9}}
pools:
  p4d: {endpoint: shared-p4d-prod, types: [ml.p4d.24xlarge]}
  p5en: {endpoint: shared-p5en-prod, types: [ml.p5en.48xlarge]}
instances:
  ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.2513, quota: 6, launch: 105s}
  ml.p5en.48xlarge: {accelerators: 8, usd_per_hour: 72.795, quota: 2, launch: 105s}
models:
  "*":
    class: standard
    route: {via: table}
    shapes:
      shared:
        ml.p4d.24xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}
        ml.p5en.48xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}
      dedicated: {ml.p4d.24xlarge: {concurrency: 64, service: 4s, start: 60s}}
"""
HOUSED = ("blockgen", "email-draft", "texteval")


def commands() -> list[str]:
    """The page's commands that want a stack, in order."""
    return [command for command in shown(ROOT / "docs" / "operate.md") if command.startswith(STACK)]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Three models on the p4d pool, one of which is on its way to a machine of its own, and one without a home."""
    names = (*HOUSED, "summaries-v1")
    capacity = {"A100": Capacity(1, 8, 4.0), "H200": Capacity(1, 8, 4.0)}
    models = tuple(ModelSpec(name, capacity, 40, 20, kind=Kind.INTERACTIVE) for name in names)
    types = {P4D: TypeSpec(P4D, "A100", 8, 25.2513, 6), P5EN: TypeSpec(P5EN, "H200", 8, 72.795, 2)}
    arrivals = TableArrivals(names, np.full((300, len(names)), 10, dtype=np.int64))
    cloud = Cloud(CloudSpec(types=types, models=models), arrivals, seed=1, start_s=START_S)
    cloud.create_pool("shared-p4d-prod", P4D, maximum=4, tags=TAGS, settled=True)
    cloud.create_pool("shared-p5en-prod", P5EN, maximum=2, tags=TAGS, settled=True)
    for name in HOUSED:
        cloud.create_component(name, "shared-p4d-prod", model=name, tags={"model": name, **TAGS}, settled=True)
    template = ROOT / "template.yaml"
    with Rig(cloud, template=template, parameters={"Hands": "moves"}, fleet_yaml=FLEET, learn_first="") as rig:
        made = World(rig, cloud)
        event = made.event("move", id="3123456789abcdef", model="blockgen", to="dedicated")
        made.rig.invoke("MoveModelsFunction", event)
        rig.run_to(START_S + 125)
        yield made


@pytest.mark.parametrize("command", commands())
def test_the_command_runs(command: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    result = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert result.exit_code in ({0, 2} if command.startswith("tidepool plan ") else {0}), (
        f"{result.output}{result.exception}"
    )
    world.rig.run_to(world.now + 5)
    assert [h for h in world.rig.happened if h.kind in {"failed", "undelivered"}] == []
