"""Hooks into ministack's EventBridge: buses of other accounts and regions, held to the policy of each bus.

ministack delivers to buses of the caller's own account and region alone, and asks no bus's policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, request_scope
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from tidepool_lab.deploy.noted import Noted

PUT = "events:PutEvents"


class Buses:
    """Who may put what on which bus, and what is put there."""

    def __init__(self, noted: Noted) -> None:
        self._noted = noted

    def install(self) -> None:
        """Events for a bus of another account, and policies of a template's buses, are theirs from now on."""
        self._put, eventbridge._put_events = eventbridge._put_events, self._put_events
        provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
            "create": _make_policy,
            "update": lambda physical, before, after, stack: _make_policy(physical, after, stack),
            "delete": _delete_policy,
        }

    def deliver(self, event: Mapping[str, Any], bus: str, sender: str) -> bool:
        """The event has reached the rules of that bus, an ARN. False when the bus does not take it from the sender."""
        taken = self._takes(bus, event, sender)
        if taken:
            account, region, name = _parts(bus)
            with request_scope(account, region):
                # It keeps the account and the region that it came from.
                eventbridge._dispatch_event({**event, "EventBusName": name})
        return taken

    def _takes(self, bus: str, event: Mapping[str, Any], sender: str) -> bool:
        """There is such a bus, and its policy lets the sender, an ARN, put the event there.

        In the bus's own account it is enough that the policy does not deny (IAM user guide, Cross-account resources).
        """
        account, region, name = _parts(bus)
        if not eventbridge._event_buses.contains_scoped(account, region, name):
            return False
        theirs = sender.split(":")[4]
        context = iam_evaluator.EvalContext(
            principal_arn=sender,
            principal_type="AssumedRole",
            principal_account=theirs,
            action=PUT,
            resource_arn=bus,
            region=region,
            secure_transport=True,
            service_context={"events:source": [event["Source"]], "events:detail-type": event["DetailType"]},
        )
        policy = eventbridge._event_bus_policies.get_scoped(account, region, name)
        return bool(iam_evaluator.resource_policy_allows(policy, context, theirs == account))

    def _put_events(self, data: Mapping[str, Any], allow_aws_source: bool = False) -> Any:
        """What a call says to buses of other accounts. It is refused as a whole when one bus does not take it."""
        entries = data.get("Entries", [])
        if not all(_of_others(entry.get("EventBusName", "")) for entry in entries):
            return self._put(data, allow_aws_source)
        sender = iam_evaluator.caller_arn()
        events = [_event(entry) for entry in entries]
        for event in events:
            if not self._takes(event["EventBusName"], event, sender):
                self._noted.refused.append(f"{sender} {PUT}")
                said = f"User: {sender} is not authorized to perform: {PUT} on resource: {event['EventBusName']}"
                return error_response_json("AccessDeniedException", said, 400)
        for event in events:
            self.deliver(event, event["EventBusName"], sender)
        return json_response({"FailedEntryCount": 0, "Entries": [{"EventId": event["EventId"]} for event in events]})


def _event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as ministack keeps an event."""
    parts = {"Source": "", "DetailType": "", "Detail": "{}", "Resources": [], **entry}
    made = {"EventId": eventbridge.new_uuid(), "Time": int(eventbridge._now_ts())}
    return {**parts, **made, "Account": get_account_id(), "Region": get_region()}


def _parts(bus: str) -> tuple[str, str, str]:
    """Account, region and name of a bus, from its ARN."""
    _, _, _, region, account, resource = bus.split(":", 5)
    return account, region, resource.removeprefix("event-bus/")


def _of_others(bus: str) -> bool:
    return bus.startswith("arn:") and _parts(bus)[0] != get_account_id()


def _make_policy(logical: str, properties: Mapping[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    """The bus has that statement, and keeps the others."""
    bus, sid = properties["EventBusName"], properties["StatementId"]
    _delete_policy(sid, properties)
    policies = eventbridge._event_bus_policies
    others = policies[bus]["Statement"] if bus in policies else []
    policies[bus] = {"Version": "2012-10-17", "Statement": [*others, {"Sid": sid, **properties["Statement"]}]}
    return sid, {}


def _delete_policy(physical: str, properties: Mapping[str, Any]) -> None:
    eventbridge._remove_permission({"EventBusName": properties["EventBusName"], "StatementId": physical})
