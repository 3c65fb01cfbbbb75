"""What bench-rules.md §7 forbids, with the check that finds it, on small synthetic fleets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from builders.bench_case import a_case
from tidepool.decision.codec import record_bytes
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.run import run_native, run_tidepool
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import Prepared
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.shipped import seeded_fleet
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.tidepool import Tidepool
from tidepool_lab.twin.cloud import Cloud

MODELS = 8


@pytest.fixture(scope="module")
def case() -> Case:
    """Eight models; the run begins at minute 1,080, is scored from 1,440 on for an hour, and ends at 1,510."""
    fleet, trace, _ = seeded_fleet(models=MODELS, minutes=2 * 1440, seed=77)
    return a_case(fleet, trace, from_day=1, only_minutes=60)


def with_noise_after(case: Case, minute: int) -> Case:
    counts = case.prepared.counts.copy()
    counts[minute:] = np.random.default_rng(3).integers(0, 900, counts[minute:].shape)
    return replace(case, prepared=Prepared(case.prepared.models, counts, case.prepared.dropped))


def renamed(case: Case) -> Case:
    """The same fleet with other names in another alphabetical order; positions are kept."""
    order = np.random.default_rng(4).permutation(len(case.fleet.models))
    models = tuple(
        model.model_copy(update={"name": f"tenant-{number:02d}"})
        for number, model in zip(order, case.fleet.models, strict=True)
    )
    fleet: ReferenceFleet = case.fleet.model_copy(update={"models": models})
    names = tuple(model.name for model in models)
    prepared = Prepared(names, case.prepared.counts, case.prepared.dropped)
    return replace(case, fleet=fleet, fleet_yaml=fleet_yaml(fleet), prepared=prepared)


def decisions_until(case: Case, minute: int) -> list[bytes]:
    """The records of every decision before `minute`."""
    until_s = case.at_s(minute)
    cloud = Cloud(
        account_of(case.fleet),
        case.arrivals(),
        seed=case.seed,
        start_s=case.at_s(case.simulated[0]),
        epoch_s=case.epoch_s,
    )
    policy = Tidepool(case.fleet, case.fleet_yaml, case.first_minutes)
    policy.start(cloud)
    assert policy.run is not None
    records: list[bytes] = []
    policy.run.on_decision = lambda decision: records.append(record_bytes(decision))
    policy.run_to(cloud, until_s)
    return records


def copies_until(case: Case, minute: int) -> list[dict[str, int]]:
    """What native wants, minute by minute."""
    start_s = case.at_s(case.simulated[0])
    cloud = Cloud(account_of(case.fleet), case.arrivals(), seed=case.seed, start_s=start_s, epoch_s=case.epoch_s)
    policy = Native(case.fleet, case.first_minutes)
    policy.start(cloud)
    seen = []
    while cloud.now_s < case.at_s(minute):
        policy.run_to(cloud, cloud.now_s + 60)
        seen.append({name: component.copies_wanted for name, component in cloud.components().items()})
    return seen


def test_rule_7_looking_ahead_tidepool_decides_alike_whatever_comes_later(case: Case):
    minute = int(np.random.default_rng(1).integers(1080 + 60, 1080 + 240))
    noisy = with_noise_after(case, minute)
    here = decisions_until(case, minute)
    assert len(here) >= minute - 1080
    assert decisions_until(noisy, minute) == here
    assert decisions_until(noisy, minute + 30) != decisions_until(case, minute + 30)


def test_rule_7_looking_ahead_native_acts_alike_whatever_comes_later(case: Case):
    minute = 1080 + 200
    assert copies_until(with_noise_after(case, minute), minute) == copies_until(case, minute)


def test_rule_7_tuning_by_name_native_gives_the_same_row_under_other_names(case: Case):
    assert run_native(renamed(case)) == run_native(case)


def test_rule_7_tuning_by_name_tidepool_gives_the_same_row_under_other_names(case: Case):
    timeless = {"decide_ms_p50": None, "decide_ms_max": None}
    assert run_tidepool(renamed(case)).model_copy(update=timeless) == run_tidepool(case).model_copy(update=timeless)


def test_rule_7_tuning_by_date_every_row_is_the_same_whole_weeks_later(case: Case):
    timeless = {"decide_ms_p50": None, "decide_ms_max": None}
    later = replace(case, weeks_later=11)
    assert run_native(later) == run_native(case)
    assert run_tidepool(later).model_copy(update=timeless) == run_tidepool(case).model_copy(update=timeless)
