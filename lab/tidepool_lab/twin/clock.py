"""The twin's agenda: what happens later, in order of time and then of asking."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Agenda:
    """Events take effect at the first step boundary at or after their time (bench-rules 1.1)."""

    def __init__(self, now_s: float) -> None:
        self.now_s: float = now_s
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, time_s: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (time_s, self._count, act))

    def next_s(self) -> float:
        """When the next event is due; infinity when nothing is planned."""
        return self._heap[0][0] if self._heap else float("inf")

    def happen(self, now_s: float) -> None:
        """Everything due by `now_s` has happened, with the clock at `now_s`."""
        self.now_s = now_s
        while self._heap and self._heap[0][0] <= now_s:
            heapq.heappop(self._heap)[2]()
