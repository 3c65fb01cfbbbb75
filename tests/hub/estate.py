"""Stacks that have decided for a day, the file that names them, and `tidepool hub` run by who may read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import time_machine
import yaml
from click.testing import Result

from builders.command import run
from hub.accounts import NOW, Accounts, Home, accounts, as_reader

DAY_S = 86_400


@dataclass
class Estate:
    """Everything there is."""

    hub: Accounts
    homes: list[Home]
    file: Path

    def list_in_file(self, entries: Sequence[dict[str, Any]]) -> None:
        self.file.write_text(yaml.safe_dump({"schema": 1, "spokes": list(entries)}))


@contextmanager
def an_estate(folder: Path, names: Sequence[str], regions: Sequence[str]) -> Iterator[Estate]:
    """A stack in every region of every account: the first costs $10 an hour and has a model, the second $20 and two,
    and so on; with every model alone each would cost $100. Inside, the process is the hub's reader at NOW.
    """
    with accounts(tuple(names)) as hub:
        homes = [Home(account, region, hub) for account in names for region in regions]
        for number, home in enumerate(homes, start=1):
            for ago in (DAY_S, DAY_S // 2, 60):
                home.decided(NOW - ago, usd=10.0 * number, alone=100.0, models=number)
        estate = Estate(hub, homes, folder / "spokes.yaml")
        with time_machine.travel(NOW, tick=False), as_reader(hub, [home.entry["role"] for home in homes]):
            yield estate


def run_hub(file: Path, *words: str) -> Result:
    return run("hub", str(file), *words)


def as_json(result: Result) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(result.stdout)
    return value
