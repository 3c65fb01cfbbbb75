"""Builders of small fleets and traces, with good defaults."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tidepool_lab.inputs.reference import ReferenceFleet, ReferenceModel
from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model
from tidepool_lab.inputs.trace import Trace

MakeFleet = Callable[..., ReferenceFleet]


@pytest.fixture
def make_fleet() -> MakeFleet:
    """make_fleet("a", "b", size="14B", batch=("b",), critical=("a",), minutes=...)."""

    def build(
        *names: str, size: str = "14B", batch: tuple[str, ...] = (), critical: tuple[str, ...] = (), minutes: int = 1440
    ) -> ReferenceFleet:
        models: tuple[ReferenceModel, ...] = tuple(
            reference_model(name, SIZES[size], batch=name in batch, critical=name in critical) for name in names
        )
        return reference_fleet(models, minutes=minutes)

    return build


@pytest.fixture
def make_trace() -> Callable[..., Trace]:
    """make_trace(a=[1, 2, 3], b=7, minutes=3): a number is the same in every minute."""

    def build(*, minutes: int, **columns: object) -> Trace:
        counts = np.stack([np.broadcast_to(np.asarray(c), (minutes,)) for c in columns.values()], axis=1)
        return Trace(tuple(columns), counts.astype(np.int64), "0" * 64)

    return build
