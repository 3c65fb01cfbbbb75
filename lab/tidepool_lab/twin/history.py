"""What there was, minute by minute, for pictures: copies, instances, dollars per hour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidepool.fleet import Status

if TYPE_CHECKING:
    from tidepool_lab.twin.lifecycle import Lifecycle

BY_TARGET = ("copies", "wanted", "busy")
BY_ENDPOINT = ("instances", "accelerators_used")


@dataclass(slots=True)
class History:
    """One entry a minute, at the minute's end; read it with `series`.

    By target (a component, or a dedicated endpoint, whose copies are its instances), in the rows of the request
    plane: copies in service, copies wanted, requests busy. By endpoint: instances held (launching ones included),
    accelerators reserved. usd_per_hour: what is billed.
    """

    at_s: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    copies: list[tuple[int, ...]] = field(default_factory=list)
    wanted: list[tuple[int, ...]] = field(default_factory=list)
    busy: list[tuple[int, ...]] = field(default_factory=list)
    instances: list[dict[str, int]] = field(default_factory=list)
    accelerators_used: list[dict[str, int]] = field(default_factory=list)
    usd_per_hour: list[float] = field(default_factory=list)

    def note(self, at_s: int, life: Lifecycle) -> None:
        """The minute that ended at `at_s` is written down."""
        endpoints = [e for e in life.endpoints.values() if e.status is not Status.DELETING]
        self.at_s.append(at_s)
        self.names = life.requests.names
        self.copies.append(tuple(life.requests.ready.tolist()))
        self.busy.append(tuple(life.requests.busy.tolist()))
        wanted = [0] * len(self.names)
        for component in life.components.values():
            wanted[component.target] = component.desired
        for endpoint in endpoints:
            if endpoint.container is not None:
                wanted[endpoint.container.target] = endpoint.container.desired
        self.wanted.append(tuple(wanted))
        self.instances.append({e.name: len(e.instances) for e in endpoints})
        self.accelerators_used.append({e.name: sum(i.used for i in e.instances) for e in endpoints})
        self.usd_per_hour.append(life.machines.usd_per_hour(at_s))

    def series(self, name: str, what: str) -> list[int]:
        """One name's values of `copies`, `wanted`, `busy`, `instances` or `accelerators_used`; 0 where missing.

        KeyError for any other word.
        """
        if what in BY_ENDPOINT:
            by_endpoint: list[dict[str, int]] = getattr(self, what)
            return [row.get(name, 0) for row in by_endpoint]
        if what not in BY_TARGET:
            raise KeyError(f"{what!r}: one of {', '.join((*BY_TARGET, *BY_ENDPOINT))}")
        # A name that was deleted and made again has more than one row; at most one of them is alive.
        rows = [row for row, known in enumerate(self.names) if known == name]
        by_target: list[tuple[int, ...]] = getattr(self, what)
        return [sum(values[row] for row in rows if row < len(values)) for values in by_target]
