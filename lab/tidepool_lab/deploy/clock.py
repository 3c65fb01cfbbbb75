"""One clock for the whole rig, which can be moved forward: libfaketime in every process, one file with the offset.

Monotonic clocks stay real, so that timeouts and event loops do not notice.
"""

from __future__ import annotations

import time
from pathlib import Path

import libfaketime

LIBRARY = Path(libfaketime.__file__).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"


def environment(file: Path) -> dict[str, str]:
    """What a process needs to be on the rig's clock."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def start(file: Path) -> None:
    """The rig's time is the real time, until it is moved."""
    file.write_text("+0\n", encoding="ascii")


def move_to(file: Path, at_s: float) -> None:
    """Everybody's clock shows `at_s` (seconds since 1970), and goes on from there. Only forward.

    To be called on the rig's own clock.
    """
    ahead = float(file.read_text(encoding="ascii"))
    step = at_s - time.time()
    if step > 0:
        there = file.with_suffix(".new")
        there.write_text(f"+{ahead + step:.3f}\n", encoding="ascii")
        there.replace(file)
