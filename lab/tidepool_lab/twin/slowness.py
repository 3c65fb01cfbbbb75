"""How long an hour's requests took, slowest tenth and others: what CloudWatch's trimmed means of ModelLatency show.

Requests are not followed one by one. Each lasts exponentially (bench-rules 2.5), so the times of those that started
are drawn here, when somebody asks; what they had waited before is what the run counted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SAMPLE = 2000
"""Requests of an hour that are drawn at most: the slowest tenth's mean is off by 3 % then."""


def others_and_slowest(
    started: Floats, waited: Floats, wait_s: Floats, *, service_s: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Mean milliseconds of the others, and of the slowest tenth; NaN where fewer than ten started.

    By minute: requests that started, those of them that had waited, and their mean wait.
    """
    count = int(started.sum())
    if count < 10:
        return np.nan, np.nan
    drawn = min(count, SAMPLE)
    waits = np.repeat(wait_s, np.rint(waited * drawn / count).astype(np.int64))[:drawn]
    times_s = rng.exponential(service_s, drawn)
    times_s[: len(waits)] += waits
    others = drawn - drawn // 10
    times_s.partition(others)
    # As single precision, like every datapoint of the twin: in CloudWatch's microseconds and back they stay the same.
    return float(np.float32(1000 * times_s[:others].mean())), float(np.float32(1000 * times_s[others:].mean()))
