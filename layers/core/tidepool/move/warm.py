"""Warm: the target really answers, to the team's own sample, as the source does."""

from __future__ import annotations

from dataclasses import replace

from tidepool.fleet import Status
from tidepool.move.alike import different, unlike
from tidepool.move.capacity import too_small
from tidepool.move.command import Probe, intent
from tidepool.move.routing import silent_gateway, somebody_else, source_only
from tidepool.move.seen import Seen
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, act, back, go, wait
from tidepool.units import duration

DEADLINE_S = 1200
"""InService comes up to 60 s before the first answer (sagemaker-facts, Inference components); a freeze that ends
within twenty minutes does not cost the whole start-up again."""
PROBING_S = 300
"""Whoever asked for a probe has ended by then: the function's timeout (template.yaml). A slow model's six answers take
longer than the minute in which the next run comes, which would overtake this one, and be overtaken itself."""
PROBE_S = 10
"""A target is probed no sooner than this after it is in service (bench-rules 3.8)."""


def warm(move: Move, seen: Seen, now: int) -> Turn:
    """Shift once the target answered and callers are known to follow; a hold or a wrong answer goes back."""
    gone = _gone(move, seen, now)
    if gone:
        return back(move, now, gone)
    if now - move.since > DEADLINE_S:
        small = "the target is too small for its callers" if too_small(move, seen, now, share=1.0) else ""
        why = _waits_for(seen) or small or move.why or "no answer"
        return back(move, now, f"not ready to shift within {duration(DEADLINE_S)}: {why}")
    if seen.probed is None and seen.refused and move.why != seen.refused:
        return Turn(replace(move, why=seen.refused))
    if seen.probed is None:
        return act(move, Probe(seen.terms.sample)) if _may_probe(move, seen, now) else wait(move)
    never = different(seen.probed)
    if never:
        return back(move, now, never)
    why = unlike(seen.probed, seen.terms) or _waits_for(seen)
    if why:
        return wait(move) if move.why == why else Turn(replace(move, why=why))
    growing = too_small(move, seen, now, share=1.0)
    return growing if growing is not None else go(move, Phase.SHIFT, now, why="the target answers")


def _may_probe(move: Move, seen: Seen, now: int) -> bool:
    """The target has been in service for a moment, and no other run waits for the answers already."""
    asked = move.intent == intent(Probe(seen.terms.sample)) and now - move.asked_at < PROBING_S
    return now - move.since >= PROBE_S and not asked


def _waits_for(seen: Seen) -> str:
    """What must end before the first shift, '' when nothing must."""
    if seen.frozen:
        return f"frozen: {seen.frozen}"
    if seen.unread:
        return seen.unread
    if seen.blind:
        return f"the metrics cannot be read: {seen.blind}"
    return "" if seen.followed else "callers do not follow the route yet"


def _gone(move: Move, seen: Seen, now: int) -> str:
    """Why there is nothing to wait for; '' when there is."""
    if seen.held:
        return f"held: {seen.held}"
    if seen.target is None:
        return "the target was removed by somebody else"
    if seen.target.status is Status.FAILED:
        return f"the target failed: {seen.target.failure or 'no reason given'}"
    if seen.source is not None and seen.source.artifact != move.sagemaker_model:
        return f"the source now runs {seen.source.artifact}, the move began with {move.sagemaker_model}"
    return somebody_else(move, seen, source_only(move)) or silent_gateway(seen, now)
