"""The doctor is asked, and what it says of one question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from tidepool_cli.main import cli

WATCH = """\
schema: 1
region: us-east-1
identity: tag:model
act: watch
safety: {freeze: {alarms: [sev1]}, move_hours: "Mon-Thu 20:00-05:00"}
money: {budget_usd_per_hour: 200}
pools: {main: {endpoint: shared}}
models: {"*": {class: standard, route: {via: table}}}
"""
RUN = WATCH.replace("act: watch", "act: run")


def run(*words: str, fleet: str = WATCH, stack: str = "nobody") -> Result:
    if fleet:
        Path("fleet.yaml").write_text(fleet)
        words = ("--fleet", "fleet.yaml", *words)
    result = CliRunner().invoke(cli, ["doctor", "--rate", "1000", "--stack", stack, *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def answers(**words: str) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = json.loads(run("--json", "-", **words).stdout)["checks"]
    return found


def about(subject: str, **words: str) -> list[tuple[str, str, str]]:
    return [(c["state"], c["said"], c["fix"]) for c in answers(**words) if c["about"] == subject]
