"""SageServe-like: an hourly plan from a forecast of the next hour, and a loop that goes beyond it when it was wrong.

Source: Jaiswal et al., "SageServe: Optimizing LLM Serving on Cloud Data Centers with Forecast Aware Auto-Scaling",
SIGMETRICS 2026 (arXiv 2502.14617), and the authors' simulator github.com/kjain1810/SageServe (global_arbiter.py,
arbiter.py, configs/config.yaml): every hour the maximum of the next hour's forecast, made from one-minute data, plus
10 %, is allocated at once (post_processing_strategy "immediate"). Between two plans an instance more is added while
the memory in use is above 0.9 (GlobalAribiterMemoryUtilizationScaling), or when a minute brings more than 5 times its
forecast (GlobalArbiterARIMAChecking with arima_checking_scaling_threshhold 5); here whichever comes first.
What differs: the paper fits an ARIMA; here it is a seasonal autoregression by least squares, on lags up to an hour and
on the day lag, iterated minute by minute (no moving-average term, no differencing, no order search), because
statsmodels is no dependency. The 10 % are of the forecast (their code: of the last hour's non-interactive demand), and
the maximum is over all 60 minutes (their code: the last 40). Their integer programme over regions is one region, one
machine type and so a division here. Requests stand for tokens and slots for memory; there is no spot pool.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tidepool.units import DAY_S, HOUR_S, MINUTE_S
from tidepool_lab.rivals.scaling import View

LOADS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""The committed grid: the share of a copy's slots that the plan fills."""
HEADROOM = 1.1
"""Max of the next hour + 10 %."""
FULL = 0.9
"""GlobalAribiterMemoryUtilizationScaling: memory in use above which one instance more is added."""
FAR_ABOVE = 5.0
"""arima_checking_scaling_threshhold: observed ÷ forecast above which one instance more is added."""
HOUR = HOUR_S // MINUTE_S
DAY = DAY_S // MINUTE_S
"""In minutes."""
HISTORY = 7 * DAY
"""Minutes that the regression is fitted on: a week, what the bench offers at most (assumed)."""
NEAR_LAGS = (1, 2, 3, 5, 10, 15, 30, 60)
"""Minutes back; the paper does not state its order (assumed)."""
FIT_AT_LEAST = 3 * HOUR
"""Rows below which nothing is fitted and the last hour is repeated (assumed)."""
NEVER_ABOVE = 2.0
"""A forecast stays below this factor of the history's maximum: an iterated regression can run away (assumed)."""

Series = npt.NDArray[np.float64]


def forecast(history: Series, ahead: int) -> Series:
    """The next `ahead` minutes after `history` [minutes], never negative.

    y[t] = c + Σ a[lag] × y[t − lag]. With less than a day and three hours of history the day lag is left out; with
    less than four hours altogether, the last minutes repeat themselves; without any, there is nothing.
    """
    lags = (*NEAR_LAGS, DAY) if len(history) >= DAY + FIT_AT_LEAST else NEAR_LAGS
    if len(history) < max(lags) + FIT_AT_LEAST:
        return np.resize(history[-ahead:], ahead) if len(history) else np.zeros(ahead)
    weights = _fit(history, lags)
    known = np.concatenate([history, np.zeros(ahead)])
    most, back = NEVER_ABOVE * float(history.max()), np.array(lags)
    for at in range(len(history), len(known)):
        known[at] = min(max(weights[0] + float(weights[1:] @ known[at - back]), 0.0), most)
    return known[len(history) :]


def planned_copies(most_per_minute: float, *, service_s: float, slots: float, load: float) -> int:
    """Copies that hold the forecast's maximum and 10 % more at `load` of their slots.

    Worked: 600 a minute at 9.5 s are 95 in flight; 1.1 × 95 ÷ (0.7 × 19) = 7.86 → 8.
    """
    return math.ceil(HEADROOM * most_per_minute / MINUTE_S * service_s / (load * slots))


def overrun(*, in_flight: float, slots: float, observed: float, expected: float) -> bool:
    """The plan is not enough: the slots in service are used beyond 0.9, or 5 times the forecast came."""
    return in_flight > FULL * slots or observed > FAR_ABOVE * expected > 0


def _fit(history: Series, lags: tuple[int, ...]) -> Series:
    first = max(lags)
    columns = [history[first - lag : len(history) - lag] for lag in lags]
    rows = np.stack([np.ones(len(history) - first), *columns], axis=1)
    # The normal equations: ten by ten instead of a week of rows, five times as fast. Solved by least squares again,
    # because the columns of a silent model are all the same.
    weights, *_ = np.linalg.lstsq(rows.T @ rows, rows.T @ history[first:], rcond=None)
    return np.asarray(weights, dtype=np.float64)


@dataclass(slots=True)
class SageServe:
    """One model's plan; it is asked every minute."""

    load: float
    _next_plan_s: int = 0
    _planned_at: int = 0
    _copies: int = 0
    _expected: Series = field(default_factory=lambda: np.zeros(0))

    def desired(self, view: View, now: int) -> int:
        if now >= self._next_plan_s:
            self._plan(view, now)
        elif view.copies == view.wanted and self._overrun(view, now):
            self._copies = view.bounded(max(self._copies, view.wanted + 1))
        return self._copies

    def _plan(self, view: View, now: int) -> None:
        history = view.minutes(HISTORY)
        self._expected = forecast(history, HOUR)
        self._planned_at, self._next_plan_s = now, now + HOUR_S
        most = float(self._expected.max())
        copies = planned_copies(most, service_s=view.service_s, slots=view.slots, load=self.load)
        # No request so far is no evidence of none to come: what the start state has is kept.
        self._copies = view.bounded(copies if len(history) else view.wanted)

    def _overrun(self, view: View, now: int) -> bool:
        in_flight, last = view.mean(MINUTE_S), view.minutes(1)
        minute = min((now - self._planned_at) // MINUTE_S, HOUR - 1)
        observed = float(last[-1]) if len(last) else 0.0
        # A comparison with NaN is false: without a datapoint nothing is added.
        return overrun(
            in_flight=in_flight,
            slots=view.copies * view.slots,
            observed=observed,
            expected=float(self._expected[minute]),
        )
