"""What is asked of SageMaker when a home is made, and what a probe of one answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class NewComponent:
    """A component to create on a pool. `copies` ≥ 1: SageMaker refuses 0 at create. Names ≤ 63 characters.

    settings: those of the home it comes from, whatever that is (aws/settings.py).
    """

    name: str
    endpoint: str
    variant: str
    sagemaker_model: str
    accelerators_per_copy: int
    memory_mb: int
    copies: int
    strategy: str = "BINPACK"
    tags: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A dedicated endpoint to create, with a config of the same name. settings: as a new component's."""

    name: str
    sagemaker_model: str
    instance_type: str
    instances: int
    tags: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe saw. Nothing of the payload is kept: `schema` is a hash of the answer's shape."""

    ok: bool
    status: int
    latency_ms: float
    schema: str = ""
    length: int = 0
    why: str = ""
