"""Where the demo's day is played: the account, the clock that carries it, and what can be seen from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidepool.runtime.ports import Ledger
from tidepool_lab.twin.cloud import Cloud


class Stage(Protocol):
    """One seam, ready to run."""

    @property
    def name(self) -> str:
        """What it is, for the first line: which code runs, on what."""
        ...

    @property
    def cloud(self) -> Cloud: ...

    @property
    def ledger(self) -> Ledger:
        """What the code under way has written down."""
        ...

    def run_to(self, until_s: int) -> None:
        """Everything up to `until_s` has happened: traffic, schedules, alarms, handlers, hands."""
        ...

    def alarms(self) -> Sequence[tuple[int, str]]:
        """(when, component) of every no-capacity alarm that woke decide so far."""
        ...

    def close(self) -> None:
        """Nothing of it is left behind: patches are undone, temporary files are gone."""
        ...
