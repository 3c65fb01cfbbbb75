"""Drain: nobody calls the source although the route still names it, then the route names the target alone.

A caller who may not invoke the target is refused there and answered by the source, which stays in the route with
weight 0 (client/tidepool_client). Such callers show in no metric of the target (AWS counts only what a container
refuses), but in the source's: it is never silent, the route keeps it, and the move goes back without a lost request.
The same holds for a session: it ends where it began.
"""

from __future__ import annotations

from dataclasses import replace

from tidepool.fleet import Evidence
from tidepool.move.checks import fresh, quiet_since, tally, visible_until, worse
from tidepool.move.routing import emptied, followed, silent_gateway, somebody_else, target_only, written
from tidepool.move.seen import Seen, Side, Terms
from tidepool.move.shift import SOAK_S
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, back, go, wait
from tidepool.units import duration

QUIET_S = 90
"""Zero invocations and zero in flight on the side that is left (bench-rules 3.8)."""
DEADLINE_S = 1800
"""Beyond the quiet itself: whoever still calls the source after half an hour does not follow the route."""


def needed_s(terms: Terms) -> int:
    """How long a side must be silent: longer than the longest request that may still run on it."""
    return max(QUIET_S, terms.longest_request_s + 1)


def drain(move: Move, seen: Seen, now: int) -> Turn:
    """Retire once the source was silent long enough; back while it can still serve and something is wrong."""
    limit = DEADLINE_S + needed_s(seen.terms)
    wrong = _wrong(move, seen, now)
    if wrong and seen.source_serves:
        return back(move, now, wrong)
    if wrong and seen.source is not None and now - move.since <= limit:
        # The source is away, and may be the better home when it comes back: it is not given up for a bad one.
        return wait(move)
    if now - move.since > limit:
        unseen = f"its metrics cannot be read: {seen.blind}" if seen.blind else ""
        why = (
            wrong
            or unseen
            or (
                f"somebody calls it who may not invoke {move.target_name}, does not follow the route or has a session"
                " there, or its metrics are missing"
            )
        )
        return back(move, now, f"the source was not silent within {duration(limit)}: {why}")
    if _still_called(move, seen, now):
        return wait(move)
    if not seen.target_serves:
        return wait(move)
    turn = written(move, seen, target_only(move), now) or followed(move, seen, now)
    if turn is not None:
        return turn
    if _unproven(move, seen, now):
        return wait(move)
    since = silent_since(seen.source, seen.source_evidence, now)
    if since is None:
        return Turn(replace(move, quiet_since=0)) if move.quiet_since else wait(move)
    since = max(since, routed_since(move, seen, now))
    if is_over(seen.source, seen.source_evidence, since, needed_s(seen.terms)):
        return go(move, Phase.RETIRE, now)
    return wait(move) if move.quiet_since == since else Turn(replace(move, quiet_since=since))


def _still_called(move: Move, seen: Seen, now: int) -> bool:
    """The route has the source to fall back to, and somebody does, or nobody can tell.

    A source that is away hears nobody: then the first request that reaches the target shows that callers may go there.
    """
    if seen.route is None or seen.route.targets != emptied(move):
        return False
    if not seen.source_serves:
        away = seen.source is not None and seen.source.size_wanted > 0
        return away and tally(seen.target_evidence, move.began).requests == 0
    since = silent_since(seen.source, seen.source_evidence, now)
    if since is None:
        return True
    return not is_over(seen.source, seen.source_evidence, max(since, routed_since(move, seen, now)), QUIET_S)


def _unproven(move: Move, seen: Seen, now: int) -> bool:
    """The source is away, and the target alone has not been seen for as long as a soak: it answered probes, no more."""
    away = seen.source is not None and seen.source.size_now == 0 < seen.source.size_wanted
    return away and not fresh(seen.target_evidence, routed_since(move, seen, now) + SOAK_S)


def silent_since(side: Side | None, evidence: Evidence, now: int) -> int | None:
    """Since when nothing runs on the side; None = something does, or nobody can tell."""
    return 0 if side is None or side.size_now == 0 else quiet_since(evidence, now)


def is_over(side: Side | None, evidence: Evidence, since: int, needed: int) -> bool:
    """The visible silence is long enough. A side without a copy, or that is gone, has nothing to wait for."""
    if side is None or side.size_now == 0:
        return True
    until = visible_until(evidence)
    return until is not None and until - since >= needed


def routed_since(move: Move, seen: Seen, now: int) -> int:
    """From when on silence counts: before, the next request might still have come here.

    Caches are younger than the quiet, so that a table counts from its write. A gateway may apply a route long after it
    was written, and a router long after it was asked: they count from when they were first seen to follow.
    """
    if seen.route is None:
        return now
    return seen.route.changed_at if seen.terms.soak_from_write else max(seen.route.changed_at, move.settled_at)


def _wrong(move: Move, seen: Seen, now: int) -> str:
    """Why the move should not end on the target; '' while nothing says so."""
    if not seen.target_serves:
        return "the target stopped serving"
    if seen.source is not None and seen.source.artifact != move.sagemaker_model:
        return f"the source now runs {seen.source.artifact}, the move began with {move.sagemaker_model}"
    reason = somebody_else(move, seen, target_only(move)) or silent_gateway(seen, now)
    if reason:
        return reason
    return worse(
        seen.source_evidence, seen.target_evidence, since=move.since, shifted=move.shifted_at, slower=seen.terms.slower
    )
