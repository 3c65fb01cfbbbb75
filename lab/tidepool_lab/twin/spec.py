"""What the simulated account is like: instance types, models, times. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a model's callers behave (bench-rules 2.6, 2.7)."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class BoundsUpdate(StrEnum):
    """What UpdateEndpoint does when only a pool's bounds change. AWS: UNKNOWN, so that both answers run."""

    IN_PLACE = "in place"
    REBUILD = "rebuild"
    """Every instance is replaced by a new one, both are billed meanwhile, and quota is needed for both."""


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """One instance type. `accelerator` names the kind that `ModelSpec.capacity` is keyed by. `scarce`: one that was
    given back is not had again at once (`Times.regain_s`)."""

    name: str
    accelerator: str
    accelerators: int
    usd_per_hour: float
    quota: int
    scarce: bool = False


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one copy is on one kind of accelerator. Service times are exponential with mean `service_s`."""

    accelerators_per_copy: int
    concurrency_per_copy: int
    service_s: float


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model as it truly is. `capacity` is by accelerator kind: it runs on no other.

    wait_s: a request is on time when it starts within this. attainment: share wanted on time.
    sagemaker_model: the name of the SageMaker Model (or image) that holds it; '' = the model's name.
    """

    name: str
    capacity: Mapping[str, Capacity]
    weights_s: float
    engine_s: float
    kind: Kind = Kind.INTERACTIVE
    wait_s: float = 10.0
    attainment: float = 0.995
    critical: bool = False
    min_copies: int = 0
    max_copies: int = 40
    priority: int = 2
    memory_mb: int = 1024
    sagemaker_model: str = ""

    @property
    def artifact(self) -> str:
        return self.sagemaker_model or self.name

    @property
    def patience_s(self) -> float:
        """How long a request waits in a queue before it leaves unserved (bench-rules 2.6)."""
        return INTERACTIVE_PATIENCE_S if self.kind is Kind.INTERACTIVE else self.wait_s


INTERACTIVE_PATIENCE_S = 60.0
"""InvokeEndpoint's response limit (bench-rules 2.6)."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds, with their bench rule or line of sagemaker-facts.md; (assumed) ones have no source.

    instance_launch_s: BLOG 2024-12, 105 s. image_pull_s: 0 with image caching, BLOG 2026-06.
    idle_release_s: last copy gone → released, 10–12 min, BLOG, MEAS. metric_delay_s: 4.2.
    fast_metric_delay_s: 10-second metrics (assumed, 4.2). route_s: callers' cache, 2.8. drain_s: 3.5.
    give_up_s: without progress desired falls back to current (assumed, 3.2). retry_s, retry_until_s: 2.7.
    bounds_update_s: an UpdateEndpoint in place (assumed). rejected_alarm_s: 4.3, from the minute's end.
    bus_s: events to hands, 4.3. pool_ready_s: empty endpoint to InService, 4 min, MEAS.
    ice_retry_s: how often the service tries again for a machine it could not get (assumed).
    consolidation_cooldown_s: ScaleInPolicy's CooldownInMinutes, default 20, API.
    regain_s: once an instance of a scarce type was given back, how long after the ask the launch of the next one
    begins (decisions/0010-regain.md); infinity = it never does. 0 (the rules'): at once.
    """

    instance_launch_s: float = 105
    image_pull_s: float = 0
    idle_release_s: float = 600
    metric_delay_s: int = 60
    fast_metric_delay_s: int = 20
    route_s: int = 30
    drain_s: int = 60
    give_up_s: int = 1800
    retry_s: int = 30
    retry_until_s: int = 600
    bounds_update_s: int = 60
    rejected_alarm_s: int = 60
    bus_s: int = 2
    pool_ready_s: int = 240
    ice_retry_s: int = 60
    consolidation_cooldown_s: int = 1200
    regain_s: float = 0


@dataclass(frozen=True, slots=True)
class CloudSpec:
    """The whole account. `models` are in the fleet file's order: a model's position is its arrivals' seed.

    min_zero_refused: as in eu-west-3, MinInstanceCount 0 is refused. update_blocks_copies: whether an
    endpoint that is Updating refuses copy changes (AWS: UNKNOWN).
    """

    types: Mapping[str, TypeSpec]
    models: tuple[ModelSpec, ...]
    times: Times = field(default_factory=Times)
    bounds_update: BoundsUpdate = BoundsUpdate.IN_PLACE
    min_zero_refused: bool = False
    update_blocks_copies: bool = True
    region: str = "us-east-1"
    account: str = "111122223333"

    def model(self, name: str) -> ModelSpec:
        """The model of that name. KeyError when there is none."""
        for model in self.models:
            if model.name == name:
                return model
        raise KeyError(name)

    def capacity(self, model: str, instance_type: str) -> Capacity | None:
        """What one copy of `model` is on that type; None = it does not run there."""
        return self.model(model).capacity.get(self.types[instance_type].accelerator)
