"""What AWS bills for Tidepool itself: the calls and the run time of its functions (bench-rules.md §3.9, §6).

List prices of us-east-1. Two figures are (assumed) because no account is there to measure them: how long a
wake runs beside the pure decision, and what is logged. Neither weighs: reading metrics is nine tenths of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

SERIES = 6
"""Metrics a target is asked for at each look: the fields of tidepool.fleet.Evidence."""
METRIC_USD = 0.01 / 1000
"""GetMetricData, per metric requested (sagemaker-facts, Metrics)."""
GB_SECOND_USD = 0.0000133334
"""Lambda on arm64, first tier."""
REQUEST_USD = 0.20 / 1_000_000
"""Lambda, per invocation."""
WAKE_S = 3.0
"""Seconds a decide runs, its reads included (assumed)."""
WAKE_GB = 1.73
"""Its memory, as template.yaml has it: one whole vCPU."""
WAKES_A_MINUTE = 2
"""decide, and move_models, which wakes by its own schedule."""
WRITES_A_WAKE, WRITE_USD = 6, 0.625 / 1_000_000
"""DynamoDB on demand: lease, release, memory's key, decision's key, and the indexes' share."""
PUTS_A_WAKE, PUT_USD = 2, 0.005 / 1000
"""S3: memory and record."""
LOG_GB_A_WAKE, LOG_USD_A_GB = 4e-6, 0.50
"""4 KB of log lines a wake (assumed)."""


def own_cost_usd(targets_asked: Sequence[int]) -> float:
    """Dollars for these looks; each number is how many targets one look asked about.

    Worked: one look at 66 targets asks for 396 metrics, $0.00396; a month of them is $171 of GetMetricData.
    """
    looks = len(targets_asked)
    reading = sum(targets_asked) * SERIES * METRIC_USD
    running = WAKES_A_MINUTE * (WAKE_S * WAKE_GB * GB_SECOND_USD + REQUEST_USD)
    keeping = WRITES_A_WAKE * WRITE_USD + PUTS_A_WAKE * PUT_USD + LOG_GB_A_WAKE * LOG_USD_A_GB
    return reading + looks * (running + keeping)
