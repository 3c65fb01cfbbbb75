"""Why requests were late: the causes of where.py, told by the state of the twin at the moment of the miss."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.queues import Cohort
from tidepool_lab.twin.state import ComponentState, CopyState

Counts = npt.NDArray[np.int64]


class Cause(StrEnum):
    """Why a request was late; where.py says when each holds."""

    NO_COPY = "no_copy"
    MOVING = "moving"
    NO_ROOM = "no_room"
    LAUNCHING = "launching"
    STARTING = "starting"
    NOT_ASKED = "not_asked"
    OPEN = "open"


class Misses:
    """Watches a cloud's requests that arrive inside [from_s, to_s), whole minutes."""

    def __init__(self, cloud: Cloud, from_s: int, to_s: int) -> None:
        self._cloud, self._from_s, self._to_s = cloud, from_s, to_s
        self._late = {cause: np.zeros(len(cloud.spec.models), dtype=np.int64) for cause in Cause}
        self._homes: list[list[ComponentState]] = [[] for _ in cloud.spec.models]
        self._component: dict[int, ComponentState] = {}
        self._targets = 0
        cloud.requests.on_miss = self._miss

    def close(self, late: Counts) -> dict[Cause, Counts]:
        """[models] by cause. `late` [models] is what they add up to: whoever was not told of still waits."""
        told = sum(self._late.values(), start=np.zeros_like(late))
        return {**self._late, Cause.OPEN: late - told}

    def _miss(self, model: int, target: int | None, cohort: Cohort) -> None:
        if self._from_s <= cohort.first_s < self._to_s:
            self._late[self._cause(model, target)][model] += cohort.count

    def _cause(self, model: int, target: int | None) -> Cause:
        """The first that holds, in the order of where.py."""
        if target is None:
            return Cause.NO_COPY
        self._look()
        component = self._component[target]
        if sum(1 for home in self._homes[model] if home.copies or home.waiting) > 1:
            return Cause.MOVING
        if component.waiting:
            return Cause.NO_ROOM
        # A copy that replaces another (CONSOLIDATION, a new version) is no further one.
        coming = [c for c in component.copies if c.state is CopyState.STARTING and c.replaces is None]
        if not coming:
            return Cause.NOT_ASKED
        first = min(coming, key=lambda copy: copy.ready_s)
        return Cause.LAUNCHING if first.instance.ready_s > self._cloud.life.agenda.now_s else Cause.STARTING

    def _look(self) -> None:
        """Components that came since the last look are known."""
        life = self._cloud.life
        if len(life.requests.names) == self._targets:
            return
        self._targets = len(life.requests.names)
        containers = [endpoint.container for endpoint in life.endpoints.values() if endpoint.container is not None]
        for component in (*life.components.values(), *containers):
            if component.target not in self._component:
                self._component[component.target] = component
                self._homes[life.model_index(component)].append(component)
