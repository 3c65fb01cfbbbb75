"""The nominal clock of a trace: minute 0 is Monday 2025-01-06 00:00 UTC (bench-rules.md §1.1)."""

from __future__ import annotations

from tidepool.units import DAY_S, MINUTE_S

EPOCH_S = 1_736_121_600
"""Monday 2025-01-06 00:00 UTC."""

DAY_MINUTES = DAY_S // MINUTE_S
STEP_S = 2
"""The twin's step (bench-rules.md §1.1)."""
STEPS = MINUTE_S // STEP_S
"""Steps of one minute."""
WARM_UP_MINUTES = 360
"""Simulated before the scored window, and not scored (bench-rules.md §1.3)."""
AFTERWARDS_MINUTES = 10
"""Simulated after the scored window, to see whether the last requests start (bench-rules.md §1.3)."""


def second_of(minute: int) -> int:
    """The time at which a trace minute starts, in seconds since 1970."""
    return EPOCH_S + minute * MINUTE_S


def minute_of(at_s: int) -> int:
    """The trace minute that a time falls in; negative before the trace."""
    return (at_s - EPOCH_S) // MINUTE_S
