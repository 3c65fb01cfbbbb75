"""The frontier: every policy at every setting of its dial, as cost against on-time (bench-rules.md §6).

The plain table's rows are taken from the same runs: tidepool and native at their defaults, native_best and the oracle
at the best of the whole grid.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from tidepool.errors import BadInput, BadTrace, Problem
from tidepool.units import MINUTE_S
from tidepool_lab.bench.bench import POLICIES, ask, stress_rows
from tidepool_lab.bench.case import Case
from tidepool_lab.bench.parallel import Workers, workers
from tidepool_lab.bench.result import BenchResult, FrontierPoint, PolicyResult, result_of
from tidepool_lab.bench.run import Progress, no_progress
from tidepool_lab.bench.search import best_of_dials, best_of_variants, on_time
from tidepool_lab.bench.settings import DEFAULTS, OTHERS, SWEPT, Setting, run_setting, settings_of
from tidepool_lab.bench.stored import FOLDER, Store, store_of
from tidepool_lab.rivals.registry import RIVALS

KNOWN = (*POLICIES, *OTHERS)
"""Every policy that --frontier knows, in the order of the table."""

Sweep = dict[Setting, PolicyResult]


def frontier(
    case: Case,
    policies: Sequence[str] = (),
    *,
    folder: Path | None = FOLDER,
    stress: float | None = None,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> BenchResult:
    """The plain table of these policies, and every setting of those that have a dial. Nothing asked means all.

    folder: where rows are kept, and found again; None = nowhere. BadInput when a policy is unknown, or cannot run here
    (Ray Serve without its extra); of all policies, one that cannot run is left out, and the notes say so.
    """
    asked, left_out = that_can_run(case, ask(policies or KNOWN, known=KNOWN), strict=bool(policies))
    wanted = [setting for name in asked for setting in settings_of(name)]
    if "native_best" in asked and "native" not in asked:
        # Native's on-time is what native_best has to reach.
        wanted.append(Setting("native", DEFAULTS["native"]))
    told = _Together(progress, wanted, total_s=_simulated_s(case))
    with workers(case, jobs=jobs or os.cpu_count() or 1, progress=told) as at_work:
        found = _sweep(at_work, wanted, store_of(case, folder), told)
        rows = tuple(_plain_row(name, found) for name in asked if name in POLICIES)
        stressed = () if stress is None else stress_rows(at_work, rows, stress)
    points = tuple(_point(setting, row) for setting, row in found.items() if setting.policy in {*asked} & {*SWEPT})
    return result_of(case, rows, stressed, points, left_out)


def check_policies(policies: Sequence[str]) -> tuple[str, ...]:
    """The policies to run; BadTrace unless every one is known, and one of them has a dial to sweep."""
    asked = ask(policies or KNOWN, known=KNOWN)
    if not {*asked} & {*SWEPT}:
        allowed = f"at least one with a dial: {', '.join(SWEPT)}"
        problem = Problem("--policies", ",".join(policies), allowed, "or leave out --frontier")
        raise BadTrace("--frontier", (problem,))
    return asked


def sweep_one(case: Case, setting: Setting, store: Store, *, progress: Progress = no_progress) -> PolicyResult:
    """The setting's row, which is in the store from now on."""
    row = run_setting(case, setting, progress=lambda _, done_s, of_s: progress(_name(setting), done_s, of_s))
    store.write(setting, row)
    return row


def _sweep(at_work: Workers, wanted: Sequence[Setting], store: Store, told: _Together) -> Sweep:
    """Each setting's row: what the store has, and everything else run."""
    there = {setting: row for setting in wanted if (row := store.read(setting)) is not None}
    for setting in there:
        told(_name(setting), 1, 1)
    under_way: dict[Setting, Future[PolicyResult]] = {
        setting: at_work.submit(sweep_one, setting, store) for setting in wanted if setting not in there
    }
    return {setting: there[setting] if setting in there else under_way[setting].result() for setting in wanted}


def _plain_row(name: str, found: Sweep) -> PolicyResult:
    """The policy's row in the plain table."""
    rows = [row for setting, row in found.items() if setting.policy == name]
    match name:
        case "tidepool" | "native":
            return found[Setting(name, DEFAULTS[name])]
        case "native_best":
            return best_of_variants(tuple(rows), on_time(found[Setting("native", DEFAULTS["native"])]))
        case "oracle":
            return best_of_dials(rows)
        case _:
            return rows[0]


def _point(setting: Setting, row: PolicyResult) -> FrontierPoint:
    mean = row.on_time_mean_model
    return FrontierPoint(
        policy=setting.policy,
        setting=setting.words,
        homes="by hand" if setting.by_hand else "start",
        dial=setting.dial,
        cost_usd=row.cost_usd,
        on_time=on_time(row),
        on_time_mean_model=1.0 if mean is None else mean,
        curve=setting.curve,
        default=setting.default,
    )


def that_can_run(case: Case, asked: Sequence[str], *, strict: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The policies whose rival can be made here, and why the others cannot; `strict`: BadInput instead."""
    missing: dict[str, BadInput] = {}
    for name in asked:
        try:
            if name in OTHERS:
                RIVALS[name].make(case, RIVALS[name].dials[0], False)
        except BadInput as cannot:
            missing[name] = cannot
    if missing and strict:
        raise BadInput("--policies", tuple(problem for cannot in missing.values() for problem in cannot.problems))
    reasons = tuple(f"{name} is left out: {problem.hint}" for name, bad in missing.items() for problem in bad.problems)
    return tuple(name for name in asked if name not in missing), reasons


def _simulated_s(case: Case) -> int:
    first, until = case.simulated
    return (until - first) * MINUTE_S


def _name(setting: Setting) -> str:
    """What one setting's progress is told under, within a sweep."""
    return f"{setting.policy}: {setting.words}"


@dataclass(slots=True)
class _Together:
    """Adds up the progress of a policy's settings, so that it has one bar, and passes on all other progress."""

    progress: Progress
    settings: Sequence[Setting]
    total_s: int
    _policy_of: dict[str, str] = field(init=False)
    _done_s: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._policy_of = {_name(setting): setting.policy for setting in self.settings}
        self._done_s = dict.fromkeys(self._policy_of, 0)

    def __call__(self, name: str, done_s: int, of_s: int) -> None:
        policy = self._policy_of.get(name)
        if policy is None:
            self.progress(name, done_s, of_s)
            return
        self._done_s[name] = self.total_s * done_s // of_s
        mine = [name for name, other in self._policy_of.items() if other == policy]
        self.progress(policy, sum(self._done_s[one] for one in mine), self.total_s * len(mine))
