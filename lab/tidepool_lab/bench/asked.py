"""The bench as people ask for it: which trace and fleet, which window, which policies, and what besides the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tidepool_lab.bench.bench import POLICIES, ask, bench
from tidepool_lab.bench.case import load_case
from tidepool_lab.bench.frontier import check_policies
from tidepool_lab.bench.frontier import frontier as run_frontier
from tidepool_lab.bench.result import BenchResult
from tidepool_lab.bench.run import Progress, no_progress
from tidepool_lab.bench.stress import check_stress


def run_bench(
    trace: Path | None,
    fleet: Path | None,
    *,
    from_day: int,
    days: int,
    seed: int = 1,
    scale: float = 1.0,
    policies: Sequence[str] = (),
    types: Sequence[str] = (),
    regain: str | None = None,
    image_pull_s: int | None = None,
    stress: float | None = None,
    frontier: Path | None = None,
    where: bool = False,
    jobs: int = 2,
    progress: Progress = no_progress,
) -> BenchResult:
    """The table of these policies. Without trace and fleet it is of the shipped seeded week.

    `policies` and `types`: nothing means all. `regain`, `image_pull_s`: as load_case. `stress`: every policy once more
    under each stress of that factor. `frontier`: every setting of every policy as well, its runs kept in that folder.
    `where`: each policy's account as well, where there is no frontier (where.py). `jobs`: processes at once, 0 = one
    per core. `progress` hears (policy, simulated seconds, of how many). BadTrace names every problem of the input.
    """
    asked = ask(policies or POLICIES) if frontier is None else check_policies(policies)
    if stress is not None:
        check_stress(stress, scale=scale)
    case = load_case(
        trace,
        fleet,
        from_day=from_day,
        days=days,
        seed=seed,
        scale=scale,
        types=types,
        regain=regain,
        image_pull_s=image_pull_s,
    )
    if frontier is not None:
        return run_frontier(case, policies, folder=frontier, stress=stress, jobs=jobs, progress=progress)
    return bench(replace(case, where=where), asked, stress=stress, jobs=jobs, progress=progress)
