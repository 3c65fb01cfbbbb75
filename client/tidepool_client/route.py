"""A model's route as its callers know it, and the choice of a target."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

CACHE_S = 30.0
"""A route is never followed for longer than this after it was read, while its table answers. Tidepool counts on it
before it goes on (aws/routes_table.FOLLOWED_S is longer). Ours."""


@dataclass(frozen=True, slots=True)
class Target:
    """One home. `component` is '' when the endpoint is the model's own; weights of a route sum to 100."""

    endpoint: str
    component: str
    weight: int = 100

    @property
    def key(self) -> tuple[str, str]:
        """Which home it is, whatever its weight."""
        return self.endpoint, self.component


@dataclass(frozen=True, slots=True)
class Route:
    """Where a model's callers go. `version` grows with each change."""

    version: int
    targets: tuple[Target, ...]


def pick(route: Route, random: Random, *, avoid: Collection[tuple[str, str]] = ()) -> Target:
    """One target by weight, not among the avoided if there is any other.

    A target of weight 0 gets no share, and is the way out when every other one refused.
    """
    free = [t for t in route.targets if t.key not in avoid]
    weighted = [t for t in free if t.weight > 0]
    if weighted:
        return random.choices(weighted, weights=[t.weight for t in weighted])[0]
    if free:
        return free[0]
    return max(route.targets, key=lambda t: t.weight)
