"""What the metrics say of one target (a component, or a dedicated endpoint), with its freshness."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

# numpy is imported where arrays are made: a hand carries these types and never meets an array.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Values: TypeAlias = "npt.NDArray[np.float64]"

FRESH_S = 240
"""Evidence whose last period ended longer ago lowers nothing: 60 s period + 60 s delay, and two late minutes."""


def rounded_all(values: Values) -> tuple[float, ...]:
    """As `rounded`, for many values at once: 30 binary digits, which are 9 decimal ones, and exact on every machine."""
    import numpy as np

    mantissa, exponent = np.frexp(values)
    return tuple(np.ldexp(np.rint(mantissa * 2.0**30), exponent - 30).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Equally spaced datapoints; NaN where CloudWatch has none.

    values[i] covers [start_s + i·step_s, start_s + (i+1)·step_s). The series ends where data could be visible
    when it was read: a NaN inside it is a datapoint that does not exist, not one that is still to come.
    """

    start_s: int
    step_s: int
    values: Values

    @property
    def end_s(self) -> int:
        """The end of the last period that could be visible."""
        return self.start_s + self.step_s * len(self.values)

    def since(self, at_s: int) -> Values:
        """The datapoints of the periods that start at or after `at_s`."""
        skip = max(0, -(-(at_s - self.start_s) // self.step_s))
        return self.values[skip:]

    def last_seen_s(self) -> int | None:
        """The end of the last period with a datapoint; None when there is none."""
        # From the end: the newest datapoint is mostly the last, and this is asked for every series of every tick.
        for back, value in enumerate(reversed(self.values.tolist())):
            if not math.isnan(value):
                return self.end_s - self.step_s * back
        return None


@cache
def empty() -> Series:
    """No datapoint, and none to come."""
    import numpy as np

    return Series(0, 60, np.empty(0))


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The metrics of one target.

    invocations: accepted requests per 60 s (Sum). A minute without requests has no datapoint.
    concurrency: requests in flight + queued, per ready copy (component) or per instance (dedicated), maximum
        of each 10 s. None while no copy is ready.
    rejected: NoCapacityInvocationFailures per 60 s (Sum).
    utilisation: any utilisation metric per 60 s; its presence is the evidence that silence is idleness.
    latency_ms: mean ModelLatency per 60 s.
    errors: Invocation5XXErrors per 60 s (Sum).
    refused: Invocation4XXErrors per 60 s (Sum): what the container refused. Read only of the homes of a move.
    """

    invocations: Series = field(default_factory=empty)
    concurrency: Series = field(default_factory=empty)
    rejected: Series = field(default_factory=empty)
    utilisation: Series = field(default_factory=empty)
    latency_ms: Series = field(default_factory=empty)
    errors: Series = field(default_factory=empty)
    refused: Series = field(default_factory=empty)

    @property
    def whole(self) -> bool:
        """Both were read: how many requests came, and how many were in flight."""
        return bool(len(self.invocations.values) and len(self.concurrency.values))


@cache
def no_evidence() -> Evidence:
    """Nothing is known of the target."""
    return Evidence()
