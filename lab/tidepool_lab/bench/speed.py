"""`python -m tidepool_lab.bench.speed`: how long one decision takes, for fleets of several sizes, and the memory held.

Seeded fleets live an hour on the twin after a day of history, so that everything is learned. The milliseconds are the
pure decide alone (bench-rules.md §6); the memory is the whole process at its peak, the twin and its history included.
"""

from __future__ import annotations

import resource
import sys
from dataclasses import replace

from tidepool_lab.bench.case import Case, Hashes
from tidepool_lab.bench.run import run_tidepool
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import prepare
from tidepool_lab.inputs.shipped import seeded_fleet

SIZES = (66, 1000)
"""The reference week's fleet, and the largest that the issue of this benchmark names."""
SEED = 11
MINUTES = 60


def main() -> int:
    """A line for each size; the sizes may be named as arguments."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    for models in sizes:
        row = run_tidepool(a_case(models))
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{models:5} models: {row.decide_ms_p50:7.1f} ms median, {row.decide_ms_max:7.1f} ms longest, "
            f"{peak_mb:6.0f} MB held at the peak, the twin included",
            flush=True,
        )
    return 0


def a_case(models: int) -> Case:
    """An hour of a seeded fleet, on the second day of its trace, without warm-up."""
    fleet, trace, _ = seeded_fleet(models=models, minutes=2 * 1440, seed=SEED)
    # As many times the machines, so that it is the decision that is looked at and not its quota.
    types = {
        name: machine.model_copy(update={"quota": machine.quota * max(1, models // 24)})
        for name, machine in fleet.instance_types.items()
    }
    fleet = fleet.model_copy(update={"instance_types": types})
    case = Case(
        trace=f"seeded-{SEED}",
        fleet_name=f"seeded-{SEED}",
        fleet=fleet,
        fleet_yaml=fleet_yaml(fleet),
        prepared=prepare(trace, fleet, seed=1),
        hashes=Hashes("", "", ""),
        from_day=1,
        days=1,
        seed=1,
        cache=None,
    )
    return replace(case, only_minutes=MINUTES)


if __name__ == "__main__":
    sys.exit(main())
