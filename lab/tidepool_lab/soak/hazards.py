"""What can happen to a run at any of its writes: killed before or after it, its answer lost, stopped, overtaken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from tidepool_lab.soak.loop import Loop

T = TypeVar("T")

TIMEOUT_S = 60.0
"""The function's timeout in template.yaml: a run that was stopped for longer never wakes again."""


class Killed(BaseException):
    """The process is gone: no handler of the code under test may catch it."""


class Way(StrEnum):
    """How one write is disturbed."""

    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    ANSWER_LOST = "answer lost after"
    STOPPED = "stopped before"
    OTHER_RUN = "another whole run before"


@dataclass(frozen=True, slots=True)
class Mishap:
    way: Way
    stopped_s: float = 0.0


class Hazards:
    """Counts the writes of one life, and disturbs those of `mishaps` (by their number)."""

    def __init__(self, loop: Loop, mishaps: Mapping[int, Mishap]) -> None:
        self._loop, self._mishaps = loop, mishaps
        self._began: list[float] = []
        self.other_run: Callable[[], None] = lambda: None
        self.told: Callable[[str], None] = lambda words: None
        self.writes = 0

    def run(self, work: Callable[[], object]) -> None:
        """One invocation of the function, unless something inside kills it."""
        self._began.append(self._loop.now)
        try:
            work()
        except Killed as killed:
            self.told(f"the run was {killed}")
        finally:
            self._began.pop()

    def write(self, name: str, call: Callable[[], T], *, answer_lost: Callable[[], Exception]) -> T:
        """The write, disturbed if it is its turn."""
        mishap = self._mishaps.get(self.writes)
        self.writes += 1
        if mishap is None:
            return call()
        self.told(f"{mishap.way} {name}" + (f" for {mishap.stopped_s:.0f} s" if mishap.stopped_s else ""))
        match mishap.way:
            case Way.KILL_BEFORE:
                raise Killed(f"killed before {name}")
            case Way.KILL_AFTER:
                call()
                raise Killed(f"killed after {name}")
            case Way.ANSWER_LOST:
                call()
                raise answer_lost()
            case Way.STOPPED:
                self._loop.run_to(self._loop.now + mishap.stopped_s)
                if self._loop.now - self._began[-1] > TIMEOUT_S:
                    raise Killed(f"timed out before {name}")
                return call()
            case Way.OTHER_RUN:
                self.other_run()
                return call()
