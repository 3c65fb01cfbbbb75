"""The fast seam's day: ticks each minute, the no-capacity alarm, hands two seconds after the bus, moves, learn.

The same moments as the template's schedules. What falls on one moment runs in the true seam's order: what
travelled, then the schedules as the template lists them (decide, moves, learn), then alarms.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import assert_never

from tidepool.decision.pipeline import Ahead
from tidepool.decision.record import Decision
from tidepool.errors import TidepoolError
from tidepool.move.state import Phase
from tidepool.plan.change import Change, StartMove
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.carry_out import carry_out
from tidepool.runtime.decide import decide
from tidepool.runtime.learn import learn
from tidepool.runtime.ports import Ports
from tidepool.units import HOUR_S, MINUTE_S
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastBus
from tidepool_lab.twin.metrics import FAST_S

LEARN_AT_S = 7 * MINUTE_S
"""Past each full hour, as template.yaml's schedule has it."""
BREACHES = 2
"""Datapoints of a burst alarm, as tidepool.aws.burst_alarms writes it."""
TICK_AGE_S = 90
"""A tick that comes later than this is dropped, as the handlers drop it."""


class Wake(IntEnum):
    """What runs, in the order in which it runs at one moment."""

    HAND = 0
    TICK = 1
    """The schedules' minute: it sends the ticks, with the faults of events, and looks at the alarm."""
    DECIDE = 2
    MOVES = 3
    LEARN = 4
    BURST = 5
    """Every 10 s, while a model has a burst alarm."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Why decide wakes: an event of this time. One that has been seen by a decision since then asks for none."""

    at: int


Cargo = Change | Asked | None


