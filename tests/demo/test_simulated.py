"""`simulate` is the bench's tidepool row with pictures: the same run, looked at more often."""

from __future__ import annotations

from tidepool_lab.bench.case import Case, Hashes, rules_sha256
from tidepool_lab.bench.run import run_tidepool
from tidepool_lab.demo.simulated import next_decision, simulate
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import prepare
from tidepool_lab.inputs.shipped import seeded_fleet


def a_case() -> Case:
    """Six models for a day, drawn."""
    fleet, trace, sha256 = seeded_fleet(models=6, minutes=1440, seed=4)
    return Case(
        trace="drawn",
        fleet_name="drawn",
        fleet=fleet,
        fleet_yaml=fleet_yaml(fleet),
        prepared=prepare(trace, fleet, seed=1),
        hashes=Hashes(trace.sha256, sha256, rules_sha256()),
        from_day=0,
        days=1,
        seed=1,
        cache=None,
    )


def without_clock(row: object) -> dict[str, object]:
    """A row but for how long decisions took on this machine."""
    found: dict[str, object] = row.model_dump(exclude={"decide_ms_p50", "decide_ms_max"})  # type: ignore[attr-defined]
    return found


def test_looking_every_minute_changes_nothing() -> None:
    case = a_case()
    found = simulate(case, own=False)
    assert without_clock(found.row) == without_clock(run_tidepool(case))
    assert found.summary.usd == found.row.cost_usd
    assert found.summary.service is not None and found.summary.service.requests == int(case.window.sum())
    assert found.record.startswith(b"{")


def test_the_next_decision_is_that_of_the_moment_asked_for() -> None:
    case = a_case()
    decision = next_decision(case, own=False, at_minute=600)
    assert decision.now == case.at_s(600)
    assert set(decision.homes) == set(case.fleet.names)
