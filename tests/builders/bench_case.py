"""A case of the benchmark from a fleet and its requests, with good defaults: nothing is read and nothing is cached."""

from __future__ import annotations

from tidepool_lab.bench.case import Case, Hashes
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import prepare
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.trace import Counts, Trace


def a_case(
    fleet: ReferenceFleet,
    requests: Trace | Counts,
    *,
    from_day: int = 0,
    days: int = 1,
    seed: int = 1,
    only_minutes: int | None = None,
) -> Case:
    """`requests`: a trace, or counts by minute and model in the fleet's order."""
    trace = requests if isinstance(requests, Trace) else Trace(fleet.names, requests, "0" * 64)
    return Case(
        trace="small",
        fleet_name="small",
        fleet=fleet,
        fleet_yaml=fleet_yaml(fleet),
        prepared=prepare(trace, fleet, seed=seed),
        hashes=Hashes("a" * 64, "b" * 64, "c" * 64),
        from_day=from_day,
        days=days,
        seed=seed,
        only_minutes=only_minutes,
        cache=None,
    )
