"""What arrives: requests per model and 2-second step. The twin asks for one minute at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

STEP_S = 2
"""The twin's step (bench-rules 1.1)."""
STEPS = 30
"""Steps in a minute (bench-rules 2.4)."""


class Arrivals(Protocol):
    """Requests that arrive, the same for every policy. Minutes count from minute 0 of the trace."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names, in the order of the fleet file and of `CloudSpec.models`."""
        ...

    def counts(self, minute: int) -> Counts:
        """[models, STEPS]: requests in each 2-second step of that minute; zeros outside the trace."""
        ...

    def per_minute(self, first: int, until: int) -> Counts:
        """[until - first, models]: requests per minute, the sums of `counts`. For history before the run."""
        ...


class TableArrivals:
    """Arrivals written down as a table, spread evenly over each minute's steps; for small examples."""

    def __init__(self, models: tuple[str, ...], table: npt.ArrayLike) -> None:
        """`table` is [minutes, models], requests per minute. Silence after its end."""
        self._models = models
        self._table = np.asarray(table, dtype=np.int64).reshape(-1, len(models))

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    def counts(self, minute: int) -> Counts:
        if not 0 <= minute < len(self._table):
            return np.zeros((len(self._models), STEPS), dtype=np.int64)
        # 7 in a minute: one each on the steps 0, 4, 8, … where the running sum grows.
        edges = np.arange(STEPS + 1)[None, :] * self._table[minute][:, None]
        whole = -(-edges // STEPS)
        return np.asarray(np.diff(whole, axis=1), dtype=np.int64)

    def per_minute(self, first: int, until: int) -> Counts:
        rows = np.zeros((max(0, until - first), len(self._models)), dtype=np.int64)
        low, high = max(first, 0), min(until, len(self._table))
        if high > low:
            rows[low - first : high - first] = self._table[low:high]
        return rows
