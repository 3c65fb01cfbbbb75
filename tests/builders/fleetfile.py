"""Short ways to a fleet file, its problems and its Config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidepool.config.load import load
from tidepool.config.types import Config, ModelConfig
from tidepool.errors import BadFleetFile, Problem

FILES = Path(__file__).parents[1] / "config" / "files"
FULL = (FILES / "full.yaml").read_text("utf-8")
MINIMAL = (FILES / "minimal.yaml").read_text("utf-8")
NOW = 1_795_000_000
"""2026-11-18 11:06 UTC: within 30 days of the full example's hold."""


def fleet(*lines: str, pools: str = "p4d: {}") -> str:
    """A file with one pool and these lines."""
    return "\n".join(["schema: 1", f"pools: {{{pools}}}", *lines, ""])


def one_model(fields: str, *lines: str) -> str:
    """A file whose only model is `m`, with these fields."""
    return fleet(*lines, f"models: {{m: {{{fields}}}}}")


def model(fields: str, *lines: str) -> ModelConfig:
    return load(one_model(fields, *lines), now=NOW).names["m"]


def problems(text: str | bytes, *, now: int | None = NOW) -> tuple[Problem, ...]:
    """What the file is refused for; () when it loads."""
    try:
        load(text, now=now)
    except BadFleetFile as refused:
        return refused.problems
    return ()


def only_problem(text: str | bytes) -> Problem:
    found = problems(text)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def paths(found: Sequence[Problem]) -> list[str]:
    return [problem.path for problem in found]


def minimal() -> Config:
    return load(MINIMAL)
