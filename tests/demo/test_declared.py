"""A fleet.yaml becomes an account exactly as declared, or is refused with every figure that is missing."""

from __future__ import annotations

import pytest

from tidepool.config.load import load
from tidepool.errors import BadFleetFile
from tidepool_lab.demo.declared import account, reference
from tidepool_lab.demo.play import fleet_text
from tidepool_lab.twin.spec import Kind

WHOLE = """
schema: 1
region: us-east-1
act: run
instances:
  ml.g6e.xlarge: {accelerators: 1, usd_per_hour: 2.61, quota: 4, launch: 90s}
pools:
  small: {endpoint: shared-small, types: [ml.g6e.xlarge]}
models:
  chat:
    class: standard
    shapes: {shared: {ml.g6e.xlarge: {accelerators: 1, concurrency: 19, service: 10.4s, start: 137s}}}
  jobs:
    class: background
    shapes: {shared: {ml.g6e.xlarge: {accelerators: 1, concurrency: 19, service: 10.4s, start: 137s}}}
"""


def test_the_account_is_what_the_file_declares() -> None:
    spec = account(load(WHOLE), ("chat", "jobs"))
    chat, jobs = spec.models
    capacity = spec.capacity("chat", "ml.g6e.xlarge")
    assert capacity is not None
    assert (capacity.accelerators_per_copy, capacity.concurrency_per_copy, capacity.service_s) == (1, 19, 10.4)
    assert (spec.types["ml.g6e.xlarge"].usd_per_hour, spec.types["ml.g6e.xlarge"].quota) == (2.61, 4)
    assert spec.times.instance_launch_s == 90
    assert chat.weights_s + chat.engine_s == 137
    assert (chat.kind, chat.wait_s) == (Kind.INTERACTIVE, 10)
    assert (jobs.kind, jobs.wait_s) == (Kind.BATCH, 600)


def test_every_missing_figure_is_named_at_once() -> None:
    broken = WHOLE.replace("usd_per_hour: 2.61, ", "").replace(", start: 137s", "")
    with pytest.raises(BadFleetFile) as refused:
        account(load(broken), ("chat", "jobs", "stranger"))
    paths = [problem.path for problem in refused.value.problems]
    assert paths == [
        "instances.ml.g6e.xlarge.usd_per_hour",
        "models.chat.shapes.shared.ml.g6e.xlarge.start",
        "models.jobs.shapes.shared.ml.g6e.xlarge.start",
        "models.stranger",
    ]


def test_the_demos_own_file_declares_all_that_a_simulation_needs() -> None:
    config = load(fleet_text())
    fleet = reference(config, tuple(config.names), minutes=1440)
    assert len(fleet.models) == len(config.names)


def test_a_type_with_a_dedicated_shape_alone_is_one_whole_machine() -> None:
    alone = WHOLE.replace(
        "models:",
        "models:\n  own: {class: standard, host: dedicated, shapes: {shared: {ml.g6e.xlarge: {accelerators: 1, "
        "concurrency: 19, service: 10.4s, start: 137s}}, dedicated: {ml.p4d.24xlarge: {concurrency: 456, "
        "service: 11.6s, start: 137s}}}}",
    ).replace("instances:", "instances:\n  ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.25, quota: 1}")
    capacity = account(load(alone), ("own",)).capacity("own", "ml.p4d.24xlarge")
    assert capacity is not None
    assert (capacity.accelerators_per_copy, capacity.concurrency_per_copy) == (8, 456)
