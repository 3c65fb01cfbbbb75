"""What one turn of a move sees: both sides, the route, their metrics, and what people and others want now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidepool.fleet import Component, Endpoint, Evidence, Route, Status
from tidepool.fleet.asked import Answer
from tidepool.fleet.demand import no_evidence
from tidepool.move.naming import CHANGE_TAG

_ANSWERING = {
    Status.IN_SERVICE,
    Status.UPDATING,
    Status.SYSTEM_UPDATING,
    Status.ROLLING_BACK,
    Status.UPDATE_ROLLBACK_FAILED,
}
"""While SageMaker changes a home its ready copies go on answering (sagemaker-facts, Endpoints)."""


@dataclass(frozen=True, slots=True)
class Side:
    """One home as Describe shows it. Sizes are copies, or instances when it is dedicated.

    artifact: the SageMaker Model it runs. change: the id of the move that made it ('' when no move did).
    settings: what else it is set up with (fleet.hosting).
    """

    name: str
    status: Status
    size_now: int
    size_wanted: int
    variant: str
    artifact: str
    change: str
    failure: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def serves(self) -> bool:
        """A request sent there now is answered by at least one copy."""
        return self.size_now > 0 and self.status in _ANSWERING

    @property
    def settled(self) -> bool:
        """Everything that was asked of it is in service."""
        return self.status is Status.IN_SERVICE and self.size_now >= self.size_wanted > 0


def component_side(component: Component) -> Side:
    """A shared home."""
    return Side(
        name=component.name,
        status=component.status,
        size_now=component.copies_now,
        size_wanted=component.copies_wanted,
        variant=component.variant,
        artifact=component.artifact,
        change=component.tags.get(CHANGE_TAG, ""),
        failure=component.failure,
        settings=component.settings,
    )


def endpoint_side(endpoint: Endpoint) -> Side:
    """A dedicated home."""
    return Side(
        name=endpoint.name,
        status=endpoint.status,
        size_now=endpoint.instances_now,
        size_wanted=endpoint.instances_wanted,
        variant=endpoint.variant,
        artifact=endpoint.sagemaker_model,
        change=endpoint.tags.get(CHANGE_TAG, ""),
        failure=endpoint.failure,
        settings=endpoint.settings,
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What fleet.yaml says of this move.

    longest_request_s: as declared, else as learned (move/longest.py), else AWS's limit.
    routed: it declares how callers follow (route.via); otherwise the model, or its route, was taken out of it.
    weighted: the route carries weights. soak_from_write: callers follow within their cache's age, so the soak
    counts from the write; otherwise from when the route was seen followed. ack_s: silence for longer is a no.
    slower: how many times longer the target is expected to take for a request (shapes' service_s), 1 = alike.
    per_unit: requests that one copy or instance of the target serves at once, 0 = unknown. most: of them, None =
        no ceiling.
    """

    sample: str = ""
    longest_request_s: int = 60
    retire_delete: bool = False
    routed: bool = True
    weighted: bool = True
    soak_from_write: bool = True
    ack_s: int = 120
    slower: float = 1.0
    per_unit: float = 0.0
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """What both sides typically answered to the team's own sample; `source` is None when the source has no copy."""

    target: Answer
    source: Answer | None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The world at one turn. None = it is not there.

    held, frozen: who and why, '' when nobody. unread: why what freezes could not be read, '' when it was.
    others: ids of the model's other open moves.
    refused: what SageMaker said to the last command of this run, when asking again is of no use.
    acted: the intent of the command this very run carried out last, '' when none.
    blind: why the metrics could not be read, '' when they were. Then neither side has evidence: nothing goes forward,
        and a way back goes on as far as it needs none.
    """

    terms: Terms
    source: Side | None
    target: Side | None
    route: Route | None = None
    followed: bool = False
    source_evidence: Evidence = field(default_factory=no_evidence)
    target_evidence: Evidence = field(default_factory=no_evidence)
    probed: Probed | None = None
    held: str = ""
    frozen: str = ""
    unread: str = ""
    others: tuple[str, ...] = ()
    refused: str = ""
    acted: str = ""
    blind: str = ""

    @property
    def source_serves(self) -> bool:
        return self.source is not None and self.source.serves

    @property
    def target_serves(self) -> bool:
        return self.target is not None and self.target.serves
