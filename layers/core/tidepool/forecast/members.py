"""The ensemble: nine ways to foretell the highest minute of the horizon, each from the same features.

None is right for every model: a flat one is best foretold by its last minutes, a daily one by yesterday, a jumpy one
by how high the last hours went. They are weighed by how late or idle each would have left the model (ensemble.py).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.forecast.features import WINDOW, Features

NAMES = ("last", "ewma", "damped trend", "Kalman", "yesterday", "last week", "weekly profile", "ridge", "group")
SMOOTH, TREND, DAMP = 0.4, 0.1, 0.9
"""Holt's linear trend, damped (Gardner and McKenzie 1985): weight of the newest level and slope, and what is left of
the slope each minute. The method is theirs, the three figures ours."""
EWMA = 0.1
"""Weight of the newest minute: a time constant of ten."""
LEVELS = (0.25, 4.0)
"""Today over the usual, at least and at most: beyond that the season says nothing about today. Ours."""
GROUP = (0.5, 2.0)
"""What a group's tide may do to one of its models over one horizon. Ours."""
FEW = 1e-9
"""Requests per second: below it nothing comes, and nothing is divided by it."""
PENALTY = 1e-3
"""Enough to part columns that nearly say the same, too little to bend what the day shows. Ours."""


def members(features: Features, ridge: Values | None = None) -> Values:
    """[n, len(NAMES)]: each member's highest rate over the horizon. A member that knows nothing says what `last` says.

    `ridge`: the coefficients of ridge_columns, or None before they are fitted.
    """
    recent = features.recent
    last = recent[:, -2:].mean(axis=1)
    half_hour = recent.mean(axis=1)
    usual, ahead = features.seasons[:, :3, 0], features.seasons[:, :3, 1]
    level = np.clip(np.divide(half_hour[:, None], usual, out=np.ones_like(usual), where=usual > FEW), *LEVELS)
    seasonal = np.where(np.isnan(ahead), last[:, None], ahead * level)
    swell = features.seasons[:, 3, 1] / np.maximum(features.seasons[:, 3, 0], FEW)
    group = np.where(np.isnan(swell), last, last * np.clip(np.nan_to_num(swell, nan=1.0), *GROUP))
    fitted = last if ridge is None else np.maximum(ridge_columns(features) @ ridge, 0.0)
    return np.stack(
        [
            last,
            recent @ _ewma(EWMA),
            np.maximum(recent @ _damped(), 0.0),
            _kalman(recent),
            *seasonal.T,
            fitted,
            group,
        ],
        axis=1,
    )


def ridge_columns(features: Features) -> Values:
    """[n, 17]: what the ridge member is linear in: lags, means, tops, seasons and harmonics of the day."""
    recent = features.recent
    ahead = features.seasons[:, (0, 2), 1]
    seasons = np.where(np.isnan(ahead), recent[:, -1:], ahead)
    return np.concatenate(
        [
            recent[:, (-1, -2, -3)],
            np.stack([recent[:, -5:].mean(1), recent[:, -10:].mean(1), recent.mean(1), features.mean_hour], axis=1),
            features.tops[:, (1, 2, 4)],
            seasons,
            features.clock,
            np.ones((len(recent), 1)),
        ],
        axis=1,
    )


def fit_ridge(columns: Values, came: Values) -> Values:
    """The ridge coefficients of what came, with a thousandth of each column's own square as the penalty.

    Hoerl and Kennard (1970). The penalty is in each column's own unit, so that a model's size does not matter.
    """
    square = columns.T @ columns
    penalty = np.diag(PENALTY * np.diag(square) + FEW)
    return np.asarray(np.linalg.solve(square + penalty, columns.T @ came), dtype=np.float64)


@cache
def _ewma(weight: float) -> Values:
    """[WINDOW]: weights of an exponential average, oldest first; they sum to 1."""
    weights = (1 - weight) ** np.arange(WINDOW)[::-1]
    return np.asarray(weights / weights.sum(), dtype=np.float64)


@cache
def _damped() -> Values:
    """[WINDOW]: Holt's damped trend six minutes on is linear in the minutes: its answer to a one at each of them."""
    level, slope = np.zeros(WINDOW), np.zeros(WINDOW)
    level[0] = 1.0
    for i in range(1, WINDOW):
        newest = np.zeros(WINDOW)
        newest[i] = 1.0
        before = level
        level = SMOOTH * newest + (1 - SMOOTH) * (level + DAMP * slope)
        slope = TREND * (level - before) + (1 - TREND) * DAMP * slope
    return np.asarray(level + slope * sum(DAMP**k for k in range(1, 7)), dtype=np.float64)


def _kalman(recent: Values) -> Values:
    """[n]: the local level model, its gain from the window's own noise.

    Of the minutes' differences d, the covariance of neighbours is minus the noise's variance r, and their variance is
    q + 2r, q that of the level's own steps (Harvey 1989, 2.4.5); the steady gain follows from q / r.
    """
    steps = np.diff(recent, axis=1)
    noise = np.maximum(-(steps[:, 1:] * steps[:, :-1]).mean(axis=1), FEW)
    drift = np.maximum((steps**2).mean(axis=1) - 2 * noise, 0.0)
    ratio = drift / noise
    # At least that of an average over the whole window: a smaller one would want minutes that are not looked at.
    gain = np.clip((np.sqrt(ratio**2 + 4 * ratio) - ratio) / 2, 2 / (WINDOW + 1), 1.0)
    weights = (1 - gain[:, None]) ** np.arange(WINDOW)[::-1]
    level: Values = (weights * recent).sum(axis=1) / weights.sum(axis=1)
    return level
