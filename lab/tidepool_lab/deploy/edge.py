"""AWS's wires for what the rig answers itself: JSON with a target, CBOR by path, and one plain REST call.

Only what boto3 sends today is read. Sources: Smithy's awsJson1_1 and rpcv2Cbor protocols, with the query error header
that keeps CloudWatch's old codes; sagemaker-runtime InvokeEndpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import cbor2

Reply = tuple[int, dict[str, str], bytes]
"""(HTTP status, headers, body)."""
JSON, CBOR, REST = "json", "cbor", "rest"

_OPERATION = re.compile(r"/operation/(\w+)$")
_INVOCATION = re.compile(r"^/endpoints/([^/]+)/invocations$")


class Unreadable(Exception):
    """The request is of a protocol that the rig does not read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as boto3's caller wrote it. `service` is boto3's name of it."""

    service: str
    operation: str
    params: dict[str, Any]
    wire: str


def read(service: str, path: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """`headers` by lower-case name. Unreadable when it is none of the three."""
    if target := headers.get("x-amz-target", ""):
        return Asked(service, target.rpartition(".")[2], json.loads(body or b"{}"), JSON)
    if found := _OPERATION.search(path):
        return Asked(service, found[1], cbor2.loads(body) if body else {}, CBOR)
    if found := _INVOCATION.match(path):
        params = {"EndpointName": unquote(found[1]), "Body": body}
        if component := headers.get("x-amzn-sagemaker-inference-component"):
            params["InferenceComponentName"] = component
        return Asked("sagemaker-runtime", "InvokeEndpoint", params, REST)
    raise Unreadable(
        f"{service} {path} with {sorted(headers)} is neither JSON with a target, nor CBOR, nor an invocation"
    )


def reply(asked: Asked, answer: Mapping[str, Any]) -> Reply:
    """The answer on the wire that the request came on."""
    if asked.wire == CBOR:
        body = cbor2.dumps(answer, datetime_as_timestamp=True, timezone=UTC)
        return 200, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, body
    if asked.wire == REST:
        headers = {
            "Content-Type": answer["ContentType"],
            "x-Amzn-Invoked-Production-Variant": answer["InvokedProductionVariant"],
        }
        return 200, headers, answer["Body"]
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer, default=_seconds).encode()


def refusal(asked: Asked, code: str, message: str, status: int = 400) -> Reply:
    """An error with AWS's code, as boto3 raises it: ClientError."""
    body = {"__type": code, "message": message}
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    if asked.service == "cloudwatch":
        headers["x-amzn-query-error"] = f"{code};{'Sender' if status < 500 else 'Receiver'}"
    if asked.wire == CBOR:
        headers |= {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return status, headers, cbor2.dumps(body)
    if asked.wire == REST:
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, json.dumps(body).encode()


def _seconds(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no form in JSON")
