"""Machines and money: launches within quota and bounds, releases, seconds billed (bench-rules 3.2, 3.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isinf

from tidepool.fleet import EndpointKind, Reservation
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
        self.plans: dict[str, Reservation] = {}
        """Training plans by ARN."""
        self.changes: list[float] = []
        """Times of every launch and release."""
        self.on_change: Callable[[Instance], None] = lambda _instance: None
        """Told of an instance when it is launched, and before its copies change or it is released."""
        self.ordered: dict[EndpointState, int] = {}
        """Instances that were asked for and come regain_s later, by who asked. They are not held yet."""
        self._given_back: set[str] = set()
        self._bill_of: dict[Instance, Bill] = {}
        self._number = 0

    def quota(self, type_name: str) -> int:
        """Instances of the type that the account may hold: what it holds, once one was given back for ever."""
        if self.waits(type_name) and isinf(self.spec.times.regain_s):
            return self.held[type_name]
        return self.spec.types[type_name].quota

    def quota_left(self, type_name: str) -> int:
        return self.quota(type_name) - self.held[type_name]

    def waits(self, type_name: str) -> bool:
        """One of this scarce type was given back: each further one comes regain_s after it was asked for."""
        return type_name in self._given_back

    def may_launch(self, endpoint: EndpointState, now_s: float) -> bool:
        """Quota, the pool's own bound and the zone's capacity allow one more, and it has not to be waited for."""
        return not self.waits(endpoint.type.name) and self._has_place(endpoint, now_s)

    def reserved(self, endpoint: EndpointState) -> int:
        """Machines of its plan that the endpoint has or can still get; 0 without one."""
        plan = self.plans.get(endpoint.reservation)
        if plan is None:
            return 0
        elsewhere = sum(
            1 for one in self._bill_of if one.endpoint.reservation == endpoint.reservation and one.endpoint != endpoint
        )
        return max(0, plan.instances - elsewhere)

    def order(self, endpoint: EndpointState) -> bool:
        """One more is asked for that has to be waited for; False when it would be beyond quota or the pool's bound."""
        asked = self.ordered.get(endpoint, 0)
        of_type = sum(count for other, count in self.ordered.items() if other.type is endpoint.type)
        if self.quota_left(endpoint.type.name) <= of_type or not _within_bound(endpoint, more=asked + 1):
            return False
        self.ordered[endpoint] = asked + 1
        return True

    def take_order(self, endpoint: EndpointState, now_s: float) -> bool:
        """One that was asked for can be had now, or is off: there is no place for it any more."""
        self.ordered[endpoint] -= 1
        return self._has_place(endpoint, now_s)

    def _has_place(self, endpoint: EndpointState, now_s: float) -> bool:
        if self.quota_left(endpoint.type.name) <= 0 or self.faults.out_of(endpoint.type.name, now_s):
            return False
        plan = self.plans.get(endpoint.reservation)
        if plan is not None and (now_s >= plan.until or len(endpoint.instances) >= self.reserved(endpoint)):
            return False
        return _within_bound(endpoint, more=1)

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
        self.on_change(instance)
        if not settled:
            self.changes.append(now_s)
        return instance

    def release(self, instance: Instance, now_s: float, *, replaced: bool = False) -> None:
        """It is gone: no longer billed, and its quota is free. `replaced`: another one stands in its place already, so
        that nothing was given back."""
        self.on_change(instance)
        instance.endpoint.instances.remove(instance)
        instance.endpoint.touched_s = now_s
        self.held[instance.type.name] -= 1
        if instance.type.scarce and self.spec.times.regain_s > 0 and not replaced:
            self._given_back.add(instance.type.name)
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


def _within_bound(endpoint: EndpointState, *, more: int) -> bool:
    """A pool stays within its maximum; a dedicated endpoint has none."""
    return endpoint.kind is EndpointKind.DEDICATED or len(endpoint.instances) + more <= endpoint.maximum
