"""Where a model's callers go: a versioned list of weighted targets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """One place that answers for a model. `component` is '' when the endpoint is dedicated. Weights sum to 100."""

    endpoint: str
    component: str
    weight: int

    @property
    def name(self) -> str:
        """The name its metrics are filed under: the component's, or the dedicated endpoint's."""
        return self.component or self.endpoint


@dataclass(frozen=True, slots=True)
class Route:
    """What callers of `model` follow. `version` grows by one with each write; 0 has never been written.

    trouble: why these are not the targets that this version asked for, and what to do; '' when they are.
    """

    model: str
    version: int
    targets: tuple[Target, ...]
    changed_at: int
    trouble: str = ""
