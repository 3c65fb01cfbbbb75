"""The request plane: arrivals, slots, queues, rejections, retries (bench-rules 2.4–2.8), one 2-second step at a time.

Targets (a component, or a dedicated endpoint) are rows of flat arrays, so that a step costs about ten numpy calls
whatever their number; Python looks only at targets with a queue and at models whose callers try again.
The order inside a step at boundary t: requests that ended on [t-2, t) leave their slots, queues move up, whoever
waited their patience leaves, batch callers try again, the arrivals of [t, t+2) start, queue or are rejected.
A slot is held for whole steps, 2 ÷ (1 − exp(−2 ÷ service_s)) s on average: for 10 s that is 11.03 s, as rule 2.5's
binomial has it. What is counted as busy is counted after the arrivals, where it is largest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from math import ceil, exp

import numpy as np
import numpy.typing as npt

from tidepool_lab.twin.outcomes import Outcomes
from tidepool_lab.twin.queues import Cohort, Waiting
from tidepool_lab.twin.spec import Kind, ModelSpec, Times
from tidepool_lab.twin.traffic import STEP_S, STEPS, Arrivals

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
NEVER = float("inf")


class Requests:
    """Every request of every model. `T` targets, `M` models."""

    def __init__(
        self,
        models: tuple[ModelSpec, ...],
        arrivals: Arrivals,
        *,
        times: Times,
        rng: np.random.Generator,
        start_s: int,
        epoch_s: int,
    ) -> None:
        self.models, self.arrivals, self.times, self.rng = models, arrivals, times, rng
        self.epoch_s = epoch_s
        self.outcomes = Outcomes(models, start_s)
        self.names: list[str] = []
        self.concurrency: list[int] = []
        self.model_of = np.zeros(0, dtype=np.int64)
        self.busy, self.slots, self.ready, self.finished = (np.zeros(0, dtype=np.int64) for _ in range(4))
        self.queued, self.rejected, self.expired, self.joined, self.queue_starts = (
            np.zeros(0, dtype=np.int64) for _ in range(5)
        )
        self.waited_s = np.zeros(0)
        self.p, self.service_s = np.zeros(0), np.zeros(0)
        self.leaving_busy = np.zeros(len(models), dtype=np.int64)
        self.leaving_finished = np.zeros(len(models), dtype=np.int64)
        self.on_minute: Callable[[int], None] = lambda _minute_s: None
        self.on_route: Callable[[int, list[tuple[int, int]]], None] = lambda _model, _route: None
        """Told of (model, its new route) before callers follow it."""
        self.on_miss: Callable[[int, int | None, Cohort], None] | None = None
        """Told once of (model, target, requests) that cannot be on time any more, in the first step in which that is
        certain. The target is the one in whose queue they stand; None: they were rejected and are lost."""
        self.routes: dict[int, list[tuple[int, int]]] = {}
        self._queues: dict[int, deque[Cohort]] = {}
        self._mixed: set[int] = set()
        self._waiting: dict[int, Waiting] = {}
        self._retry_next: float = NEVER
        self._minute_s = -1
        self._nowhere: dict[int, int] = {}
        self._split: list[tuple[int, list[tuple[int, int]]]] = []
        self._rows()

    # Targets and routes.

    def add_target(self, name: str, model: int, *, concurrency: int, service_s: float) -> int:
        """A new row: no ready copy yet. `concurrency` is slots per copy (or per dedicated instance)."""
        self.names.append(name)
        self.concurrency.append(concurrency)
        self.model_of = np.append(self.model_of, model)
        self.p = np.append(self.p, 1.0 - exp(-STEP_S / service_s))
        self.service_s = np.append(self.service_s, service_s)
        for field in ("busy", "slots", "ready", "finished", "queued", "rejected", "expired", "joined"):
            setattr(self, field, np.append(getattr(self, field), 0))
        self.queue_starts = np.append(self.queue_starts, 0)
        self.waited_s = np.append(self.waited_s, 0.0)
        self._grow_rows()
        return len(self.names) - 1

    def follow(self, model: int, targets: list[tuple[int, int]], now_s: int) -> None:
        """From now on callers of `model` go to these (target, weight); [] = nowhere."""
        route = [(t, w) for t, w in targets if w > 0] or [(self._no_home(model), 100)]
        self.on_route(model, route)
        self.routes[model] = route
        if self._minute_s >= 0 and now_s < self._minute_s + 60:
            self._spread((now_s - self._minute_s) // STEP_S)

    def _no_home(self, model: int) -> int:
        """A row without slots for callers of a model that lives nowhere: everything is rejected there."""
        if model not in self._nowhere:
            self._nowhere[model] = self.add_target("", model, concurrency=1, service_s=1.0)
        return self._nowhere[model]

    # Copies.

    def set_ready(self, target: int, ready: int) -> None:
        """More copies serve from this boundary on."""
        self.ready[target] = ready
        self.slots[target] = ready * self.concurrency[target]

    def take_out(self, target: int, now_s: int) -> tuple[int, float]:
        """One ready copy takes no new request; (requests it still has, seconds until they are all served).

        Requests are spread evenly over ready copies (SageMaker routes to the least busy), so it has its rounded-up
        share. Each lasts exponentially on, at most drain_s (3.5). With the last copy the queue is rejected (2.7).
        """
        copies = int(self.ready[target])
        busy = -(-int(self.busy[target]) // copies)
        self.busy[target] -= busy
        self.set_ready(target, copies - 1)
        model = int(self.model_of[target])
        self.leaving_busy[model] += busy
        longest = 0.0
        if busy:
            longest = float(self.rng.exponential(self.service_s[target], busy).max())
            longest = STEP_S * ceil(longest / STEP_S)
        if copies == 1 and target in self._queues:
            for cohort in self._queues.pop(target):
                self._reject(target, cohort, now_s)
            self.queued[target] = 0
        return busy, min(longest, float(self.times.drain_s))

    def left(self, model: int, busy: int) -> None:
        """A leaving copy's last `busy` requests are answered."""
        self.leaving_busy[model] -= busy
        self.leaving_finished[model] += busy

    # Time.

    def run(self, from_s: int, to_s: int) -> None:
        """The steps at boundaries from_s, from_s + 2, … before to_s have happened. Stays inside one minute."""
        minute_s = from_s - from_s % 60
        if minute_s != self._minute_s:
            self._begin_minute(minute_s)
        first, last = (from_s - minute_s) // STEP_S, -(-(to_s - minute_s) // STEP_S)
        busy, slots, p, finished = self.busy, self.slots, self.p, self.finished
        binomial, free, over = self.rng.binomial, np.empty_like(self.busy), np.empty_like(self.busy)
        for k in range(first, last):
            done = binomial(busy, p)
            np.subtract(busy, done, out=busy)
            np.add(finished, done, out=finished)
            now_s = minute_s + k * STEP_S
            if self._queues:
                self._move_up(now_s)
            if now_s >= self._retry_next:
                self._try_again(now_s)
            started, arriving = self.start_rows[k], self.arriving[k]
            np.subtract(slots, busy, out=free)
            np.minimum(arriving, free, out=started)
            np.add(busy, started, out=busy)
            np.subtract(arriving, started, out=over)
            if over.any():
                self._overflow(over, now_s)
            self.busy_rows[k] = busy
            if self._queues:
                self.queue_rows[k] = self.queued
        self.ready_rows[first:last] = self.ready
        self.slot_rows[first:last] = slots
        self._book(minute_s, first, last)
        if last == STEPS:
            self.on_minute(minute_s)

    def _begin_minute(self, minute_s: int) -> None:
        self._minute_s = minute_s
        self._rows()
        for field in (self.rejected, self.expired, self.joined, self.queue_starts, self.waited_s):
            field[:] = 0
        self._counts = self.arrivals.counts((minute_s - self.epoch_s) // 60)
        self._spread(0)

    def _rows(self) -> None:
        """Empty rows of one minute, [steps, targets]."""
        shape = (STEPS, len(self.names))
        self.arriving, self.start_rows, self.busy_rows, self.queue_rows, self.ready_rows, self.slot_rows = (
            np.zeros(shape, dtype=np.int64) for _ in range(6)
        )

    def _grow_rows(self) -> None:
        pad = ((0, 0), (0, len(self.names) - self.arriving.shape[1]))
        for field in ("arriving", "start_rows", "busy_rows", "queue_rows", "ready_rows", "slot_rows"):
            setattr(self, field, np.pad(getattr(self, field), pad))

    def _spread(self, from_step: int) -> None:
        """The minute's arrivals from that step on, laid on the targets that callers follow now."""
        for model in range(len(self.models)):
            if model not in self.routes:
                self.routes[model] = [(self._no_home(model), 100)]
        single = [(m, r[0][0]) for m, r in self.routes.items() if len(r) == 1]
        self.arriving[from_step:] = 0
        models, targets = [m for m, _ in single], [t for _, t in single]
        self.arriving[from_step:, targets] = self._counts[models, from_step:].T
        for model, route in self.routes.items():
            if len(route) > 1:
                shares = np.array([w for _, w in route], dtype=np.float64)
                drawn = self.rng.multinomial(self._counts[model, from_step:], shares / shares.sum())
                self.arriving[from_step:, [t for t, _ in route]] = drawn

    def _book(self, minute_s: int, first: int, last: int) -> None:
        """Arrivals and undelayed starts of these steps stand in the outcomes."""
        row, models = self.outcomes.row(minute_s), len(self.models)
        arrived = self.arriving[first:last].sum(axis=0)
        started = self.start_rows[first:last].sum(axis=0)
        self.outcomes.arrived[row] += np.bincount(self.model_of, arrived, models).astype(np.int64)
        at_once = np.bincount(self.model_of, started, models).astype(np.int64)
        self.outcomes.started[row] += at_once
        self.outcomes.on_time[row] += at_once

    # Queues and callers.

    def _overflow(self, over: Ints, now_s: int) -> None:
        for target in over.nonzero()[0].tolist():
            cohort = Cohort(now_s, int(over[target]), now_s)
            if self.ready[target]:
                self._join(target, cohort)
            else:
                self._reject(target, cohort, now_s)

    def _join(self, target: int, cohort: Cohort) -> None:
        self._queues.setdefault(target, deque()).append(cohort)
        self.queued[target] += cohort.count
        self.joined[target] += cohort.count

    def _move_up(self, now_s: int) -> None:
        """Free slots are taken in order of joining; then whoever waited their patience leaves unserved (2.6)."""
        for target in list(self._queues):
            queue = self._queues[target]
            free = int(self.slots[target] - self.busy[target])
            while free > 0 and queue:
                head = queue[0]
                count = min(free, head.count)
                self._start(target, head, count, now_s)
                head.count -= count
                free -= count
                if not head.count:
                    queue.popleft()
            if self.on_miss is not None:
                self._tell_misses(target, queue, now_s)
            self._expire(target, queue, now_s)
            if not queue:
                del self._queues[target]

    def _start(self, target: int, cohort: Cohort, count: int, now_s: int) -> None:
        model = int(self.model_of[target])
        row = self.outcomes.row(cohort.first_s)
        self.busy[target] += count
        self.queued[target] -= count
        self.queue_starts[target] += count
        self.waited_s[target] += count * (now_s - cohort.joined_s)
        self.outcomes.started[row, model] += count
        if now_s - cohort.first_s <= self.models[model].wait_s:
            self.outcomes.on_time[row, model] += count
        else:
            self._miss(model, target, cohort)

    def _tell_misses(self, target: int, queue: deque[Cohort], now_s: int) -> None:
        """Who has not started in this step and would be too late in the next has missed. Whose patience ends no later
        than that (batch) is told of when it leaves."""
        model = int(self.model_of[target])
        spec = self.models[model]
        if spec.wait_s >= spec.patience_s:
            return
        for cohort in reversed(queue):  # in order of arrival: before one that was told of, all were
            if cohort.late:
                break
            if now_s + STEP_S - cohort.first_s > spec.wait_s:
                self._miss(model, target, cohort)

    def _miss(self, model: int, target: int | None, cohort: Cohort) -> None:
        if self.on_miss is not None and not cohort.late:
            cohort.late = True
            self.on_miss(model, target, cohort)

    def _expire(self, target: int, queue: deque[Cohort], now_s: int) -> None:
        """Patience counts from the first arrival. Batch requests that came back may stand behind younger ones."""
        model = int(self.model_of[target])
        oldest_allowed = now_s - self.models[model].patience_s
        while queue and queue[0].first_s <= oldest_allowed:
            self._leave(target, model, queue.popleft())
        if target in self._mixed:
            for cohort in [cohort for cohort in queue if cohort.first_s <= oldest_allowed]:
                queue.remove(cohort)
                self._leave(target, model, cohort)
        if not queue:
            self._mixed.discard(target)

    def _leave(self, target: int, model: int, cohort: Cohort) -> None:
        self.queued[target] -= cohort.count
        self.expired[target] += cohort.count
        self._miss(model, target, cohort)
        self.outcomes.timed_out[self.outcomes.row(cohort.first_s), model] += cohort.count

    def _reject(self, target: int, cohort: Cohort, now_s: int) -> None:
        """HTTP 400, no capacity. Interactive callers are lost; batch callers try again later (2.7)."""
        model = int(self.model_of[target])
        self.rejected[target] += cohort.count
        row = self.outcomes.row(cohort.first_s)
        if not cohort.rejected:
            cohort.rejected = True
            self.outcomes.rejected_once[row, model] += cohort.count
        if self.models[model].kind is Kind.INTERACTIVE or now_s - cohort.first_s >= self.times.retry_until_s:
            self.outcomes.lost[row, model] += cohort.count
            self._miss(model, None, cohort)
            return
        waiting = self._waiting.setdefault(model, Waiting(now_s + self.times.retry_s))
        waiting.cohorts.append(cohort)
        self._retry_next = min(self._retry_next, waiting.retry_s)

    def _try_again(self, now_s: int) -> None:
        """All waiting requests of a model come back together, the oldest first."""
        for model in [m for m, waiting in self._waiting.items() if waiting.retry_s <= now_s]:
            cohorts = sorted(self._waiting.pop(model).cohorts, key=lambda c: c.first_s)
            for cohort in cohorts:
                if now_s - cohort.first_s > self.times.retry_until_s:
                    self.outcomes.lost[self.outcomes.row(cohort.first_s), model] += cohort.count
                    self._miss(model, None, cohort)
                    continue
                for target, part in self._divide(model, cohort):
                    if self.ready[target]:
                        part.joined_s = now_s
                        self._join(target, part)
                        self._mixed.add(target)
                    else:
                        self._reject(target, part, now_s)
        self._retry_next = min((w.retry_s for w in self._waiting.values()), default=NEVER)
        if self._queues:
            self._move_up(now_s)

    def _divide(self, model: int, cohort: Cohort) -> list[tuple[int, Cohort]]:
        """The cohort's parts by where the route sends them."""
        route = self.routes[model]
        if len(route) == 1:
            return [(route[0][0], cohort)]
        shares = np.array([w for _, w in route], dtype=np.float64)
        drawn = self.rng.multinomial(cohort.count, shares / shares.sum())
        return [(target, replace(cohort, count=int(n))) for (target, _), n in zip(route, drawn, strict=True) if n]

    def still_waiting(self) -> Ints:
        """[models]: requests in queues, and those whose callers will try again."""
        waiting = np.bincount(self.model_of, self.queued, len(self.models)).astype(np.int64)
        for model, later in self._waiting.items():
            waiting[model] += sum(cohort.count for cohort in later.cohorts)
        return waiting

    def in_service(self) -> Ints:
        """[models]: requests that hold a slot, on leaving copies too."""
        return np.bincount(self.model_of, self.busy, len(self.models)).astype(np.int64) + self.leaving_busy

    def served(self) -> Ints:
        """[models]: requests that held a slot and are answered."""
        done = np.bincount(self.model_of, self.finished, len(self.models)).astype(np.int64)
        return np.asarray(done + self.leaving_finished, dtype=np.int64)
