"""One CloudWatch alarm's state from its datapoints: M out of N, and what missing data means.

Source: AWS documentation, "Configuring how CloudWatch alarms treat missing data", both tables of which are tests.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np

from tidepool_lab.embedded.metrics import Values

SPARE = 2
"""Periods looked at beyond N: AWS retrieves more datapoints than it evaluates; its examples show 5 for N = 3."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


def judge(
    values: Values,
    *,
    threshold: float,
    comparison: str,
    of: int,
    needed: int,
    missing: str = "missing",
    before: State = State.INSUFFICIENT_DATA,
) -> State:
    """The state after looking at `values` (the oldest first, NaN = missing, the last `of` + SPARE periods).

    `needed` breaching of the last `of` make ALARM. Real datapoints are preferred: only when the whole range has
    fewer than `of` of them are the missing ones filled in, as `missing` says.
    """
    breaches = COMPARISONS[comparison]
    real = [(len(values) - i, breaches(float(v), threshold)) for i, v in enumerate(values) if not np.isnan(v)][-of:]
    breaching = sum(breach for _, breach in real)
    absent = of - len(real)
    if not absent:
        return State.ALARM if breaching >= needed else State.OK
    match missing:
        case "breaching":
            return State.ALARM if breaching + absent >= needed else State.OK
        case "notBreaching":
            return State.ALARM if breaching >= needed else State.OK
        case "ignore":
            if not real or (breaching == len(real) and breaching < needed):
                return before
            return State.ALARM if breaching >= needed else State.OK
        case _:
            return _missing(real, breaching, needed, before)


def _missing(real: list[tuple[int, bool]], breaching: int, needed: int, before: State) -> State:
    if not real:
        return State.INSUFFICIENT_DATA
    if breaching >= needed:
        return State.ALARM
    if breaching < len(real):
        return State.OK
    # Only breaching ones, too few. ALARM when the oldest is at least `needed` periods old; else it is too early.
    oldest, _ = real[0]
    return State.ALARM if oldest >= needed else before
