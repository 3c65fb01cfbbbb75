"""Counts what a rig's handlers use of AWS: every boto3 call with its size, run time, log lines, metrics and alarms."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import thread_time
from typing import Any

from botocore.client import BaseClient

from tidepool.units import HOUR_S
from tidepool_lab.embedded.lambdas import TAP, Host
from tidepool_lab.embedded.rig import Rig

CALL_S = 0.05
"""What a call takes of a function's time, a page of it too (assumed: no account is here to measure it)."""
PLATFORM_BYTES = 400
"""Of Lambda's own lines START, END and REPORT of a run (assumed; a REPORT line is some 200 characters)."""
EVENT_BYTES = 26
"""CloudWatch Logs counts each line as its UTF-8 bytes and 26 more (AWS documentation, PutLogEvents)."""
EMBEDDED = '"_aws"'
"""In every line in embedded metric format."""


@dataclass(slots=True)
class Used:
    """What was used since the meter was laid on.

    calls: by 'service.Operation'. runs, own_s: by function; own_s is their time between calls, in
    seconds of this thread (the process's own clock takes up to 4 ms to read here).
    kept_bytes: of S3 objects that stay; those of memory do for a week. written: (hour, custom metric) with a datapoint.
    """

    calls: Counter[str] = field(default_factory=Counter)
    metrics_read: int = 0
    write_units: int = 0
    read_units: float = 0.0
    kept_bytes: int = 0
    memory_bytes: int = 0
    events: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    calls_of: Counter[str] = field(default_factory=Counter)
    own_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    log_bytes: int = 0


@contextmanager
def metered() -> Iterator[Used]:
    """What a rig's handlers use inside. What the rig itself asks, to carry events about, is not theirs."""
    used, call, invoke, sink = Used(), BaseClient._make_api_call, Host.invoke, TAP.sink
    inside = 0.0

    def counted(client: Any, operation: str, params: dict[str, Any]) -> Any:
        nonlocal inside
        if not TAP.running:
            return call(client, operation, params)
        began = thread_time()
        reply: Any = {}
        try:
            reply = call(client, operation, params)
            return reply
        finally:
            # A call that was refused is billed as well.
            inside += thread_time() - began
            used.calls_of[TAP.running] += 1
            _count(used, client.meta.service_model.service_name, operation, params, reply)

    def timed(host: Host, event: Any) -> Any:
        nonlocal inside
        name, before, began = host.function.logical, inside, thread_time()
        try:
            return invoke(host, event)
        finally:
            used.runs[name] += 1
            used.own_s[name] += thread_time() - began - (inside - before)
            used.log_bytes += PLATFORM_BYTES

    def line(function: str, text: str) -> None:
        used.log_bytes += len(text.encode()) + EVENT_BYTES
        sink(function, text)

    _lay(counted, timed, line)
    try:
        yield used
    finally:
        _lay(call, invoke, sink)


def _lay(call: Any, invoke: Any, sink: Any) -> None:
    BaseClient._make_api_call = call
    Host.invoke = invoke  # type: ignore[method-assign]
    TAP.sink = sink


def written_hours(rig: Rig) -> int:
    """Over the custom metrics, in how many hours each had a datapoint."""
    return sum(
        len({at // HOUR_S for at in minutes})
        for (namespace, _), series in rig.recorded.points.items()
        if not namespace.startswith("AWS/")
        for minutes in series.values()
    )


def _count(used: Used, service: str, operation: str, params: dict[str, Any], reply: dict[str, Any]) -> None:
    used.calls[f"{service}.{operation}"] += 1
    match service, operation:
        case "cloudwatch", "GetMetricData":
            # Each page is a call, and the metrics are asked for once.
            used.metrics_read += 0 if params.get("NextToken") else len(params["MetricDataQueries"])
        case "dynamodb", ("PutItem" | "UpdateItem" | "DeleteItem"):
            used.write_units += _units(params, 1024)
        case "dynamodb", "BatchGetItem":
            # Each item is rounded up by itself, and none of ours has 4 KB; half a unit where it is not consistent.
            for of in params["RequestItems"].values():
                used.read_units += len(of["Keys"]) * (1.0 if of.get("ConsistentRead") else 0.5)
        case "dynamodb", _:
            used.read_units += _units(reply, 4096)
        case "s3", "PutObject":
            body = params["Body"]
            size = len(body) if isinstance(body, bytes) else body.seek(0, 2)
            if params["Key"].startswith("memory/"):
                used.memory_bytes += size
            else:
                used.kept_bytes += size
        case "events", "PutEvents":
            used.events += len(params["Entries"])


def _units(value: object, size: int) -> int:
    """Capacity units of what was sent or came back: its JSON is longer than what DynamoDB counts."""
    return max(1, -(-len(json.dumps(value, default=str)) // size))
