"""Whether a forecast has lost touch with what comes: its newest hours against the rest of its day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tidepool.forecast.ensemble import SCORES_KNOWN

NEWEST = SCORES_KNOWN
"""Three hours of scores, one each five minutes (forecast/judging.py)."""
TAU = 0.9
"""Nine of ten moments of the day before lie below this quantile, so one of ten newest would be above it by chance."""
MOST = 0.5
"""More than half of three hours above it is no chance: of 36 independent looks at one in ten, 19 come once in 10^9;
they are not, so the alarm asks for three such hours of a quarter of the models. Ours."""


def astray(scores: Sequence[float]) -> bool | None:
    """Most of the newest scores (came / foretold) lie above the day before's; None while too few are known."""
    if len(scores) < 2 * NEWEST:
        return None
    before, newest = np.array(scores[:-NEWEST]), np.array(scores[-NEWEST:])
    return bool((newest > np.quantile(before, TAU, method="higher")).mean() > MOST)
