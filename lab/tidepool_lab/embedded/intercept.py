"""Every boto3 client of the process asks the rig first: requests and replies are held to botocore's own model.

botocore validates and serialises the request as always; `before-call` then lets a responder answer before any
HTTP. The reply is validated against the operation's output shape, so an emulator that forgets a required member
or misspells one fails loudly and not in a handler. Errors are real ClientErrors with AWS's codes and texts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.validate import ParamValidator

from tidepool.errors import HostingError, Throttled, Unreachable

Params = dict[str, Any]
Responder = Callable[[str, Params], Params | None]
"""(operation, validated parameters) → the reply, or None to let the call go on (to moto)."""
Watcher = Callable[[str, Params, Params], None]
"""(operation, parameters, reply) after a call that succeeded."""
Noter = Callable[[str, str, Params], None]
"""(service, operation, parameters)."""

ACCOUNT = "123456789012"
"""The account that moto answers for."""
SAMPLE = 40
"""Replies of one operation that are validated whole before only every SAMPLE-th is: validating a month of
GetMetricData costs more than simulating it, and a responder's shape does not change from call to call."""


ATTEMPTS = 5
"""Of one call, where the client does not say (botocore's legacy mode)."""


class TwinBug(AssertionError):
    """A responder answered in a shape that AWS never sends."""


class AwsError(Exception):
    """What AWS would refuse, as a code, a text and an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(f"{code}: {message}")


class _Asked:
    """Who answers now. Hooks are installed once; without a rig they do nothing."""

    def __init__(
        self, responders: Mapping[str, Responder], watchers: Mapping[str, Watcher], noted: Noter | None
    ) -> None:
        self.responders, self.watchers, self.noted = responders, watchers, noted
        self.seen: dict[str, int] = {}
        self.calls: dict[str, int] = {}


_stack = [_Asked({}, {}, None)]
"""The last one answers."""


@contextmanager
def answering(
    responders: Mapping[str, Responder],
    *,
    watchers: Mapping[str, Watcher] | None = None,
    noted: Noter | None = None,
) -> Iterator[dict[str, int]]:
    """Clients of these services (by boto3's service name) are answered here; yields calls counted by operation.

    `noted` is told of every call of any service before it is made.
    """
    mine = _Asked(responders, watchers or {}, noted)
    _stack.append(mine)
    try:
        yield mine.calls
    finally:
        _stack.remove(mine)


def _remember(params: Params, model: Any, context: Params, **_: object) -> None:
    """Keep the parameters for `_answer`: it sees the serialised request only, in whatever protocol."""
    context["tidepool_params"] = params
    noted = _stack[-1].noted
    if noted is not None:
        noted(model.service_model.service_name, model.name, params)


def _answer(model: Any, context: Params, **_: object) -> tuple[AWSResponse, Params] | None:
    service: str = model.service_model.service_name
    operation: str = model.name
    asked = _stack[-1]
    name = f"{service}.{operation}"
    asked.calls[name] = asked.calls.get(name, 0) + 1
    responder = asked.responders.get(service)
    if responder is None:
        return None
    try:
        reply = _patiently(responder, operation, context)
    except HostingError as error:
        return _http(400), _error(error.code, error.message, 400)
    except AwsError as error:
        return _http(error.status), _error(error.code, error.message, error.status)
    except Unreachable as error:
        raise EndpointConnectionError(endpoint_url=f"https://{service}") from error
    if reply is None:
        return None
    _validate(name, reply, model.output_shape)
    if model.has_streaming_output:
        payload = model.output_shape.serialization["payload"]
        reply[payload] = StreamingBody(io.BytesIO(reply[payload]), len(reply[payload]))
    reply["ResponseMetadata"] = {"HTTPStatusCode": 200, "RequestId": "twin", "HTTPHeaders": {}, "RetryAttempts": 0}
    return _http(200), reply


def _patiently(responder: Responder, operation: str, context: Params) -> Params | None:
    """The reply, throttled calls tried again as often as the client's own configuration says.

    An answer before HTTP passes botocore's retries by; they are made up for here, without their waiting: simulated
    time stands still while a handler runs.
    """
    retries = getattr(context.get("client_config"), "retries", None) or {}
    for _ in range(retries.get("total_max_attempts", ATTEMPTS) - 1):
        try:
            return responder(operation, context["tidepool_params"])
        except Throttled:
            continue
    return responder(operation, context["tidepool_params"])


def _after(http_response: Any, parsed: Params, model: Any, context: Params, **_: object) -> None:
    watcher = _stack[-1].watchers.get(model.service_model.service_name)
    if watcher is not None and http_response.status_code < 300:
        watcher(model.name, context["tidepool_params"], parsed)


def _validate(name: str, reply: Params, shape: Any) -> None:
    counts = _stack[-1].seen
    seen = counts[name] = counts.get(name, 0) + 1
    if shape is None:
        if reply:
            raise TwinBug(f"{name} has no output, and the twin answered {sorted(reply)}")
        return
    if seen > SAMPLE and seen % SAMPLE:
        return
    report = ParamValidator().validate(reply, shape)
    if report.has_errors():
        raise TwinBug(f"{name}: {report.generate_report()}")


def _http(status: int) -> AWSResponse:
    return AWSResponse("https://twin", status, {}, None)


def _error(code: str, message: str, status: int) -> Params:
    meta = {"HTTPStatusCode": status, "RequestId": "twin", "HTTPHeaders": {}, "RetryAttempts": 0}
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}


def page(items: list[Any], token: str | None, size: int) -> tuple[list[Any], str | None]:
    """One page of `items`, and the token of the next one. Tokens are offsets; AWS's are opaque."""
    start = int(token) if token else 0
    return items[start : start + size], str(start + size) if start + size < len(items) else None


def _install() -> None:
    """New botocore sessions take these hooks as built in, as moto's own; older clients have not got them."""
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build", _remember))
    handlers.BUILTIN_HANDLERS.append(("before-call", _answer))
    handlers.BUILTIN_HANDLERS.append(("after-call", _after))


_install()
