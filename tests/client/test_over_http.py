"""Real boto3 over a real socket: what the server counts is what a model would have run."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from zlib import crc32

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EventStreamError

import tidepool_client
from builders.callers import NEW, OLD, Clock, Table
from tidepool_client.store import RouteStore

COMPONENT = "X-Amzn-SageMaker-Inference-Component"
GONE = (400, "ValidationError", "Endpoint own of account 111122223333 not found.")


class Hosting(ThreadingHTTPServer):
    """SageMaker's runtime, which answers each home as `answers` says, and counts what arrived there."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, str, str] | str] = {}
        self.arrived: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hosting

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        endpoint = self.path.split("/")[2]
        self.server.arrived.append((endpoint, self.headers.get(COMPONENT, "")))
        match self.server.answers.get(endpoint, "ok"):
            case (status, code, message):
                body = json.dumps({"message": message}).encode()
                self._reply(int(status), body, ("x-amzn-ErrorType", str(code)))
            case "silent":
                threading.Event().wait(1.0)
                self.close_connection = True
            case "cut":
                self.close_connection = True
            case "half":
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"half")
                self.close_connection = True
            case "stream":
                self._reply(200, STREAM)
            case _:
                self._reply(200, b"ok")

    def _reply(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def hosting() -> Iterator[Hosting]:
    server = Hosting()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def a_client(hosting: Hosting, table: Table, *, config: Config | None = None) -> Iterator[Any]:
    """tidepool_client.client() itself, with SageMaker at the server and the routes from the table."""
    with pytest.MonkeyPatch.context() as patched:
        port = hosting.server_address[1]
        patched.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", f"http://127.0.0.1:{port}")
        patched.setenv("AWS_ACCESS_KEY_ID", "test")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patched.setenv("AWS_MAX_ATTEMPTS", "5")
        patched.setattr(boto3, "DEFAULT_SESSION", None)
        made = tidepool_client.client(table="routes", region_name="us-east-1", config=config)
        made._routes = RouteStore(table, "routes", clock=Clock(), random=Random(1))
        yield made


def test_a_call_reaches_the_component_and_then_the_dedicated_endpoint_by_their_names(hosting: Hosting) -> None:
    with a_client(hosting, Table((*OLD, 0), (*NEW, 100))) as client:
        hosting.answers["own"] = GONE
        reply = client.invoke_endpoint(ModelName="m", Body=b"x")
        assert reply["Body"].read() == b"ok"
    assert hosting.arrived == [NEW, OLD]


@pytest.mark.parametrize(
    "answer",
    [
        (500, "InternalFailure", "try again"),
        (503, "ServiceUnavailable", "try again"),
        (530, "InternalDependencyException", "try again"),
        (424, "ModelError", "Received client error (404): endpoint not found"),
        (429, "ThrottlingException", "Rate exceeded"),
        "silent",
        "cut",
    ],
    ids=str,
)
def test_what_may_have_run_arrives_once_whatever_boto3_is_configured_to_retry(
    hosting: Hosting, answer: tuple[int, str, str] | str
) -> None:
    retrying = Config(read_timeout=0.3, retries={"mode": "standard", "total_max_attempts": 5})
    hosting.answers = {"own": answer, "pool": answer}
    with a_client(hosting, Table((*OLD, 50), (*NEW, 50)), config=retrying) as client:
        for call in (client.invoke_endpoint, client.invoke_endpoint_with_response_stream):
            hosting.arrived.clear()
            with pytest.raises((ClientError, BotoCoreError)):
                call(ModelName="m", Body=b"x")
            assert len(hosting.arrived) == 1


def test_an_answer_that_breaks_off_is_the_callers_and_nothing_is_sent_again(hosting: Hosting) -> None:
    hosting.answers = {"own": "half", "pool": "half"}
    with a_client(hosting, Table((*OLD, 50), (*NEW, 50))) as client:
        reply = client.invoke_endpoint(ModelName="m", Body=b"x")
        with pytest.raises(BotoCoreError):
            reply["Body"].read()
    assert len(hosting.arrived) == 1


def test_a_stream_that_fails_after_it_began_is_the_callers_and_nothing_is_sent_again(hosting: Hosting) -> None:
    hosting.answers = {"own": "stream", "pool": "stream"}
    with a_client(hosting, Table((*OLD, 50), (*NEW, 50))) as client:
        stream = client.invoke_endpoint_with_response_stream(ModelName="m", Body=b"x")["Body"]
        events = iter(stream)
        assert next(events) == {"PayloadPart": {"Bytes": b"tok"}}
        with pytest.raises(EventStreamError, match="InternalStreamFailure"):
            next(events)
    assert len(hosting.arrived) == 1


def event(payload: bytes, **headers: str) -> bytes:
    """One message of AWS's event stream encoding (Amazon Transcribe guide, event stream encoding)."""
    coded = b""
    for name, value in headers.items():
        key = f":{name.replace('_', '-')}".encode()
        coded += struct.pack("!B", len(key)) + key + struct.pack("!BH", 7, len(value)) + value.encode()
    prelude = struct.pack("!II", 16 + len(coded) + len(payload), len(coded))
    message = prelude + struct.pack("!I", crc32(prelude)) + coded + payload
    return message + struct.pack("!I", crc32(message))


STREAM = event(b"tok", message_type="event", event_type="PayloadPart") + event(
    b'{"Message": "the container died"}', message_type="exception", exception_type="InternalStreamFailure"
)
