"""The fast seam's day: ticks each minute, the no-capacity alarm, hands two seconds after the bus, moves, learn.

The same moments as the template's schedules. What falls on one moment runs in the template's order: hands, decide,
moves, learn. An alarm that falls on a tick adds nothing: one look is enough.
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
from tidepool.runtime.advance_moves import advance_moves, begin
from tidepool.runtime.carry_out import carry_out
from tidepool.runtime.decide import decide
from tidepool.runtime.learn import learn
from tidepool.runtime.ports import Ports
from tidepool.units import HOUR_S, MINUTE_S
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import FastBus

LEARN_AT_S = 7 * MINUTE_S
"""Past each full hour, as template.yaml's schedule has it."""
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


@dataclass(slots=True)
class FastRun:
    """Tidepool at work on one cloud. `ahead` and `dial` are the oracle's and the sweeps'.

    timed: (at, seconds) of each pure decision, when `perf` (a clock such as time.perf_counter) is given.
    on_decision: told of every decision, for progress and pictures.
    errors: (at, what went wrong): where a deployed function would have failed and its alarm told.
    """

    cloud: Cloud
    ports: Ports
    ahead: Ahead | None = None
    dial: float = 1.0
    perf: Callable[[], float] | None = None
    on_decision: Callable[[Decision], None] | None = None
    alarm_prefix: str = "tidepool-burst-"
    timed: list[tuple[int, float]] = field(default_factory=list)
    errors: list[tuple[int, TidepoolError]] = field(default_factory=list)
    _wakes: list[tuple[int, int, int, Change | None]] = field(default_factory=list)
    _count: int = 0
    _in_alarm: frozenset[str] = frozenset()
    _decided_at: int = -1

    def run_to(self, until_s: int) -> None:
        """The cloud has reached `until_s` and all that was due before it has run; what is due then runs next."""
        if not self._count:
            self._begin(self.cloud.now_s)
        while self._wakes[0][0] < until_s:
            at, kind, _, change = heapq.heappop(self._wakes)
            self.cloud.run_to(at)
            try:
                self._wake(Wake(kind), at, change)
            except TidepoolError as error:
                self.errors.append((at, error))
            self._collect()
        self.cloud.run_to(until_s)

    def _begin(self, start_s: int) -> None:
        # The past is read once before the very first tick (bench-rules 1.5), then as the schedule says.
        learn(self.ports, start_s, alarm_prefix=self.alarm_prefix)
        self._plan(start_s, Wake.TICK)
        hour_s = start_s - start_s % HOUR_S + LEARN_AT_S
        self._plan(hour_s if hour_s > start_s else hour_s + HOUR_S, Wake.LEARN)

    def _plan(self, at: int, wake: Wake, change: Change | None = None) -> None:
        self._count += 1
        heapq.heappush(self._wakes, (at, int(wake), self._count, change))

    def _wake(self, wake: Wake, at: int, change: Change | None) -> None:
        match wake:
            case Wake.HAND:
                if change is not None:
                    self._hand(change, at)
            case Wake.TICK:
                self._plan(at + MINUTE_S, Wake.TICK)
                self._tick(at)
            case Wake.DECIDE:
                self._decide(at)
            case Wake.MOVES:
                advance_moves(self.ports, at)
            case Wake.LEARN:
                self._plan(at + HOUR_S, Wake.LEARN)
                learn(self.ports, at, alarm_prefix=self.alarm_prefix)
            case _:
                assert_never(wake)

    def _tick(self, at: int) -> None:
        for wake in (Wake.DECIDE, Wake.MOVES):
            for due in self.cloud.faults.deliveries(at):
                if due - at <= TICK_AGE_S:
                    self._plan(due, wake)
        # An alarm acts on a transition only: a component that is refused on and on wakes decide once.
        refused = frozenset(self.cloud.metrics.rejected_in(at - MINUTE_S))
        if refused - self._in_alarm:
            for due in self.cloud.faults.deliveries(at + self.cloud.spec.times.rejected_alarm_s):
                self._plan(due, Wake.DECIDE)
        self._in_alarm = refused

    def _decide(self, at: int) -> None:
        if at == self._decided_at:
            return
        self._decided_at = at
        took: list[float] = []
        decision = decide(self.ports, at, ahead=self.ahead, dial=self.dial, timed=took, perf=self.perf)
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
