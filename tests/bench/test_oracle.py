"""The oracle's homes follow the true counts of the next 24 hours, not what was learned (bench-rules.md §5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool.decision.record import Decision, Step
from tidepool.fleet.demand import Values
from tidepool.units import DAY_S
from tidepool_lab.bench.case import Case
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.fleetyaml import pool_name
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.oracle import Truth
from tidepool_lab.rivals.tidepool import Tidepool
from tidepool_lab.twin.cloud import Cloud

DAY = 1440
NOW = 2 * DAY
"""The minute of the trace at which homes are looked at: with two days to learn from."""
LIGHT, HEAVY = 60, 2400
"""Requests a minute of a 14B model: one copy, and 20 on the type with the fewest dollars a slot."""


def light(make_fleet: Callable[..., ReferenceFleet]) -> Case:
    """One model with light traffic on every day."""
    fleet = make_fleet("a", size="14B", minutes=3 * DAY)
    return a_case(fleet, np.full((3 * DAY, 1), LIGHT, dtype=np.int64), from_day=2)


def homes(case: Case, ahead: Callable[[str, int, int], Values] | None, *, from_minute: int = NOW) -> list[Step]:
    """What the first look at homes found."""
    start_s = case.at_s(from_minute)
    cloud = Cloud(account_of(case.fleet), case.arrivals(), seed=1, start_s=start_s, epoch_s=case.epoch_s)
    policy = Tidepool(case.fleet, case.fleet_yaml, case.first_minutes, ahead=ahead)
    policy.start(cloud)
    decisions: list[Decision] = []
    assert policy.run is not None
    policy.run = replace(policy.run, on_decision=decisions.append)
    policy.run_to(cloud, start_s + 62)
    return [step for decision in decisions for step in decision.steps if step.stage == "home"]


def truth(case: Case, later: int) -> Truth:
    """The trace as it is until now, and then `later` a minute."""
    counts = case.prepared.counts.copy()
    counts[NOW:] = later
    return Truth(case.prepared.models, counts, case.epoch_s)


@pytest.mark.parametrize(
    ("later", "to"),
    [(LIGHT, pool_name("ml.g6e.xlarge")), (HEAVY, "dedicated:ml.p5.48xlarge"), (0, pool_name("ml.g6e.xlarge"))],
)
def test_rule_5_the_oracles_homes_follow_the_true_counts_of_the_next_day(make_fleet, later: int, to: str):
    case = light(make_fleet)
    assert [step.to for step in homes(case, truth(case, later))] == [to]


def test_rule_5_tidepool_itself_judges_homes_by_what_it_learned(make_fleet):
    assert [step.to for step in homes(light(make_fleet), None)] == [pool_name("ml.g6e.xlarge")]


def test_rule_5_homes_ask_for_exactly_24_hours_also_where_the_trace_ends_before(make_fleet):
    case = light(make_fleet)
    known, asked = truth(case, LIGHT), []

    def ahead(model: str, from_s: int, until_s: int) -> Values:
        found = known(model, from_s, until_s)
        asked.append((until_s - from_s, len(found), int(found.sum())))
        return found

    homes(case, ahead, from_minute=3 * DAY - 60)
    days = {one for one in asked if one[0] == DAY_S}
    # The last hour of the trace, then silence.
    assert days == {(DAY_S, DAY, 60 * LIGHT)}
