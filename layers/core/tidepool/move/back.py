"""Back: the route is the source's again, the target falls silent, and what this move made is removed.

Restoring comes first and removing last, so that at every moment callers are sent to something that serves.
"""

from __future__ import annotations

from tidepool.fleet import Route, Status
from tidepool.move.command import Delete, Sweep, WriteRoute, intent
from tidepool.move.drain import is_over, needed_s, routed_since, silent_since
from tidepool.move.routing import followed, source_only
from tidepool.move.seen import Seen
from tidepool.move.state import Move, Phase
from tidepool.move.turn import EXPOSED, UNSEEN, Turn, act, go, wait
from tidepool.units import HOUR_S, duration

RESTORE_S = HOUR_S
"""Beyond the quiet itself: for the route's store, the metrics or the source to come back."""
REMOVE_S = 2 * HOUR_S
"""SageMaker refuses to delete what it is still creating, for up to 3,600 s (sagemaker-facts)."""
LINGER_S = 120
"""Twice a function's timeout: whatever an invocation was stopped before sending (a route to the target, a create of it)
has come by then. So callers must be off the target this long before it is removed, and it must stay away this long."""


def back(move: Move, seen: Seen, now: int) -> Turn:
    """Rolled back once the callers are on the source and nothing of this move is left."""
    return _restore(move, seen, now) if move.step == EXPOSED else _remove(move, seen, now)


def _restore(move: Move, seen: Seen, now: int) -> Turn:
    limit = RESTORE_S + needed_s(seen.terms)
    if now - move.since > limit:
        return go(move, Phase.NEEDS_PERSON, now, why=_for_a_person(move, seen, limit))
    route = seen.route
    if route is not None and any(target.name == move.target_name for target in route.targets):
        if not seen.source_serves:
            return wait(move)
        return act(move, WriteRoute(Route(move.ask.model, route.version + 1, source_only(move), now)))
    if route is None:
        return wait(move)
    turn = followed(move, seen, now)
    if turn is not None:
        return turn
    since = silent_since(seen.target, seen.target_evidence, now)
    if since is None or now - move.since < LINGER_S:
        return wait(move)
    since = max(since, routed_since(move, seen, now))
    if not is_over(seen.target, seen.target_evidence, since, needed_s(seen.terms)):
        return wait(move)
    return go(move, Phase.BACK, now, step=UNSEEN)


def _remove(move: Move, seen: Seen, now: int) -> Turn:
    target = seen.target
    if target is None or target.change != move.id:
        return _swept(move, seen, now)
    if now - move.since > REMOVE_S:
        why = (
            f"{move.why}; went back, but {target.name} could not be removed within {duration(REMOVE_S)}"
            f" ({seen.refused or target.status}): delete it by hand"
        )
        if _only_home(seen):
            state = seen.source.status if seen.source is not None else "gone"
            why = (
                f"{move.why}; went back, but the source {move.source_name} is {state} and {target.name} alone serves:"
                f" bring the source back and delete {target.name}, or route everybody to {target.name}"
            )
        return go(move, Phase.NEEDS_PERSON, now, why=why)
    if _only_home(seen):
        # The only home that answers is the one we would remove: a person must say what is right.
        return wait(move)
    if target.status is Status.DELETING:
        return wait(move)
    return act(move, Delete(target.name, dedicated=not move.to_component))


def _swept(move: Move, seen: Seen, now: int) -> Turn:
    """Rolled back once the target stayed away. A dedicated one leaves a config behind, with or without an endpoint:
    one more delete removes it, in the very run that ends the move, so that no crash can come between.
    """
    if now - move.since < LINGER_S:
        return wait(move)
    sweep = Sweep(move.target_name)
    if move.to_component or seen.target is not None or seen.acted == intent(sweep):
        return go(move, Phase.ROLLED_BACK, now)
    if seen.refused and now - move.since > REMOVE_S:
        why = (
            f"{move.why}; went back, but the endpoint config {sweep.name} could not be removed within"
            f" {duration(REMOVE_S)} ({seen.refused}): delete it by hand"
        )
        return go(move, Phase.NEEDS_PERSON, now, why=why)
    return act(move, sweep)


def _only_home(seen: Seen) -> bool:
    """The target answers, and the source neither does nor sleeps because somebody wants it so."""
    return seen.target_serves and not seen.source_serves and not _asleep(seen)


def _asleep(seen: Seen) -> bool:
    """The source is at zero copies because somebody wants it so: that is a home, and no caller is on the target."""
    return seen.source is not None and seen.source.size_wanted == 0 and seen.source.status is Status.IN_SERVICE


def _for_a_person(move: Move, seen: Seen, limit: int) -> str:
    if not seen.source_serves:
        state = seen.source.status if seen.source is not None else "gone"
        todo = f"the source {move.source_name} is {state}: bring it back, or route everybody to {move.target_name}"
    elif not seen.terms.routed:
        todo = (
            f"the route cannot be restored while fleet.yaml has none of {move.ask.model}: send all callers to"
            f" {move.source_name} by hand, then delete {move.target_name}"
        )
    elif seen.route is None:
        todo = f"the route is gone: write one that names {move.source_name} alone, then delete {move.target_name}"
    elif not seen.followed and seen.route.trouble:
        todo = f"{seen.route.trouble}; send all callers to {move.source_name}, then delete {move.target_name}"
    elif not seen.followed:
        todo = f"callers do not acknowledge the route back: check them, then delete {move.target_name}"
    elif seen.blind:
        todo = f"whether {move.target_name} is still called cannot be read ({seen.blind}): see, then delete it"
    else:
        todo = f"{move.target_name} is still called, or has no metrics: see who calls it, then delete it"
    return f"{move.why}; not back within {duration(limit)}: {todo}"
