"""The two stages of the demo: the true seam (an embedded AWS), and the fast seam (the use cases alone)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidepool.runtime.ports import Ports
from tidepool_lab.demo.play import Day, cloud_of
from tidepool_lab.demo.stage import Stage
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.fast_run import FastRun


def open_stage(day: Day, seam: str) -> Stage:
    """The stage of that name ('true' or 'fast'), at the first second of the day."""
    return FastStage.of(day)


@dataclass(slots=True)
class FastStage:
    """The deployed use cases on the twin, in one process, without boto3."""

    name: str
    cloud: Cloud
    ports: Ports
    run: FastRun

    @classmethod
    def of(cls, day: Day) -> FastStage:
        cloud = cloud_of(day)
        ports = fast_ports(cloud, day.config)
        name = f"Fast seam: the use cases that are deployed, without their handlers. {len(day.names)} models."
        return cls(name, cloud, ports, FastRun(cloud, ports))

    def run_to(self, until_s: int) -> None:
        self.run.run_to(until_s)

    def alarms(self) -> Sequence[tuple[int, str]]:
        return []

    def close(self) -> None:
        return None
