"""What people and alarms asked for outside fleet.yaml: holds, freezes, surges, looks. Each expires."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SignalKind(StrEnum):
    HOLD = "hold"
    """Hands off, both ways."""
    FREEZE = "freeze"
    """Nothing lowered, bounded or moved; raising goes on."""
    SURGE = "surge"
    """Expect `factor` times the demand."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One standing request. `scope` is a model's identity, or '*' for the whole fleet. In force on [since, until)."""

    kind: SignalKind
    scope: str
    since: int
    until: int
    who: str
    why: str
    factor: float = 1.0
