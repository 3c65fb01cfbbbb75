"""CloudWatch as the twin has it: one store for both seams, with delays and missing points (bench-rules 4.2).

Columns are targets (a component, or a dedicated endpoint), rows are periods since the start of the run. A cell is
NaN where CloudWatch has no datapoint: no request in the minute, or no ready copy.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tidepool.fleet import Evidence, Series
from tidepool_lab.twin.requests import Requests
from tidepool_lab.twin.spec import Times
from tidepool_lab.twin.traffic import STEP_S, STEPS

FAST_S = 10
"""Period of the high-resolution metrics, DOC."""
FAST_STEPS = FAST_S // STEP_S
FAST_KEPT_S = 3 * 3600
"""Sub-minute data lives 3 hours, DOC."""

INVOCATIONS, REJECTED, LATENCY, UTILISATION, ERRORS = range(5)
CONCURRENCY_MAX, CONCURRENCY_MIN = range(2)

RAW = {
    "Invocations": INVOCATIONS,
    "NoCapacityInvocationFailures": REJECTED,
    "ModelLatency": LATENCY,
    "GPUUtilization": UTILISATION,
    "GPUUtilizationNormalized": UTILISATION,
    "Invocation5XXErrors": ERRORS,
}
"""CloudWatch's names. ModelLatency is kept in milliseconds; CloudWatch shows microseconds."""
FAST_RAW = ("ConcurrentRequestsPerCopy", "ConcurrentRequestsPerModel")

Floats = npt.NDArray[np.float64]


