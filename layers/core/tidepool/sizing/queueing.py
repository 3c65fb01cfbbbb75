"""How many slots start requests in time: Erlang's delay formula by the square-root rule of Halfin and Whitt."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from tidepool.fleet.demand import Values

GRID = np.geomspace(0.1, 20_000, 121)
"""Offered loads at which the headroom is worked out; between them it is interpolated in the logarithm."""
BETAS = np.linspace(0.0, 6.0, 601)


def slots_in_time(
    offered: Values | float, *, wait_s: float, service_s: float, late: float, spread: float = 1.0
) -> Values:
    """Slots with which at most `late` of the requests wait longer than `wait_s`, at `offered` requests in flight.

    offered + β√offered, where P(wait > t) = C(β) · exp(-β√offered · t / (service_s · (1 + spread) / 2)) ≤ late and
    C(β) = 1 / (1 + β Φ(β) / φ(β)) (Halfin and Whitt 1981; the exponent for a spread other than exponential is
    Kingman's 1961 correction). spread: squared coefficient of variation of the service time, 1 when exponential.
    Worked: 100 in flight of 10 s, 10 s to wait, 0.5 % late: β = 0.47, 104.7 slots, and Erlang's exact C asks for 105;
    with no time to wait β = 2.62, 126.2 slots, and the exact answer is 128: the rule is one or two slots short there.
    """
    load = np.asarray(offered, dtype=np.float64)
    beta = np.interp(np.log(np.maximum(load, GRID[0])), np.log(GRID), _betas(wait_s / service_s, late, spread))
    slots: Values = load + beta * np.sqrt(load)
    return slots


@lru_cache(maxsize=512)
def _betas(wait: float, late: float, spread: float) -> Values:
    """The least β for each load of GRID."""
    normal = np.array([0.5 * (1 + math.erf(b / math.sqrt(2))) for b in BETAS])
    density = np.exp(-(BETAS**2) / 2) / math.sqrt(2 * math.pi)
    waits = 1 / (1 + BETAS * normal / density)
    decay = np.exp(-BETAS[None] * np.sqrt(GRID)[:, None] * wait * 2 / (1 + spread))
    enough = waits[None] * decay <= late
    # The last β is taken where none is enough: a target that no queue meets is not met by staffing alone.
    enough[:, -1] = True
    return np.asarray(BETAS[enough.argmax(axis=1)])
