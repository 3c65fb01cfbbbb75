"""What demand to be ready for over [now, now + horizon], and below which nothing may be lowered."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tidepool.fleet.demand import Values
from tidepool.fleet.lately import lately
from tidepool.forecast.observed import Observed
from tidepool.forecast.profile import now_rate
from tidepool.memory import Held, ModelLearned
from tidepool.units import MINUTE_S, rounded

TREND_S = 5 * MINUTE_S
"""The trend is read over five minutes: three points are the least a line needs, five calm the noise. Ours."""
KEEP_UP_S = 15 * MINUTE_S
"""Nothing is lowered before it was watched for 15 minutes: the window of AWS target tracking's scale-in."""
HOLD_S = 12 * MINUTE_S
"""Nothing is lowered below what was to be ready for in the last twelve minutes: a machine goes ten to twelve minutes
after its last copy (sagemaker-facts), so what is wanted again sooner has saved nothing, and starts anew."""
LEVEL_MEMORY = 0.9
"""Weight of the past in the level per minute: a time constant of about ten minutes. Ours."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Demand in flight: below `need` more is asked for, then for `upper`; nothing is lowered below `keep`.

    need ≤ upper ≤ keep.
    `basis` says where the upper figure comes from.
    """

    need: float
    upper: float
    keep: float
    basis: str

    def times(self, factor: float) -> Expected:
        """The same expectation of so many times the demand."""
        return Expected(self.need * factor, self.upper * factor, self.keep * factor, self.basis)

    def plus(self, slots: float) -> Expected:
        """So much more to be ready for, which nothing keeps afterwards."""
        return Expected(self.need + slots, self.upper + slots, max(self.keep, self.upper + slots), self.basis)


NOISE = 1.0
"""Square roots of the demand by which one look may be off: what is seen now counts above that only. Ours."""


def expect(observed: Observed, held: Held, ready: float, because: str, *, now: int, service_s: float) -> Expected:
    """The demand to be ready for: `ready`, at least what is seen; nothing falls below that of the last minutes."""
    seen = observed.in_flight or 0.0
    surely = max(0.0, seen - NOISE * math.sqrt(seen))
    top = max(surely, ready)
    kept = max((rate for at, rate in held if at > now - HOLD_S), default=0.0)
    return Expected(top, top, max(top, kept * service_s), because)


def hold(held: Held, rate: float, now: int) -> Held:
    """What is held from now on, requests per second: the rates of the last HOLD_S that nothing later passed again."""
    return lately(held, rounded(rate), now=now, within_s=HOLD_S)


def foreseen(observed: Observed, true_rates: Values, *, service_s: float) -> Expected:
    """The oracle's expectation: the true counts (requests per minute) to come, at least what is seen."""
    coming = float(true_rates.max()) / MINUTE_S * service_s if true_rates.size else 0.0
    top = max(observed.in_flight or 0.0, coming)
    return Expected(top, top, top, "the true counts to come")


def next_level(level: float, observed: Observed, learned: ModelLearned | None, now: int) -> float:
    """What comes over what the profile expects, smoothed, within [1/4, 4]; unchanged where nothing is expected."""
    if learned is None or not learned.profile or observed.in_flight is None:
        return level
    usual = now_rate(learned.profile, now - 90)
    if usual <= 0:
        return level
    ratio = min(4.0, max(0.25, observed.rate / usual))
    return LEVEL_MEMORY * level + (1 - LEVEL_MEMORY) * ratio
