"""The shipped seeded week: what the bench runs on without --trace, so that every command runs everywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from tidepool_lab.inputs.clock import DAY_MINUTES
from tidepool_lab.inputs.reference import Capacity, Machine, Objective, ReferenceFleet, ReferenceModel, StartUp, Times
from tidepool_lab.inputs.synthetic import PUBLISHED, Shape, Traffic, draw_trace, draw_traffic
from tidepool_lab.inputs.trace import Trace

WEEK_SEED = 20250106
"""The shipped week is this draw, whatever --seed is: the seed of a run changes arrivals, not the trace."""
WEEK_MODELS = 24

MACHINES = {
    "ml.g6e.xlarge": Machine(accelerator="L40S", accelerators=1, usd_per_hour=2.61, quota=40),
    "ml.g6e.12xlarge": Machine(accelerator="L40S", accelerators=4, usd_per_hour=13.12, quota=20),
    "ml.p4d.24xlarge": Machine(accelerator="A100-40", accelerators=8, usd_per_hour=25.2513, quota=160),
    "ml.p5.48xlarge": Machine(accelerator="H100", accelerators=8, usd_per_hour=63.296, quota=8),
    "ml.p5en.48xlarge": Machine(accelerator="H200", accelerators=8, usd_per_hour=72.795, quota=4),
}
"""SageMaker hosting, on demand, us-east-1 (p5en: us-east-2), read 2026-09-27. Quotas are invented."""

TIMES = Times(instance_launch_s=105, image_pull_s=0, idle_release_s=600, metric_delay_s=60)
"""105 s: AWS blog 2024-12. No pull: image caching, AWS blog 2026-06. Release after 10 minutes: measured."""


@dataclass(frozen=True, slots=True)
class Size:
    """A size of model: weights, start-up, and per accelerator (accelerators per copy, concurrency, service_s).

    Concurrency at 50 ms per output token, 1,000 tokens in and 250 out, modelled by NVIDIA aiconfigurator 0.12 and
    derated to 0.6. Start-up: an 8B model's weights take 77 s (AWS blog 2026-06), larger ones in proportion.
    """

    name: str
    weights_gib: float
    start_up: StartUp
    capacity: dict[str, tuple[int, int, float]]


SIZES = {
    "8B": Size(
        "8B",
        16,
        StartUp(weights_s=77, engine_s=60),
        {"L40S": (1, 19, 10.4), "A100-40": (1, 57, 11.6), "H100": (1, 153, 10.5), "H200": (1, 153, 9.6)},
    ),
    "14B": Size(
        "14B",
        28,
        StartUp(weights_s=120, engine_s=70),
        {"L40S": (1, 19, 11.4), "A100-40": (1, 19, 9.5), "H100": (1, 76, 10.1), "H200": (1, 115, 12.6)},
    ),
    "32B": Size(
        "32B",
        32,
        StartUp(weights_s=140, engine_s=80),
        {"A100-40": (2, 19, 11.9), "H100": (1, 38, 10.9), "H200": (1, 57, 12.7)},
    ),
}


def shipped_week(*, models: int = WEEK_MODELS, minutes: int = 7 * DAY_MINUTES) -> tuple[ReferenceFleet, Trace, str]:
    """The seeded week: its reference fleet, its trace, and the SHA-256 of the fleet. The same on every machine."""
    return seeded_fleet(models=models, minutes=minutes, seed=WEEK_SEED)


def seeded_fleet(*, models: int, minutes: int, seed: int) -> tuple[ReferenceFleet, Trace, str]:
    """A fleet of that many models whose classes come in the published proportions, and its trace."""
    rng = np.random.default_rng([seed, 0xF1EE7])
    shares = np.array([PUBLISHED[shape].models for shape in Shape], dtype=float)
    shapes = [list(Shape)[i] for i in rng.choice(len(shares), size=models, p=shares / shares.sum())]
    traffic: dict[str, Traffic] = {}
    found = []
    for number, shape in enumerate(shapes):
        size = SIZES[str(rng.choice(list(SIZES), p=_size_shares(shape)))]
        name = f"{size.name.lower()}-{shape}-{number:02d}"
        # Intermittent and sparse models are mostly batch work, steady ones mostly carry somebody's product.
        batch = bool(rng.random() < (0.8 if shape in {Shape.INTERMITTENT, Shape.SPARSE} else 0.0))
        critical = bool(rng.random() < (0.9 if shape is Shape.STEADY else 0.0))
        traffic[name] = draw_traffic(shape, rng)
        found.append(reference_model(name, size, batch=batch, critical=critical))
    fleet = reference_fleet(tuple(found), minutes=minutes)
    sha256 = hashlib.sha256(fleet.model_dump_json(by_alias=True).encode()).hexdigest()
    return fleet, draw_trace(traffic, minutes, seed=seed), sha256


def reference_fleet(models: tuple[ReferenceModel, ...], *, minutes: int) -> ReferenceFleet:
    """These models on the shipped machines."""
    return ReferenceFleet.model_validate(
        {"schema": 1, "minutes": minutes, "instance_types": MACHINES, "times": TIMES, "models": models}
    )


def reference_model(name: str, size: Size, *, batch: bool = False, critical: bool = False) -> ReferenceModel:
    """A model of a size with the objective of its kind: 10 s for interactive callers, 600 s for batch, 99.5 %."""
    return ReferenceModel(
        name=name,
        size=size.name,
        weights_gib=size.weights_gib,
        capacity={
            accelerator: Capacity(accelerators_per_copy=n, concurrency_per_copy=slots, service_s=service)
            for accelerator, (n, slots, service) in size.capacity.items()
        },
        start_up=size.start_up,
        objective=Objective(wait_s=600 if batch else 10, kind="batch" if batch else "interactive", attainment=0.995),
        priority=2 if batch else 1,
        min_copies=0,
        max_copies=40,
        critical=critical,
        traffic_cap_copies=24,
    )


def _size_shares(shape: Shape) -> list[float]:
    """How likely 8B, 14B and 32B are: small models are often the busy, regular ones."""
    return {Shape.STEADY: [0.3, 0.5, 0.2], Shape.MIXED: [0.1, 0.6, 0.3]}.get(shape, [0.2, 0.3, 0.5])
