"""The figures of one run over one scored window, as bench-rules section 6 defines them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model's share. Requests are counted by when they arrived; once all settled arrived = on time + late.

    waiting: neither started nor given up yet (a window that ends later than the run leaves some).
    """

    name: str
    arrived: int
    started: int
    on_time: int
    timed_out: int
    lost: int
    rejected_once: int
    waiting: int
    met_objective: bool | None
    """None = no request arrived."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One row of the table. Shares are 0 to 1; None where there is nothing to share out (no such request)."""

    cost_usd: float
    on_time: float | None
    on_time_interactive: float | None
    on_time_batch: float | None
    on_time_mean_model: float | None
    models_meeting_objective: float | None
    no_capacity_share: float | None
    copy_changes: int
    instance_changes: int
    moves: int
    requests: int
    own_cost_usd: float | None = None
    decide_ms_p50: float | None = None
    decide_ms_max: float | None = None
    models: tuple[ModelFigures, ...] = ()
