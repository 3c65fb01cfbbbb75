"""The bench: every asked policy on one window of one trace, as one table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future

from tidepool.errors import BadTrace, Problem
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.parallel import Workers, workers
from tidepool_lab.bench.result import BenchResult, Kind, PolicyResult, StressResult, result_of
from tidepool_lab.bench.run import (
    Progress,
    no_progress,
    run_dedicated,
    run_floor,
    run_native,
    run_tidepool,
)
from tidepool_lab.bench.search import best_of_dials, best_of_variant, best_of_variants, on_time, oracle_at
from tidepool_lab.bench.stress import run_stressed
from tidepool_lab.rivals.native_best import VARIANTS
from tidepool_lab.rivals.oracle import DIALS

POLICIES = ("dedicated_peak", "dedicated_cheapest", "native", "native_best", "tidepool", "oracle", "floor")
"""Every policy, in the order of the table: from what people have to what nobody can pass."""


def bench(
    case: Case,
    policies: Sequence[str],
    *,
    stress: float | None = None,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> BenchResult:
    """The table of these policies on a case that is already there, and under stress where a factor is given."""
    with workers(case, jobs=jobs or os.cpu_count() or 1, progress=progress) as at_work:
        found = _submit(at_work, policies)
        oracles = [at_work.submit(oracle_at, dial) for dial in DIALS] if "oracle" in policies else []
        # Native's on-time is what native_best has to reach, so its runs are asked for before the others are awaited.
        best = _native_best(at_work, found["native"]) if "native_best" in policies else None
        found_rows = {name: future.result() for name, future in found.items() if name in policies}
        if best is not None:
            found_rows["native_best"] = best
        if oracles:
            found_rows["oracle"] = best_of_dials([future.result() for future in oracles])
        rows = tuple(found_rows[name] for name in POLICIES if name in found_rows)
        stressed = () if stress is None else stress_rows(at_work, rows, stress)
    return result_of(case, rows, stressed)


def ask(policies: Sequence[str], *, known: Sequence[str] = POLICIES) -> tuple[str, ...]:
    """The policies to run, with those that must stand beside them; BadTrace names every one that is unknown.

    The distance to the floor is always printed beside the oracle, and a ratio against dedicated_peak is never
    quoted without dedicated_cheapest (bench-rules.md §5).
    """
    unknown = [name for name in policies if name not in known]
    if unknown:
        allowed = ", ".join(known)
        raise BadTrace("--policies", tuple(Problem("--policies", name, allowed) for name in unknown))
    beside = {"oracle": "floor", "dedicated_peak": "dedicated_cheapest"}
    wanted = {*policies, *(other for name, other in beside.items() if name in policies)}
    return tuple(name for name in known if name in wanted)


def _submit(at_work: Workers, policies: Sequence[str]) -> dict[str, Future[PolicyResult]]:
    """Everything but native_best is under way, the work that others wait for first, then the longest."""
    found: dict[str, Future[PolicyResult]] = {}
    if "native" in policies or "native_best" in policies:
        found["native"] = at_work.submit(run_native)
    if "tidepool" in policies:
        found["tidepool"] = at_work.submit(run_tidepool)
    for name in ("dedicated_peak", "dedicated_cheapest"):
        if name in policies:
            found[name] = at_work.submit(run_dedicated, name)
    if "floor" in policies:
        found["floor"] = at_work.submit(run_floor)
    return found


def stress_rows(at_work: Workers, rows: tuple[PolicyResult, ...], factor: float) -> tuple[StressResult, ...]:
    """One run of each policy under each stress, at the setting that its row has."""
    found = {kind: [at_work.submit(run_stressed, kind, factor, row) for row in rows] for kind in Kind}
    return tuple(
        StressResult(kind=kind, factor=factor, policies=tuple(future.result() for future in futures))
        for kind, futures in found.items()
    )


def _native_best(at_work: Workers, native: Future[PolicyResult]) -> PolicyResult:
    wanted = on_time(native.result())
    variants = [at_work.submit(best_of_variant, number, wanted) for number in range(len(VARIANTS))]
    return best_of_variants(tuple(variant.result() for variant in variants), wanted)
