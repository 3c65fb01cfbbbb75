"""docs/adopt.md, The first half hour: each command of its block, in its order, on an account that knows no Tidepool."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.conftest import nothing_refused
from tidepool_lab.deploy.stage import BUILT, ROOT, Stage

STACK = "tidepool"
CHANGES = 2
"""The exit code of a plan that would change something."""


@pytest.fixture(scope="module")
def stage(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A rig of its own, with no stack."""
    with Stage(tmp_path_factory.mktemp("half-hour")) as made:
        yield made


def commands() -> list[str]:
    section = (ROOT / "docs" / "adopt.md").read_text(encoding="utf-8").partition("## The first half hour")[2]
    block = section.partition("```console\n")[2].partition("```")[0]
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def homes(stage: Stage) -> Any:
    seen = stage.seen()
    return seen["endpoints"], {name: each["wanted"] for name, each in seen["components"].items()}


def first_record(stage: Stage) -> bytes:
    stage.until(lambda _: bool(stage.records(STACK)), minutes=3)
    client, bucket = stage.client("s3"), stage.outputs(STACK)["BucketName"]
    keys = sorted(each["Key"] for each in client.list_objects_v2(Bucket=bucket, Prefix="decisions/")["Contents"])
    return gzip.decompress(client.get_object(Bucket=bucket, Key=keys[0])["Body"].read())


def test_the_first_half_hour_changes_nothing_and_the_stack_decides_what_the_laptop_decides(
    stage: Stage, tmp_path: Path
) -> None:
    before = homes(stage)
    done = []
    for line in commands():
        words = line.split()
        if words[0] == "tidepool":
            told = stage.tidepool(*words[1:], folder=tmp_path)
            assert told.returncode == 0 or (words[1] == "plan" and told.returncode == CHANGES), (line, told)
            done.append(words[1])
        elif words == ["make", "build"]:
            assert BUILT.exists()  # The fixture of every test here has run `sam build`.
        elif words[:2] == [".venv-sam/bin/sam", "deploy"]:
            stage.deploy(STACK, Hands="none")
        elif words[:4] == ["aws", "s3", "cp", "fleet.yaml"]:
            bucket = stage.outputs(STACK)["BucketName"]
            body = (tmp_path / "fleet.yaml").read_bytes()
            with nothing_refused(stage):
                stage.client("s3").put_object(Bucket=bucket, Key="config/fleet.yaml", Body=body)
                stage.ask("settle")
            record = first_record(stage)
            # The laptop at the second of the stack's first decision.
            at = datetime.fromtimestamp(json.loads(record)["now"], UTC)
            asked = ["plan", "--live", "--fleet", "fleet.yaml", "--json", "laptop.json"]
            stage.tidepool(*asked, folder=tmp_path, at=at)
            laptop = json.loads((tmp_path / "laptop.json").read_text(encoding="utf-8"))
            assert canonical(laptop) == record
        else:
            raise AssertionError(f"{line}: the test knows no such command")
    assert done == ["demo", "init", "doctor", "plan", "explain", "plan", "leave"]
    assert homes(stage) == before


def canonical(value: Any) -> bytes:
    from tidepool.memory_codec import canonical

    return canonical(value)
