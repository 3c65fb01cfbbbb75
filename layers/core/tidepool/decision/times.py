"""Times as they were seen: the careful end of the last few, and when it outweighs what is written."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from tidepool.units import HOUR_S, MINUTE_S, rounded

SHARE = 0.9
"""Share of what was seen that took no longer: who is ready by then is seldom late. Ours."""
KEPT = 8
"""As many of the newest count. Ours: a week's raises of a quiet model, an hour's of a busy one."""
MORE = 0.1
"""What was seen outweighs what is written from a tenth more on, and from more than a tick, which is all that a look
once a minute can tell. Ours."""
LEAST = 3
"""As many start-ups are seen before they count. Ours: one may have been the slow one."""
ROOM_S = 10 * MINUTE_S
"""A machine that takes longer was waited for; a launch takes 105 s (sagemaker-facts, Times). Ours: five of them."""
OWN_MOST_S = HOUR_S
"""A container may start for so long at most (API, ContainerStartupHealthCheckTimeoutInSeconds: 60 to 3600)."""


def high(seen: Sequence[float]) -> float:
    """The 0.9 quantile of at least one time, between the two next to it: of 60, 120, …, 480 it is 438."""
    ranked, at = sorted(seen), SHARE * (len(seen) - 1)
    below = floor(at)
    above = min(below + 1, len(ranked) - 1)
    return rounded(ranked[below] + (at - below) * (ranked[above] - ranked[below]))


def clearly(seen_s: float, written_s: float) -> bool:
    """It took longer than is written, by more than the look once a minute explains."""
    return seen_s > written_s + max(MINUTE_S, MORE * written_s)


def believed(written_s: float, seen: Sequence[int], *, written: bool) -> float:
    """Seconds of a start-up to reckon with. written: fleet.yaml says `written_s`; else it is a guess."""
    if len(seen) < LEAST:
        return written_s
    found = high(seen)
    return found if not written or clearly(found, written_s) else written_s
