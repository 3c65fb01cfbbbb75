"""One synthetic request to a target. Of the answer only its shape is kept, never its content."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidepool.aws.clients import Clients
from tidepool.aws.failures import answered_by_model, calling, status_of
from tidepool.fleet import Target
from tidepool.runtime.ports import Answer

JSON = "application/json"
EMPTY_REQUEST = b"{}"
CLIENT_FAULT = range(400, 500)


def probe(clients: Clients, target: Target, sample: str) -> Answer:
    """What the target answered. Without a sample an empty request is sent, and a container that refuses it answers.

    With a sample only success is `ok`. Errors of reading the sample are raised; those of the target are the answer.
    """
    body = _sample(clients, sample) if sample else EMPTY_REQUEST
    asked: dict[str, Any] = {"EndpointName": target.endpoint, "ContentType": JSON, "Accept": JSON, "Body": body}
    if target.component:
        asked["InferenceComponentName"] = target.component
    client = clients.get("sagemaker-runtime")
    began = time.perf_counter()
    try:
        reply = client.invoke_endpoint(**asked)
        content = reply["Body"].read()
    except ClientError as error:
        refused = answered_by_model(error)
        serves = not sample and refused in CLIENT_FAULT
        return Answer(serves, refused or status_of(error), _since(began), why=type(error).__name__)
    except BotoCoreError as error:
        return Answer(False, 0, _since(began), why=type(error).__name__)
    return Answer(True, 200, _since(began), schema=_shape_hash(content), length=len(content))


def _sample(clients: Clients, address: str) -> bytes:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    with calling("GetObject", address):
        body: bytes = clients.get("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _shape_hash(content: bytes) -> str:
    """A hash of the answer's shape: its keys and types, '' when it is not JSON."""
    try:
        shape = _shape(json.loads(content))
    except ValueError:
        return ""
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
