"""The last minutes of one model, as the ticks saw them."""

from __future__ import annotations

from tidepool.forecast.observed import Observed
from tidepool.memory import Minute
from tidepool.units import rounded

KEEP_S = 30 * 60
"""How long minutes are kept: twice the longest look back of any rule."""


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


def highest(recent: tuple[Minute, ...], since: int) -> float:
    """The highest minute mean since then, 0 when there was none."""
    return max((minute.in_flight for minute in recent if minute.at > since), default=0.0)


def slope(recent: tuple[Minute, ...], now: int, over_s: int) -> float:
    """Change of the demand in flight per second over the last `over_s`, by least squares; 0 below three minutes."""
    points = [(minute.at - now, minute.in_flight) for minute in recent if minute.at > now - over_s]
    if len(points) < 3:
        return 0.0
    mean_t = sum(t for t, _ in points) / len(points)
    mean_d = sum(d for _, d in points) / len(points)
    spread = sum((t - mean_t) ** 2 for t, _ in points)
    return sum((t - mean_t) * (d - mean_d) for t, d in points) / spread if spread else 0.0
