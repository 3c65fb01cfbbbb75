"""What stands against touching a model at all: holds, freezes, and the rung it is on."""

from __future__ import annotations

from tidepool.config.types import PoolConfig, Rung
from tidepool.decision.record import Step
from tidepool.decision.subjects import Home, Subject
from tidepool.fleet import LEFT_OUT, STANDS_STILL, UNREAD, Fleet, Signal, SignalKind


def held(subject: Subject, home: Home, fleet: Fleet, *, now: int) -> str:
    """Why this home is hands off, '' when it is not: people hold it, or its count is another writer's."""
    return held_by_people(subject, home, fleet, now=now) or fleet.left_alone.get(home.target, "")


def held_by_people(subject: Subject, home: Home, fleet: Fleet, *, now: int) -> str:
    """Who holds this home, '' when nobody does. By signal (a command, an event, a tag) or fleet.yaml."""
    for signal in _standing(fleet, SignalKind.HOLD, {subject.model}, now):
        return f"{signal.who} holds it: {signal.why}"
    if subject.config.hold is not None and now < subject.config.hold.until:
        return f"fleet.yaml holds it: {subject.config.hold.why}"
    return "" if home.pool is None else pool_held(home.pool, fleet, now=now)


def frozen(subject: Subject, fleet: Fleet, *, now: int) -> str:
    """Why nothing of this model may be lowered, bounded or moved; '' when it may."""
    return frozen_for({subject.model}, fleet, now=now)


def frozen_for(scopes: set[str], fleet: Fleet, *, now: int) -> str:
    """Why nothing of these (models, or pools) may be lowered, bounded or moved; '' when it may."""
    for signal in _standing(fleet, SignalKind.FREEZE, scopes, now):
        return f"{signal.who} froze it: {signal.why}"
    return f"frozen by {', '.join(fleet.frozen_by)}" if fleet.frozen_by else ""


def unread_steps(fleet: Fleet) -> tuple[Step, ...]:
    """In every record while it lasts: what freezes could not be read, so that all is frozen; and which homes, so that
    nothing is decided about them.
    """
    unread = (name for name in fleet.frozen_by if name.startswith(UNREAD))
    freezes = (Step("freeze", "*", "unknown", "frozen", name, UNREAD) for name in unread)
    return (*freezes, *(Step("read", one.name, "unknown", "left out", one.why, LEFT_OUT) for one in fleet.left_out))


def still_steps(fleet: Fleet) -> tuple[Step, ...]:
    """In every record while it lasts: which moves nobody takes further. A stack without the hand of moves has no other
    eye on them.
    """
    return tuple(
        Step("move", model, phase, phase, because, STANDS_STILL)
        for model, phase, because in fleet.standing_still.values()
    )


def pool_held(pool: PoolConfig, fleet: Fleet, *, now: int) -> str:
    """Why a pool's bounds are hands off, '' when they are not."""
    for signal in _standing(fleet, SignalKind.HOLD, {pool.name}, now):
        return f"{signal.who} holds it: {signal.why}"
    if pool.hold is not None and now < pool.hold.until:
        return f"fleet.yaml holds pool {pool.name}: {pool.hold.why}"
    return ""


def forbids(subject: Subject, home: Home, up: bool) -> str:
    """What the ladder says against scaling this home that way, '' when it allows it."""
    if not subject.config.matched:
        return "fleet.yaml does not name it: observed, never touched"
    needed = Rung.SIZE if home.component is None else (Rung.RAISE if up else Rung.SCALE)
    return "" if subject.rung >= needed else f"act is {subject.rung.name.lower()}, this needs {needed.name.lower()}"


def _standing(fleet: Fleet, kind: SignalKind, scopes: set[str], now: int) -> list[Signal]:
    return [
        signal
        for signal in fleet.signals
        if signal.kind is kind and signal.scope in {*scopes, "*"} and signal.since <= now < signal.until
    ]
