"""Is the target large enough for the callers it is about to get? Measured on both sides, in the target's own size.

The size a decision asked for is as old as the move, and a start-up takes minutes: on a week of real traffic, eight of
24 moves found their target too small, and went back after half its first requests had waited in vain.
"""

from __future__ import annotations

import math

import numpy as np

from tidepool.fleet import Evidence
from tidepool.fleet.demand import Values
from tidepool.move.command import Resize
from tidepool.move.seen import Seen, Side
from tidepool.move.state import Move
from tidepool.move.turn import Turn, act, wait

LOOK_BACK_S = 600
"""The busiest 10 seconds of the last ten minutes: about one start-up (sagemaker-facts, Times)."""
ROOM = 1.25
"""Asked for beyond what is needed, so that a little more traffic does not start another start-up (assumed)."""


def needed(seen: Seen, now: int, *, share: float = 1.0) -> int:
    """Copies (or instances) of the target that `share` of everything in flight now needs; 0 = nobody can tell.

    In flight on the target's hardware is in flight here × the ratio of service times (Little's law).
    """
    if not seen.terms.per_unit:
        return 0
    here = _in_flight(seen.source, seen.source_evidence, now)
    there = _in_flight(seen.target, seen.target_evidence, now)
    # Ten seconds by ten seconds, and both series end at the same one: the callers who went over are not counted twice.
    size = max(len(here), len(there))
    both = np.pad(here, (size - len(here), 0)) + np.pad(there, (size - len(there), 0))
    peak = float(both.max()) if size else 0.0
    return math.ceil(peak * seen.terms.slower * share / seen.terms.per_unit - 1e-9)


def asked(seen: Seen, now: int, least: int) -> int:
    """The size to ask for: `least` where that is enough; else what is needed, with room, as far as fleet.yaml goes."""
    need = needed(seen, now)
    size = max(1, least) if need <= least else math.ceil(need * ROOM - 1e-9)
    return size if seen.terms.most is None else min(size, max(least, seen.terms.most, 1))


def too_small(move: Move, seen: Seen, now: int, *, share: float) -> Turn | None:
    """None when the target can take `share` of the callers; otherwise the turn that makes it larger, or waits."""
    target = seen.target
    need = needed(seen, now, share=share)
    if target is None or target.size_now >= need:
        return None
    if target.status.busy or target.size_wanted >= need:
        return wait(move)
    size = asked(seen, now, target.size_wanted)
    if size <= target.size_wanted:
        # fleet.yaml's ceiling: the source has no more either, so waiting would help nobody.
        return None
    return act(move, Resize(target.name, dedicated=not move.to_component, variant=target.variant, size=size))


def _in_flight(side: Side | None, evidence: Evidence, now: int) -> Values:
    """Requests in flight and queued on the side, each 10 s of the last minutes; none where there is no evidence."""
    recent = evidence.concurrency.since(now - LOOK_BACK_S)
    return np.zeros(0) if side is None else np.nan_to_num(recent) * side.size_now
