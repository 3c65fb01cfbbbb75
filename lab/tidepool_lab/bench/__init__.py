"""The benchmark: every policy on the same window of the same trace, by docs/bench-rules.md."""

from tidepool_lab.bench.asked import run_bench
from tidepool_lab.bench.bench import POLICIES, ask, bench
from tidepool_lab.bench.result import BenchResult, PolicyResult
from tidepool_lab.bench.table import notes_of, plain_table

__all__ = [
    "POLICIES",
    "BenchResult",
    "PolicyResult",
    "ask",
    "bench",
    "notes_of",
    "plain_table",
    "run_bench",
]
