"""The changes a decision can ask for, each with what it believed and why. They travel on the bus as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tidepool.config.types import Hosting


@dataclass(frozen=True, slots=True)
class ScaleCopies:
    """Set one component's copies. `expect_*` is what the decision saw; otherwise the change is superseded."""

    id: str
    model: str
    component: str
    endpoint: str
    copies_from: int
    copies_to: int
    because: str
    usd_per_hour: float
    """Expected change of the bill once machines follow; negative saves."""


@dataclass(frozen=True, slots=True)
class ScaleInstances:
    """Set a dedicated endpoint's instances."""

    id: str
    model: str
    endpoint: str
    variant: str
    instances_from: int
    instances_to: int
    because: str
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class SetBounds:
    """Set a pool's managed bounds through a new endpoint config. Only where the pool says `bounds: write`."""

    id: str
    pool: str
    endpoint: str
    variant: str
    config_from: str
    min_from: int
    min_to: int
    max_from: int
    max_to: int
    because: str
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class SetAutoscaling:
    """Set the minimum and the suspension of Application Auto Scaling's target for a component or dedicated endpoint.

    suspended_* as in fleet.writers.ScalingTarget. gives_back: it becomes as its owner wants it, whatever is held.
    """

    id: str
    model: str
    target: str
    resource: str
    min_from: int
    min_to: int
    suspended_from: str
    suspended_to: str
    gives_back: bool
    because: str
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class StartMove:
    """Begin to move a model to another home.

    from_target/to_target name endpoints; `component` is the source component ('' when the source is dedicated).
    For a dedicated target `to_endpoint` is the name to create. `size` is copies (shared) or instances (dedicated).
    """

    id: str
    model: str
    from_hosting: Hosting
    from_endpoint: str
    component: str
    to_hosting: Hosting
    to_endpoint: str
    instance_type: str
    accelerators_per_copy: int
    size: int
    because: str
    usd_per_hour: float
    move_cost_usd: float


Change = ScaleCopies | ScaleInstances | SetBounds | SetAutoscaling | StartMove


def change_id(now: int, kind: str, target: str, to: object) -> str:
    """A name for a change that two decisions at the same moment would give alike: 16 hexadecimal digits."""
    return hashlib.sha256(f"{now}|{kind}|{target}|{to}".encode()).hexdigest()[:16]
