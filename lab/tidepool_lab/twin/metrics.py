"""CloudWatch as the twin has it: one store for both seams, with delays and missing points (bench-rules 4.2).

Columns are targets (a component, or a dedicated endpoint), rows are periods since the start of the run. A cell is
NaN where CloudWatch has no datapoint: no request in the minute, or no ready copy.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tidepool.fleet import Evidence, Series
from tidepool.runtime.ports import MetricTarget
from tidepool.units import HOUR_S
from tidepool_lab.twin.requests import Requests
from tidepool_lab.twin.slowness import others_and_slowest
from tidepool_lab.twin.spec import Times
from tidepool_lab.twin.traffic import STEP_S, STEPS

FAST_S = 10
"""Period of the high-resolution metrics, DOC."""
FAST_STEPS = FAST_S // STEP_S
FAST_KEPT_S = 3 * 3600
"""Sub-minute data lives 3 hours, DOC."""

INVOCATIONS, REJECTED, LATENCY, UTILISATION, ERRORS, STARTED, WAITED, WAIT = range(8)
CONCURRENCY_MAX, CONCURRENCY_MIN = range(2)

RAW = {
    "Invocations": INVOCATIONS,
    "NoCapacityInvocationFailures": REJECTED,
    "ModelLatency": LATENCY,
    "GPUUtilization": UTILISATION,
    "GPUUtilizationNormalized": UTILISATION,
    "Invocation5XXErrors": ERRORS,
}
"""CloudWatch's names. ModelLatency is kept in milliseconds; CloudWatch shows microseconds. Beside them stand the
requests that started, those of them that had waited, and for how long on the mean, in seconds."""
FAST_RAW = ("ConcurrentRequestsPerCopy", "ConcurrentRequestsPerModel")

Floats = npt.NDArray[np.float64]


class Metrics:
    def __init__(self, requests: Requests, *, times: Times, start_s: int, seed: int) -> None:
        self.requests, self.times, self.start_s, self.seed = requests, times, start_s, seed
        self.columns: dict[str, list[int]] = {}
        """Name → its columns: a name that was deleted and made again has more than one."""
        self.burst_alarms: dict[str, float] = {}
        """Burst alarms in force: component → 10-second concurrency per copy above which it is full."""
        self._minutes = np.full((WAIT + 1, 512, 64), np.nan, dtype=np.float32)
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
            # The mean over each step: what started in it was there for half of it.
            busy = (requests.busy_rows - requests.start_rows / 2).sum(axis=0)
            used = busy / requests.slot_rows.sum(axis=0)
        table = self._minutes[:, row, :count]
        table[INVOCATIONS] = np.where(accepted > 0, accepted, np.nan)
        table[REJECTED] = np.where(requests.rejected > 0, requests.rejected, np.nan)
        # Requests are not followed one by one: latency is the mean wait of those that started + the mean service.
        table[LATENCY] = np.where(starts > 0, 1000 * (wait_s + requests.service_s), np.nan)
        table[UTILISATION] = np.where(requests.ready_rows.max(axis=0) > 0, 100 * used, np.nan)
        table[ERRORS] = np.where(requests.expired > 0, requests.expired, np.nan)
        table[STARTED], table[WAITED] = starts, requests.queue_starts
        table[WAIT] = requests.waited_s / np.maximum(requests.queue_starts, 1)
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

    def evidence(self, targets: Iterable[MetricTarget | str], now: int, window_s: int) -> dict[str, Evidence]:
        """By name: every series over [now - window_s, now), as far as it is visible at `now`."""
        names = _names(targets)
        start_s, low, high = self._span(now - window_s, now, 60, self.times.metric_delay_s)
        fast_since = max(now - window_s, now - FAST_KEPT_S)
        fast_start_s, fast_low, fast_high = self._span(fast_since, now, FAST_S, self.times.fast_metric_delay_s)
        columns = [self._column(name) for name in names]
        minutes = self._block(self._minutes[: ERRORS + 1], columns, low, high, self._minute_rows)
        fast = self._block(self._fast[:1], columns, fast_low, fast_high, self._fast_rows)[0]
        for i, name in enumerate(names):
            self._lay_past(minutes[INVOCATIONS, i], name, low, high)
        return {
            name: Evidence(
                invocations=Series(start_s, 60, minutes[INVOCATIONS, i]),
                concurrency=Series(fast_start_s, FAST_S, fast[i]),
                rejected=Series(start_s, 60, minutes[REJECTED, i]),
                utilisation=Series(start_s, 60, minutes[UTILISATION, i]),
                latency_ms=Series(start_s, 60, minutes[LATENCY, i]),
                errors=Series(start_s, 60, minutes[ERRORS, i]),
            )
            for i, name in enumerate(names)
        }

    def history(self, targets: Iterable[MetricTarget | str], since: int, now: int) -> dict[str, Series]:
        """By name: Invocations per 60 s over [since, now), as far as visible; before the run, the trace's."""
        names = _names(targets)
        start_s, low, high = self._span(since, now, 60, self.times.metric_delay_s)
        columns = [self._column(name) for name in names]
        found = self._block(self._minutes[INVOCATIONS : INVOCATIONS + 1], columns, low, high, self._minute_rows)[0]
        for i, name in enumerate(names):
            self._lay_past(found[i], name, low, high)
        return {name: Series(start_s, 60, found[i]) for i, name in enumerate(names)}

    def slowness(self, targets: Iterable[MetricTarget | str], since: int, now: int) -> dict[str, tuple[Series, Series]]:
        """By name, in ms: each whole hour's mean ModelLatency without the slowest tenth, and of that tenth.

        Of hours that the run saw from their beginning.
        """
        first, last = since // HOUR_S, (now - self.times.metric_delay_s) // HOUR_S
        found = {}
        for name in _names(targets):
            pairs = [self._slowness(self._column(name), hour) for hour in range(first, last)]
            others, slowest = np.array(pairs, dtype=np.float64).reshape(-1, 2).T.copy()
            found[name] = Series(first * HOUR_S, HOUR_S, others), Series(first * HOUR_S, HOUR_S, slowest)
        return found

    def _slowness(self, column: int | None, hour: int) -> tuple[float, float]:
        row = (hour * HOUR_S - self.start_s) // 60
        if column is None or column >= self._minutes.shape[2] or not 0 <= row <= self._minute_rows - 60:
            return np.nan, np.nan
        started, waited, wait_s = np.nan_to_num(self._minutes[STARTED:, row : row + 60, column]).astype(np.float64)
        rng = np.random.default_rng([self.seed, column, hour])
        return others_and_slowest(started, waited, wait_s, service_s=float(self.requests.service_s[column]), rng=rng)

    def raw(self, name: str, metric: str, since: int, now: int, *, statistic: str = "Maximum") -> Series:
        """One CloudWatch metric by its name, as far as visible. KeyError for a metric that the twin lacks."""
        columns = [self._column(name)]
        if metric in FAST_RAW:
            start_s, low, high = self._span(max(since, now - FAST_KEPT_S), now, FAST_S, self.times.fast_metric_delay_s)
            which = CONCURRENCY_MIN if statistic == "Minimum" else CONCURRENCY_MAX
            table = self._fast[which : which + 1]
            return Series(start_s, FAST_S, self._block(table, columns, low, high, self._fast_rows)[0, 0])
        start_s, low, high = self._span(since, now, 60, self.times.metric_delay_s)
        table = self._minutes[RAW[metric] : RAW[metric] + 1]
        return Series(start_s, 60, self._block(table, columns, low, high, self._minute_rows)[0, 0])

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

    def _block(
        self,
        table: npt.NDArray[np.float32],
        columns: list[int | None],
        low: int,
        high: int,
        known_rows: int,
    ) -> Floats:
        """[kinds, columns, high - low] of a table; NaN where there is no datapoint or no such column."""
        block = np.full((len(table), len(columns), high - low), np.nan)
        first, last = max(low, 0), min(high, known_rows)
        there = [(i, c) for i, c in enumerate(columns) if c is not None and c < table.shape[2]]
        if last > first and there:
            picked = table[:, first:last, [c for _, c in there]].transpose(0, 2, 1)
            block[:, [i for i, _ in there], first - low : last - low] = picked
        return block

    def _lay_past(self, values: Floats, name: str, low: int, high: int) -> None:
        """The requests of the time before the run, where the window reaches back to it."""
        if low >= 0 or self._past is None or name not in self._from_start:
            return
        rows = len(self._past)
        first, last = max(low + rows, 0), min(0, high) + rows
        if last > first:
            known = self._past[first:last, self._from_start[name]]
            values[first - rows - low : last - rows - low] = np.where(known > 0, known, np.nan)


def _names(targets: Iterable[MetricTarget | str]) -> list[str]:
    return [target if isinstance(target, str) else target.name for target in targets]


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
