"""The same fleet, the same traffic, the same file: once on each seam."""

from __future__ import annotations

from collections.abc import Callable

from seams.world import ROOT
from tidepool.config.load import load
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.fast_ledger import FastLedger
from tidepool_lab.twin.fast_run import FastRun

COMMIT = "4f2a9c1"

HEAD = """
schema: 1
region: us-east-1
identity: tag:model
act: run
safety:
  limits: {copies_per_tick: 8, lowered_per_hour: 100%, instances_per_hour: 10, moves_at_once: 1, moves_per_day: 4}
instances: {ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.2513, quota: 6, launch: 105s}}
"""
"""What the fleets of these tests have in common."""

FLEET = (
    HEAD
    + """\
pools:
  p4d: {endpoint: pool, types: [ml.p4d.24xlarge], give_back: {after: 0s}}
models:
  "*":
    class: background
    min_copies: 0
    zero: {after: 20m}
    host: shared
    shapes: {shared: {ml.p4d.24xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}}}
"""
)

MOVING = (
    HEAD
    + """\
pools:
  p4d: {endpoint: pool, types: [ml.p4d.24xlarge], give_back: {after: 0s}, tenants: [all]}
models:
  "*":
    class: background
    tenant: all
    host: auto
    route: {via: table}
    retire: delete
    shapes:
      dedicated: {ml.p4d.24xlarge: {concurrency: 64, service: 4s, start: 60s}}
      shared: {ml.p4d.24xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}}
"""
)
"""As FLEET, with models that may live alone and be moved."""


def on_the_fast_seam(make: Callable[[], Cloud], until_s: int, *, fleet: str = FLEET) -> tuple[Cloud, list[bytes]]:
    """The cloud at the end, and every decision record in order. Endpoints' events wake decide, as in the template."""
    cloud = make()
    ports = fast_ports(cloud, load(fleet), commit=COMMIT, keep_records=True)
    run = FastRun(cloud, ports, endpoint_events=True)
    run.run_to(until_s)
    assert run.errors == []
    assert isinstance(ports.ledger, FastLedger)
    return cloud, list(ports.ledger.records.values())


def on_the_true_seam(make: Callable[[], Cloud], until_s: int, *, fleet: str = FLEET) -> tuple[Cloud, list[bytes]]:
    """The same through the deployed handlers."""
    cloud = make()
    with a_rig(cloud, fleet=fleet) as rig:
        rig.run_to(until_s)
        wrong = [happened for happened in rig.happened if happened.kind in {"failed", "undelivered"}]
        assert wrong == []
        return cloud, list(rig.records().values())


def a_rig(cloud: Cloud, *, fleet: str = FLEET, hands: str = "moves") -> Rig:
    """The real application on that cloud."""
    return Rig(cloud, template=ROOT / "template.yaml", parameters={"Hands": hands}, fleet_yaml=fleet, commit=COMMIT)
