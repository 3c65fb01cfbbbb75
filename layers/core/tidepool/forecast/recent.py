"""The last minutes of one model, as the ticks saw them."""

from __future__ import annotations

from tidepool.forecast.observed import Observed
from tidepool.memory import Minute
from tidepool.units import rounded

KEEP_S = 31 * 60
"""How long minutes are kept one by one, a minute more than the features look at; hours are kept in blocks."""


def remember(recent: tuple[Minute, ...], observed: Observed, now: int) -> tuple[Minute, ...]:
    """The last minutes with this tick's, without those older than KEEP_S. No evidence adds nothing."""
    first = next((i for i, minute in enumerate(recent) if minute.at > now - KEEP_S), len(recent))
    # A tick that looks again at the same moment replaces what it saw.
    last = len(recent) - 1 if recent and recent[-1].at >= now else len(recent)
    kept = recent[first:last]
    if observed.in_flight is None:
        return kept
    newest = Minute(now, rounded(observed.in_flight), rounded(observed.peak), rounded(observed.rate))
    return (*kept, newest)
