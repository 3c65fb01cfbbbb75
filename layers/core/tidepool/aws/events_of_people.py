"""What people and pipelines put on our bus: a signal, a move, an approval, a way back, a model's first home.

Each says who and why. Whoever may put events on the bus may ask; the hand that reads it judges what becomes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from tidepool.aws.event_models import Ours, Timed
from tidepool.fleet import Signal, SignalKind
from tidepool.units import duration

ID = r"^[0-9a-f]{16}$"
"""As plan.change.change_id makes them: names of what a move creates come from its id."""


class Asks(Ours):
    """Whoever asks, and the reason: the ledger and every announcement keep both."""

    who: str = Field(min_length=1)
    why: str = Field(min_length=1)


class Content(Ours):
    schema_: Literal[1] = Field(alias="schema")


class FromPeople(Timed):
    source: Literal["tidepool"]


class SignalValue(Asks):
    """`until` as `since` lifts what stood; without it the signal lasts as long as its kind does by default.

    `by` is only for lifting what an alarm or a change of somebody else's asked for.
    """

    kind: SignalKind
    scope: str = Field(min_length=1)
    since: int = Field(ge=0)
    until: int | None = Field(default=None, ge=0)
    factor: float = Field(default=1.0, ge=1, le=100)
    by: str = ""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.until is not None and self.until - self.since > self.kind.longest_s:
            longest = duration(self.kind.longest_s)
            raise ValueError(f"a {self.kind} lasts at most {longest}; ask for {longest}, and again before it ends")
        return self


class SignalContent(Content):
    signal: SignalValue


class SignalSent(FromPeople):
    """A person or a pipeline asks for a hold, a freeze or a surge."""

    kind: Literal["tidepool.signal"] = Field(alias="detail-type")
    detail: SignalContent

    @property
    def signal(self) -> Signal:
        """As asked for, from when the bus took it: whose clock is ahead would outrank everybody's later word, and whose
        is behind would not be heard.
        """
        asked = self.detail.signal
        lasts = asked.kind.lasts_s if asked.until is None else max(0, asked.until - asked.since)
        return Signal(**{**asked.model_dump(), "since": self.at, "until": self.at + lasts})


class OpenMove(Asks):
    move: str = Field(min_length=1)


class ApprovalContent(Content):
    approval: OpenMove


class MoveApproved(FromPeople):
    """A person lets a move begin that waits for it (rung ask)."""

    kind: Literal["tidepool.approval"] = Field(alias="detail-type")
    detail: ApprovalContent


class MoveValue(Asks):
    """`to` is 'dedicated' or a pool of fleet.yaml; `instance_type` is for a dedicated home, '' = the hand's choice."""

    id: str = Field(pattern=ID)
    model: str = Field(min_length=1)
    to: str = Field(min_length=1)
    instance_type: str = ""


class MoveContent(Content):
    move: MoveValue


class MoveAsked(FromPeople):
    """A person wants a model to live elsewhere. The hand sizes and judges the move by what it sees then."""

    kind: Literal["tidepool.move"] = Field(alias="detail-type")
    detail: MoveContent


class UndoContent(Content):
    undo: OpenMove


class UndoAsked(FromPeople):
    """A person wants an open move to go back."""

    kind: Literal["tidepool.undo"] = Field(alias="detail-type")
    detail: UndoContent


class AttachValue(Asks):
    """`copies` 0 and `memory_mb` 0 leave them to fleet.yaml and the default."""

    id: str = Field(pattern=ID)
    model: str = Field(min_length=1)
    pool: str = Field(min_length=1)
    sagemaker_model: str = Field(min_length=1)
    memory_mb: int = Field(default=0, ge=0)
    copies: int = Field(default=0, ge=0)


class AttachContent(Content):
    attach: AttachValue


class AttachAsked(FromPeople):
    """A person gives a new model its first home, on a pool."""

    kind: Literal["tidepool.attach"] = Field(alias="detail-type")
    detail: AttachContent


BY_KIND: Mapping[object, type[BaseModel]] = {
    "tidepool.signal": SignalSent,
    "tidepool.approval": MoveApproved,
    "tidepool.move": MoveAsked,
    "tidepool.undo": UndoAsked,
    "tidepool.attach": AttachAsked,
}
"""By detail-type; everything else on our bus is decide's."""
