"""Drives the rig from outside: starts its process, builds and deploys with the unmodified sam, and asks as a user does.

with Stage(folder) as stage:
    stage.deploy("tidepool-local", Hands="moves")
    stage.minutes(3)
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[3]
RIG, SAM = ROOT / ".venv-rig", ROOT / ".venv-sam" / "bin" / "sam"
BUILT = ROOT / ".aws-sam" / "rig"
REGION = "us-east-1"
START_S = 180.0
"""Ours: how long the rig's process may take to begin to answer on a busy machine."""
ANSWER_S = 3600.0
"""Ours: longer than any command takes there."""
OWN = "test"
"""ministack's root caller of the rig's account; of another account it is the account's number."""


def credentials(key: str = OWN, secret: str = "test") -> dict[str, str]:
    """Variables of a process that asks as the owner of that key."""
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION}


class Stage:
    """One rig, in a folder of its own. Everything that it started is gone when the block ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._door = _free_port(), _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "clock").write_text("+0\n", encoding="ascii")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'lab'}:{ROOT / 'layers' / 'core'}",
            "TMPDIR": str(self.folder),
            **credentials(),
            **self._clock(),
        }
        ports = ["--port", str(self.port), "--door", str(self._door)]
        log = (self.folder / "rig.log").open("wb")
        self._process = subprocess.Popen(
            [
                RIG / "bin" / "python",
                "-m",
                "tidepool_lab.deploy.server",
                *ports,
                "--folder",
                self.folder,
                "--root",
                ROOT,
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, 9)  # The sandboxes are its children, in its session.
            self._process.wait()

    def _clock(self) -> dict[str, str]:
        """clock.environment, which only .venv-rig can tell."""
        code = "import json,sys,pathlib;from tidepool_lab.deploy import clock as c;"
        code += "print(json.dumps(c.environment(pathlib.Path(sys.argv[1]))))"
        told = subprocess.run(
            [RIG / "bin" / "python", "-c", code, self.folder / "clock"],
            env={"PYTHONPATH": f"{ROOT / 'lab'}:{ROOT / 'layers' / 'core'}"},
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, str] = json.loads(told.stdout)
        return found

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    self.ask("seen")
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"the rig does not answer on {self.endpoint}; its log:\n{self.log()[-3000:]}")

    def log(self) -> str:
        """What the rig's process printed."""
        return (self.folder / "rig.log").read_text(encoding="utf-8", errors="replace")

    # Time and load.
    def ask(self, command: str, **parameters: Any) -> dict[str, Any]:
        """One command of server.Door. RuntimeError with what it said."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._door}/{command}", data=json.dumps(parameters).encode(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as reply:
                answer: dict[str, Any] = json.loads(reply.read())
                return answer
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{command} {parameters}: {error.read().decode()}") from error

    def minutes(self, count: int = 1) -> dict[str, Any]:
        """So many minutes pass."""
        return self.ask("minutes", count=count)

    def dial(self, **per_minute: int) -> dict[str, Any]:
        """From now on so many requests a minute reach these models."""
        return self.ask("dial", **per_minute)

    def until(self, true: Callable[[dict[str, Any]], bool], *, minutes: int) -> dict[str, Any]:
        """Minutes pass until it is true of what is seen, which is returned. AssertionError after so many."""
        seen = self.seen()
        for _ in range(minutes):
            if true(seen):
                return seen
            seen = self.minutes()
        assert true(seen), f"after {minutes} minutes: {seen}"
        return seen

    def seen(self) -> dict[str, Any]:
        """Copies, endpoints, alarms, refusals."""
        return self.ask("seen")

    # sam.
    def sam(self, *words: str, account: str = OWN) -> str:
        """The unmodified sam against the rig; what it printed. RuntimeError with it when it fails."""
        _, folder = build_python()
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_ENDPOINT_URL": self.endpoint,
            **credentials(account),
        }
        told = subprocess.run([SAM, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if told.returncode:
            wrong = "\n".join(line for line in self.log().splitlines() if " ERROR " in line)
            raise RuntimeError(f"sam {' '.join(words)}: {told.stderr.strip()[-500:]}\nThe rig said:\n{wrong[-3000:]}")
        return told.stdout + told.stderr

    def deploy(self, stack: str, *, template: Path = BUILT / "template.yaml", **parameters: str) -> str:
        """`sam deploy` of what was built, as samconfig.toml's environment `local` has it."""
        runtime, _ = build_python()
        overrides = {"Runtime": runtime, "Architecture": "x86_64", "LogRetentionDays": "1", **parameters}
        where = ("--template-file", str(template), "--stack-name", stack)
        return self.deploy_as("local", *where, account=OWN, **overrides)

    def deploy_as(self, environment: str, *words: str, account: str, **parameters: str) -> str:
        """`sam deploy` as that environment of samconfig.toml has it, in that account."""
        return self.sam(
            "deploy",
            *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", environment),
            *words,
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--parameter-overrides",
            *(f"{key}={value}" for key, value in parameters.items()),
            account=account,
        )

    def tidepool(
        self, *words: str, folder: Path | None = None, at: datetime | None = None, by: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command on the rig, in that folder, with those credentials; what it printed and its exit code.

        On the rig's clock, or at that one moment (UTC). By the rig's account, unless it is said by whom.
        """
        clock = self._clock()
        if at is not None:
            clock = {"LD_PRELOAD": clock["LD_PRELOAD"], "FAKETIME": at.strftime("%Y-%m-%d %H:%M:%S"), "TZ": "UTC"}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.endpoint,
            **(by or credentials()),
            **clock,
        }
        return subprocess.run(
            [ROOT / ".venv" / "bin" / "tidepool", *words],
            cwd=folder or ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    # What a user of the account sees.
    def client(self, service: str, *, account: str = OWN) -> Any:
        """boto3 on the rig, as that account's root."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def outputs(self, stack: str, *, account: str = OWN) -> Mapping[str, str]:
        """The stack's outputs by name."""
        (found,) = self.client("cloudformation", account=account).describe_stacks(StackName=stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    def upload(self, stack: str, fleet_yaml: str, *, commit: str = "rig") -> None:
        """fleet.yaml is in the stack's bucket, and what its upload wakes has run."""
        self.client("s3").put_object(
            Bucket=self.outputs(stack)["BucketName"],
            Key="config/fleet.yaml",
            Body=fleet_yaml.encode(),
            Metadata={"commit": commit},
        )
        self.ask("settle")

    def results(self, stack: str, function: str = "decide") -> list[dict[str, Any]]:
        """What the function's runs returned so far, from its log."""
        pages = self.client("logs").get_paginator("filter_log_events")
        group = f"/tidepool/{stack}/{function}"
        lines = [event["message"] for page in pages.paginate(logGroupName=group) for event in page["events"]]
        read = [json.loads(line) for line in lines if line.startswith('{"level"')]
        return [line["result"] for line in read if line["message"] == "done"]

    def records(self, stack: str) -> list[dict[str, Any]]:
        """Every decision record of the stack, in order of time."""
        client, bucket = self.client("s3"), self.outputs(stack)["BucketName"]
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="decisions/")
        keys = sorted(each["Key"] for page in pages for each in page.get("Contents", ()))
        return [json.loads(gzip.decompress(client.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys]

    def items(self, stack: str, kind: str) -> list[dict[str, Any]]:
        """The ledger's items of one partition, each body decoded."""
        from boto3.dynamodb.types import TypeDeserializer

        found = self.client("dynamodb").query(
            TableName=self.outputs(stack)["LedgerTableName"],
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": kind}},
        )["Items"]
        read = TypeDeserializer().deserialize
        plain = [{key: read(value) for key, value in item.items()} for item in found]
        return [item | ({"body": json.loads(item["body"])} if "body" in item else {}) for item in plain]


def build() -> None:
    """`sam build` for this machine, into a folder of the rig's own. RuntimeError with what sam said."""
    runtime, folder = build_python()
    told = subprocess.run(
        [SAM, "build", "--build-dir", BUILT, "--parameter-overrides", f"Runtime={runtime}", "Architecture=x86_64"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise RuntimeError(f"sam build:\n{told.stdout[-3000:]}\n{told.stderr[-3000:]}")


def build_python() -> tuple[str, str]:
    """The runtime that can be built here, and the folder of its interpreter (.ci/find-build-python)."""
    told = subprocess.run(["sh", ".ci/find-build-python"], cwd=ROOT, capture_output=True, text=True, check=True)
    runtime, folder = told.stdout.split()
    return runtime, folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
