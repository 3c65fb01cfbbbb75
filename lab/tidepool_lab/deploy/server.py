"""The rig's process: ministack with what it lacks, the twin's account behind it, and a door for who drives it.

Runs in .venv-rig, on the rig's clock; stage.py starts it. The door is a second port: POST /COMMAND with JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tidepool_lab.deploy import clock
from tidepool_lab.deploy.account import REGION, Account, code_of
from tidepool_lab.deploy.noted import Noted
from tidepool_lab.deploy.sandbox import Image, Sandbox, Sandboxes
from tidepool_lab.embedded.intercept import ACCOUNT

QUIET_S, PATIENCE_S = 0.4, 600.0
"""Ours: nothing has run for so long = what a minute caused is over; and how long that may take on a busy machine."""
ON_ITS_WAY = "(run)"
"""How Python names the threads in which ministack delivers objects' events and asynchronous calls: after what they
start with, a copied context's `run`."""
AFTER_S = 1
"""Ours: seconds into a minute at which its schedules are fired."""


class Door:
    """What the driver may ask, by name."""

    def __init__(self, deliveries: Any, noted: Noted, account: Account, sandboxes: Sandboxes, clock_file: Path) -> None:
        self._deliveries, self._noted, self._account = deliveries, noted, account
        self._sandboxes, self._file = sandboxes, clock_file
        self.commands: dict[str, Callable[..., Any]] = {
            "minutes": self._minutes,
            "figures": self._figures,
            "dial": self._dial,
            "seen": self._seen,
            "settle": self._settle,
            "cold": sandboxes.stop,
            "calendar": account.calendars.update,
        }

    def _minutes(self, count: int = 1) -> Any:
        """So many minutes pass, each with all that AWS and the stack do in it; what is seen then."""
        for _ in range(count):
            clock.move_to(self._file, (int(time.time()) // 60 + 1) * 60 + AFTER_S)
            self._deliveries.beat()
            self._settle()  # Alarms before schedules, so that whom an alarm wakes is not forestalled by the tick.
            self._deliveries.schedules()
            self._settle()
        return self._seen()

    def _figures(self) -> Any:
        """What callers got since the start; AssertionError unless every request is accounted for."""
        with self._account.lock:
            cloud = self._account.cloud
            cloud.check_conservation()
            return dataclasses.asdict(cloud.figures(cloud.start_s, cloud.now_s))

    def _settle(self) -> None:
        """Everything that is under way has ended. TimeoutError when it does not."""
        until, quiet_since = time.monotonic() + PATIENCE_S, time.monotonic()
        while True:
            # Looked at before the clock is: on a busy machine a sleep may be longer than QUIET_S.
            if self._sandboxes.running or any(each.name.endswith(ON_ITS_WAY) for each in threading.enumerate()):
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= QUIET_S:
                return
            if time.monotonic() > until:
                raise TimeoutError(f"functions still run after {PATIENCE_S:.0f} s")
            time.sleep(0.02)

    def _dial(self, **per_minute: int) -> Any:
        """From now on so many requests a minute reach these models."""
        unknown = sorted(set(per_minute) - set(self._account.dial.models))
        if unknown:
            raise ValueError(f"{unknown} are not models of the rig's account: {self._account.dial.models}")
        with self._account.lock:
            self._account.dial.per_minute_of.update(per_minute)
        return self._seen()

    def _seen(self) -> Any:
        return {
            **self._account.seen(),
            "refused": list(self._noted.refused),
            "undelivered": list(self._noted.undelivered),
        }

    def open(self, port: int) -> None:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                try:
                    status, answer = 200, door.commands[self.path.strip("/")](**asked)
                except Exception as error:
                    logging.getLogger("tidepool.rig").exception("%s", self.path)
                    status, answer = 500, {"error": f"{type(error).__name__}: {error}"}
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Silent: the driver knows what it asked."""

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("port", "door"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("folder", "root"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    told = parser.parse_args()
    endpoint = f"http://127.0.0.1:{told.port}"
    os.environ |= {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(told.port),
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0",  # AWS waits a minute, then two.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
    }
    from ministack import app

    from tidepool_lab.deploy import hooks

    account = Account(now=time.time, code=code_of(told.root))
    clock_file = told.folder / "clock"
    given = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **clock.environment(clock_file),
    }

    def sandbox(image: Image) -> Sandbox:
        unpacked, ric = told.folder / "unpacked", Path(sys.prefix) / "ric"
        return Sandbox(image, folder=unpacked, ric=ric, given=given, on_line=account.put_line)

    sandboxes = Sandboxes(sandbox)
    deliveries, noted = hooks.install(account, sandboxes)
    Door(deliveries, noted, account, sandboxes, clock_file).open(told.door)
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
