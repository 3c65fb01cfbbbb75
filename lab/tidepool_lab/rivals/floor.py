"""The floor: what serving all the work costs at least (bench-rules.md §5), so that no policy can pass it.

Per 10 minutes a linear programme places every request's accelerator-seconds on any mix of types within quota,
fractionally, with no start-up and no floor. It shares no code with the planner.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from tidepool.errors import BadTrace, Problem
from tidepool.units import HOUR_S, MINUTE_S
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.trace import Counts

PERIOD_MINUTES = 10
"""The length of one linear programme (bench-rules.md §5)."""


def floor_usd(fleet: ReferenceFleet, counts: Counts) -> float:
    """The least dollars that serve `counts` [minutes, models] of prepared requests.

    BadTrace when the work of some period is beyond every quota together: then no such bound exists.
    """
    total = 0.0
    for start in range(0, len(counts), PERIOD_MINUTES):
        window = counts[start : start + PERIOD_MINUTES]
        total += _period_usd(fleet, window.sum(axis=0), seconds=len(window) * MINUTE_S, start=start)
    return total


def _period_usd(fleet: ReferenceFleet, requests: npt.NDArray[np.int64], *, seconds: int, start: int) -> float:
    """minimise Σ usd[m, t] x[m, t], with Σ_t x[m, t] = requests[m] and, per type, Σ_m accelerator-seconds ≤ quota.

    x[m, t]: requests of model m served on type t. An accelerator-second costs usd_per_hour ÷ 3600 ÷ accelerators.
    """
    types = list(fleet.instance_types)
    usd, accelerator_s, of_model, of_type = [], [], [], []
    for m, model in enumerate(fleet.models):
        for t, name in enumerate(types):
            capacity, machine = fleet.capacity(model, name), fleet.instance_types[name]
            if capacity is None or requests[m] == 0:
                continue
            taken = capacity.service_s / capacity.concurrency_per_copy * capacity.accelerators_per_copy
            usd.append(taken * machine.usd_per_hour / HOUR_S / machine.accelerators)
            accelerator_s.append(taken)
            of_model.append(m)
            of_type.append(t)
    if not usd:
        return 0.0
    asked, row = np.unique(of_model, return_inverse=True)
    columns = np.arange(len(usd))
    served = coo_matrix((np.ones(len(usd)), (row, columns)), shape=(len(asked), len(usd)))
    used = coo_matrix((accelerator_s, (of_type, columns)), shape=(len(types), len(usd)))
    quota = [machine.quota * machine.accelerators * seconds for machine in fleet.instance_types.values()]
    found = linprog(usd, A_ub=used, b_ub=quota, A_eq=served, b_eq=requests[asked], method="highs")
    if not found.success:
        problem = Problem(f"minutes {start}+", found.message, "work that fits the quotas of all types together")
        raise BadTrace("floor", (problem,))
    return float(found.fun)
