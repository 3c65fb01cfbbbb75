"""A real Wednesday of twelve models of ServeGen's week, through the deployed handlers (bench-rules.md §1, §2)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from seams.both import a_rig, on_the_fast_seam
from seams.world import ROOT
from tidepool_lab.bench.case import Case, load_case
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.rivals.policy import create_pools, place_components
from tidepool_lab.twin.cloud import Cloud

TRACES = ROOT.parent / "shared" / "traces"
TRACE = TRACES / "servegen-week1.csv.gz"
EVERY, MODELS = 5, 12
"""Every fifth of the fleet's 66: large, middle and small ones, as they come."""
DAY, MINUTES = 2, 1440


@pytest.fixture(scope="module")
def case() -> Case:
    """The day with twelve of its models; each keeps the requests it has in the trace."""
    if not TRACE.exists():
        pytest.skip(f"{TRACE} is not here: the real day is simulated where ../shared/traces is")
    whole = load_case(TRACE, TRACES / "fleet-servegen-week1.json", from_day=DAY, days=1)
    columns = list(range(0, len(whole.fleet.models), EVERY))[:MODELS]
    fleet = whole.fleet.model_copy(update={"models": tuple(whole.fleet.models[i] for i in columns)})
    counts, dropped = whole.prepared.counts[:, columns], whole.prepared.dropped[:, columns]
    prepared = replace(whole.prepared, models=fleet.names, counts=counts, dropped=dropped)
    return replace(whole, fleet=fleet, fleet_yaml=fleet_yaml(fleet), prepared=prepared, cache=None)


def a_cloud(case: Case) -> Cloud:
    """The start state of every policy (bench-rules.md §1.4), at midnight."""
    first, _ = case.scored
    cloud = Cloud(account_of(case.fleet), case.arrivals(), seed=case.seed, start_s=case.at_s(first))
    create_pools(cloud, case.fleet)
    place_components(cloud, case.fleet, case.prepared.counts[first : first + 10])
    return cloud


@pytest.mark.slow
def test_a_real_day_runs_through_the_handlers_as_it_does_on_the_fast_seam(case: Case) -> None:
    first, until = (case.at_s(minute) for minute in case.scored)
    cloud = a_cloud(case)
    with a_rig(cloud, fleet=case.fleet_yaml) as rig:
        rig.run_to(until)
        assert [h for h in rig.happened if h.kind in {"failed", "undelivered"}] == []
        records = list(rig.records().values())
        runs: Counter[str] = rig.runs
    cloud.check_conservation()
    assert runs["DecideFunction"] >= MINUTES
    assert runs["MoveModelsFunction"] >= MINUTES
    assert runs["LearnFunction"] == 24
    assert runs["ReportFunction"] == 1

    fast, expected = on_the_fast_seam(lambda: a_cloud(case), until, fleet=case.fleet_yaml)
    assert len(records) == len(expected)
    for mine, deployed in zip(expected, records, strict=True):
        assert json.loads(mine)["now"] == json.loads(deployed)["now"]
        assert mine == deployed
    assert fast.figures(first, until) == cloud.figures(first, until)
    figures = cloud.figures(first, until)
    assert figures.copy_changes > 0
    assert figures.on_time > 0.9
