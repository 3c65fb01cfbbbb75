"""What every forecast is made from: the last minutes, how high the last hours went, and the same time before.

One table of features, a row a moment: learning makes it of every minute of the past, a tick of this one. So what is
scored is what is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tidepool.fleet.demand import Values
from tidepool.forecast.profile import BUCKET_S, BUCKETS, DAY_BUCKETS, bucket_of
from tidepool.units import DAY_S, MINUTE_S

WINDOW = 30
"""Minutes that are looked at one by one: three time constants of the slowest average in members.py."""
TOPS = (2, 5, 10, 20, 40, 80, 160)
"""Minutes over which the highest is looked at. Doubling from the noise of one minute to the tide of hours. Ours."""
BACK = max(TOPS)
"""Minutes of the past that a row needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Seasons:
    """The past at the same time of day and week, requests per second in the 1,008 buckets of a week; () = not known.

    week: the newest week as it was, bucket by bucket. profile: its smoothed mean. group: the mean profile of the
    model's class, whose shape is steadier than one model's own.
    """

    week: Sequence[float] = ()
    profile: Sequence[float] = ()
    group: Sequence[float] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """n moments. Rates are requests per second.

    recent: [n, WINDOW] the last minutes, oldest first. tops: [n, len(TOPS)] the highest minute of each span.
    mean_hour: [n]. seasons: [n, 4, 2] for yesterday, last week, the profile and the group: what was, or is usual, over
    the last half hour, and the highest over the horizon; NaN where it is not known. clock: [n, 4] harmonics of the day.
    """

    recent: Values
    tops: Values
    mean_hour: Values
    seasons: Values
    clock: Values


def of_minutes(rates: Values, start_s: int, rows: range, seasons: Seasons, horizon_s: int) -> Features:
    """The features at the beginnings of the minutes `rows` of `rates`, from the minutes before each alone.

    `rates` begins at `start_s`. Rows below BACK see the first minute as if it had always been so.
    """
    first = rows.start
    past = rates[max(0, first - BACK) : rows.stop - 1]
    lack = BACK + len(rows) - 1 - len(past)
    padded = np.concatenate([np.full(lack, past[0] if len(past) else 0.0), past])
    windows = sliding_window_view(padded, BACK)
    tops = np.stack([windows[:, -span:].max(axis=1) for span in TOPS], axis=1)
    at = start_s + MINUTE_S * np.arange(rows.start, rows.stop, dtype=np.float64)
    return Features(
        recent=windows[:, -WINDOW:],
        tops=tops,
        mean_hour=windows[:, -60:].mean(axis=1),
        seasons=_seasons(at, seasons, horizon_s),
        clock=_clock(at),
    )


def of_moment(recent: Values, tops: Values, mean_hour: float, now: int, seasons: Seasons, horizon_s: int) -> Features:
    """The features of one moment. `recent`: the last minutes, oldest first; fewer than WINDOW repeat the oldest."""
    lack = max(0, WINDOW - len(recent))
    minutes = np.concatenate([np.full(lack, recent[0] if len(recent) else 0.0), recent[-WINDOW:]])
    at = np.array([float(now)])
    return Features(minutes[None], tops[None], np.array([mean_hour]), _seasons(at, seasons, horizon_s), _clock(at))


def _seasons(at: Values, seasons: Seasons, horizon_s: int) -> Values:
    """[n, 4, 2], as Features.seasons has it."""
    found = np.full((len(at), 4, 2), np.nan)
    # The minutes of `recent`, each in its own bucket, so that a step inside the half hour is a step in both.
    here = bucket_of(at[:, None] - MINUTE_S * (np.arange(WINDOW) + 0.5)[None])
    first = bucket_of(at)[:, None]
    further = np.arange(horizon_s // BUCKET_S + 2)[None]
    # Only the buckets that the horizon touches: at the beginning of one that is one fewer.
    ahead = first + np.minimum(further, (bucket_of(at + horizon_s - 1)[:, None] - first) % BUCKETS)
    for kind, (known, back) in enumerate(
        ((seasons.week, DAY_BUCKETS), (seasons.week, 0), (seasons.profile, 0), (seasons.group, 0))
    ):
        if not known:
            continue
        values = np.asarray(known)
        found[:, kind, 0] = values[(here - back) % BUCKETS].mean(axis=1)
        found[:, kind, 1] = values[(ahead - back) % BUCKETS].max(axis=1)
    return found


def _clock(at: Values) -> Values:
    turn = 2 * np.pi * (at % DAY_S) / DAY_S
    return np.stack([np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)], axis=1)
