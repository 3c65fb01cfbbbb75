"""Asks the deployed stack as AWS and people do: an event for a function, an event on the stack's bus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tidepool_lab.deploy.stage import ROOT, Stage


class Asking:
    """One stack, by the names that CloudFormation gave. `_number` counts what was asked."""

    def __init__(self, stage: Stage, stack: str) -> None:
        self._stage, self._stack = stage, stack
        self._number = 0
        self._outputs = stage.outputs(stack)
        listed = stage.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        self._resources: dict[str, str] = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}

    def physical(self, logical: str) -> str:
        """The name that CloudFormation gave."""
        return self._resources[logical]

    def _send(self, function: str, event: Mapping[str, Any]) -> None:
        payload = json.dumps(event).encode()
        self._stage.client("lambda").invoke(
            FunctionName=self.physical(function), InvocationType="Event", Payload=payload
        )

    def _now(self, function: str, source: str) -> None:
        at = datetime.fromtimestamp(self._stage.seen()["now"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._send(function, {"source": source, "time": at})

    def _put(self, kind: str, name: str, **parts: Any) -> str:
        """The example of the events folder with these parts and an id of its own, on the bus; the id."""
        self._number += 1
        own = hashlib.sha256(str(self._number).encode()).hexdigest()[:16]
        detail = example(name)["detail"]
        (what,) = (key for key in detail if key not in {"schema", "decision_key"})
        detail[what] |= {"id": own, **parts} if "id" in detail[what] else parts
        entry = {"EventBusName": self._outputs["BusName"], "Source": "tidepool", "DetailType": f"tidepool.{kind}"}
        self._stage.client("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])
        self._stage.ask("settle")
        return own


def example(name: str) -> dict[str, Any]:
    """The event of that name of the events folder."""
    found: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def policy(statement: Mapping[str, Any]) -> str:
    """A policy document of that one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def scalable(what: str) -> tuple[str, str]:
    """The resource and the dimension of Application Auto Scaling."""
    if what == "copies":
        return "inference-component/zero", "sagemaker:inference-component:DesiredCopyCount"
    return "endpoint/alone-prod/variant/AllTraffic", "sagemaker:variant:DesiredInstanceCount"
