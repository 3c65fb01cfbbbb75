"""The weekly profile: expected requests per second in 1,008 ten-minute buckets from Monday 00:00 UTC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tidepool.fleet.demand import Values
from tidepool.units import DAY_S, WEEK_S

BUCKET_S = 600
"""Ten minutes: the resolution at which the published traces are real (traces/README)."""
BUCKETS = WEEK_S // BUCKET_S
DAY_BUCKETS = DAY_S // BUCKET_S
_MONDAY_S = 4 * DAY_S
"""1970-01-01 was a Thursday: the first Monday is four days later."""


def bucket(at: int) -> int:
    """The profile's bucket that holds the moment `at`."""
    return ((at - _MONDAY_S) % WEEK_S) // BUCKET_S


def bucket_of(at: Values) -> NDArray[np.int64]:
    """The buckets that hold these moments."""
    return np.asarray(((at - _MONDAY_S) % WEEK_S) // BUCKET_S, dtype=np.int64)


def between(profile: Sequence[float], at: int, until: int) -> Values:
    """The expected rates of every bucket that [at, until] touches, in order of time."""
    first = bucket(at)
    count = min(BUCKETS, (until - at + at % BUCKET_S) // BUCKET_S + 1)
    return np.array([profile[(first + i) % BUCKETS] for i in range(count)])


def now_rate(profile: Sequence[float], at: int) -> float:
    """The expected rate at `at`, linear between the middles of the two nearest buckets."""
    position = ((at - _MONDAY_S) % WEEK_S) / BUCKET_S - 0.5
    low = int(np.floor(position))
    share = position - low
    return (1 - share) * profile[low % BUCKETS] + share * profile[(low + 1) % BUCKETS]
