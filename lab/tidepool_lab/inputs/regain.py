"""How long it takes to get a scarce instance type again after one was given back (decisions/0010-regain.md)."""

from __future__ import annotations

import math

from tidepool.config.notation import duration_s
from tidepool.errors import BadTrace, Problem
from tidepool.units import DAY_S, HOUR_S, MINUTE_S

REGAIN_S = 120.0
"""The benchmark's own: about one launch, so nothing is waited for beside it."""
NEVER = "never"


def regain_s(text: str) -> float | None:
    """'30m' → 1800.0, 'never' → infinity; None for what is neither, or less than the benchmark's own 2m."""
    seconds = math.inf if text == NEVER else duration_s(text)
    return None if seconds is None or seconds < REGAIN_S else seconds


def check_times(regain: str | None, image_pull_s: int | None) -> None:
    """BadTrace with every problem of what --regain and --image-pull were given."""
    problems = []
    if regain is not None and regain_s(regain) is None:
        allowed, hint = "a duration of 2m or more (30m, 12h), or never", "2m is one launch, and changes nothing"
        problems.append(Problem("--regain", regain, allowed, hint))
    if image_pull_s is not None and image_pull_s < 0:
        problems.append(Problem("--image-pull", image_pull_s, "whole seconds, 0 or more", "0 is a cached image"))
    if problems:
        raise BadTrace("the command line", tuple(problems))


def regain_text(seconds: float) -> str:
    """The time as fleet.yaml writes it, exactly: 1800 → '30m', 5400 → '90m', 43200 → '12h', infinity → 'never'."""
    if math.isinf(seconds):
        return NEVER
    for unit, size in (("d", DAY_S), ("h", HOUR_S), ("m", MINUTE_S)):
        if seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
