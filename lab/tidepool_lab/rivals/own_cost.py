"""What AWS bills for Tidepool itself: the calls and the run time of its functions (bench-rules.md §3.9, §6).

List prices of us-east-1. Two figures are (assumed) because no account is there to measure them: how long a
wake runs beside the pure decision, and what is logged. Neither weighs: reading metrics is nine tenths of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidepool_lab.cost import prices

SERIES = 6
"""Metrics a target is asked for at each look: the fields of tidepool.fleet.Evidence."""
WAKE_S = 3.0
"""Seconds a decide runs, its reads included (assumed)."""
WAKE_GB = 0.75
"""Its memory, as template.yaml has it."""
WAKES_A_MINUTE = 2
"""decide, and move_models, which wakes by its own schedule."""
WRITES_A_WAKE = 6
"""DynamoDB on demand: lease, release, memory's key, decision's key, and the indexes' share."""
PUTS_A_WAKE = 2
"""S3: memory and record."""
LOG_GB_A_WAKE = 4e-6
"""4 KB of log lines a wake (assumed)."""


def own_cost_usd(targets_asked: Sequence[int]) -> float:
    """Dollars for these looks; each number is how many targets one look asked about.

    Worked: one look at 66 targets asks for 396 metrics, $0.00396; a month of them is $171 of GetMetricData.
    """
    looks = len(targets_asked)
    reading = sum(targets_asked) * SERIES * prices.METRICS_READ.each
    running = WAKES_A_MINUTE * (WAKE_S * WAKE_GB * prices.LAMBDA_GB_S.each + prices.LAMBDA_REQUESTS.each)
    keeping = WRITES_A_WAKE * prices.DYNAMODB_WRITES.each + PUTS_A_WAKE * prices.S3_WRITES.each
    keeping += LOG_GB_A_WAKE * prices.LOGS_GB.each
    return reading + looks * (running + keeping)
