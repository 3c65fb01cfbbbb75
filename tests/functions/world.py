"""A small fleet under the real handlers: the template's stack with every hand, a twin, and what lies in its stores."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from seams.world import P4D, START_S, TAGS, a_cloud
from tidepool.aws.clients import Clients
from tidepool.aws.ledger import Ledger
from tidepool.aws.objects import Bucket
from tidepool.aws.table import Table
from tidepool_lab.embedded import template as templates
from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import Cloud

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
FLEET = """\
schema: 1
region: us-east-1
identity: tag:model
act: run
pools: {pool: {types: [ml.p4d.24xlarge], bounds: write}}
instances: {ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.2513, quota: 6, launch: 105s}}
models:
  "*":
    class: interactive
    min_copies: 1
    zones: 1
    burst_alarm: true
    shapes:
      shared: {ml.p4d.24xlarge: {accelerators: 1, concurrency: 8, service: 4s, start: 60s}}
      dedicated: {ml.p4d.24xlarge: {accelerators: 8, concurrency: 64, service: 4s, start: 60s}}
"""

MOVE = {
    "model": "b",
    "from_hosting": "shared",
    "from_endpoint": "pool",
    "component": "b",
    "to_hosting": "dedicated",
    "to_endpoint": "tidepool-b",
    "instance_type": "ml.p4d.24xlarge",
    "accelerators_per_copy": 8,
    "size": 1,
}
"""Of a change: b from the pool to an endpoint of its own."""


@dataclass
class World:
    """The rig, its cloud, and its stores as adapters."""

    rig: Rig
    cloud: Cloud

    @property
    def now(self) -> int:
        return self.cloud.now_s

    def environment(self, name: str) -> str:
        return self.rig.host("DecideFunction").function.environment[name]

    def ledger(self) -> Ledger:
        """The ledger as it is stored now."""
        clients = Clients(self.cloud.spec.region)
        bucket = Bucket(clients, self.environment("TIDEPOOL_BUCKET"))
        return Ledger(Table(clients, self.environment("TIDEPOOL_LEDGER_TABLE")), bucket)

    def event(self, name: str, **changes: Any) -> dict[str, Any]:
        """events/NAME.json, happening now; `changes` are laid over what the detail is about."""
        found: dict[str, Any] = copy.deepcopy(json.loads((EVENTS / f"{name}.json").read_text()))
        found["time"] = iso(self.now)
        for part in ("change", "signal", "approval", "move", "undo", "attach"):
            if part in found.get("detail", {}):
                found["detail"][part] |= changes
        return found

    def send(self, name: str, **changes: Any) -> None:
        """The event is on the bus, as a person gives it to `aws events put-events` (docs/operate.md)."""
        event = self.event(name, **changes)
        entry = {
            "EventBusName": self.environment("TIDEPOOL_BUS"),
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }
        assert self.rig.stores.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0

    def decide(self, event: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.rig.invoke("DecideFunction", event)
        return result

    def counted(self, metric: str) -> float:
        """The sum of one of the handlers' own metrics so far."""
        series = self.rig.recorded.points.get(("Tidepool", metric), {})
        return sum(minute.total for minutes in series.values() for minute in minutes.values())


def iso(at_s: int) -> str:
    """As AWS writes a time."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _template() -> Mapping[str, Any]:
    """Parsed once for all tests: it takes longer than any of them."""
    return templates.read(ROOT / "template.yaml")


@contextmanager
def a_world(
    *,
    fleet: str = FLEET,
    copies: Mapping[str, int] | None = None,
    hands: str = "moves",
    dedicated: bool = False,
    busy: bool = False,
) -> Iterator[World]:
    """Models a, b and c on one pool, calm traffic or a `busy`; `dedicated` adds an endpoint for c. No tick has run."""
    traffic = {"a": [600 if busy else 60] * 120, "b": [10] * 120, "c": [30] * 120}
    cloud = a_cloud(traffic, copies={"a": 2, "b": 1, "c": 1, **(copies or {})}, past=30)
    if dedicated:
        cloud.create_endpoint("own", "c", instance_type=P4D, instances=1, tags={"model": "c", **TAGS}, settled=True)
    with Rig(
        cloud,
        template=ROOT / "template.yaml",
        parameters={"Hands": hands},
        fleet_yaml=fleet,
        commit="abc",
        learn_first="",
        source=copy.deepcopy(_template()),
    ) as rig:
        yield World(rig, cloud)


def noticing(monkeypatch: pytest.MonkeyPatch, act: Callable[[str, dict[str, Any]], None]) -> None:
    """`act` runs before every call of a rig that is made after this, with its operation and parameters."""
    note = Rig._note

    def noting(rig: Rig, service: str, operation: str, params: dict[str, Any]) -> None:
        note(rig, service, operation, params)
        act(operation, params)

    monkeypatch.setattr(Rig, "_note", noting)


__all__ = ["FLEET", "MOVE", "P4D", "START_S", "World", "a_world", "iso", "noticing"]
