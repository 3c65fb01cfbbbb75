"""Carries events: schedules, rules, alarm actions and dead letters, all as the translated template declares them."""

from __future__ import annotations

import heapq
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tidepool_lab.embedded import events
from tidepool_lab.embedded.alarms import Transition
from tidepool_lab.embedded.events import Event
from tidepool_lab.embedded.expressions import next_due
from tidepool_lab.embedded.lambdas import Host
from tidepool_lab.embedded.metrics import Recorded
from tidepool_lab.embedded.patterns import matches
from tidepool_lab.embedded.stack import Rule, Schedule, Stack
from tidepool_lab.embedded.timestamps import iso

BUS_S = 2
"""Events to hands take 2 s (bench-rules 4.3)."""
RETRY_S = (60, 120)
"""Lambda waits a minute before the first retry of an asynchronous event, and two before the second (AWS)."""

SCHEDULER = "scheduler.amazonaws.com"
RULES = "events.amazonaws.com"
ALARMS = "lambda.alarms.cloudwatch.amazonaws.com"


class Plumbing(Protocol):
    """Queues and topics, which moto keeps."""

    def to_queue(self, arn: str, body: str) -> None: ...
    def to_topic(self, arn: str, subject: str, message: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Happened:
    """Something the dispatcher did. `kind`: invoked | failed | alarm | notified | undelivered | endpoint."""

    at_s: int
    kind: str
    what: str
    event: Any
    why: str = ""


@dataclass(order=True, slots=True)
class _Due:
    at_s: int
    rank: int
    number: int
    act: Callable[[], None] = field(compare=False)


ARRIVALS, TICKS = 0, 1
"""At the same second what travelled comes first, then schedules in the order of the template."""


class Dispatcher:
    """What is due, and to whom it goes. It never reads a clock: the rig says what time it is."""

    def __init__(
        self,
        stack: Stack,
        hosts: Mapping[str, Host],
        *,
        plumbing: Plumbing,
        recorded: Recorded,
        start_s: int,
        told: Callable[[Happened], None],
        deliveries: Callable[[int], tuple[int, ...]] = lambda at_s: (at_s,),
    ) -> None:
        """`hosts` by function ARN. `deliveries`: when something sent at a second arrives, if ever (faults)."""
        self.stack, self.now_s = stack, start_s
        self._hosts, self._plumbing, self._recorded, self._told = hosts, plumbing, recorded, told
        self._deliveries = deliveries
        self._due: list[_Due] = []
        self._number = 0
        for order, schedule in enumerate(stack.schedules):
            self._next(schedule, start_s - 1, TICKS + order)

    # What is due.
    def next_s(self) -> int | None:
        """When something is due next; None when nothing ever is."""
        return self._due[0].at_s if self._due else None

    def act(self, now: int) -> None:
        """Everything due at `now` has happened, in order; also what it caused at the same second."""
        self.now_s = now
        while self._due and self._due[0].at_s <= now:
            heapq.heappop(self._due).act()

    def at(self, at_s: int, act: Callable[[], None], *, rank: int = ARRIVALS) -> None:
        """`act` happens at that second."""
        self._number += 1
        heapq.heappush(self._due, _Due(at_s, rank, self._number, act))

    def _next(self, schedule: Schedule, after_s: int, rank: int) -> None:
        due = next_due(schedule.expression, after_s, zone=schedule.zone)
        if due is not None:
            self.at(due, lambda: self._fire(schedule, due, rank), rank=rank)

    def _fire(self, schedule: Schedule, due: int, rank: int) -> None:
        self._next(schedule, due, rank)
        event = events.scheduled(schedule, due, region=self.stack.region)
        self._arrive(schedule.target, event, by=RULES if schedule.by_rule else SCHEDULER, source=schedule.arn)

    # What travels.
    def send(self, bus: str, event: Event) -> None:
        """The event is on its way to the targets of every rule of `bus` that matches it."""
        for rule in self.stack.rules:
            if rule.bus == bus and matches(rule.pattern, event):
                self._to_targets(rule, event)

    def _to_targets(self, rule: Rule, event: Event) -> None:
        for target in rule.targets:
            payload = events.for_target(target, event)
            for at_s in self._deliveries(self.now_s + BUS_S):
                self.at(
                    at_s,
                    lambda arn=target.arn, payload=payload: self._arrive(arn, payload, by=RULES, source=rule.arn),  # type: ignore[misc]
                )

    def alarm(self, change: Transition, number: int) -> None:
        """The transition's actions are carried out, and EventBridge tells of it."""
        self._told(Happened(self.now_s, "alarm", change.alarm.name, change.attributes, str(change.state)))
        self.send("default", events.alarm_state_change(change, region=self.stack.region, number=number))
        payload = events.alarm_action(change, region=self.stack.region)
        for arn in change.actions:
            if ":lambda:" in arn:
                for at_s in self._deliveries(self.now_s):
                    self.at(
                        at_s,
                        lambda arn=arn: self._arrive(arn, payload, by=ALARMS, source=change.alarm.arn),  # type: ignore[misc]
                    )
            elif not change.contributor:
                self._arrive(arn, payload, by="cloudwatch.amazonaws.com", source=change.alarm.arn)

    def _arrive(self, arn: str, payload: Any, *, by: str, source: str) -> None:
        """A target has it; or it is undelivered, with the reason."""
        service = arn.split(":")[2]
        if service == "lambda":
            function = arn if arn in self._hosts else arn.rpartition(":")[0]
            if function not in self._hosts:
                self._undelivered(arn, payload, "there is no such function")
            elif by != SCHEDULER and not self.stack.permits(function, by, source):
                self._undelivered(arn, payload, f"no AWS::Lambda::Permission lets {by} invoke it for {source}")
            else:
                self.wake(self._hosts[function], payload)
        elif service == "sqs":
            self._plumbing.to_queue(arn, json.dumps(payload))
        elif service == "sns":
            subject = payload.get("alarmData", {}).get("alarmName", payload.get("detail-type", ""))
            self._plumbing.to_topic(arn, subject, json.dumps(payload))
            self._told(Happened(self.now_s, "notified", subject, payload))
        else:
            self._undelivered(arn, payload, f"the rig has no targets of {service}")

    def _undelivered(self, arn: str, payload: Any, why: str) -> None:
        self._told(Happened(self.now_s, "undelivered", arn, payload, why))

    # What runs.
    def wake(self, host: Host, payload: Any) -> None:
        """The function has the event, asynchronously: what it raises is tried again or becomes a dead letter."""
        self._invoke(host, payload, attempt=0, sent_s=self.now_s)

    def _invoke(self, host: Host, payload: Any, *, attempt: int, sent_s: int) -> None:
        function = host.function
        try:
            self.run(host, payload)
        except Exception as error:  # Lambda catches everything, and so does this.
            self._failed(host, payload, error, attempt=attempt, sent_s=sent_s)
            return
        self._told(Happened(self.now_s, "invoked", function.logical, payload))

    def run(self, host: Host, payload: Any) -> Any:
        """One synchronous run: what it returned. Lambda's own metrics count it; errors go through."""
        dimensions = {"FunctionName": host.function.name}
        self._recorded.put("AWS/Lambda", "Invocations", dimensions, value=1, at_s=self.now_s)
        # Through JSON, as everything that reaches a function, so that no handler can change what another one gets.
        errors = 1
        try:
            answer = host.invoke(json.loads(json.dumps(payload)))
            errors = 0
            return answer
        finally:
            self._recorded.put("AWS/Lambda", "Errors", dimensions, value=errors, at_s=self.now_s)

    def _failed(self, host: Host, payload: Any, error: Exception, *, attempt: int, sent_s: int) -> None:
        function = host.function
        why = "".join(traceback.format_exception(error))
        self._told(Happened(self.now_s, "failed", function.logical, payload, why))
        again_s = self.now_s + RETRY_S[min(attempt, len(RETRY_S) - 1)]
        if attempt < function.retries and again_s - sent_s <= function.max_age_s:
            self.at(again_s, lambda: self._invoke(host, payload, attempt=attempt + 1, sent_s=sent_s))
        elif function.on_failure:
            self._plumbing.to_queue(
                function.on_failure, json.dumps(_failure(host, payload, error, attempt, self.now_s))
            )


def _failure(host: Host, payload: Any, error: Exception, attempt: int, now: int) -> Event:
    """What Lambda writes to an OnFailure destination."""
    return {
        "version": "1.0",
        "timestamp": iso(now),
        "requestContext": {
            "functionArn": f"{host.function.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempt + 1,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": str(error), "errorType": type(error).__name__},
    }
