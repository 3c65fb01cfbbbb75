"""Shift: callers go over in steps, and each step soaks while the target is held against the source."""

from __future__ import annotations

from tidepool.move.capacity import too_small
from tidepool.move.checks import fresh, unreached, worse
from tidepool.move.routing import (
    WEIGHTS,
    followed,
    last_step,
    next_phase_after_soak,
    shifting,
    silent_gateway,
    somebody_else,
    written,
)
from tidepool.move.seen import Seen
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, back, go, wait
from tidepool.units import duration

SOAK_S = 120
"""At each weight (bench-rules 3.8)."""
DEADLINE_S = 1200
"""A step: an inference router's change takes about two minutes, a gateway's acknowledgement up to `ack`, then the
soak; twenty minutes are several times that."""


def shift(move: Move, seen: Seen, now: int) -> Turn:
    """The next step, or drain after the last; back when the target is worse, or nobody can tell in time.

    Keeps: the source has every copy it had, and stays in the route until drain.
    """
    wrong = _wrong(move, seen, now)
    if wrong:
        return back(move, now, wrong)
    if not seen.source_serves and seen.terms.weighted and move.step < last_step(seen):
        # Nobody is served by the source: soaking would only reject requests that the target can answer.
        return go(move, Phase.SHIFT, now, step=last_step(seen))
    if not seen.source_serves and not seen.terms.weighted:
        return go(move, Phase.DRAIN, now)
    if seen.blind and seen.source_serves:
        # Nobody goes over unseen. (A dead source's callers do: they have nothing to lose.)
        return wait(move)
    turn = written(move, seen, shifting(move, seen), now) or followed(move, seen, now)
    if turn is not None:
        return turn
    if not _soaked(move, seen, now):
        return wait(move)
    if move.step < last_step(seen):
        small = too_small(move, seen, now, share=WEIGHTS[move.step + 1] / 100)
        if small is not None:
            return small
    return next_phase_after_soak(move, seen, now)


def _wrong(move: Move, seen: Seen, now: int) -> str:
    """Why the step failed; '' while nothing shows that it did."""
    if not seen.target_serves:
        return "the target stopped serving"
    if seen.source is not None and seen.source.artifact != move.sagemaker_model:
        return f"the source now runs {seen.source.artifact}, the move began with {move.sagemaker_model}"
    if seen.held and move.step == 0 and _nobody_shifted(move, seen):
        return f"held before the first shift: {seen.held}"
    reason = somebody_else(move, seen, shifting(move, seen)) or silent_gateway(seen, now)
    if reason:
        return reason
    if now - move.since > DEADLINE_S:
        return f"step {move.step + 1} was not over within {duration(DEADLINE_S)}: {_missing(move, seen)}"
    bad = worse(
        seen.source_evidence, seen.target_evidence, since=move.since, shifted=move.shifted_at, slower=seen.terms.slower
    )
    return bad or _unreached(move, seen)


def _nobody_shifted(move: Move, seen: Seen) -> bool:
    return seen.route is None or all(target.name != move.target_name for target in seen.route.targets)


def _soaked(move: Move, seen: Seen, now: int) -> bool:
    """Long enough at this weight, with evidence of the target from within the step."""
    written_at = seen.route.changed_at if seen.route is not None else now
    began = written_at if seen.terms.soak_from_write else move.settled_at
    return now - began >= SOAK_S and fresh(seen.target_evidence, written_at)


def _unreached(move: Move, seen: Seen) -> str:
    """Callers who should be on the target and are not; '' when they are, or it is too soon to say.

    The last half of the soak before this step is judged, by the weight it had: all callers followed it by then. So the
    caller of a gateway that does not fall back fails for minutes at most.
    """
    if not seen.terms.weighted or move.step == 0 or not seen.source_serves:
        return ""
    since = move.since - SOAK_S // 2
    return unreached(seen.source_evidence, seen.target_evidence, since=since, weight=WEIGHTS[move.step - 1])


def _missing(move: Move, seen: Seen) -> str:
    if seen.blind:
        return f"the metrics cannot be read: {seen.blind}"
    if not seen.followed:
        return (seen.route.trouble if seen.route is not None else "") or "callers do not follow the route"
    if not fresh(seen.target_evidence, move.since):
        return "no metrics of the target arrive"
    return "the route was not written, or the target stayed too small"
