"""One decision as it is recorded: what was asked, what was held, and every step that led there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidepool.memory import Memory
from tidepool.plan.change import Change


@dataclass(frozen=True, slots=True)
class Step:
    """One stage's word on one subject. `limit` names what bound the value ('' when nothing did)."""

    stage: str
    subject: str
    from_: float | str
    to: float | str
    because: str
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A change that was wanted and not asked for. `kind` as in Change, `reason` one of the guard's names."""

    kind: str
    subject: str
    from_: float | str
    to: float | str
    reason: str
    because: str


@dataclass(frozen=True, slots=True)
class Spend:
    """Dollars per hour of the managed fleet: as it runs, as planned, and as each model alone would cost."""

    now_usd_per_hour: float
    planned_usd_per_hour: float
    dedicated_usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What one tick decided. `memory` is handed to the next tick. Everything but memory is the record."""

    now: int
    config_commit: str
    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    steps: tuple[Step, ...]
    spend: Spend
    memory: Memory
    homes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By model: the components and dedicated endpoints that it lives on, so that a record can be asked by model."""
