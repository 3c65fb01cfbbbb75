"""Defaults, figures, floors and ceilings of fleet.yaml beside the numbered rules."""

from __future__ import annotations

import pytest

from builders.fleetfile import MINIMAL, NOW, fleet, model, one_model, only_problem
from tidepool.config.load import load
from tidepool.config.resolve import give_back, model_config
from tidepool.config.types import Bounds, GiveBack, Hosting, Rung


def test_scarce_machines_are_kept_unless_the_pool_says_otherwise() -> None:
    kept = "c: {types: [ml.p4d.24xlarge], give_back: {after: 0s}}"
    pools = f"a: {{types: [ml.p5en.48xlarge]}}, b: {{types: [ml.g5.xlarge]}}, {kept}, d: {{}}"
    found = load(fleet(pools=pools)).pools
    assert [found[name].give_back.after_s for name in "abcd"] == [None, 3600, 0, 3600]
    assert give_back(found["d"], "ml.p6-b200.48xlarge") == GiveBack(None)
    assert give_back(found["d"], "ml.g6e.12xlarge") == GiveBack(3600)
    assert give_back(found["c"], "ml.p4d.24xlarge") == GiveBack(0)


def test_figures_of_instance_types_and_shapes_may_be_declared() -> None:
    instances = "instances: {ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.25, quota: 20, launch: 105s}}"
    shapes = "shapes: {shared: {ml.p4d.24xlarge: {accelerators: 2, concurrency: 19, service: 11.9s, start: 220s}}}"
    config = load(one_model(shapes, instances))
    declared = config.instances["ml.p4d.24xlarge"]
    assert (declared.accelerators, declared.usd_per_hour, declared.quota, declared.launch_s) == (8, 25.25, 20, 105)
    shape = config.names["m"].shape(Hosting.SHARED, "ml.p4d.24xlarge")
    assert shape is not None
    assert (shape.accelerators, shape.concurrency, shape.service_s, shape.start_s) == (2, 19, 11.9, 220)
    too_many = shapes.replace("accelerators: 2", "accelerators: 9")
    assert only_problem(one_model(too_many, instances)).path.endswith('"ml.p4d.24xlarge".accelerators')


@pytest.mark.parametrize(
    ("written", "regain_s"), [("30m", 1800.0), ("12h", 43_200.0), ("90s", 90.0), ("never", None), ("", 120.0)]
)
def test_a_machine_comes_again_after_its_regain_time_or_never_and_after_two_minutes_by_default(
    written: str, regain_s: float | None
) -> None:
    regain = f", regain: {written}" if written else ""
    config = load(fleet(f"instances: {{ml.p4d.24xlarge: {{quota: 20{regain}}}}}"))
    assert config.instances["ml.p4d.24xlarge"].regain_s == regain_s


@pytest.mark.parametrize("written", ["1800", "sometimes", "Never", "400d", "[30m]"])
def test_a_regain_time_is_a_duration_or_the_word_never(written: str) -> None:
    problem = only_problem(fleet(f"instances: {{ml.p4d.24xlarge: {{regain: {written}}}}}"))
    assert problem.path == 'instances."ml.p4d.24xlarge".regain'
    assert problem.allowed == "a duration from 0s to 365d such as 30m, or never"


def test_a_stream_is_drained_for_eight_minutes_by_default() -> None:
    assert (model("stream: true").longest_request_s, model("").longest_request_s) == (480, 60)


def test_zero_beside_a_floor_in_one_block_is_a_contradiction() -> None:
    assert only_problem(one_model("min_copies: 2, zero: {after: 45m}")).path == "models.m.zero"
    assert model("class: background, min_copies: 2").min_copies == 2


@pytest.mark.parametrize(
    ("pools", "path"),
    [
        ("a: {endpoint: e}, b: {endpoint: e}", "pools.b"),
        ("auto: {}", "pools.auto"),
        ("b: {reserved: {instances: 1, until: 2027-01-01, then: c}}", "pools.b.reserved.then"),
        ("b: {reserved: {instances: 1, until: 2027-01-01, then: b}}", "pools.b.reserved.then"),
    ],
)
def test_pools_that_cannot_be_told_apart_or_do_not_exist_are_refused(pools: str, path: str) -> None:
    assert only_problem(fleet(pools=pools)).path == path


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        (["models:", "  m: {min_copies: 4, max_copies: 3}"], "models.m.min_copies"),
        (["models:", "  m: {max_copies: 1, class: interactive}"], "models.m.max_copies"),
        (["models:", "  a: {}", "  b: {}", '  "*": {min_copies: 4, max_copies: 3}'], 'models."*".min_copies'),
        (["models:", "  a: {max_copies: 3}", "  b: {}", '  "*": {min_copies: 4}'], 'models."*".min_copies'),
        (["classes: {standard: {min_copies: 4, max_copies: 3}}", "models: {a: {}}"], "classes.standard.min_copies"),
    ],
)
def test_a_floor_above_its_ceiling_is_refused_once_where_it_is_written(lines: list[str], path: str) -> None:
    assert only_problem(fleet(*lines)).path == path


def test_the_minimal_example_only_watches() -> None:
    config = load(MINIMAL, now=NOW)
    assert config.act is Rung.WATCH
    assert config.pools["shared-p4d-prod"].bounds is Bounds.RECOMMEND
    assert model_config(config, "codegen-inline").class_name == "interactive"
    assert model_config(config, "anything").zero_after_s == 3600
