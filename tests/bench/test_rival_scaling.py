"""What all rivals have in common: the view, the bounds, the registry, and that each lives on the twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tidepool.errors import BadInput
from tidepool.fleet import Series
from tidepool_lab.bench.case import load_case
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.prepare import Prepared
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.rivals.policy import Minutes, Policy
from tidepool_lab.rivals.registry import RIVALS, CaseLike, Rival
from tidepool_lab.rivals.scaling import Scaling, View, copies_then, since_the_first
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.traffic import TableArrivals

START_S = 1_736_121_600

MakeFleet = Callable[..., ReferenceFleet]


@dataclass(frozen=True)
class Table:
    """A case of one small table."""

    declared: ReferenceFleet
    counts: Minutes

    @property
    def prepared(self) -> Prepared:
        return Prepared(self.declared.names, self.counts, np.zeros_like(self.counts))

    @property
    def first_minutes(self) -> Minutes:
        return self.counts[:10]

    @property
    def simulated(self) -> tuple[int, int]:
        return 0, len(self.counts)


def made(rival: Rival, case: CaseLike, setting: float, *, by_hand: bool) -> Policy:
    """The rival's policy; where its own package is missing, the test is skipped with the error that says so."""
    try:
        return rival.make(case, setting, by_hand)
    except BadInput as missing:
        pytest.skip(str(missing))


def test_every_rival_has_a_source_and_a_committed_grid_from_careful_to_cheap():
    assert set(RIVALS) >= {"native", "hpa", "kpa", "aibrix_apa", "wva", "sageserve", "hybrid", "ray_serve", "dynamo"}
    for name, rival in RIVALS.items():
        assert rival.name == name and rival.source
        assert len(rival.dials) >= 6 and list(rival.dials) == sorted(set(rival.dials))


def test_a_load_is_multiplied_by_the_copies_that_carried_it_not_by_those_of_now():
    # 2 copies until 100 s, 4 from then on: the periods that end by 100 s were carried by 2.
    series = Series(60, 10, np.full(6, 5.0))
    assert copies_then([(0, 2), (100, 4)], series).tolist() == [2, 2, 2, 4, 4, 4]
    assert copies_then([(90, 4)], series).tolist() == [4] * 6


def test_minutes_begin_with_the_first_request_and_silence_after_it_is_zero():
    nan = np.nan
    assert since_the_first(np.array([nan, nan, 3.0, nan, 1.0, nan])).tolist() == [3, 0, 1, 0]
    assert len(since_the_first(np.array([nan, nan]))) == 0


def test_a_view_takes_means_and_peaks_of_what_is_visible():
    in_flight = np.array([9.0] * 12 + [1.0, 2.0, np.nan, 4.0, 5.0, 6.0])
    view = View(2, 2, 1, 40, slots=10, service_s=1, in_flight=in_flight, minutes=np.zeros)
    assert view.mean(60) == pytest.approx(3.6) and view.peak(60) == 6 and view.mean(10) == 6
    silent = replace(view, in_flight=np.full(18, np.nan))
    assert np.isnan(silent.mean(60)) and np.isnan(silent.peak(60))


def test_whatever_a_rule_wants_a_model_keeps_its_floor_and_its_ceiling(make_fleet: MakeFleet):
    class Wild:
        def desired(self, view: View, now: int) -> int:
            return 0 if now < START_S + 1800 else 1000

    fleet = make_fleet("a", "b", critical=("b",), minutes=60)
    table = np.full((60, 2), 60)
    policy = Scaling(fleet, table[:10], Wild)
    cloud = Cloud(account_of(fleet), TableArrivals(("a", "b"), table), seed=1, start_s=START_S)
    policy.start(cloud)
    policy.run_to(cloud, START_S + 1500)
    assert {name: one.copies_wanted for name, one in cloud.components().items()} == {"a": 1, "b": 2}
    policy.run_to(cloud, START_S + 2400)
    assert cloud.component("a").copies_wanted == fleet.models[0].max_copies


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_follows_the_load_up_and_down(make_fleet: MakeFleet, name: str):
    # 9.5 in flight for half an hour, 95 for an hour, 9.5 again: at 0.7 of 19 slots 1 copy, 8 copies, 1 copy.
    table = np.array([[60]] * 30 + [[600]] * 60 + [[60]] * 160)
    fleet = make_fleet("a", minutes=len(table)).only(["ml.p4d.24xlarge"])
    policy = made(RIVALS[name], Table(fleet, table), 0.7, by_hand=False)
    cloud = Cloud(account_of(fleet), TableArrivals(("a",), table), seed=1, start_s=START_S)
    policy.start(cloud)
    policy.run_to(cloud, START_S + 85 * 60)
    assert 6 <= cloud.component("a").copies_now <= 20
    policy.run_to(cloud, START_S + 245 * 60)
    assert cloud.component("a").copies_now <= 2
    cloud.check_conservation()


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_lives_on_the_shipped_week_within_every_models_bounds(name: str):
    case = replace(load_case(None, None, from_day=2, days=1), only_minutes=10)
    policy = made(RIVALS[name], case, 0.7, by_hand=True)
    first, until = (case.at_s(minute) for minute in case.simulated)
    cloud = Cloud(account_of(case.fleet), case.arrivals(), seed=1, start_s=first, epoch_s=case.epoch_s)
    policy.start(cloud)
    before = {name: one.copies_wanted for name, one in cloud.components().items()}
    policy.run_to(cloud, until)
    cloud.check_conservation()
    after = {name: one.copies_wanted for name, one in cloud.components().items()}
    assert after != before
    for model in case.fleet.models:
        if model.name in after:
            assert max(1, model.floor) <= after[model.name] <= model.max_copies
    assert cloud.figures(first, until - 600).on_time >= 0.97
