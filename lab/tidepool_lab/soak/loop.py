"""Virtual time: what is to happen, in order. A call may itself let time go on (a run that is slow)."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush


class Loop:
    """Seconds since 1970. Two things at one moment happen in the order in which they were asked for."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, call: Callable[[], None]) -> None:
        """`call` happens then, or now when that is over."""
        self._count += 1
        heappush(self._queue, (when, self._count, call))

    def run_to(self, until: float) -> None:
        """Everything up to `until` has happened."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            when, _, call = heappop(queue)
            # A slow run inside a call may have gone beyond `when` already.
            self.now = max(self.now, when)
            call()
        self.now = max(self.now, until)
