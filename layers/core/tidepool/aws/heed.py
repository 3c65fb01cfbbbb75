"""What an event asks of decide beyond looking: a file to judge, a signal to keep, an alarm's intent.

The contract with people's own alarms: name decide as the action, and tag the alarm with `tidepool:intent` (look, surge
or freeze; without it look) and `tidepool:model` (an identity; without it the whole fleet).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from tidepool.aws.alarms import FreezeAlarms
from tidepool.aws.events import (
    AlarmAction,
    ChangeAsked,
    EndpointChanged,
    Event,
    FleetFileUploaded,
    Seldom,
    Tick,
)
from tidepool.errors import BadEvent, HostingError, Problem
from tidepool.fleet import Signal, SignalKind
from tidepool.runtime.ports import Ports
from tidepool.units import HOUR_S

MODEL_TAG, INTENT_TAG = "tidepool:model", "tidepool:intent"
SURGE_S, SURGE_FACTOR = 900, 1.5
"""A surge alarm raises the expectation by half for 15 minutes, about four start-ups: longer than it takes until the
demand itself is seen. Ours."""
FREEZE_S = HOUR_S
"""An alarm that freezes by its tag does so for an hour, or until its OK action comes: an alarm tells only when it
changes. One that must freeze for as long as it lasts belongs into fleet.yaml. Ours."""


class Intent(StrEnum):
    LOOK = "look"
    SURGE = "surge"
    FREEZE = "freeze"


def heed(event: Event, ports: Ports, alarms: FreezeAlarms, *, now: int) -> str:
    """What the event asks for is stored or judged; returns what it was, for the log.

    BadFleetFile when it uploaded a file that is refused; BadEvent when it is not for decide at all.
    """
    match event:
        case Tick() | EndpointChanged():
            return event.source
        case FleetFileUploaded():
            ports.config.consider(event.detail.object.version, now)
            return "fleet.yaml"
        case AlarmAction():
            return _alarm(event, ports, alarms, now)
        case ChangeAsked():
            raise _for_a_hand(event.kind)
        case _:
            return _seldom(event, ports)


def _seldom(event: Seldom, ports: Ports) -> str:
    from tidepool.aws.events_of_people import AttachAsked, MoveApproved, MoveAsked, SignalSent, UndoAsked
    from tidepool.aws.events_of_trail import CallTold

    match event:
        case SignalSent():
            ports.ledger.put_signal(event.signal)
            return f"signal {event.signal.kind}"
        case CallTold():
            if event.noted is not None:
                ports.ledger.note(event.noted)
            return f"{event.source}, told by CloudTrail"
        case MoveApproved() | MoveAsked() | UndoAsked() | AttachAsked():
            raise _for_a_hand(event.kind)
        case _:
            assert_never(event)


def _for_a_hand(kind: str) -> BadEvent:
    return BadEvent("event", (Problem("detail-type", kind, "an event for decide, not for a hand"),))


def _alarm(event: AlarmAction, ports: Ports, alarms: FreezeAlarms, now: int) -> str:
    try:
        tags = alarms.tags(event.arn)
    except HostingError:
        # The alarm is gone, or may not be read: it woke us all the same, and looking is always right.
        tags = {}
    intent = _intent(tags)
    told = f"alarm {event.content.name}, {intent}"
    begins = event.content.state.value == "ALARM"
    # One series of an alarm that groups may be over while another is not, and silence is no OK.
    ends = event.content.state.value == "OK" and event.content.contributor is None
    if intent is Intent.LOOK or not (begins or ends):
        return told
    lasts, kind = (SURGE_S, SignalKind.SURGE) if intent is Intent.SURGE else (FREEZE_S, SignalKind.FREEZE)
    signal = Signal(
        kind=kind,
        scope=tags.get(MODEL_TAG) or "*",
        since=event.at,
        until=now + lasts if begins else now,
        who=f"alarm {event.content.name}",
        why=f"the alarm is in {event.content.state.value}, tagged {INTENT_TAG}={intent}",
        factor=SURGE_FACTOR if intent is Intent.SURGE else 1.0,
        by=f"alarm {event.content.name}",
    )
    ports.ledger.put_signal(signal)
    return told


def _intent(tags: Mapping[str, str]) -> Intent:
    """What the tag says. A word that we do not know still means: look."""
    word = tags.get(INTENT_TAG, Intent.LOOK).strip().lower()
    return Intent(word) if word in set(Intent) else Intent.LOOK
