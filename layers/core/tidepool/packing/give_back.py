"""How many machines to keep although fewer would do now: what it costs to want one back.

One rule, of each machine beyond those that are needed now:

    it is given back when   usd × dwell  >  regain × (usd + late)

usd: dollars an hour of the machine. dwell: hours until it is expected to be needed again, so that the left side is what
giving it back saves. regain: hours until one comes again once it is asked for. It has to be asked for so much earlier
or is missed so long, so the right side is its own price for that time, and late: dollars an hour of the requests that
it would serve then.

Worked: an ml.p4d.24xlarge at $25.25, regain 30m, whose requests are 2 a second of $0.002 (late = $14.40 an hour).
0.5 × (25.25 + 14.40) = $19.83, which is 47 minutes of it: needed again in half an hour it is kept, in an hour it goes.
With regain 12h the right side is $475.80, or 18.8 hours: a night of 9 hours keeps it, a weekend of 48 gives it back.
Where nobody pays for late requests (late = 0) it says: dwell > regain. With `never` the right side has no bound, so
only a machine goes that everybody's busiest minute together would not fill. With regain no longer than the launch
itself (REGAIN_S) nothing is waited for that is not waited for anyhow, and nothing is kept.

The same rule judges what is foretold with one model's rise on top of it: needed at any moment, so kept at any price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from tidepool.config.types import REGAIN_S
from tidepool.fleet.demand import Values
from tidepool.units import HOUR_S


@dataclass(frozen=True, slots=True)
class Coming:
    """What is expected of a pool, or of a dedicated endpoint, in each bucket to come, the first one now.

    machines: that it needs. late_usd: dollars an hour of the requests that one machine serves, were they late.
    most: machines that everybody's busiest minute would fill. rise: machines more, in each bucket, that one model,
    `riser`, would fill in its busiest minute.
    """

    machines: Values
    late_usd: Values
    bucket_s: int
    most: float = inf
    rise: Values | float = 0.0
    riser: str = ""

    def risen(self) -> Coming:
        """What is to come, with that rise at any time of it: nobody foretells it, and two seldom come together."""
        return replace(self, machines=self.machines + self.rise, rise=0.0)


@dataclass(frozen=True, slots=True)
class Keep:
    """Machines to keep, and of the last of them: seconds until it is needed, what giving it back saves and costs."""

    machines: int
    dwell_s: float = 0.0
    saves_usd: float = 0.0
    costs_usd: float = 0.0


def waits(regain_s: float | None) -> bool:
    """A machine of that regain time (None: never) is waited for longer than for its launch."""
    return regain_s is None or regain_s > REGAIN_S


def keep(*, held: int, enough: int, usd: float, regain_s: float | None, coming: Coming) -> Keep:
    """Of `held` machines, where `enough` would do now, those that the rule keeps: never less than the smaller of both.

    The next machine is needed again no sooner than those below it, so the first that may go ends the search.
    """
    kept = Keep(min(held, enough))
    if not waits(regain_s):
        return kept
    for machine in range(min(held, enough) + 1, held + 1):
        judged = _judged(machine, usd, regain_s, coming)
        if judged is None:
            break
        kept = judged
    return kept


def _judged(machine: int, usd: float, regain_s: float | None, coming: Coming) -> Keep | None:
    """The machine of that number is kept, and why; None when it may go."""
    if machine > np.ceil(coming.most):
        return None
    needed = np.flatnonzero(coming.machines > machine - 1)
    # What the buckets do not show is not needed for as long as they reach, and nobody is late there.
    at = int(needed[0]) if needed.size else len(coming.machines)
    late = float(coming.late_usd[at]) if needed.size else 0.0
    dwell_s = float(at * coming.bucket_s)
    saves = usd * dwell_s / HOUR_S
    costs = inf if regain_s is None else (usd + late) * regain_s / HOUR_S
    return None if saves > costs else Keep(machine, dwell_s, saves, costs)
