"""Fleets, configs and evidence with good defaults, for tests that say only what matters to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tidepool.config.types import (
    Config,
    Hosting,
    InstanceConfig,
    Limits,
    ModelConfig,
    Money,
    PoolConfig,
    RouteConfig,
    Rung,
    Safety,
    Shape,
    Via,
    Writers,
)
from tidepool.fleet import Component, Endpoint, EndpointKind, Evidence, Fleet, InstanceType, Series, Status

NOW = 1_736_164_800
"""Monday 2025-01-06 12:00 UTC."""
P4D = InstanceType("ml.p4d.24xlarge", accelerators=8, usd_per_hour=25.2513, quota=20)
POOL = "pool-p4d"
WIDE = Limits(copies_per_tick=1000, lowered_per_hour=1.0, instances_per_hour=1000, moves_at_once=8, moves_per_day=100)


def a_model(name: str = "a", **changes: object) -> ModelConfig:
    """An interactive model of one accelerator: 20 slots a copy, 10 s a request, 220 s to start."""
    model = ModelConfig(
        name=name,
        class_name="interactive",
        start_within_s=10,
        attain=0.995,
        min_copies=1,
        max_copies=40,
        zones=1,
        zero_after_s=None,
        priority=1,
        miss_usd=0.01,
        host="auto",
        act=Rung.RUN,
        route=RouteConfig(Via.TABLE),
        shapes=(
            Shape(Hosting.SHARED, P4D.name, accelerators=1, concurrency=20.0, service_s=10.0, start_s=220.0),
            Shape(Hosting.DEDICATED, P4D.name, accelerators=8, concurrency=160.0, service_s=10.0, start_s=220.0),
        ),
        matched=name,
    )
    return replace(model, **changes)  # type: ignore[arg-type]


def a_config(*models: ModelConfig, limits: Limits = WIDE, **changes: object) -> Config:
    """A config of one pool on ml.p4d.24xlarge that may do everything."""
    every = models or (a_model(),)
    config = Config(
        schema=1,
        region="us-east-1",
        timezone="UTC",
        identity="name",
        act=Rung.RUN,
        money=Money(),
        safety=Safety(limits=limits),
        writers=Writers(),
        pools={POOL: PoolConfig(POOL, POOL)},
        instances={P4D.name: InstanceConfig(P4D.name, 8, P4D.usd_per_hour, P4D.quota, 105.0)},
        names={model.name: model for model in every},
        globs=(),
        unmatched=a_model("", matched="", act=Rung.WATCH, shapes=()),
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def a_component(model: str = "a", copies: int = 2, **changes: object) -> Component:
    """A component in service on the pool, named after its model."""
    component = Component(
        name=model,
        model=model,
        endpoint=POOL,
        variant="main",
        status=Status.IN_SERVICE,
        copies_wanted=copies,
        copies_now=copies,
        accelerators_per_copy=1,
        changed_at=NOW - 86_400,
        artifact=f"model-{model}",
        tags={"tidepool:managed": "true"},
    )
    return replace(component, **changes)  # type: ignore[arg-type]


def a_pool(**changes: object) -> Endpoint:
    """A pool of four machines of ml.p4d.24xlarge that may grow to 20."""
    pool = Endpoint(
        name=POOL,
        kind=EndpointKind.POOL,
        config_name="pool-config",
        variant="main",
        status=Status.IN_SERVICE,
        instance_type=P4D.name,
        instances_now=4,
        instances_wanted=4,
        changed_at=NOW - 86_400,
        max_instances=20,
        scale_in="IDLE_RELEASE",
    )
    return replace(pool, **changes)  # type: ignore[arg-type]


def evidence(
    in_flight: float | Sequence[float], copies: int, *, service_s: float = 10.0, at: int = NOW, minutes: int = 15
) -> Evidence:
    """Fresh evidence of so many requests in flight (one figure, or one a minute), over `copies` ready copies."""
    flat = [float(in_flight)] * minutes if isinstance(in_flight, int | float) else [float(one) for one in in_flight]
    start = at - 60 - 60 * len(flat)
    per_copy = np.repeat(np.array(flat) / max(copies, 1), 6)
    rate = np.array(flat) / service_s * 60
    return Evidence(
        invocations=Series(start, 60, np.where(rate > 0, rate, np.nan)),
        concurrency=Series(at - 20 - 60 * len(flat), 10, per_copy),
        utilisation=Series(start, 60, np.full(len(flat), 50.0)),
    )


def a_fleet(
    load: Mapping[str, Evidence] | None = None,
    *,
    components: Sequence[Component] | None = None,
    endpoints: Sequence[Endpoint] | None = None,
    **changes: object,
) -> Fleet:
    """One pool with one component of two copies, 25 requests in flight, unless said otherwise."""
    every = [a_component()] if components is None else components
    fleet = Fleet(
        endpoints={one.name: one for one in (endpoints or [a_pool()])},
        components={one.name: one for one in every},
        evidence={one.name: evidence(25.0, one.copies_now) for one in every} if load is None else load,
        instance_types={P4D.name: P4D},
    )
    return replace(fleet, **changes)  # type: ignore[arg-type]
