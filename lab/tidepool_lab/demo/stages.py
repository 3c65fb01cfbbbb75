"""The two stages of the demo: the true seam (an embedded AWS), and the fast seam (the use cases alone)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from tidepool.runtime.ports import Ledger
from tidepool.units import MINUTE_S
from tidepool_lab.demo.play import Day, cloud_of, fleet_text
from tidepool_lab.demo.stage import Stage
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.fast_run import FastRun

if TYPE_CHECKING:
    from tidepool_lab.embedded.dispatcher import Happened
    from tidepool_lab.embedded.rig import Rig


class Seam(StrEnum):
    TRUE = "true"
    FAST = "fast"


TEMPLATE = Path(__file__).parents[3] / "template.yaml"


def open_stage(day: Day, seam: Seam) -> Stage:
    """The stage of that name, at the first second of the day."""
    return FastStage.of(day) if seam is Seam.FAST else TrueStage.of(day)


@dataclass(slots=True)
class TrueStage:
    """The handlers of template.yaml, with real boto3 calls, woken by its schedules, rules and alarms."""

    name: str
    cloud: Cloud
    ledger: Ledger
    rig: Rig
    fired: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, day: Day) -> TrueStage:
        # Imported here: moto and botocore take seconds, and the fast seam needs neither.
        from tidepool.aws.clients import Clients
        from tidepool.aws.ledger import Ledger as StoredLedger
        from tidepool.aws.objects import Bucket
        from tidepool.aws.table import Table
        from tidepool_lab.embedded.rig import Rig

        cloud = cloud_of(day)
        rig = Rig(
            cloud,
            template=TEMPLATE,
            parameters={"Hands": "moves"},
            fleet_yaml=fleet_text(),
            commit="the demo's fleet.yaml",
        )
        rig.__enter__()
        clients = Clients(cloud.spec.region)
        names = rig.stack.physical
        ledger = StoredLedger(Table(clients, names["LedgerTable"]), Bucket(clients, rig.stores.bucket()))
        functions = len(rig.stack.functions)
        words = (
            f"True seam: {functions} Lambda handlers of template.yaml with their own boto3 calls, woken by its "
            f"schedules, rules and alarms. {len(day.names)} models."
        )
        return cls(words, cloud, ledger, rig)

    def run_to(self, until_s: int) -> None:
        self.rig.run_to(until_s, on_event=self._heard)

    def alarms(self) -> Sequence[tuple[int, str]]:
        return self.fired

    def close(self) -> None:
        self.rig.__exit__(None, None, None)

    def _heard(self, happened: Happened) -> None:
        """Keeps each alarm action that named a component and that decide has taken."""
        if happened.kind != "invoked" or "alarmData" not in happened.event:
            return
        contributor = happened.event["alarmData"].get("alarmContributor", {})
        name = contributor.get("attributes", {}).get("InferenceComponentName")
        if name:
            self.fired.append((happened.at_s, name))


@dataclass(slots=True)
class FastStage:
    """The deployed use cases on the twin, in one process, without boto3."""

    name: str
    cloud: Cloud
    ledger: Ledger
    run: FastRun
    fired: list[tuple[int, str]] = field(default_factory=list)
    _refused: frozenset[str] = frozenset()

    @classmethod
    def of(cls, day: Day) -> FastStage:
        cloud = cloud_of(day)
        ports = fast_ports(cloud, day.config)
        name = f"Fast seam: the use cases that are deployed, without their handlers. {len(day.names)} models."
        return cls(name, cloud, ports.ledger, FastRun(cloud, ports))

    def run_to(self, until_s: int) -> None:
        for at in range(self.cloud.now_s - self.cloud.now_s % MINUTE_S + MINUTE_S, until_s + 1, MINUTE_S):
            self.run.run_to(at)
            # The alarm acts on a transition: a component that is refused on and on fires once (bench-rules 4.3).
            refused = frozenset(self.cloud.metrics.rejected_in(at - MINUTE_S))
            due = at + self.cloud.spec.times.rejected_alarm_s
            self.fired += [(due, name) for name in sorted(refused - self._refused)]
            self._refused = refused

    def alarms(self) -> Sequence[tuple[int, str]]:
        return self.fired

    def close(self) -> None:
        return None
