"""A decision as the canonical JSON that is stored, compared byte for byte, explained and rendered."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tidepool.decision.record import Decision
from tidepool.memory_codec import canonical
from tidepool.plan.change import Change

RECORD_SCHEMA = 1


def record_bytes(decision: Decision) -> bytes:
    """The record: everything but the memory. Two decisions are the same exactly when these bytes are."""
    return canonical(record_value(decision))


def record_value(decision: Decision) -> dict[str, Any]:
    """The record as plain values; `from_` fields are spelled `from`, each change carries its `kind`."""
    return {
        "schema": RECORD_SCHEMA,
        "now": decision.now,
        "config_commit": decision.config_commit,
        "changes": [change_value(change) for change in decision.changes],
        "held": [_plain(asdict(held)) for held in decision.held],
        "steps": [_plain(asdict(step)) for step in decision.steps],
        "spend": asdict(decision.spend),
        "homes": {model: list(homes) for model, homes in decision.homes.items()},
    }


def change_value(change: Change) -> dict[str, Any]:
    """One change as plain values, with the name of its class as `kind`."""
    return {"kind": type(change).__name__, **asdict(change)}


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {("from" if key == "from_" else key): item for key, item in value.items()}
