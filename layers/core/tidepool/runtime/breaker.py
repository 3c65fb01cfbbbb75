"""The circuit breaker: who AWS has refused too often is left alone for a while, and people are told once.

A refusal that asking again each minute does not heal (a missing permission, a quota, a component that cannot be placed)
would be asked for 1,440 times a day. AWS that is away or throttles refuses nothing. What was refused stays wanted, so
the first try after the pause is made as soon as it ends; a success closes the breaker.
"""

from __future__ import annotations

from collections.abc import Iterable

from tidepool.plan.change import ScaleCopies, ScaleInstances, SetBounds
from tidepool.runtime.ports import Operation
from tidepool.units import MINUTE_S, duration

REFUSALS = 5
"""Refusals in a row: five minutes of asking each minute. Ours."""
PAUSE_S = 30 * MINUTE_S
"""From the last refusal on. Ours: as long as the alarm on held changes waits, so that people hear of both at once."""
LOOK_BACK_S = (1 + REFUSALS) * PAUSE_S
"""After a pause, one more refusal within this time opens it again at once: the refusals before it still count."""

PAUSED = "paused"
Tried = ScaleCopies | ScaleInstances | SetBounds


def paused(change: Tried, operations: Iterable[Operation], now: int) -> str:
    """Why the change is not tried now, '' when it is. `operations`: those of the last LOOK_BACK_S, oldest first."""
    refused = _in_a_row(change, operations)
    if len(refused) < REFUSALS or now - refused[-1].at >= PAUSE_S:
        return ""
    left = duration(PAUSE_S - (now - refused[-1].at))
    return f"AWS refused it {len(refused)} times in a row, last: {refused[-1].why}; tried again in {left}"


def opens(change: Tried, operations: Iterable[Operation]) -> bool:
    """One more refusal of the change begins a pause. `operations` are those before it."""
    return len(_in_a_row(change, operations)) + 1 >= REFUSALS


def target_of(change: Tried) -> str:
    """What the change writes to: a component, or an endpoint."""
    return change.component if isinstance(change, ScaleCopies) else change.endpoint


def _in_a_row(change: Tried, operations: Iterable[Operation]) -> list[Operation]:
    """The newest refusals of what the change writes to; what was not tried says nothing, a success ends the row."""
    refused: list[Operation] = []
    for operation in operations:
        tried = operation.change
        if not isinstance(tried, Tried) or type(tried) is not type(change) or target_of(tried) != target_of(change):
            continue
        if operation.outcome == "failed":
            refused.append(operation)
        elif operation.outcome in {"done", "already"}:
            refused = []
    return refused
