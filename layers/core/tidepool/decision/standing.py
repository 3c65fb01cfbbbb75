"""What stands against touching a model at all: holds, freezes, and the rung it is on."""

from __future__ import annotations

from datetime import UTC, datetime

from tidepool.config.types import Rung
from tidepool.decision.subjects import Home, Subject
from tidepool.fleet import Fleet, Signal, SignalKind

HOLD_TAG = "tidepool:hold-until"
"""A tag on a component or endpoint: an ISO date or time until which nobody touches it."""


def held(subject: Subject, home: Home, fleet: Fleet, *, now: int) -> str:
    """Why this home is hands off, '' when it is not. By signal, fleet.yaml (model or pool), or tag."""
    for signal in _standing(fleet, SignalKind.HOLD, subject.model, now):
        return f"{signal.who} holds it: {signal.why}"
    if subject.config.hold is not None and now < subject.config.hold.until:
        return f"fleet.yaml holds it: {subject.config.hold.why}"
    if home.pool is not None and home.pool.hold is not None and now < home.pool.hold.until:
        return f"fleet.yaml holds pool {home.pool.name}: {home.pool.hold.why}"
    tags = home.endpoint.tags if home.component is None else home.component.tags
    until = _instant(tags.get(HOLD_TAG, ""))
    if until is None and HOLD_TAG in tags:
        return f"its tag {HOLD_TAG} is {tags[HOLD_TAG]!r}, which is no ISO date: held until it is one"
    return f"its tag {HOLD_TAG} holds it" if until is not None and now < until else ""


def frozen(subject: Subject, fleet: Fleet, *, now: int) -> str:
    """Why nothing of this model may be lowered, bounded or moved; '' when it may."""
    for signal in _standing(fleet, SignalKind.FREEZE, subject.model, now):
        return f"{signal.who} froze it: {signal.why}"
    return f"frozen by {', '.join(fleet.frozen_by)}" if fleet.frozen_by else ""


def forbids(subject: Subject, home: Home, up: bool) -> str:
    """What the ladder says against scaling this home that way, '' when it allows it."""
    if not subject.config.matched:
        return "fleet.yaml does not name it: observed, never touched"
    needed = Rung.SIZE if home.component is None else (Rung.RAISE if up else Rung.SCALE)
    return "" if subject.rung >= needed else f"act is {subject.rung.name.lower()}, this needs {needed.name.lower()}"


def _standing(fleet: Fleet, kind: SignalKind, model: str, now: int) -> list[Signal]:
    return [
        signal
        for signal in fleet.signals
        if signal.kind is kind and signal.scope in {model, "*"} and signal.since <= now < signal.until
    ]


def _instant(text: str) -> int | None:
    """Seconds since 1970 of an ISO date or time (UTC unless it says otherwise); None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
