"""Rows of a sweep on disk, so that an interrupted sweep goes on where it stopped.

A row is found again only for the same setting on the same case with the same code: a changed rule is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

import tidepool
import tidepool_lab
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.settings import OTHERS, Setting

FOLDER = Path(".cache") / "frontier"
CORE = Path(tidepool.__file__).parent
LAB = Path(tidepool_lab.__file__).parent
READ_BY_A_RUN = ("bench/case.py", "bench/run.py", "inputs", "twin")
"""What of the lab a row depends on beside its policy; tables, pictures and the demo are not among it."""
RULES = ("dedicated", "floor", "grid", "native", "native_best", "oracle", "own_cost", "policy", "tidepool")
"""Modules of rivals/ that the policies of the rules consist of: a change of another rival leaves their rows alone."""
OURS = ("tidepool", "oracle")
"""Rows that also depend on what ships."""


class StoredRow(BaseModel):
    """One file, named by its key. `row` leaves out what its JSON leaves out, so the setting stands beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal[1] = 1
    key: str
    policy: str
    setting: str
    row_setting: str
    dial: float
    variant: int
    row: PolicyResult


@dataclass(frozen=True, slots=True)
class Store:
    """The rows of one case and one state of the code in a folder. None = nothing is kept.

    The code's hashes are taken once, before the sweep: a worker that ends hours later files its row under the code
    that it began with.
    """

    folder: Path | None
    case_sha256: str
    ours_sha256: str
    rules_sha256: str
    others_sha256: str

    def read(self, setting: Setting) -> PolicyResult | None:
        """The row, or None when it was never measured like this. A file that cannot be read counts as none."""
        path = self._path(setting)
        try:
            found = StoredRow.model_validate_json(path.read_bytes()) if path else None
        except (OSError, ValidationError):
            return None
        if found is None:
            return None
        return found.row.model_copy(
            update={"setting": found.row_setting, "dial": found.dial, "variant": found.variant},
        )

    def write(self, setting: Setting, row: PolicyResult) -> None:
        """The row is on disk, whole or not at all: the sweep may be stopped at any moment."""
        path = self._path(setting)
        if path is None:
            return
        stored = StoredRow(
            key=self._key(setting),
            policy=setting.policy,
            setting=setting.words,
            row_setting=row.setting,
            dial=row.dial,
            variant=row.variant,
            row=row,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
            file.write(stored.model_dump_json(indent=1) + "\n")
        Path(file.name).replace(path)

    def _path(self, setting: Setting) -> Path | None:
        return self.folder / f"{setting.policy}-{self._key(setting)[:24]}.json" if self.folder else None

    def _key(self, setting: Setting) -> str:
        if setting.policy in OTHERS:
            code = self.others_sha256
        else:
            code = self.ours_sha256 if setting.policy in OURS else self.rules_sha256
        return _sha256_of([asdict(setting), self.case_sha256, code])


def store_of(case: Case, folder: Path | None) -> Store:
    """The store of that case in that folder, for the code as it is now."""
    lab, rivals = [LAB / name for name in READ_BY_A_RUN], LAB / "rivals"
    rules = [*lab, *(rivals / f"{name}.py" for name in RULES)]
    return Store(
        folder,
        case_sha256(case),
        ours_sha256=code_sha256(*rules, CORE),
        rules_sha256=code_sha256(*rules),
        others_sha256=code_sha256(*lab, rivals),
    )


def case_sha256(case: Case) -> str:
    """The SHA-256 of all that a row takes from its case: the fleet, the requests, the window, what is declared."""
    fields = (
        "weeks_later",
        "only_minutes",
        "concurrency",
        "start_up",
        "from_day",
        "days",
        "seed",
        "fleet_yaml",
    )
    # The regain time is left out of a fleet's JSON; str, because JSON has no infinity.
    times = [case.fleet.model_dump_json(by_alias=True), str(case.fleet.times.regain_s)]
    counts = hashlib.sha256(case.prepared.counts.tobytes()).hexdigest()
    return _sha256_of([*times, list(case.prepared.counts.shape), counts, [getattr(case, name) for name in fields]])


def code_sha256(*places: Path) -> str:
    """The SHA-256 of all code in these files and below these folders."""
    digest = hashlib.sha256()
    for place in places:
        for path in _python(place):
            digest.update(f"{path.relative_to(place.parent)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _python(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _sha256_of(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
