"""What demand to be ready for over [now, now + horizon], and below which nothing may be lowered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.forecast.observed import Observed
from tidepool.forecast.profile import between, now_rate
from tidepool.forecast.recent import highest, slope
from tidepool.memory import Minute, ModelLearned
from tidepool.units import MINUTE_S, percent

TREND_S = 5 * MINUTE_S
"""The trend is read over five minutes: three points are the least a line needs, five calm the noise. Ours."""
KEEP_UP_S = 15 * MINUTE_S
"""Nothing is lowered below what the last 15 minutes needed: the window of AWS target tracking's scale-in."""
JUMP_UNKNOWN = 1.4
"""Before jumps are known: the headroom of the usual 70 % target utilisation (1 / 0.7)."""
BAND = 0.5
"""More is asked for once half of the room for a usual jump is gone. Ours: the middle."""
GROWTH_MAX = 3.0
"""A usual jump or a trend never asks for more than three times the load that is seen: a line drawn through five
minutes may point anywhere. Ours."""
LEVEL_MEMORY = 0.9
"""Weight of the past in the level per minute: a time constant of about ten minutes. Ours."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Demand in flight: below `need` more is asked for, then for `upper`; nothing is lowered below `keep`.

    need ≤ upper ≤ keep. The band between need and upper keeps a flickering demand from asking every minute.
    `basis` says where the upper figure comes from.
    """

    need: float
    upper: float
    keep: float
    basis: str

    def times(self, factor: float) -> Expected:
        """The same expectation of so many times the demand."""
        return Expected(self.need * factor, self.upper * factor, self.keep * factor, self.basis)


def expect(
    observed: Observed,
    recent: tuple[Minute, ...],
    learned: ModelLearned | None,
    *,
    level: float,
    now: int,
    horizon_s: int,
    service_s: float,
    true_rates: Values | None = None,
) -> Expected:
    """The demand to be ready for.

    Observed load is the floor of it; the trend and the profile may only raise it. `true_rates`
    (requests per minute over the horizon) replaces trend and profile: only the oracle of the benchmark has it.
    """
    seen = observed.in_flight or 0.0
    if true_rates is not None:
        coming = float(true_rates.max()) / MINUTE_S * service_s if true_rates.size else 0.0
        top = max(seen, coming)
        return Expected(top, top, top, "the true counts to come")
    keep = max(seen, highest(recent, now - KEEP_UP_S))
    jump = usual_jump(learned)
    need, upper = seen * (1 + (jump - 1) * BAND), seen * jump
    basis = f"{observed.because}, and jumps of {jump:.2f} are usual"
    trend = min(seen + max(0.0, slope(recent, now, TREND_S)) * horizon_s / 2, GROWTH_MAX * max(seen, 1.0))
    if trend > upper:
        need = upper = trend
        basis = f"{seen:.1f} in flight and rising"
    profile = _by_profile(learned, level=level, now=now, horizon_s=horizon_s, service_s=service_s)
    if profile > upper:
        need = upper = profile
        basis = f"the weekly profile at {percent(level)} of its level expects {profile:.1f} in flight"
    return Expected(need, upper, max(upper, keep), basis)


def usual_jump(learned: ModelLearned | None) -> float:
    """How many times itself the demand may be ten minutes from now, within [1, GROWTH_MAX].

    A steady model runs hot, a jumpy one keeps room: the headroom is each model's own, not one target for all.
    """
    if learned is None or learned.jump <= 0:
        return JUMP_UNKNOWN
    return min(GROWTH_MAX, max(1.0, learned.jump))


def _by_profile(learned: ModelLearned | None, *, level: float, now: int, horizon_s: int, service_s: float) -> float:
    """The highest demand in flight that the profile expects over the horizon; 0 when it has no skill."""
    if learned is None or not learned.profile or learned.skill <= 0:
        return 0.0
    coming = float(np.max(between(learned.profile, now, now + horizon_s)))
    return coming * level * service_s


def next_level(level: float, observed: Observed, learned: ModelLearned | None, now: int) -> float:
    """What comes over what the profile expects, smoothed, within [1/4, 4]; unchanged where nothing is expected."""
    if learned is None or not learned.profile or observed.in_flight is None:
        return level
    usual = now_rate(learned.profile, now - 90)
    if usual <= 0:
        return level
    ratio = min(4.0, max(0.25, observed.rate / usual))
    return LEVEL_MEMORY * level + (1 - LEVEL_MEMORY) * ratio
