"""The one function that turns a reference fleet into fleet.yaml (bench-rules.md §3.1, §3.10, §4.1)."""

from __future__ import annotations

import math

import pytest

from tidepool.config.classes import scarce
from tidepool.config.load import load
from tidepool.config.types import Hosting, Rung, Via
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.fleetyaml import fleet_yaml, pool_name
from tidepool_lab.inputs.shipped import MACHINES, shipped_week
from tidepool_lab.twin.spec import Kind


def test_rule_4_1_every_figure_is_declared_and_true(make_fleet):
    fleet = make_fleet("a", size="32B")
    config = load(fleet_yaml(fleet))
    model = config.names["a"]
    assert (model.start_within_s, model.attain, model.max_copies) == (10, 0.995, 40)
    shared = model.shape(Hosting.SHARED, "ml.p4d.24xlarge")
    assert shared is not None
    assert (shared.accelerators, shared.concurrency, shared.service_s, shared.start_s) == (2, 19, 11.9, 220)
    machine = config.instances["ml.p4d.24xlarge"]
    assert (machine.accelerators, machine.usd_per_hour, machine.quota, machine.launch_s) == (8, 25.2513, 160, 105)


@pytest.mark.parametrize(("regain_s", "read"), [(120.0, 120.0), (1800.0, 1800.0), (math.inf, None)])
def test_the_regain_time_of_a_scarce_type_is_declared_and_true(make_fleet, regain_s: float, read: float | None) -> None:
    machines = load(fleet_yaml(make_fleet("a").timed(regain_s=regain_s))).instances
    assert machines["ml.p4d.24xlarge"].regain_s == read
    assert {one.regain_s for name, one in machines.items() if not scarce(name)} == {120.0}


def test_rule_3_7_a_dedicated_instance_has_floor_of_accelerators_over_need_times_concurrency(make_fleet):
    shape = load(fleet_yaml(make_fleet("a", size="32B"))).names["a"].shape(Hosting.DEDICATED, "ml.p4d.24xlarge")
    # 8 ÷ 2 = 4 copies of 19 slots.
    assert shape is not None and (shape.accelerators, shape.concurrency) == (8, 76)


def test_a_type_on_which_a_model_does_not_fit_has_no_shape(make_fleet):
    model = load(fleet_yaml(make_fleet("a", size="32B"))).names["a"]
    assert model.shape(Hosting.SHARED, "ml.g6e.xlarge") is None
    assert model.shape(Hosting.DEDICATED, "ml.g6e.12xlarge") is None


def test_rule_3_1_there_is_one_pool_per_type_and_no_other(make_fleet):
    config = load(fleet_yaml(make_fleet("a")))
    assert {pool.types for pool in config.pools.values()} == {(name,) for name in MACHINES}
    assert [pool.endpoint for pool in config.pools.values()] == [pool_name(name) for name in MACHINES]


def test_rule_3_10_critical_means_two_copies_and_two_zones_and_never_zero(make_fleet):
    models = load(fleet_yaml(make_fleet("a", "b", "c", critical=("a",), batch=("b",)))).names
    assert (models["a"].min_copies, models["a"].zones, models["a"].zero_after_s) == (2, 2, None)
    assert (models["b"].min_copies, models["b"].zero_after_s) == (0, 3600)
    assert (models["c"].min_copies, models["c"].zero_after_s) == (0, None)


def test_the_policy_may_do_everything_and_move_everything(make_fleet):
    config = load(fleet_yaml(make_fleet("a")))
    assert config.act is Rung.RUN
    assert config.names["a"].route.via is Via.TABLE
    # Models share a machine only where both carry a label that the pool lists.
    assert all(config.names["a"].tenant in pool.tenants for pool in config.pools.values())


@pytest.mark.parametrize("scale", [1, 10])
def test_the_shipped_fleet_is_a_good_file_at_any_size(scale: int):
    fleet, _, _ = shipped_week(models=24 * scale, minutes=10)
    assert set(load(fleet_yaml(fleet)).names) == set(fleet.names)


def test_what_is_declared_is_what_is_true_in_the_account(make_fleet):
    fleet = make_fleet("a", "b", size="8B", batch=("b",), critical=("a",))
    config, account = load(fleet_yaml(fleet)), account_of(fleet)
    assert tuple(model.name for model in account.models) == fleet.names
    for model in account.models:
        declared = config.names[model.name]
        assert declared.start_within_s == model.wait_s and declared.min_copies == model.min_copies
        for name in account.types:
            shape, capacity = declared.shape(Hosting.SHARED, name), account.capacity(model.name, name)
            assert shape is not None and capacity is not None
            assert (shape.accelerators, shape.concurrency, shape.service_s) == (
                capacity.accelerators_per_copy,
                capacity.concurrency_per_copy,
                capacity.service_s,
            )
            assert shape.start_s == model.weights_s + model.engine_s + account.times.image_pull_s
    assert [model.kind for model in account.models] == [Kind.INTERACTIVE, Kind.BATCH]
