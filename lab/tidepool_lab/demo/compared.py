"""The bench on a fleet file of either kind: reference fleets as they are, a fleet.yaml through what it declares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidepool.errors import BadTrace, Problem
from tidepool_lab.bench.asked import run_bench
from tidepool_lab.bench.bench import POLICIES, ask, bench
from tidepool_lab.bench.result import BenchResult, result_of
from tidepool_lab.bench.run import Progress
from tidepool_lab.demo.simulated import case_of, is_fleet_yaml, simulate
from tidepool_lab.inputs.reference import START_TYPE


def run(
    trace: Path | None,
    fleet: Path | None,
    *,
    from_day: int,
    days: int,
    seed: int,
    scale: float,
    policies: Sequence[str],
    types: Sequence[str],
    regain: str | None = None,
    image_pull_s: int | None = None,
    stress: float | None = None,
    frontier: Path | None = None,
    where: bool = False,
    jobs: int,
    progress: Progress,
) -> BenchResult:
    """The table. With a fleet.yaml, tidepool sees that very file; the rivals live in the account it declares.

    frontier: every setting of every policy as well, with their rows kept in that folder. BadTrace or BadFleetFile with
    every problem of the input.
    """
    if fleet is None or not is_fleet_yaml(fleet):
        return run_bench(
            trace,
            fleet,
            from_day=from_day,
            days=days,
            seed=seed,
            scale=scale,
            policies=policies,
            types=types,
            regain=regain,
            image_pull_s=image_pull_s,
            stress=stress,
            frontier=frontier,
            where=where,
            jobs=jobs,
            progress=progress,
        )
    asked = ask(policies or tuple(name for name in POLICIES if name != "oracle"))
    case, _ = case_of(trace, fleet, from_day=from_day, days=days, seed=seed, scale=scale, types=types)
    problems = []
    if "oracle" in asked:
        problems.append(Problem("--policies", "oracle", "with a reference fleet only", "leave it out"))
    options = {
        "--stress": stress,
        "--regain": regain,
        "--image-pull": image_pull_s,
        "--frontier": None if frontier is None else "on",
        "--where": "on" if where else None,
    }
    problems += [
        Problem(option, value, "with a reference fleet only", "leave it out")
        for option, value in options.items()
        if value is not None
    ]
    rivals = [name for name in asked if name != "tidepool"]
    if rivals and START_TYPE not in case.fleet.instance_types:
        hint = "without it, run `tidepool simulate`"
        problems.append(Problem("instances", "no " + START_TYPE, f"{START_TYPE}, on which rivals start", hint))
    if problems:
        raise BadTrace("bench on a fleet.yaml", tuple(problems))
    rows = {row.name: row for row in bench(case, rivals, jobs=jobs, progress=progress).policies} if rivals else {}
    if "tidepool" in asked:
        rows["tidepool"] = simulate(case, own=True, progress=progress).row
    return result_of(case, tuple(rows[name] for name in POLICIES if name in rows))
