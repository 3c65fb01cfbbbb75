"""Small twins with good defaults: one pool of 8-accelerator machines at a dollar a second, models of one accelerator.

A copy starts in 100 s on a machine that is there, in 200 s on a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tidepool.fleet import Component
from tidepool_lab.inputs.clock import EPOCH_S
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.faults import Faults
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, Times, TypeSpec
from tidepool_lab.twin.traffic import TableArrivals

START = EPOCH_S
BIG, SMALL = "ml.big.8xlarge", "ml.small.xlarge"
POOL = "pool"

TYPES = {
    BIG: TypeSpec(BIG, "A", accelerators=8, usd_per_hour=3600.0, quota=20),
    SMALL: TypeSpec(SMALL, "B", accelerators=1, usd_per_hour=360.0, quota=4),
}
TIMES = Times(instance_launch_s=100)


def a_model(
    name: str = "m",
    *,
    kind: Kind = Kind.INTERACTIVE,
    accelerators: int = 1,
    concurrency: int = 10,
    service_s: float = 10.0,
    wait_s: float | None = None,
    critical: bool = False,
    weights_s: float = 60.0,
    engine_s: float = 40.0,
) -> ModelSpec:
    """A model that runs on both types; batch waits 600 s, interactive 10 s."""
    capacity = Capacity(accelerators, concurrency, service_s)
    return ModelSpec(
        name,
        {"A": capacity, "B": capacity} if accelerators == 1 else {"A": capacity},
        weights_s=weights_s,
        engine_s=engine_s,
        kind=kind,
        wait_s=wait_s if wait_s is not None else (600.0 if kind is Kind.BATCH else 10.0),
        critical=critical,
    )


def a_cloud(
    *models: ModelSpec,
    traffic: object = (),
    copies: Mapping[str, int] | None = None,
    seed: int = 1,
    times: Times = TIMES,
    quota: int = 20,
    maximum: int = 20,
    scale_in: str = "IDLE_RELEASE",
    faults: Faults | None = None,
    start_s: int = START,
    **spec: object,
) -> Cloud:
    """A cloud whose pool is in service. `copies`: components named like their models, in service from the start.

    traffic: [minutes, models] requests per minute; () is silence.
    """
    models = models or (a_model(),)
    names = tuple(model.name for model in models)
    table = np.asarray(traffic, dtype=np.int64).reshape(-1, len(models))
    account = CloudSpec(
        types={**TYPES, BIG: replace(TYPES[BIG], quota=quota)},
        models=models,
        times=times,
        **spec,  # type: ignore[arg-type]
    )
    cloud = Cloud(account, TableArrivals(names, table), seed=seed, start_s=start_s, faults=faults)
    cloud.create_pool(POOL, BIG, maximum=maximum, scale_in=scale_in, settled=True)
    for name, count in (copies or {}).items():
        cloud.create_component(name, POOL, model=name, copies=count, tags={"model": name}, settled=True)
    return cloud


def run(cloud: Cloud, seconds: int) -> Cloud:
    """The cloud, that much later."""
    cloud.run_to(cloud.now_s + seconds)
    return cloud


def shown(cloud: Cloud, name: str = "m") -> Component:
    """What Describe shows of the component."""
    return cloud.component(name)


def on_instances(cloud: Cloud, endpoint: str = POOL) -> list[dict[str, int]]:
    """Copies by component on each instance of the endpoint, the oldest instance first."""
    found = []
    for instance in sorted(cloud.life.endpoints[endpoint].instances, key=lambda i: i.number):
        count: dict[str, int] = {}
        for copy in instance.copies:
            count[copy.component.name] = count.get(copy.component.name, 0) + 1
        found.append(count)
    return found


def fate(cloud: Cloud, name: str = "m") -> dict[str, int]:
    """What became of the model's requests since the start of the run."""
    index = [model.name for model in cloud.spec.models].index(name)
    outcomes = cloud.requests.outcomes
    return {
        fate: int(outcomes.total(fate)[index])
        for fate in ("arrived", "started", "on_time", "timed_out", "lost", "rejected_once")
    }
