"""Every default of fleet.yaml: the three built-in classes, and what holds when a block is not written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidepool.config.types import GiveBack
from tidepool.units import HOUR_S, MINUTE_S

DEFAULT_CLASS = "standard"
DEFAULT_TIMEZONE = "UTC"
DEFAULT_IDENTITY = "name"
LONGEST_REQUEST_S = MINUTE_S
"""InvokeEndpoint answers within 60 s (AWS API reference, InvokeEndpoint)."""
LONGEST_STREAM_S = 8 * MINUTE_S
"""InvokeEndpointWithResponseStream answers within 8 minutes (AWS API reference)."""
GIVE_BACK = GiveBack(after_s=HOUR_S, keep_spare=0)
KEEP = GiveBack(after_s=None, keep_spare=0)
SCARCE_FAMILIES = frozenset({"p4d", "p4de", "p5", "p5e", "p5en", "p6"})
"""A machine that may not be had again for hours or days is not saved money (sagemaker-facts: regain time)."""
MAX_HOLD_S = 30 * 24 * HOUR_S
"""Every hold ends, within 30 days at most (docs/fleet-yaml.md)."""


@dataclass(frozen=True, slots=True)
class ClassDefaults:
    """One built-in class, field by field as a ModelConfig has them."""

    start_within_s: float
    attain: float
    min_copies: int
    zones: int
    zero_after_s: int | None
    priority: int
    miss_usd: float
    host: str
    max_copies: int | None = None


CLASSES: Mapping[str, ClassDefaults] = {
    "interactive": ClassDefaults(
        start_within_s=2.0, attain=0.999, min_copies=2, zones=2, zero_after_s=None, priority=1, miss_usd=0.01,
        host="auto",
    ),
    "standard": ClassDefaults(
        start_within_s=10.0, attain=0.995, min_copies=1, zones=1, zero_after_s=None, priority=2, miss_usd=0.002,
        host="auto",
    ),
    "background": ClassDefaults(
        start_within_s=600.0, attain=0.99, min_copies=0, zones=1, zero_after_s=HOUR_S, priority=3, miss_usd=0.0,
        host="shared",
    ),
}  # fmt: skip


def scarce(instance_type: str) -> bool:
    """Machines of this type are kept unless the pool says otherwise: 'ml.p6-b200.48xlarge' is of family p6."""
    family = instance_type.removeprefix("ml.").partition(".")[0]
    return family in SCARCE_FAMILIES or family.partition("-")[0] in SCARCE_FAMILIES


def give_back_of(types: tuple[str, ...]) -> GiveBack:
    """What a pool of these types does with idle machines when nothing is written."""
    return KEEP if any(scarce(name) for name in types) else GIVE_BACK
