"""One turn of a move: what is stored and what is seen, with good defaults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from builders import NOW
from builders.move_world import POOL_A, POOL_B, a_move
from tidepool.fleet import Evidence, Route, Series, Status, Target
from tidepool.move.seen import Seen, Side, Terms
from tidepool.move.state import Move, Phase

NEW = "tidepool-m-01234567"
OLD_ONLY = (Target(POOL_A, "m", 100),)
NEW_ONLY = (Target(POOL_B, NEW, 100),)
HALF = (Target(POOL_A, "m", 50), Target(POOL_B, NEW, 50))
STARTED = NOW - 900


def move(phase: Phase, **changes: object) -> Move:
    base = Move(
        id="0123456789abcdef",
        version=5,
        ask=a_move(),
        phase=phase,
        step=0,
        since=NOW - 300,
        began=STARTED,
        to_component=NEW,
        sagemaker_model="artifact-m",
        route_version=3,
        settled_at=NOW - 240,
        intent=f"create {NEW}",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def side(name: str = "m", size: int = 2, **changes: object) -> Side:
    change = "0123456789abcdef" if name == NEW else ""
    base = Side(name, Status.IN_SERVICE, size, size, "main", "artifact-m", change, "")
    return replace(base, **changes)  # type: ignore[arg-type]


def route(*targets: Target, version: int = 3, at: int = NOW - 300) -> Route:
    return Route("m", version, targets, at)


def evidence(busy_until: int = 0, *, silent: bool = True, fresh: bool = True) -> Evidence:
    """Fifteen minutes up to a minute ago: requests each minute until `busy_until`, then silence with utilisation."""
    minutes = np.arange(STARTED, NOW - 60, 60)
    tens = np.arange(STARTED, NOW - 60, 10)
    sent = np.where(minutes < busy_until, 60.0, np.nan)
    flight = np.where(tens < busy_until, 5.0, 0.0 if silent else 1.0)
    used = np.full(len(minutes), 20.0 if fresh else np.nan)
    return Evidence(
        invocations=Series(STARTED, 60, sent),
        concurrency=Series(STARTED, 10, flight),
        utilisation=Series(STARTED, 60, used),
    )


def seen(**changes: object) -> Seen:
    base = Seen(
        terms=Terms(),
        source=side(),
        target=side(NEW),
        route=route(*OLD_ONLY),
        followed=True,
        source_evidence=evidence(),
        target_evidence=evidence(),
    )
    return replace(base, **changes)  # type: ignore[arg-type]
