"""Whether a model that is to stand in several availability zones does: met, unmet or unverified, never assumed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from tidepool.decision.record import Step
from tidepool.decision.subjects import Home, Subject


class Zones(StrEnum):
    MET = "met"
    """Copies were seen in that many zones. Nothing reads zones today (no metric has that dimension, and Describe names
    none), so no record says it yet."""
    UNMET = "unmet"
    """They cannot be: there are fewer copies, or fewer machines, than zones."""
    UNVERIFIED = "unverified"
    """They could be: nothing says so."""


def status(*, copies: int, machines: int, zones: int, seen: int | None = None) -> Zones:
    """seen: zones in which copies serve, where somebody knows. Two copies on one machine are in one zone."""
    if min(copies, machines) < zones:
        return Zones.UNMET
    if seen is None:
        return Zones.UNVERIFIED
    return Zones.MET if seen >= zones else Zones.UNMET


def zone_steps(subjects: Iterable[Subject]) -> tuple[Step, ...]:
    """One step for each model of two zones or more: the status of its best home."""
    return tuple(_step(subject) for subject in subjects if subject.config.zones > 1)


def _step(subject: Subject) -> Step:
    home = max(subject.homes, key=lambda one: (min(one.size_now, one.endpoint.instances_now), one.size_now))
    copies, machines, zones = home.size_now, home.endpoint.instances_now, subject.config.zones
    found = status(copies=copies, machines=machines, zones=zones)
    if found is Zones.UNMET:
        because = f"{zones} zones need {zones} copies on {zones} machines at least"
    else:
        because = f"enough for {zones} zones, and nothing says in which zones they are{_packs(home)}"
    return Step("zones", subject.model, f"{_held(home, copies)} of {zones} zones", found.value, because)


def _held(home: Home, copies: int) -> str:
    if home.component is None:
        return f"{copies} instances"
    return f"{copies} copies, {home.endpoint.instances_now} machines"


def _packs(home: Home) -> str:
    """Only SPREAD asks SageMaker for copies apart."""
    if home.component is None or home.component.strategy == "SPREAD":
        return ""
    return f"; its strategy is {home.component.strategy}, which may put all copies on one"
