"""Everything that can wake a function, as typed models. What no model fits is refused with every problem at once.

Models of AWS's events read what we use and ignore the rest, since AWS adds fields; our own allow nothing unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, Field, ValidationError

from tidepool.aws.changes import change_of
from tidepool.aws.event_models import Aws, Ours, Timed
from tidepool.errors import BadEvent, Problem
from tidepool.plan.change import Change

# What people and CloudTrail tell comes seldom: its 22 models are imported when it does.
if TYPE_CHECKING:
    from tidepool.aws.events_of_people import AttachAsked, MoveApproved, MoveAsked, SignalSent, UndoAsked
    from tidepool.aws.events_of_trail import CallTold

TICK_AGE_S = 90
"""A tick older than this is dropped: a late scale-up is harmful, and the next tick is there already. Ours."""
SHOWN = 100
"""Characters of a wrong value that a refusal shows: enough to find it, too few to carry a payload into a log."""


class Tick(Ours):
    """The scheduler's input. Each function has a tick of its own."""

    source: Literal["tidepool.tick", "tidepool.moves-tick", "tidepool.learn-tick", "tidepool.report-tick"]
    time: datetime

    @property
    def at(self) -> int:
        """When it was due, in seconds since 1970."""
        return int(self.time.timestamp())

    def late(self, now: int) -> bool:
        """It comes too late to act on."""
        return now - self.at > TICK_AGE_S


class AlarmState(Aws):
    value: Literal["ALARM", "OK", "INSUFFICIENT_DATA"]


class AlarmContributor(Aws):
    """One series of an alarm that groups: its dimensions, such as InferenceComponentName."""

    id: str = ""
    attributes: Mapping[str, str] = Field(default_factory=dict)


class AlarmContent(Aws):
    name: str = Field(alias="alarmName", min_length=1)
    state: AlarmState
    contributor: AlarmContributor | None = Field(alias="alarmContributor", default=None)


class AlarmAction(Timed):
    """CloudWatch names the function as an alarm's action: once for the alarm, and once for each contributor."""

    source: Literal["aws.cloudwatch"]
    arn: str = Field(alias="alarmArn", min_length=1)
    content: AlarmContent = Field(alias="alarmData")


class EndpointContent(Aws):
    name: str = Field(alias="EndpointName", default="")
    status: str = Field(alias="EndpointStatus", default="")


class EndpointChanged(Timed):
    """An endpoint's state, or a deployment's, changed: best effort, may repeat, spelled IN_SERVICE."""

    source: Literal["aws.sagemaker"]
    kind: Literal["SageMaker Endpoint State Change", "SageMaker Endpoint Deployment State Change"] = Field(
        alias="detail-type"
    )
    detail: EndpointContent


class ObjectContent(Aws):
    key: Literal["config/fleet.yaml"]
    version: str | None = Field(alias="version-id", default=None)


class UploadContent(Aws):
    object: ObjectContent


class FleetFileUploaded(Timed):
    """fleet.yaml was uploaded. It is a hint: the newest version is judged, whichever the event names."""

    source: Literal["aws.s3"]
    kind: Literal["Object Created"] = Field(alias="detail-type")
    detail: UploadContent


class AskedContent(Ours):
    schema_: Literal[1] = Field(alias="schema")
    decision_key: str
    change: Mapping[str, Any]


Asked = Literal[
    "tidepool.scale_copies",
    "tidepool.scale_instances",
    "tidepool.set_bounds",
    "tidepool.autoscale_copies",
    "tidepool.autoscale_instances",
    "tidepool.start_move",
]


class ChangeAsked(Timed):
    """decide asks a hand for one change."""

    source: Literal["tidepool"]
    kind: Asked = Field(alias="detail-type")
    detail: AskedContent


Seldom: TypeAlias = "CallTold | SignalSent | MoveApproved | MoveAsked | UndoAsked | AttachAsked"
Event: TypeAlias = "Tick | AlarmAction | EndpointChanged | FleetFileUploaded | ChangeAsked | Seldom"
_Model = TypeVar("_Model", bound=BaseModel)
_C = TypeVar("_C", bound=Change)

_BY_SOURCE: Mapping[str, type[BaseModel]] = {
    "tidepool.tick": Tick,
    "tidepool.moves-tick": Tick,
    "tidepool.learn-tick": Tick,
    "tidepool.report-tick": Tick,
    "aws.cloudwatch": AlarmAction,
    "aws.sagemaker": EndpointChanged,
    "aws.s3": FleetFileUploaded,
}


def parse(event: object) -> Event:
    """The event as what it is. BadEvent, with every problem, when it is none that we know."""
    if not isinstance(event, Mapping):
        raise BadEvent("event", (Problem("event", _shown(event), "a JSON object", "see events/ for one of each"),))
    source = event.get("source")
    model = _model_of(str(source), str(event.get("detail-type")))
    if model is None:
        allowed = ", ".join(sorted({*_BY_SOURCE, "tidepool"}))
        raise BadEvent("event", (Problem("source", _shown(source), allowed, "see events/ for one of each"),))
    return _read(model, event)  # type: ignore[return-value]


def tick_of(event: object, source: str) -> Tick:
    """The function's own tick. BadEvent for any other event."""
    tick = parse(event)
    if not isinstance(tick, Tick) or tick.source != source:
        raise BadEvent("event", (Problem("source", tick.source, source, "another function's rule leads here"),))
    return tick


def change_asked(event: object, *kinds: type[_C]) -> _C:
    """The change that the event asks of this hand. BadEvent when it is for another hand, or none at all."""
    asked = parse(event)
    allowed = ", ".join(kind.__name__ for kind in kinds)
    if not isinstance(asked, ChangeAsked):
        raise BadEvent("event", (Problem("source", asked.source, f"tidepool, with a change: {allowed}"),))
    change = change_of(asked.detail.change)
    if not isinstance(change, kinds):
        raise BadEvent("event", (Problem("detail.change.kind", type(change).__name__, allowed),))
    return change


def _model_of(source: str, kind: str) -> type[BaseModel] | None:
    if source == "aws.sagemaker" and kind == "AWS API Call via CloudTrail":
        from tidepool.aws.events_of_trail import CallTold

        return CallTold
    if source == "tidepool" and kind not in get_args(Asked):
        from tidepool.aws.events_of_people import BY_KIND

        return BY_KIND.get(kind, ChangeAsked)
    return ChangeAsked if source == "tidepool" else _BY_SOURCE.get(source)


def _read(model: type[_Model], event: Mapping[str, Any]) -> _Model:
    try:
        return model.model_validate(event)
    except ValidationError as error:
        problems = tuple(
            Problem(".".join(str(part) for part in e["loc"]), _shown(e["input"]), e["msg"]) for e in error.errors()
        )
        raise BadEvent(f"event from {event.get('source')}", problems) from None


def _shown(value: object) -> object:
    """A wrong value as a refusal may show it: never a whole object."""
    if isinstance(value, Mapping | list):
        return f"({type(value).__name__})"
    return value[:SHOWN] if isinstance(value, str) else value
