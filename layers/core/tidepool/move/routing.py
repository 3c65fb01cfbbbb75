"""Which route each phase wants, and how it is written without ever overwriting somebody else's.

A route counts as written when the store shows it, whoever's crash came between. It is written only onto the very
version this move found or wrote last; any other version with other targets is somebody else's.
"""

from __future__ import annotations

from dataclasses import replace

from tidepool.fleet import Route, Target
from tidepool.move.command import WriteRoute
from tidepool.move.seen import Seen
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, act, go

WEIGHTS = (10, 50, 100)
"""Per cent on the target, step by step (bench-rules 3.8)."""


def source_only(move: Move) -> tuple[Target, ...]:
    """Where callers are before the move, and after a way back."""
    return (Target(move.ask.from_endpoint, move.ask.component, 100),)


def target_only(move: Move) -> tuple[Target, ...]:
    """Where callers are at the end."""
    return (Target(move.ask.to_endpoint, move.to_component, 100),)


def shifting(move: Move, seen: Seen) -> tuple[Target, ...]:
    """The route of this step. At 100 % the source stays in it with weight 0: a caller whom the new target refuses
    still finds a way. A route without weights names both homes, once.
    """
    there = WEIGHTS[move.step] if seen.terms.weighted else 50
    source, target = source_only(move)[0], target_only(move)[0]
    return (replace(source, weight=100 - there), replace(target, weight=there))


def emptied(move: Move) -> tuple[Target, ...]:
    """Where callers are after the last weight: all on the target, with the source to fall back to."""
    return (replace(source_only(move)[0], weight=0), *target_only(move))


def last_step(seen: Seen) -> int:
    return len(WEIGHTS) - 1 if seen.terms.weighted else 0


def written(move: Move, seen: Seen, targets: tuple[Target, ...], now: int) -> Turn | None:
    """None once the route stands and the move knows its version; otherwise the turn that gets there."""
    route = seen.route
    if route is not None and route.targets == targets:
        return None if move.route_version == route.version else Turn(replace(move, route_version=route.version))
    return act(move, WriteRoute(Route(move.ask.model, move.route_version + 1, targets, now)))


def somebody_else(move: Move, seen: Seen, targets: tuple[Target, ...]) -> str:
    """Who else wrote the route since this move did, or why it is not what was asked for; '' when it is."""
    route = seen.route
    if not seen.terms.routed:
        return unrouted(move)
    if route is None:
        return "" if move.route_version == 0 else "the route was removed by somebody else"
    if route.version == move.route_version or route.targets == targets:
        return ""
    other = f"the route was written by somebody else: version {route.version}, expected {move.route_version}"
    return route.trouble or other


def unrouted(move: Move) -> str:
    """What to do where nobody says any more how callers follow."""
    return (
        f"fleet.yaml has no route of {move.ask.model} any more (`route.via` is none; it was table, gateway or"
        " inference-router): put it back as it was"
    )


def followed(move: Move, seen: Seen, now: int) -> Turn | None:
    """None once every caller is known to follow the standing route; otherwise a turn that remembers or waits."""
    if not seen.followed:
        return Turn(move)
    return None if move.settled_at else Turn(replace(move, settled_at=now))


def silent_gateway(seen: Seen, now: int) -> str:
    """Why the callers' side is not following, once its time is over; '' before."""
    if seen.followed or seen.route is None or seen.terms.soak_from_write:
        return ""
    silent_s = now - seen.route.changed_at
    if silent_s <= seen.terms.ack_s:
        return ""
    silent = f"nobody acknowledged route version {seen.route.version} within {seen.terms.ack_s} s"
    return seen.route.trouble or silent


def next_phase_after_soak(move: Move, seen: Seen, now: int) -> Turn:
    """The next weight, or drain after the last one."""
    if move.step < last_step(seen):
        return go(move, Phase.SHIFT, now, step=move.step + 1)
    return go(move, Phase.DRAIN, now)
