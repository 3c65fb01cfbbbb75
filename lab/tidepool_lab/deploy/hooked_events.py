"""Hooks into ministack's EventBridge and schedules, and what its CloudWatch does not do: alarms that act."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import eventbridge, lambda_svc, scheduler, sns, sqs

from tidepool_lab.deploy.account import REGION, Account
from tidepool_lab.deploy.hooked_functions import Functions
from tidepool_lab.deploy.noted import Noted
from tidepool_lab.embedded import events
from tidepool_lab.embedded.alarms import Transition
from tidepool_lab.embedded.intercept import ACCOUNT
from tidepool_lab.embedded.timestamps import iso

RULES, ALARMS = "events.amazonaws.com", "lambda.alarms.cloudwatch.amazonaws.com"
SCHEDULED = "<aws.scheduler.scheduled-time>"
GRID_S = 60
"""The schedules of the stack are crons: they are due on whole minutes."""

log = logging.getLogger("tidepool.rig")


class Deliveries:
    """What travels: from schedules and rules to targets, from alarms to functions and topics."""

    def __init__(self, account: Account, functions: Functions, noted: Noted) -> None:
        self._account, self._functions, self._noted = account, functions, noted
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
        arn = target["Arn"]
        if ":lambda:" not in arn:
            self._invoke_target(target, event, rule, view)
            return
        by_schedule = event.get("Source") == "aws.scheduler"
        if by_schedule:
            due = iso(int(time.time()) // GRID_S * GRID_S)
            payload = json.loads(target["Input"].replace(SCHEDULED, due))
            may = self._functions.role_may(target["RoleArn"], "lambda:InvokeFunction", arn, "lambda")
        else:
            payload = (view or eventbridge._pattern_event_view(event)).event_with_detail()
            may = _policy_lets(arn, RULES, rule["Arn"])
        if may:
            self._functions.wake(arn, payload)
            return
        self._noted.undelivered.append(f"{arn} from {rule.get('Arn') or rule.get('Name')}")
        queue = (target.get("DeadLetterConfig") or {}).get("Arn", "")
        if queue and (not by_schedule or self._functions.role_may(target["RoleArn"], "sqs:SendMessage", queue, "sqs")):
            _to_queue(queue, payload)

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
        payload = events.alarm_action(change, region=REGION)
        for arn in change.actions:
            if ":lambda:" in arn:
                if _policy_lets(arn, ALARMS, change.alarm.arn):
                    self._functions.wake(arn, payload)
                else:
                    self._noted.undelivered.append(f"{arn} from {change.alarm.name}")
            elif ":sns:" in arn and not change.contributor:
                sns._fanout(arn, f"alarm-{self._number}", json.dumps(payload), f"{change.state}: {change.alarm.name}")

    def _dispatch(self, event: Mapping[str, Any]) -> None:
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": event["resources"],
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _policy_lets(function: str, principal: str, source: str) -> bool:
    """The function's resource policy lets this service's resource invoke it."""
    found = lambda_svc.function_policy_for_arn(function)
    return any(
        statement["Effect"] == "Allow"
        and statement.get("Principal", {}).get("Service") == principal
        and _source_is(statement.get("Condition", {}), source)
        for statement in (found[0] if found else {}).get("Statement", ())
    )


def _source_is(condition: Mapping[str, Any], source: str) -> bool:
    keys = {key.lower(): value for tests in condition.values() for key, value in tests.items()}
    arn, account = keys.get("aws:sourcearn"), keys.get("aws:sourceaccount")
    return (arn is None or iam_evaluator.fnmatch_iam(source, arn)) and account in (None, ACCOUNT)


def _to_queue(arn: str, payload: Any) -> None:
    eventbridge._dispatch_to_sqs(eventbridge.parse_arn(arn), json.dumps(payload))


def _depths() -> dict[str, int]:
    """Visible messages of every queue of the account."""
    now = time.time()
    return {
        queue["name"]: sum(message["visible_at"] <= now for message in queue["messages"])
        for queue in list(sqs._queues._data.values())
    }
