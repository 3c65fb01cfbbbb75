"""What CloudWatch shows of one home: series with holes, late, and with both answers where AWS says nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from tidepool.fleet import Evidence, Series

NAN = float("nan")
FAST_S = 10
"""Period of the high-resolution metrics (sagemaker-facts, Metrics)."""


class Meter:
    """One home's requests by minute, and in flight by ten seconds.

    sampled: whether a ten-second datapoint is what runs at its end, or the most that ran at once in it (UNKNOWN).
    counted_at_end: whether a request is an invocation when it begins or when it was answered (UNKNOWN).
    """

    def __init__(self, now: float, *, sampled: bool, counted_at_end: bool) -> None:
        self._sampled, self._counted_at_end = sampled, counted_at_end
        self._slot = int(now) // FAST_S
        self._size = 0
        self._count = 0
        self._invocations: dict[int, float] = defaultdict(float)
        self._rejected: dict[int, float] = defaultdict(float)
        self._errors: dict[int, float] = defaultdict(float)
        self._answered: dict[int, float] = defaultdict(float)
        self._took_s: dict[int, float] = defaultdict(float)
        self._flight: dict[int, float] = {}
        self._up: dict[int, float] = {}

    def resized(self, now: float, size: int) -> None:
        """So many copies or instances are ready from now on."""
        self._to(now)
        self._size = size
        self._mark()

    def began(self, now: float) -> None:
        self._to(now)
        self._count += 1
        if not self._counted_at_end:
            self._invocations[int(now) // 60] += 1
        self._mark()

    def ended(self, now: float, took_s: float, *, failed: bool) -> None:
        self._to(now)
        self._count -= 1
        minute = int(now) // 60
        if self._counted_at_end:
            self._invocations[minute] += 1
        if failed:
            self._errors[minute] += 1
        else:
            self._answered[minute] += 1
            self._took_s[minute] += took_s
        self._mark()

    def refused(self, now: float, *, no_copy: bool) -> None:
        """Nothing ran: there was no copy, or what is there does not answer."""
        (self._rejected if no_copy else self._errors)[int(now) // 60] += 1

    def evidence(self, now: float, since: int, until: int, fast_until: int) -> Evidence:
        """Everything on [since, until), ten-second datapoints on [since, fast_until); no request, no datapoint."""
        self._to(now)
        minutes = range(since // 60, until // 60)
        tens = range(since // FAST_S, fast_until // FAST_S)
        latency = {m: 1000 * self._took_s[m] / n for m, n in self._answered.items() if m in minutes}
        return Evidence(
            invocations=_series(self._invocations, minutes, 60),
            concurrency=_series(self._flight, tens, FAST_S),
            rejected=_series(self._rejected, minutes, 60),
            utilisation=_series(self._up, minutes, 60),
            latency_ms=_series(latency, minutes, 60),
            errors=_series(self._errors, minutes, 60),
        )

    def _to(self, now: float) -> None:
        slot = int(now) // FAST_S
        if slot <= self._slot:
            return
        if self._size:
            per_copy = self._count / self._size
            for passed in range(self._slot + 1, slot + 1):
                self._flight[passed] = per_copy
                self._up[passed * FAST_S // 60] = 50.0
        self._slot = slot

    def _mark(self) -> None:
        if self._size:
            now = self._count / self._size
            self._flight[self._slot] = now if self._sampled else max(now, self._flight.get(self._slot, 0.0))
            self._up[self._slot * FAST_S // 60] = 50.0


def _series(values: Mapping[int, float], periods: range, step_s: int) -> Series:
    found: Iterable[float] = (values.get(period, NAN) for period in periods)
    return Series(periods.start * step_s, step_s, np.fromiter(found, dtype=np.float64, count=len(periods)))