class Metrics:
    def __init__(self, requests: Requests, *, times: Times, start_s: int) -> None:
        self.requests, self.times, self.start_s = requests, times, start_s
        self.columns: dict[str, list[int]] = {}
        """Name → its columns: a name that was deleted and made again has more than one."""
        self._minutes = np.full((5, 512, 64), np.nan, dtype=np.float32)
        self._fast = np.full((2, 512, 64), np.nan, dtype=np.float32)
        self._minute_rows = 0
        self._fast_rows = 0
        self._past: npt.NDArray[np.int64] | None = None
        self._from_start: dict[str, int] = {}

    # Writing.

    def watch(self, name: str, column: int, *, past_of: int | None = None) -> None:
        """Target `column` is filed under `name`. past_of: the model whose requests before the run were its own."""
        self.columns.setdefault(name, []).append(column)
        if past_of is not None:
            self._from_start[name] = past_of

    def end_minute(self, minute_s: int) -> None:
        """The datapoints of that minute exist."""
        requests = self.requests
        self.catch_up(minute_s + 60)
        row = (minute_s - self.start_s) // 60
        count = len(requests.names)
        self._minutes = _with_room(self._minutes, row, count)
        at_once = requests.start_rows.sum(axis=0)
        accepted = at_once + requests.joined
        starts = at_once + requests.queue_starts
        with np.errstate(divide="ignore", invalid="ignore"):
            wait_s = requests.waited_s / starts
            used = requests.busy_rows.sum(axis=0) / requests.slot_rows.sum(axis=0)
        table = self._minutes[:, row, :count]
        table[INVOCATIONS] = np.where(accepted > 0, accepted, np.nan)
        table[REJECTED] = np.where(requests.rejected > 0, requests.rejected, np.nan)
        # Requests are not followed one by one: latency is the mean wait of those that started + the mean service.
        table[LATENCY] = np.where(starts > 0, 1000 * (wait_s + requests.service_s), np.nan)
        table[UTILISATION] = np.where(requests.ready_rows.max(axis=0) > 0, 100 * used, np.nan)
        table[ERRORS] = np.where(requests.expired > 0, requests.expired, np.nan)
        self._minute_rows = row + 1

    def catch_up(self, now_s: int) -> None:
        """The 10-second datapoints of every period that ended by `now_s` exist."""
        rows = (now_s - self.start_s) // FAST_S
        first_row = self._fast_rows
        if rows <= first_row:
            return
        requests = self.requests
        minute_s = self.start_s + first_row * FAST_S // 60 * 60
        low = (self.start_s + first_row * FAST_S - minute_s) // STEP_S
        high = min(low + (rows - first_row) * FAST_STEPS, STEPS)
        count = len(requests.names)
        load = requests.busy_rows[low:high] + requests.queue_rows[low:high]
        ready = requests.ready_rows[low:high]
        per_copy = np.divide(load, ready, out=np.full(load.shape, np.nan), where=ready > 0)
        folded = per_copy.reshape(-1, FAST_STEPS, count)
        stop = first_row + len(folded)
        self._fast = _with_room(self._fast, stop, count)
        # fmax and fmin skip the NaN of steps without a ready copy.
        self._fast[CONCURRENCY_MAX, first_row:stop, :count] = np.fmax.reduce(folded, axis=1)
        self._fast[CONCURRENCY_MIN, first_row:stop, :count] = np.fmin.reduce(folded, axis=1)
        self._fast_rows = stop

    # Reading.

    def evidence(self, names: Iterable[str], now: int, window_s: int) -> dict[str, Evidence]:
        """By name: every series over [now - window_s, now), as far as it is visible at `now`."""
        since = now - window_s
        return {name: self._evidence(name, since, now) for name in names}

    def _evidence(self, name: str, since: int, now: int) -> Evidence:
        column = self._column(name)
        start_s, low, high = self._span(since, now, 60, self.times.metric_delay_s)
        block = self._minute_block(column, low, high)
        past = self._past_values(name, low, high)
        if past is not None:
            block[INVOCATIONS, : len(past)] = past
        fast_since = max(since, now - FAST_KEPT_S)
        fast_start_s, fast_low, fast_high = self._span(fast_since, now, FAST_S, self.times.fast_metric_delay_s)
        return Evidence(
            invocations=Series(start_s, 60, block[INVOCATIONS]),
            concurrency=Series(fast_start_s, FAST_S, self._fast_values(column, fast_low, fast_high)),
            rejected=Series(start_s, 60, block[REJECTED]),
            utilisation=Series(start_s, 60, block[UTILISATION]),
            latency_ms=Series(start_s, 60, block[LATENCY]),
            errors=Series(start_s, 60, block[ERRORS]),
        )

    def history(self, names: Iterable[str], since: int, now: int) -> dict[str, Series]:
        """By name: Invocations per 60 s over [since, now), as far as visible; before the run, the trace's."""
        start_s, low, high = self._span(since, now, 60, self.times.metric_delay_s)
        found: dict[str, Series] = {}
        for name in names:
            values = self._minute_block(self._column(name), low, high)[INVOCATIONS]
            past = self._past_values(name, low, high)
            if past is not None:
                values[: len(past)] = past
            found[name] = Series(start_s, 60, values)
        return found

    def raw(self, name: str, metric: str, since: int, now: int, *, statistic: str = "Maximum") -> Series:
        """One CloudWatch metric by its name, as far as visible. KeyError for a metric that the twin lacks."""
        column = self._column(name)
        if metric in FAST_RAW:
            start_s, low, high = self._span(max(since, now - FAST_KEPT_S), now, FAST_S, self.times.fast_metric_delay_s)
            which = CONCURRENCY_MIN if statistic == "Minimum" else CONCURRENCY_MAX
            return Series(start_s, FAST_S, self._fast_values(column, low, high, which))
        start_s, low, high = self._span(since, now, 60, self.times.metric_delay_s)
        return Series(start_s, 60, self._minute_block(column, low, high)[RAW[metric]])

    def rejected_in(self, minute_s: int) -> tuple[str, ...]:
        """Names with at least one rejected request in the minute that began at `minute_s` (the alarm's truth)."""
        row = (minute_s - self.start_s) // 60
        if not 0 <= row < self._minute_rows:
            return ()
        hit = np.flatnonzero(self._minutes[REJECTED, row] > 0)
        return tuple(self.requests.names[column] for column in hit if self.requests.names[column])

    def set_past(self, per_minute: npt.NDArray[np.int64]) -> None:
        """[minutes before the run, models]: requests that came before it, the last row just before its start."""
        self._past = per_minute

    def _column(self, name: str) -> int | None:
        columns = self.columns.get(name)
        return columns[-1] if columns else None

    def _span(self, since: int, now: int, step_s: int, delay_s: int) -> tuple[int, int, int]:
        """(start_s, first row, row after the last visible); rows before the run are negative."""
        self.catch_up(min(now, self.start_s + self._minute_rows * 60 + 60))
        low = (since - self.start_s) // step_s
        high = max(low, (now - delay_s - self.start_s) // step_s)
        return self.start_s + low * step_s, low, high

    def _minute_block(self, column: int | None, low: int, high: int) -> Floats:
        block = np.full((5, high - low), np.nan)
        first, last = max(low, 0), min(high, self._minute_rows)
        if column is not None and last > first and column < self._minutes.shape[2]:
            block[:, first - low : last - low] = self._minutes[:, first:last, column]
        return block

    def _fast_values(self, column: int | None, low: int, high: int, which: int = CONCURRENCY_MAX) -> Floats:
        values = np.full(high - low, np.nan)
        first, last = max(low, 0), min(high, self._fast_rows)
        if column is not None and last > first and column < self._fast.shape[2]:
            values[first - low : last - low] = self._fast[which, first:last, column]
        return values

    def _past_values(self, name: str, low: int, high: int) -> Floats | None:
        if low >= 0 or self._past is None or name not in self._from_start:
            return None
        rows = len(self._past)
        values = np.full(min(0, high) - low, np.nan)
        first = max(low + rows, 0)
        known = self._past[first : min(0, high) + rows, self._from_start[name]]
        if len(known):
            values[first - low - rows :] = np.where(known > 0, known, np.nan)
        return values


def _with_room(table: npt.NDArray[np.float32], rows: int, columns: int) -> npt.NDArray[np.float32]:
    """The table, doubled until it has more than `rows` rows and at least `columns` columns."""
    kinds, have_rows, have_columns = table.shape
    if rows < have_rows and columns <= have_columns:
        return table
    while rows >= have_rows:
        have_rows *= 2
    while columns > have_columns:
        have_columns *= 2
    larger = np.full((kinds, have_rows, have_columns), np.nan, dtype=np.float32)
    larger[:, : table.shape[1], : table.shape[2]] = table
    return larger
