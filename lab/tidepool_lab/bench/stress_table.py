"""The bench under stress as a table: each policy beside itself unstressed (bench-rules.md §6)."""

from __future__ import annotations

from tidepool.units import usd
from tidepool_lab.bench.equal import FIGURES
from tidepool_lab.bench.result import BenchResult, PolicyResult
from tidepool_lab.bench.stress import words
from tidepool_lab.bench.table import comparisons_of, plain

STRESS_HEADINGS = (
    "policy under stress",
    "cost",
    "of unstressed",
    "on time",
    "interactive",
    "batch",
    "mean model",
    "meeting",
)
"""On-time figures come with their difference to the same policy unstressed, in points of a hundred."""


def stress_rows_of(result: BenchResult) -> list[tuple[str, ...]]:
    """The cells of every policy under every stress, as text; '-' where a policy has no such figure."""
    return [
        (
            f"{row.name}, {words(stress.kind, stress.factor)}",
            usd(row.cost_usd),
            f"{row.cost_usd / plainly.cost_usd:.3f}" if plainly.cost_usd else "-",
            *_beside(row, plainly),
        )
        for stress in result.stress
        for row, plainly in zip(stress.policies, result.policies, strict=True)
    ]


def stress_notes_of(result: BenchResult) -> list[str]:
    """How tidepool compares with native and native_best under each stress."""
    return [
        f"{words(stress.kind, stress.factor)}: {line}"
        for stress in result.stress
        for line in comparisons_of(stress.policies)
    ]


def stress_title_of(result: BenchResult) -> str:
    return f"{result.trace}, harder than declared: one run each, at the settings found without"


def plain_stress_table(result: BenchResult) -> str:
    """The table under stress as plain text."""
    return plain(stress_title_of(result), STRESS_HEADINGS, stress_rows_of(result), stress_notes_of(result))


def _beside(row: PolicyResult, plainly: PolicyResult) -> tuple[str, ...]:
    """Worked: 98.00 % where it was 99.50 % is '98.00 % (-1.50)'."""
    pairs = ((getattr(row, figure), getattr(plainly, figure)) for figure in FIGURES)
    return tuple(
        "-" if now is None or before is None else f"{now * 100:.2f} % ({(now - before) * 100:+.2f})"
        for now, before in pairs
    )
