"""What a report is made of, declared by the report: samples, operations, moves, notes.

`Operation` and `Move` are protocols: the ledger's own values (runtime.ports.Operation, move.state.Move) are
handed over as they are, although the report stands below them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from tidepool.config.types import Hosting
from tidepool.fleet import Component, Endpoint, EndpointKind
from tidepool.plan.change import Change, StartMove


class Operation(Protocol):
    """What one hand did about one change."""

    @property
    def change(self) -> Change: ...
    @property
    def at(self) -> int: ...
    @property
    def outcome(self) -> str: ...
    @property
    def why(self) -> str: ...


class Move(Protocol):
    """One move. `phase` is the stored word ('done', 'rolled back', …), `since` when it entered that phase.

    usd: what both homes have cost while there were two.
    """

    @property
    def id(self) -> str: ...
    @property
    def ask(self) -> StartMove: ...
    @property
    def phase(self) -> str: ...
    @property
    def began(self) -> int: ...
    @property
    def since(self) -> int: ...
    @property
    def why(self) -> str: ...
    @property
    def usd(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Place:
    """How much of one model one endpoint holds: copies in service on a pool, or instances of its own.

    accelerators: all that this holds together.
    """

    model: str
    endpoint: str
    hosting: Hosting
    count: int
    accelerators: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The fleet at one moment.

    usd_per_hour: what the instances in service cost then. dedicated_usd_per_hour: what every model alone, on
    endpoints of its own, would cost; None when nobody worked it out. instances: in service, by endpoint.
    requests: arrived since the sample before, by model; empty when not counted.
    """

    at: int
    usd_per_hour: float
    dedicated_usd_per_hour: float | None
    instances: Mapping[str, int]
    places: tuple[Place, ...]
    requests: Mapping[str, int] = field(default_factory=dict)


def sample(
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    *,
    accelerators: Mapping[str, int],
    at: int,
    usd_per_hour: float,
    dedicated_usd_per_hour: float | None = None,
    requests: Mapping[str, int] | None = None,
) -> Sample:
    """The Sample of what Describe shows. `accelerators` is by instance type; none for a type it lacks.

    Endpoints that are neither pool nor dedicated are left out.
    """
    shared = [
        Place(c.model, c.endpoint, Hosting.SHARED, c.copies_now, c.copies_now * c.accelerators_per_copy)
        for c in sorted(components.values(), key=lambda c: c.name)
    ]
    alone = [
        Place(
            e.model, e.name, Hosting.DEDICATED, e.instances_now, e.instances_now * accelerators.get(e.instance_type, 0)
        )
        for e in sorted(endpoints.values(), key=lambda e: e.name)
        if e.kind is EndpointKind.DEDICATED
    ]
    ours = {e.name: e.instances_now for e in endpoints.values() if e.kind is not EndpointKind.OTHER}
    return Sample(
        at,
        usd_per_hour,
        dedicated_usd_per_hour,
        dict(sorted(ours.items())),
        (*shared, *alone),
        requests or {},
    )


class NoteKind(StrEnum):
    """Events worth a line. The values are stable: they are stored and used as CSS classes."""

    ZERO = "zero"
    """A model's last copy went."""
    WOKEN = "woken"
    """Copies were asked for because callers were refused (the no-capacity alarm)."""
    GREW = "grew"
    SHRANK = "shrank"
    """Instances of one endpoint."""
    MOVE_BEGAN = "move-began"
    MOVE_ENDED = "move-ended"
    REFUSED = "refused"
    """A hand could not do what was asked."""


@dataclass(frozen=True, slots=True)
class Note:
    """One notable event. `subject` is a model or an endpoint."""

    at: int
    kind: NoteKind
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Service:
    """How callers were served, counted as in docs/benchmarks.md. Shares are 0 to 1, None where nothing came.

    lost_to_moves: requests that a move made late or lost; None when nobody can count them.
    """

    requests: int
    on_time: float | None
    on_time_interactive: float | None
    on_time_batch: float | None
    no_capacity_share: float | None = None
    lost_to_moves: int | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another way of hosting the same traffic: what it would have cost, and how that figure came about."""

    name: str
    usd: float
    how: str


@dataclass(frozen=True, slots=True)
class Check:
    """A claim about what happened, and what shows it. `seen` is '' when nothing does."""

    claim: str
    seen: str

    @property
    def ok(self) -> bool:
        return bool(self.seen)
