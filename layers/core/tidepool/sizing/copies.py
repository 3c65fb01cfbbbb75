"""Demand in flight → copies that start requests within the objective."""

from __future__ import annotations

import math

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.sizing.queueing import slots_in_time
from tidepool.sizing.spread import EXPONENTIAL

HEADROOM = 1.0
"""Slots kept free, in square roots of the demand, at dial 1, by who has no objective to size for (hosting, oracle).

Square-root staffing (Halfin and Whitt 1981): slots = demand + β·√demand. With β = 1 a request waits with
probability 0.22, and then on average for service_s / √demand: seconds, against an objective of ten.
"""


def slots_for(in_flight: float, *, dial: float = 1.0) -> float:
    """Slots that serve a mean of `in_flight` requests: in_flight + β·√in_flight, β = HEADROOM × dial."""
    return in_flight + HEADROOM * dial * math.sqrt(in_flight) if in_flight > 0 else 0.0


def copies_for(in_flight: float, concurrency: float, *, dial: float = 1.0) -> int:
    """Copies of `concurrency` slots each that serve it: never fewer for more demand. 40 in flight on 19 → 3."""
    return math.ceil(slots_for(in_flight, dial=dial) / concurrency - 1e-9)


def copies_in_time(
    in_flight: Values | float,
    concurrency: float,
    *,
    wait_s: float,
    service_s: float,
    attain: float,
    spread: float = EXPONENTIAL,
) -> Values:
    """Copies with which `attain` of the requests start within `wait_s`: never fewer for more demand.

    spread: of the service times (sizing/spread.py).
    """
    slots = slots_in_time(in_flight, wait_s=wait_s, service_s=service_s, late=1 - attain, spread=spread)
    copies: Values = np.ceil(slots / concurrency - 1e-9)
    return copies
