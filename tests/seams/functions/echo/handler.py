"""A handler for the rig's own tests: it remembers what it was given, and does what the event says."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import boto3

SEEN: list[Any] = []


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    SEEN.append(event)
    detail = event.get("detail", {})
    if detail.get("fail"):
        raise RuntimeError("as asked")
    if detail.get("send"):
        entry = {
            "Source": "tidepool",
            "DetailType": detail["send"],
            "Detail": json.dumps({"schema": 1}),
            "EventBusName": os.environ["TIDEPOOL_BUS"],
        }
        boto3.client("events").put_events(Entries=[entry])
    if detail.get("count"):
        metric = {"Namespace": "Tidepool", "Dimensions": [["service"]], "Metrics": [{"Name": "Asked", "Unit": "Count"}]}
        about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}
        print(json.dumps({"_aws": about, "service": "tidepool", "Asked": 1.0}))
    return {"name": context.function_name, "now": int(time.time()), "hands": os.environ.get("TIDEPOOL_HANDS", "")}
