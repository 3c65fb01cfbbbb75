"""A small account with two models on one pool, and rigs on it, with good defaults."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tidepool_lab.embedded.rig import Rig
from tidepool_lab.twin.cloud import EPOCH_S, Cloud
from tidepool_lab.twin.faults import Faults
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, TypeSpec
from tidepool_lab.twin.traffic import TableArrivals

HERE = Path(__file__).parent
SMALL = HERE / "small.yaml"
ROOT = HERE.parent.parent
P4D = "ml.p4d.24xlarge"
START_S = EPOCH_S + 3600
"""An hour into the trace, so that there is a past."""
TAGS = {"tidepool:managed": "true"}


def a_spec(*names: str, quota: int = 6) -> CloudSpec:
    """Models of one accelerator, 8 slots, 4 s a request, 60 s to start; machines of 8 accelerators."""
    models = tuple(
        ModelSpec(name, {"A100": Capacity(1, 8, 4.0)}, weights_s=40, engine_s=20, kind=Kind.INTERACTIVE)
        for name in names
    )
    return CloudSpec(types={P4D: TypeSpec(P4D, "A100", 8, 25.2513, quota)}, models=models)


def a_cloud(
    per_minute: Mapping[str, list[int]],
    *,
    copies: Mapping[str, int] | None = None,
    past: int = 0,
    alone: tuple[str, ...] = (),
    faults: Faults | None = None,
    scale_in: str = "IDLE_RELEASE",
) -> Cloud:
    """A pool with one component a model, settled. `per_minute` counts from START_S; silence after its end.

    past: requests per minute and model in the hour before the run. alone: models on a dedicated endpoint.
    """
    names = tuple(per_minute)
    longest = max(len(row) for row in per_minute.values())
    table = np.zeros((60 + longest, len(names)), dtype=np.int64)
    table[:60] = past
    for column, row in enumerate(per_minute.values()):
        table[60 : 60 + len(row), column] = row
    cloud = Cloud(a_spec(*names), TableArrivals(names, table), seed=1, start_s=START_S, faults=faults)
    cloud.create_pool("pool", P4D, maximum=6, scale_in=scale_in, tags=TAGS, settled=True)
    for name in alone:
        tags = {"model": name, **TAGS}
        cloud.create_endpoint(f"{name}-alone", name, instance_type=P4D, tags=tags, settled=True)
    for name in (name for name in names if name not in alone):
        wanted = (copies or {}).get(name, 1)
        cloud.create_component(name, "pool", model=name, copies=wanted, tags={"model": name, **TAGS}, settled=True)
    return cloud


def a_small_rig(cloud: Cloud, *, source: Mapping[str, Any] | None = None, **parameters: str) -> Rig:
    """The small application of small.yaml on that cloud."""
    return Rig(cloud, template=SMALL, parameters=parameters, source=source, learn_first="")


def seen(rig: Rig, function: str = "Look") -> list[dict[str, Any]]:
    """What the echo handler of that function was given, ticks left out."""
    module = sys.modules[f"_function_{function}"]
    events: list[dict[str, Any]] = module.SEEN
    return [event for event in events if event.get("source") != "tidepool.tick"]
