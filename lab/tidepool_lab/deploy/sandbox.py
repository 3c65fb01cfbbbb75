"""One execution environment of a Lambda function: AWS's runtime client in a clean process with the built layers.

The process has `env -i`'s environment and this much beside: what Lambda sets, the function's own variables, its role's
credentials, the rig's endpoint and the rig's clock. Its path is the code, the layers and awslambdaric, and nothing
of this machine: the interpreter runs without site-packages (-S).
Source of the protocol: AWS documentation, Using the Lambda runtime API (2018-06-01).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import queue
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATHS = "/2018-06-01/runtime/"
SLOWER = 5
"""Ours: a busy machine may take so many times as long as the function has in Lambda."""
FLUSH_S = 0.03
"""Ours: how long the last lines of a run may take through the pipe."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a sandbox runs. `layers` in the order that the function names them."""

    name: str
    arn: str
    handler: str
    memory_mb: int
    timeout_s: int
    code: bytes
    layers: tuple[bytes, ...]
    variables: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """Lambda's own variables and the function's (AWS documentation, Defined runtime environment variables)."""
        return {
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_STREAM_NAME": "rig",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": self.handler,
            **self.variables,
        }


@dataclass(slots=True)
class Outcome:
    """Of one run. `error`: the body is what Lambda reports of an exception."""

    body: Any
    error: bool
    lines: list[str] = field(default_factory=list)


class Sandbox:
    """A process that takes one event after another. `on_line` sees every line that it prints."""

    def __init__(
        self, image: Image, *, folder: Path, ric: Path, given: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        """`folder` keeps what was unpacked. `ric` holds awslambdaric. `given`: credentials, endpoint and clock."""
        self.image, self._on_line = image, on_line
        self._asked: queue.Queue[tuple[str, bytes, float]] = queue.Queue()
        self._done: queue.Queue[Outcome] = queue.Queue()
        self._lines: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        task = unpacked(image.code, folder)
        layers = [unpacked(layer, folder) / "python" for layer in image.layers]
        environment = {
            **image.environment(),
            **given,
            "LAMBDA_TASK_ROOT": str(task),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_address[1]}",
            "PYTHONPATH": ":".join(map(str, [task, *layers, ric])),
        }
        interpreter = str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
        self._process = subprocess.Popen(
            [interpreter, "-S", "-m", "awslambdaric", image.handler],
            env=environment,
            cwd=task,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, event: Any, request: str) -> Outcome:
        """One run, within the function's timeout by this machine's measure; a process that takes longer, or dies, is
        not used again.
        """
        self._lines.clear()
        limit_s = self.image.timeout_s * SLOWER
        self._asked.put((request, json.dumps(event).encode(), time.time() + limit_s))
        until = time.monotonic() + limit_s
        while True:
            try:
                outcome = self._done.get(timeout=0.2)
                break
            except queue.Empty:
                if time.monotonic() > until or not self.alive:
                    why = "Sandbox.Timedout" if self.alive else "Runtime.ExitError"
                    text = f"RequestId: {request} Error: {why} after at most {limit_s} seconds"
                    self.stop()
                    outcome = Outcome({"errorType": why, "errorMessage": text}, error=True)
                    break
        time.sleep(FLUSH_S)
        outcome.lines = list(self._lines)
        return outcome

    def stop(self) -> None:
        self._process.kill()
        self._server.shutdown()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line.rstrip("\n"))
            self._on_line(line)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sandbox = self

        class Runtime(BaseHTTPRequestHandler):
            """What the runtime client asks: the next event, and where to put its result."""

            def do_GET(self) -> None:
                request, body, deadline = sandbox._asked.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request)
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", sandbox.image.arn)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                failed = self.path.endswith("/error")
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()
                sandbox._done.put(Outcome(json.loads(body or b"null"), error=failed))

            def log_message(self, format: str, *args: object) -> None:
                """Silent: the function's own lines are the log."""

        return Runtime


def unpacked(archive: bytes, folder: Path) -> Path:
    """The archive's files, unpacked once for each content."""
    there = folder / hashlib.sha256(archive).hexdigest()[:24]
    if not there.exists():
        unfinished = there.with_suffix(f".{threading.get_ident()}")
        with zipfile.ZipFile(io.BytesIO(archive)) as content:
            content.extractall(unfinished)
        with contextlib.suppress(OSError):  # Another thread was first; its files are the same.
            unfinished.rename(there)
    return there


class Sandboxes:
    """Sandboxes by image: an idle one is used again, and as many run as there are events at once."""

    def __init__(self, make: Callable[[Image], Sandbox]) -> None:
        self._make = make
        self._idle: dict[str, list[Sandbox]] = {}
        self._lock = threading.Lock()
        self.running = 0

    def run(self, image: Image, event: Any, request: str) -> Outcome:
        """One run in a sandbox of that image; another configuration of a function gets a new one."""
        key = _key(image)
        with self._lock:
            self.running += 1
            idle = self._idle.setdefault(key, [])
            sandbox = idle.pop() if idle else None
        try:
            sandbox = sandbox or self._make(image)
            outcome = sandbox.invoke(event, request)
            with self._lock:
                if sandbox.alive:
                    idle.append(sandbox)
            return outcome
        finally:
            with self._lock:
                self.running -= 1

    def stop(self, function: str = "") -> None:
        """Idle sandboxes of the function of that name are gone; '' = every idle one. The next run starts cold."""
        with self._lock:
            for idle in self._idle.values():
                for sandbox in [each for each in idle if function in ("", each.image.name)]:
                    sandbox.stop()
                    idle.remove(sandbox)


def _key(image: Image) -> str:
    parts: Sequence[Any] = [
        image.arn,
        image.handler,
        hashlib.sha256(image.code).hexdigest(),
        *(hashlib.sha256(layer).hexdigest() for layer in image.layers),
        sorted(image.variables.items()),
        image.memory_mb,
        image.timeout_s,
    ]
    return json.dumps(parts)
