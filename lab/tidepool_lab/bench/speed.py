"""`python -m tidepool_lab.bench.speed`: how long one decision takes, for fleets of several sizes, and the memory held.

Seeded fleets live an hour on the twin after a day of history, so that everything is learned. The milliseconds are the
pure decide alone (bench-rules.md §6); the memory is the whole process at its peak, the twin and its history included.
"""

from __future__ import annotations

import re
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
        fleet_yaml=by_size(fleet_yaml(fleet)),
        prepared=prepare(trace, fleet, seed=1),
        hashes=Hashes("", "", ""),
        from_day=1,
        days=1,
        seed=1,
        cache=None,
    )
    return replace(case, only_minutes=MINUTES)


def by_size(text: str) -> str:
    """The same file with a glob for each size of model, and of each model only what differs from its size's first.

    So it would be written: a thousand models line by line are a megabyte, and a fleet.yaml has 256 KiB at most.
    """
    head, _, models = text.partition("models:\n")
    sizes: dict[str, list[str]] = {}
    own: dict[str, list[str]] = {}
    for block in re.split(r'^  (?=")', models, flags=re.M)[1:]:
        name, _, body = block.partition(":\n")
        terms = re.split(r"^(?=    \w)", body, flags=re.M)[1:]
        size = sizes.setdefault(f'{name.partition("-")[0]}-*"', terms)
        own[name] = [term for term in terms if term not in size]
    written = (
        f"  {name}:\n{''.join(terms)}" if terms else f"  {name}: {{}}\n" for name, terms in (sizes | own).items()
    )
    return f"{head}models:\n{''.join(written)}"


if __name__ == "__main__":
    sys.exit(main())