@dataclass(slots=True)
class FastRun:
    """Tidepool at work on one cloud. `ahead` and `dial` are the oracle's and the sweeps'.

    timed: (at, seconds) of each pure decision, when `perf` (a clock such as time.perf_counter) is given.
    on_decision: told of every decision, for progress and pictures.
    endpoint_events: whether endpoints' state changes wake decide, as the template's rule has it. Bench-rules 4.3
        names ticks and alarms only, so the bench leaves it off.
    errors: (at, what went wrong): where a deployed function would have failed and its alarm told.
    """

    cloud: Cloud
    ports: Ports
    ahead: Ahead | None = None
    dial: float = 1.0
    perf: Callable[[], float] | None = None
    on_decision: Callable[[Decision], None] | None = None
    alarm_prefix: str = "tidepool-burst-"
    endpoint_events: bool = False
    timed: list[tuple[int, float]] = field(default_factory=list)
    errors: list[tuple[int, TidepoolError]] = field(default_factory=list)
    _wakes: list[tuple[int, int, int, Cargo]] = field(default_factory=list)
    _count: int = 0
    _refused: frozenset[str] = frozenset()
    _full: frozenset[str] = frozenset()

    def run_to(self, until_s: int) -> None:
        """The cloud has reached `until_s` and all that was due before it has run; what is due then runs next."""
        if not self._count:
            self._begin(self.cloud.now_s)
        while self._wakes[0][0] < until_s:
            at, kind, _, cargo = heapq.heappop(self._wakes)
            self._move(at)
            try:
                self._wake(Wake(kind), at, cargo)
            except TidepoolError as error:
                self.errors.append((at, error))
            self._collect()
        self._move(until_s)

    def _move(self, at: int) -> None:
        """The cloud has reached `at`. What its endpoints did is told as time goes on, as the rig tells it."""
        goes_on = at > self.cloud.now_s
        self.cloud.run_to(at)
        if goes_on:
            self._hear_endpoints(at)

    def _begin(self, start_s: int) -> None:
        # The past is read once before the very first tick (bench-rules 1.5), then as the schedule says.
        learn(self.ports, start_s, alarm_prefix=self.alarm_prefix)
        self._plan(start_s, Wake.TICK)
        hour_s = start_s - start_s % HOUR_S + LEARN_AT_S
        self._plan(hour_s if hour_s > start_s else hour_s + HOUR_S, Wake.LEARN)

    def _plan(self, at: int, wake: Wake, cargo: Cargo = None) -> None:
        self._count += 1
        heapq.heappush(self._wakes, (at, int(wake), self._count, cargo))

    def _wake(self, wake: Wake, at: int, cargo: Cargo) -> None:
        match wake:
            case Wake.HAND:
                if cargo is not None and not isinstance(cargo, Asked):
                    self._hand(cargo, at)
            case Wake.TICK:
                self._plan(at + MINUTE_S, Wake.TICK)
                self._tick(at)
            case Wake.DECIDE:
                self._decide(at, cargo.at if isinstance(cargo, Asked) else at)
            case Wake.MOVES:
                advance_moves(self.ports, at)
            case Wake.LEARN:
                self._plan(at + HOUR_S, Wake.LEARN)
                learn(self.ports, at, alarm_prefix=self.alarm_prefix)
            case Wake.BURST:
                self._bursts(at)
            case _:
                assert_never(wake)

    def _hear_endpoints(self, at: int) -> None:
        """Endpoints' state changes since the last wake are on their way to decide."""
        changes, self.cloud.events = self.cloud.events, []
        if not self.endpoint_events:
            return
        for change in changes:
            for due in self.cloud.faults.deliveries(at + self.cloud.spec.times.bus_s):
                self._plan(due, Wake.DECIDE, Asked(change.at_s))

    def _tick(self, at: int) -> None:
        deliveries = self.cloud.faults.deliveries
        for wake in (Wake.DECIDE, Wake.MOVES):
            for due in deliveries(at):
                if due - at <= TICK_AGE_S:
                    self._plan(due, wake, Asked(at))
        # An alarm acts on a transition only: a component that is refused on and on wakes decide once.
        refused = frozenset(self.cloud.metrics.rejected_in(at - MINUTE_S))
        if refused - self._refused:
            told_at = at + self.cloud.spec.times.rejected_alarm_s
            for due in deliveries(told_at):
                self._plan(due, Wake.DECIDE, Asked(told_at))
        self._refused = refused
        if self.cloud.metrics.burst_alarms:
            for later in range(0, MINUTE_S, FAST_S):
                self._plan(at + later, Wake.BURST)

    def _bursts(self, at: int) -> None:
        """Components whose copies have been full for BREACHES datapoints in a row wake decide when that begins."""
        alarms, metrics = self.cloud.metrics.burst_alarms, self.cloud.metrics
        since_s = at - BREACHES * FAST_S - metrics.times.fast_metric_delay_s
        full = set()
        for name, threshold in alarms.items():
            last = metrics.raw(name, "ConcurrentRequestsPerCopy", since_s, at).values[-BREACHES:]
            if len(last) == BREACHES and bool((last > threshold).all()):
                full.add(name)
        if full - self._full:
            for due in self.cloud.faults.deliveries(at):
                self._plan(due, Wake.DECIDE, Asked(at))
        self._full = frozenset(full)

    def _decide(self, at: int, asked_at: int) -> None:
        took: list[float] = []
        decision = decide(
            self.ports, at, ahead=self.ahead, dial=self.dial, asked_at=asked_at, timed=took, perf=self.perf
        )
        self.timed.extend((at, seconds) for seconds in took)
        if decision is not None and self.on_decision is not None:
            self.on_decision(decision)

    def _hand(self, change: Change, at: int) -> None:
        if not isinstance(change, StartMove):
            carry_out(self.ports, change, at)
            return
        known = {move.id for move in (*self.ports.ledger.moves(), *self.ports.ledger.ended_moves(0))}
        begun = begin(self.ports, change, at)
        if begun.phase is not Phase.SUPERSEDED and begun.id not in known:
            self.cloud.note_move()
        advance_moves(self.ports, at)

    def _collect(self) -> None:
        """What went on the bus is on its way to its hand."""
        bus = self.ports.bus
        assert isinstance(bus, FastBus)
        for at, change in bus.waiting:
            self._plan(at, Wake.HAND, change)
        bus.waiting.clear()
