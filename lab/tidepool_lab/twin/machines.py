"""Machines and money: launches within quota and bounds, releases, seconds billed (bench-rules 3.2, 3.9)."""

from __future__ import annotations

from dataclasses import dataclass

from tidepool.fleet import EndpointKind
from tidepool_lab.twin.faults import Faults
from tidepool_lab.twin.spec import CloudSpec, TypeSpec
from tidepool_lab.twin.state import EndpointState, Instance


@dataclass(slots=True)
class Bill:
    """One instance's time: billed from the end of its launch until release; `to_s` None = still held."""

    type: TypeSpec
    endpoint: str
    from_s: float
    to_s: float | None = None

    def usd(self, from_s: float, to_s: float) -> float:
        """Dollars that accrue inside [from_s, to_s), per second."""
        end = to_s if self.to_s is None else min(self.to_s, to_s)
        return max(0.0, end - max(self.from_s, from_s)) * self.type.usd_per_hour / 3600.0


class Machines:
    """Every instance of the account. Quota is per type, over pools, dedicated endpoints and launches."""

    def __init__(self, spec: CloudSpec, faults: Faults) -> None:
        self.spec = spec
        self.faults = faults
        self.held: dict[str, int] = dict.fromkeys(spec.types, 0)
        self.bills: list[Bill] = []
        self.changes: list[float] = []
        """Times of every launch and release."""
        self._bill_of: dict[Instance, Bill] = {}
        self._number = 0

    def quota_left(self, type_name: str) -> int:
        return self.spec.types[type_name].quota - self.held[type_name]

    def may_launch(self, endpoint: EndpointState, now_s: float) -> bool:
        """Quota, the pool's own bound and the zone's capacity allow one more."""
        if self.quota_left(endpoint.type.name) <= 0 or self.faults.out_of(endpoint.type.name, now_s):
            return False
        return endpoint.kind is EndpointKind.DEDICATED or len(endpoint.instances) < endpoint.maximum

    def launch(self, endpoint: EndpointState, now_s: float, *, settled: bool = False) -> Instance:
        """A new instance is on its way (`settled`: there, as a start state has it)."""
        self._number += 1
        ready_s = now_s if settled else now_s + self.spec.times.instance_launch_s
        instance = Instance(self._number, endpoint, endpoint.type, ready_s, endpoint.type.accelerators)
        endpoint.instances.append(instance)
        endpoint.touched_s = now_s
        self.held[endpoint.type.name] += 1
        bill = Bill(endpoint.type, endpoint.name, ready_s)
        self.bills.append(bill)
        self._bill_of[instance] = bill
        if not settled:
            self.changes.append(now_s)
        return instance

    def release(self, instance: Instance, now_s: float) -> None:
        """It is gone: no longer billed, and its quota is free."""
        instance.endpoint.instances.remove(instance)
        instance.endpoint.touched_s = now_s
        self.held[instance.type.name] -= 1
        # One that is released before its launch ends was never billed.
        self._bill_of[instance].to_s = max(now_s, instance.ready_s)
        del self._bill_of[instance]
        self.changes.append(now_s)

    def cost(self, from_s: float, to_s: float) -> float:
        """Dollars that accrue inside [from_s, to_s)."""
        return sum(bill.usd(from_s, to_s) for bill in self.bills)

    def usd_per_hour(self, now_s: float) -> float:
        """What the instances that are billed now cost."""
        return sum(b.type.usd_per_hour for b in self._bill_of.values() if b.from_s <= now_s)
