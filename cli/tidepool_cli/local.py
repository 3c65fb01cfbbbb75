"""The newest local record: what the last demo or simulate decided last, kept for plan and explain.

    .tidepool/decision.json   the decision, as canonical JSON (the bytes that a stack stores in S3)
    .tidepool/source.json     where it comes from: command, what was simulated, and that it is a twin

The folder belongs to the place where the command ran. It may be deleted at any time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tidepool.errors import BadInput, Problem

FOLDER = Path(".tidepool")
DECISION = "decision.json"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a local record comes from, in words for people."""

    command: str
    fleet: str
    note: str

    def __str__(self) -> str:
        return f"the last decision of `{self.command}` ({self.note})"


def keep(record: bytes, source: Source, *, folder: Path = FOLDER) -> None:
    """`record` is what plan and explain read from now on, in this place."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DECISION).write_bytes(record)
    (folder / "source.json").write_text(json.dumps(asdict(source), indent=2) + "\n", encoding="utf-8")


def newest(*, folder: Path = FOLDER) -> tuple[bytes, Source]:
    """The newest record. BadInput when there is none, or when it is not whole."""
    try:
        record = (folder / DECISION).read_bytes()
        source = Source(**json.loads((folder / "source.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        hint = "run `tidepool demo` or `tidepool simulate` first, or name a deployed stack by --stack"
        raise BadInput("the local record", (Problem(str(folder), "not there", "a record", hint),)) from None
    except (TypeError, ValueError) as error:
        hint = f"delete {folder}/ and run `tidepool demo` again ({error})"
        raise BadInput("the local record", (Problem(str(folder), "unreadable", "a whole record", hint),)) from None
    return record, source
