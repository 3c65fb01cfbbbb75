"""What the rig notes for whoever drives it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Noted:
    """`refused`: "PRINCIPAL ACTION" of each denied call. `undelivered`: what missed its target, and from where."""

    refused: list[str] = field(default_factory=list)
    undelivered: list[str] = field(default_factory=list)
