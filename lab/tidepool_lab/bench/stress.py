"""The same policies where the world is harder than declared (bench-rules.md §6, --stress)."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from tidepool.errors import BadTrace, Problem
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.result import Kind, PolicyResult
from tidepool_lab.bench.run import (
    Progress,
    no_progress,
    run_dedicated,
    run_floor,
    run_native,
    run_oracle,
    run_tidepool,
)
from tidepool_lab.bench.search import run_native_best
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import swell

MOST = 2.0
"""Traffic swells to twice itself at most (bench-rules.md §2.3)."""


def check_stress(factor: float, *, scale: float) -> None:
    """BadTrace unless the factor makes something harder, and is the only one on the traffic."""
    problems = []
    if not 1 < factor <= MOST:
        problems.append(Problem("--stress", factor, f"a factor above 1 and up to {MOST:g}", "the rules' own is 1.5"))
    if scale != 1:
        problems.append(Problem("--scale", scale, "1 with --stress", "one of its runs scales the traffic itself"))
    if problems:
        raise BadTrace("the command line", tuple(problems))


def stressed(case: Case, kind: Kind, factor: float) -> Case:
    """The case with one thing `factor` times as hard as declared, and everything else as it was.

    Traffic: history and start state swell with it, as with --scale. Concurrency: fleet.yaml declares more than is
    true, and whoever sizes by hand (start state, native, dedicated) believes it too. Start-up: it takes longer than
    declared.
    """
    match kind:
        case Kind.TRAFFIC:
            return replace(case, prepared=swell(case.prepared, case.fleet, factor, seed=case.seed))
        case Kind.CONCURRENCY:
            return replace(case, concurrency=factor, fleet_yaml=fleet_yaml(case.fleet, concurrency=factor))
        case Kind.START_UP:
            return replace(case, start_up=factor)
        case _:
            assert_never(kind)


def run_stressed(
    case: Case, kind: Kind, factor: float, row: PolicyResult, *, progress: Progress = no_progress
) -> PolicyResult:
    """That row's policy once more, under stress. Settings are those of the row: nobody tunes for what is to come."""
    harder = stressed(replace(case, where=False), kind, factor)

    def tell(policy: str, done_s: int, of_s: int) -> None:
        progress(f"{policy}, {words(kind, factor)}", done_s, of_s)

    match row.name:
        case "tidepool":
            return run_tidepool(harder, progress=tell)
        case "native":
            return run_native(harder, progress=tell)
        case "native_best":
            return run_native_best(harder, number=row.variant, load=row.dial, progress=tell)
        case "oracle":
            return run_oracle(harder, dial=row.dial, progress=tell)
        case "floor":
            return run_floor(harder, progress=tell)
        case _:
            return run_dedicated(harder, row.name, progress=tell)


def words(kind: Kind, factor: float) -> str:
    """The stress in words: 'declared concurrency × 1.5'."""
    what = {
        Kind.TRAFFIC: "traffic",
        Kind.CONCURRENCY: "declared concurrency",
        Kind.START_UP: "start-up",
    }
    return f"{what[kind]} × {factor:g}"
