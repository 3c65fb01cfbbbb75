"""The custom event bus: one event for each change, and announcements for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tidepool.aws.changes import detail_type
from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.decision.codec import change_value
from tidepool.errors import Unreachable
from tidepool.plan.change import Change

SCHEMA = 1
SOURCE = "tidepool"
ANNOUNCEMENT = "tidepool.announcement"
PER_CALL = 10
"""PutEvents takes 10 entries a call (EventBridge API)."""


class EventBus:
    """runtime.ports.Bus over EventBridge."""

    def __init__(self, clients: Clients, bus: str) -> None:
        self._clients, self._bus = clients, bus

    def send(self, changes: Sequence[Change], *, decision_key: str, now: int) -> None:
        """Each change is on its way; Unreachable when the bus did not take one even the second time."""
        self._put(
            [
                self._entry(
                    detail_type(change),
                    {"schema": SCHEMA, "decision_key": decision_key, "change": change_value(change)},
                    now,
                )
                for change in changes
            ]
        )

    def announce(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        """Something people may subscribe to happened."""
        self._put([self._entry(ANNOUNCEMENT, {"schema": SCHEMA, "kind": kind, **detail}, now)])

    def ask(self, kind: str, detail: Mapping[str, object], now: int) -> None:
        """What a person wants is on its way: `kind` is one of aws.events_of_people."""
        self._put([self._entry(kind, {"schema": SCHEMA, **detail}, now)])

    def _entry(self, kind: str, detail: Mapping[str, object], now: int) -> dict[str, Any]:
        return {
            "Time": datetime.fromtimestamp(now, UTC),
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(detail, sort_keys=True, ensure_ascii=False),
            "EventBusName": self._bus,
        }

    def _put(self, entries: list[dict[str, Any]]) -> None:
        for first in range(0, len(entries), PER_CALL):
            refused = self._try(entries[first : first + PER_CALL])
            # PutEvents answers 200 even when it took none: each entry has its own verdict. A hand takes an
            # event that arrives twice once only (by the change's id), so trying again is safe.
            refused = self._try(refused) if refused else []
            if refused:
                kinds = ", ".join(entry["DetailType"] for entry in refused)
                raise Unreachable(f"PutEvents on {self._bus!r} did not take {len(refused)} events: {kinds}")

    def _try(self, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with calling("PutEvents", self._bus):
            reply = self._clients.get("events").put_events(Entries=entries)
        if not reply.get("FailedEntryCount"):
            return []
        return [e for e, verdict in zip(entries, reply["Entries"], strict=True) if "ErrorCode" in verdict]
