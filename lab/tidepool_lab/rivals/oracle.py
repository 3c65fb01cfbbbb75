"""Tidepool's own pipeline with the forecast replaced by the truth (bench-rules.md §5).

Same lead times, refusals, pools and start. Not a bound: a better planner may pass it, so the distance to the floor
is always printed beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidepool.units import DAY_S, MINUTE_S
from tidepool_lab.rivals.policy import Minutes

DIALS = (2.0, 1.0, 0.5, 0.25, 0.0, -0.25, -0.5)
"""The committed grid of headroom, from the most careful to the cheapest: factors on the square root of the demand.

Below zero a little less than the demand is provided for: a request may wait 10 s, and who sees every rush
coming needs no room for it.
"""
INTERACTIVE_ON_TIME = 0.995
"""What the oracle's setting has to reach (bench-rules.md §5)."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The requests to come, minute by minute; callable as tidepool.decision.pipeline.Ahead.

    counts: [minutes, models] from minute 0 of the trace, which is at `epoch_s`. Silence after the trace.
    """

    models: tuple[str, ...]
    counts: Minutes
    epoch_s: int

    def __call__(self, model: str, from_s: int, until_s: int) -> npt.NDArray[np.float64]:
        """Requests of each minute that begins in [from_s, until_s), of at most the next 24 hours."""
        until_s = min(until_s, from_s + DAY_S)
        first = (from_s - self.epoch_s) // MINUTE_S
        last = -(-(until_s - self.epoch_s) // MINUTE_S)
        column = self.counts[:, self.models.index(model)]
        there = column[max(first, 0) : max(last, 0)].astype(np.float64)
        return np.pad(there, (0, last - first - len(there)))
