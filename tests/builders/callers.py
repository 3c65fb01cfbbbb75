"""Callers over two small fakes of AWS: a routes table and SageMaker's runtime. Time and chance are given."""

from __future__ import annotations

from random import Random
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

import tidepool_client
from tidepool_client.store import RouteStore

OLD, NEW = ("pool", "m-old"), ("own", "")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Table:
    """One item, read over and over; `away` makes every read fail."""

    def __init__(self, *targets: tuple[str, str, int], version: int = 1) -> None:
        self.reads, self.away = 0, False
        self.put(*targets, version=version)

    def put(self, *targets: tuple[str, str, int], version: int) -> None:
        rows = [{"M": {"endpoint": {"S": e}, "component": {"S": c}, "weight": {"N": str(w)}}} for e, c, w in targets]
        self.item: dict[str, Any] | None = {"version": {"N": str(version)}, "targets": {"L": rows}} if rows else None

    def get_item(self, **asked: Any) -> dict[str, Any]:
        self.reads += 1
        assert asked == {"TableName": "routes", "Key": {"model": {"S": "m"}}, "ConsistentRead": True}
        if self.away:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return {"Item": self.item} if self.item else {}


class SageMaker:
    """Answers from wherever it is called; `refuses` raises for a target."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.refuses: dict[tuple[str, str], Exception] = {}
        self.reply: dict[str, Any] = {"Body": b"ok"}

    def invoke_endpoint(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        target = (call["EndpointName"], call.get("InferenceComponentName", ""))
        if target in self.refuses:
            raise self.refuses[target]
        return self.reply

    invoke_endpoint_with_response_stream = invoke_endpoint

    def invoke_endpoint_async(self, **call: Any) -> str:
        return "async"

    @property
    def went_to(self) -> list[tuple[str, str]]:
        return [(call["EndpointName"], call.get("InferenceComponentName", "")) for call in self.calls]


class Caller:
    def __init__(self, table: Table, seed: int = 1) -> None:
        self.table, self.clock, self.sagemaker = table, Clock(), SageMaker()
        store = RouteStore(table, "routes", clock=self.clock, random=Random(seed))
        self.runtime = tidepool_client.Runtime(self.sagemaker, store, random=Random(seed))

    def call(self, **more: Any) -> dict[str, Any]:
        return self.runtime.invoke_endpoint(**{"ModelName": "m", "Body": b"x", **more})


def refusal(code: str, message: str, status: int, **more: Any) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "InvokeEndpoint")  # type: ignore[arg-type]
