"""The price of a late request against the price of idling: which rate to be ready for is cheapest."""

from __future__ import annotations

import numpy as np

from tidepool.fleet.demand import Values

CHANGE_USD = 0.5
"""What one change of copies is worth avoiding: each blocks its component for minutes, and rubs pools loose. Ours."""
OBJECTIVE_SHARE = 0.3
"""What keeping a model's objective is worth, as a share of what the model costs: so that small models, whose few
requests weigh little, keep theirs too. Ours."""


def cheapest(
    held: Values, late: Values, turned: Values, arrived: float, *, unit_usd: float, miss_usd: float, attain: float
) -> int:
    """The index of the candidate that would have cost least.

    held: copy hours, late: requests, turned: changes of copies, arrived: all requests, of the same past.
    unit_usd: dollars an hour of one copy. A candidate that left more than 1 - attain late pays for the objective too,
    in proportion up to twice what was allowed. Ties go to the first.
    """
    cost = held * unit_usd + late * miss_usd + turned * CHANGE_USD
    if arrived > 0:
        allowed = max((1 - attain) * arrived, 1e-9)
        cost = cost + OBJECTIVE_SHARE * float(held.min()) * unit_usd * np.minimum(late / allowed - 1, 1.0).clip(min=0)
    return int(np.argmin(cost))
