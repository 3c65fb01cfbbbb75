"""Who else writes the counts: what CloudTrail says, Application Auto Scaling's targets, and each foreign change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PAUSED = "in out scheduled"
"""Everything that Application Auto Scaling can suspend (SuspendedState, API)."""


class Writer(StrEnum):
    """Who changed a count that Tidepool also sets."""

    TIDEPOOL = "tidepool"
    AUTOSCALING = "autoscaling"
    DEPLOY = "deploy"
    PERSON = "person"
    SAGEMAKER = "sagemaker"


@dataclass(frozen=True, slots=True)
class Noted:
    """One write of `target` (a component or an endpoint) that CloudTrail told of.

    principal: the role or user that signed it, as an ARN. service: the AWS service that called for it, '' = none.
    agent: the caller's user agent.
    """

    id: str
    target: str
    at: int
    principal: str
    service: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Write:
    """Somebody else set the count of `target` from `before` to `after`, seen at `at`.

    noted: CloudTrail named the writer; otherwise the change itself did. corrects: what it was taken for before
    CloudTrail named the writer, '' = it is seen for the first time.
    """

    target: str
    model: str
    writer: Writer
    who: str
    at: int
    before: int
    after: int
    noted: bool = False
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class ScalingTarget:
    """What Application Auto Scaling may do to a component's copies or a dedicated endpoint's instances.

    target: the component's or endpoint's name. suspended: those of 'in', 'out' and 'scheduled' that are, in that order.
    """

    resource: str
    target: str
    minimum: int
    maximum: int
    suspended: str = ""

    @property
    def of_copies(self) -> bool:
        """It scales a component; otherwise a dedicated endpoint's variant."""
        return self.resource.startswith("inference-component/")


@dataclass(frozen=True, slots=True)
class Taken:
    """A scaling target that Tidepool changed: as its owner left it (`found`), and before and after our last change.

    Kept for ever, so that it can be handed back. done: our last change is known to be made. version as of a move.
    """

    model: str
    found: ScalingTarget
    before: ScalingTarget
    ours: ScalingTarget
    done: bool = False
    version: int = 0

    def owners(self, now: ScalingTarget) -> tuple[int, str]:
        """(minimum, suspended) as its owner wants them: as found, or as somebody else set them since."""
        mine = (self.ours,) if self.done else (self.ours, self.before)
        minimum = self.found.minimum if now.minimum in {one.minimum for one in mine} else now.minimum
        suspended = self.found.suspended if now.suspended in {one.suspended for one in mine} else now.suspended
        return minimum, suspended
