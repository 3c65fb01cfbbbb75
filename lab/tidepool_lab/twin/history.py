"""What there was, minute by minute, for pictures: copies, instances, dollars per hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidepool.fleet import Status

if TYPE_CHECKING:
    from tidepool_lab.twin.lifecycle import Lifecycle


@dataclass(slots=True)
class History:
    """One entry a minute, at the minute's end. A name that did not exist then is missing from that entry.

    copies: in service per component. instances: per endpoint, machines held (launching ones included).
    accelerators_used: per endpoint. busy: requests in service per target. usd_per_hour: what is billed.
    """

    at_s: list[int] = field(default_factory=list)
    copies: list[dict[str, int]] = field(default_factory=list)
    wanted: list[dict[str, int]] = field(default_factory=list)
    instances: list[dict[str, int]] = field(default_factory=list)
    accelerators_used: list[dict[str, int]] = field(default_factory=list)
    busy: list[dict[str, int]] = field(default_factory=list)
    usd_per_hour: list[float] = field(default_factory=list)

    def note(self, at_s: int, life: Lifecycle) -> None:
        components = life.components.values()
        endpoints = [e for e in life.endpoints.values() if e.status is not Status.DELETING]
        load = life.requests.busy
        ready = life.requests.ready
        self.at_s.append(at_s)
        self.copies.append({c.name: int(ready[c.target]) for c in components})
        self.wanted.append({c.name: c.desired for c in components})
        self.instances.append({e.name: len(e.instances) for e in endpoints})
        self.accelerators_used.append({e.name: sum(i.used for i in e.instances) for e in endpoints})
        busy = {c.name: int(load[c.target]) for c in components}
        busy |= {e.name: int(load[e.container.target]) for e in endpoints if e.container is not None}
        self.busy.append(busy)
        self.usd_per_hour.append(life.machines.usd_per_hour(at_s))

    def series(self, name: str, what: str) -> list[int]:
        """One name's values of `copies`, `wanted`, `instances`, `accelerators_used` or `busy`; 0 where missing."""
        table: list[dict[str, int]] = getattr(self, what)
        return [row.get(name, 0) for row in table]
