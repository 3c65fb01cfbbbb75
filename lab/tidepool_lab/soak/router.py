"""A SageMaker inference router: replace-all, one change at a time, in effect a little later, and without weights.

Facts: sagemaker-facts, Inference routers. Where they say UNKNOWN both answers are here, and the seed picks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from random import Random
from typing import Any

from tidepool_lab.soak.loop import Loop

NAME, MODEL_TARGET, THEIRS = "router", "m", "another-team"
Place = tuple[str, str]
"""(endpoint, component or '')."""


class Split(StrEnum):
    """How a router spreads requests over healthy destinations of its own Region: UNKNOWN."""

    EVEN = "evenly"
    FIRST = "all to the first that answers"
    LAST = "all to the last that answers"


@dataclass(frozen=True, slots=True)
class Habits:
    """in_effect_s: until every request uses an update; before, each uses either. busy_s: until the next is taken."""

    split: Split
    in_effect_s: float
    busy_s: float


class Router:
    """One router with the model's target and another team's, which must survive every change."""

    def __init__(self, loop: Loop, habits: Habits, home: Place) -> None:
        self._loop, self._habits = loop, habits
        self.targets: dict[str, list[Place]] = {MODEL_TARGET: [home], THEIRS: [("theirs", "")]}
        self._before = self.targets
        self.changed_at = loop.now - 86_400.0
        self._busy_until = loop.now

    @property
    def busy(self) -> bool:
        return self._loop.now < self._busy_until

    def replace(self, targets: dict[str, list[Place]]) -> None:
        """These are the targets, all of them."""
        self._before, self.targets = self.targets, targets
        self.changed_at = self._loop.now
        self._busy_until = self._loop.now + self._habits.busy_s

    def keep_busy(self, seconds: float) -> None:
        """Somebody else's change of another setting is under way."""
        self._busy_until = max(self._busy_until, self._loop.now + seconds)

    def order(self, random: Random) -> list[Place]:
        """The destinations that one request tries: at most two (one retry on another, before a model answers)."""
        old = self._loop.now - self.changed_at < self._habits.in_effect_s and random.random() < 0.5
        places = list((self._before if old else self.targets).get(MODEL_TARGET, ()))
        match self._habits.split:
            case Split.EVEN:
                random.shuffle(places)
            case Split.LAST:
                places.reverse()
            case Split.FIRST:
                pass
        return places[:2]

    def described(self, arns: dict[Place, str]) -> dict[str, Any]:
        """As DescribeInferenceRouter shows it."""
        return {
            "Status": "Updating" if self.busy else "InService",
            "LastModifiedTime": datetime.fromtimestamp(self.changed_at, UTC),
            "RoutingTargets": [
                {
                    "Name": name,
                    "Destinations": [{"ResourceArn": arns[p], "RoutingStatus": "Routable"} for p in places],
                }
                for name, places in self.targets.items()
            ],
        }
