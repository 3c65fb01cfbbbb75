"""Times as AWS writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(at_s: int, *, offset: bool = False) -> str:
    """2025-01-06T00:01:00Z as EventBridge writes it; with `offset` 2025-01-06T00:01:00.000+0000 as alarms do."""
    moment = datetime.fromtimestamp(at_s, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000") if offset else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(at_s: float) -> datetime:
    """The second as botocore gives timestamps: aware, UTC."""
    return datetime.fromtimestamp(at_s, UTC)
