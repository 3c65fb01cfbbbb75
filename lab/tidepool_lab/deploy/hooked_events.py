"""Hooks into ministack's EventBridge and schedules, and what its CloudWatch does not do: alarms that act."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from ministack.services import eventbridge, scheduler, sns, sqs

from tidepool_lab.deploy.account import REGION, Account
from tidepool_lab.deploy.hooked_buses import PUT, Buses
from tidepool_lab.deploy.hooked_functions import Functions
from tidepool_lab.deploy.noted import Noted
from tidepool_lab.deploy.resource_policies import ALARMS, ALARMS_OF_FUNCTIONS, RULES, lets_deliver
from tidepool_lab.embedded import events
from tidepool_lab.embedded.alarms import Transition
from tidepool_lab.embedded.timestamps import iso

SCHEDULED = "<aws.scheduler.scheduled-time>"
GRID_S = 60
"""The schedules of the stack are crons: they are due on whole minutes."""

log = logging.getLogger("tidepool.rig")


class Deliveries:
    """What travels: from schedules and rules to targets, from alarms to functions and topics."""

    def __init__(self, account: Account, functions: Functions, buses: Buses, noted: Noted) -> None:
        self._account, self._functions, self._buses, self._noted = account, functions, buses, noted
        self._number = 0

    def install(self) -> None:
        """Every target of a rule or a schedule gets its events from them."""
        self._invoke_target = eventbridge._invoke_target
        eventbridge._invoke_target = self._to_target
        # Schedules are due when the driver lets a minute pass, and not when a minute of this machine has passed.
        self._tick, scheduler._tick_schedules = scheduler._tick_schedules, lambda: None

    def _to_target(
        self, target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], view: Any = None
    ) -> None:
        if event.get("Source") == "aws.scheduler":
            self._of_schedule(target, rule["Name"])
        elif not self._of_rule(target, event, rule, view):
            source = rule["Arn"]
            self._noted.undelivered.append(f"{target['Arn']} from {source}")
            queue = (target.get("DeadLetterConfig") or {}).get("Arn", "")
            if queue and lets_deliver(RULES, queue, source):
                _to_queue(queue, _payload(event, view))
            elif queue:
                self._noted.undelivered.append(f"{queue} from {source}")

    def _of_schedule(self, target: Mapping[str, Any], name: str) -> None:
        """By the schedule's role, the dead letter too."""
        arn, role, due = target["Arn"], target["RoleArn"], iso(int(time.time()) // GRID_S * GRID_S)
        payload = json.loads(target["Input"].replace(SCHEDULED, due))
        if self._functions.role_may(role, "lambda:InvokeFunction", arn):
            self._functions.wake(arn, payload)
            return
        self._noted.undelivered.append(f"{arn} from {name}")
        queue = (target.get("DeadLetterConfig") or {}).get("Arn", "")
        if queue and self._functions.role_may(role, "sqs:SendMessage", queue):
            _to_queue(queue, payload)

    def _of_rule(self, target: Mapping[str, Any], event: Mapping[str, Any], rule: Mapping[str, Any], view: Any) -> bool:
        """Another bus by the target's role and the bus's policy; all else by the policy of the target."""
        arn, role = target["Arn"], target.get("RoleArn", "")
        if ":event-bus/" in arn:
            path = {"_DispatchPath": [*event.get("_DispatchPath", ()), eventbridge._rule_key(rule["Name"], _bus(rule))]}
            may = bool(role) and self._functions.role_may(role, PUT, arn)
            return may and self._buses.deliver({**event, **path}, arn, role)
        may = lets_deliver(RULES, arn, rule["Arn"])
        if may and ":lambda:" in arn:
            self._functions.wake(arn, _payload(event, view))
        elif may:
            self._invoke_target(target, event, rule, view)
        return may

    def schedules(self) -> None:
        """Those that are due are fired."""
        self._tick()

    def beat(self) -> None:
        """What AWS does by itself, up to now: endpoints' events, alarms and what they wake."""
        for event in self._account.endpoint_changes():
            self._dispatch(event)
        for change in self._account.transitions(_depths):
            self._number += 1
            log.info("alarm %s %s is %s", change.alarm.name, change.attributes, change.state)
            self._dispatch(events.alarm_state_change(change, region=REGION, number=self._number))
            self._act(change)

    def _act(self, change: Transition) -> None:
        payload, source = events.alarm_action(change, region=REGION), change.alarm.arn
        for arn in change.actions:
            topic = ":sns:" in arn
            if topic and change.contributor:
                continue
            if not lets_deliver(ALARMS if topic else ALARMS_OF_FUNCTIONS, arn, source):
                self._noted.undelivered.append(f"{arn} from {change.alarm.name}")
            elif topic:
                sns._fanout(arn, f"alarm-{self._number}", json.dumps(payload), f"{change.state}: {change.alarm.name}")
            else:
                self._functions.wake(arn, payload)

    def _dispatch(self, event: Mapping[str, Any]) -> None:
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": event["resources"],
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _bus(rule: Mapping[str, Any]) -> str:
    return str(rule.get("EventBusName", "default"))


def _payload(event: Mapping[str, Any], view: Any) -> Any:
    return (view or eventbridge._pattern_event_view(event)).event_with_detail()


def _to_queue(arn: str, payload: Any) -> None:
    eventbridge._dispatch_to_sqs(eventbridge.parse_arn(arn), json.dumps(payload))


def _depths() -> dict[str, int]:
    """Visible messages of every queue of the account."""
    now = time.time()
    return {
        queue["name"]: sum(message["visible_at"] <= now for message in queue["messages"])
        for queue in list(sqs._queues._data.values())
    }
