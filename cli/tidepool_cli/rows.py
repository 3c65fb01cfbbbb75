"""One policy's figures as a row for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidepool.units import usd

if TYPE_CHECKING:
    from tidepool_lab.bench.result import PolicyResult

COLUMNS = (
    "policy",
    "dollars",
    "own AWS bill",
    "on time",
    "interactive",
    "batch",
    "mean model",
    "models met",
    "no capacity",
    "copy changes",
    "instance changes",
    "moves",
    "decide p50",
    "decide max",
)


def row_of(row: PolicyResult) -> dict[str, str]:
    """The row by column; '' where the policy has no such figure."""
    return {
        "policy": row.name + (f" ({row.setting})" if row.setting else ""),
        "dollars": usd(row.cost_usd),
        "own AWS bill": "" if row.own_cost_usd is None else usd(row.own_cost_usd),
        "on time": share(row.on_time),
        "interactive": share(row.on_time_interactive),
        "batch": share(row.on_time_batch),
        "mean model": share(row.on_time_mean_model),
        "models met": share(row.models_meeting_objective),
        "no capacity": share(row.no_capacity_share),
        "copy changes": count(row.copy_changes),
        "instance changes": count(row.instance_changes),
        "moves": count(row.moves),
        "decide p50": milliseconds(row.decide_ms_p50),
        "decide max": milliseconds(row.decide_ms_max),
    }


def share(value: float | None) -> str:
    """0.99537 → '99.54 %': two decimals, since columns are compared down."""
    return "" if value is None else f"{100 * value:.2f} %"


def count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} ms"
