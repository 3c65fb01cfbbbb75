"""Policies whose setting is looked for: native_best's target and variant, the oracle's dial (bench-rules.md §5)."""

from __future__ import annotations

from collections.abc import Sequence

from tidepool_lab.bench.case import Case
from tidepool_lab.bench.equal import NO_WORSE
from tidepool_lab.bench.result import PolicyResult
from tidepool_lab.bench.run import Progress, no_progress, run_oracle, simulate
from tidepool_lab.rivals.grid import cheapest_good_enough
from tidepool_lab.rivals.native import Native
from tidepool_lab.rivals.native_best import LOADS, VARIANTS, homes_by_hand
from tidepool_lab.rivals.oracle import INTERACTIVE_ON_TIME


def best_of_variant(case: Case, number: int, native_on_time: float, progress: Progress = no_progress) -> PolicyResult:
    """The cheapest row of VARIANTS[number] that is no worse on time than native, over the grid of targets.

    The row says in `setting` which target it is; one that is nowhere has its most careful target.
    """
    _, row = cheapest_good_enough(
        LOADS,
        run=lambda load: run_native_best(case, number=number, load=load, progress=progress),
        good=lambda row: on_time(row) >= native_on_time - NO_WORSE,
    )
    return row


def run_native_best(case: Case, *, number: int, load: float, progress: Progress = no_progress) -> PolicyResult:
    """native_best at one setting: VARIANTS[number], with `load` of a copy's slots as the target."""
    variant = VARIANTS[number]
    policy = Native(
        case.declared,
        case.first_minutes,
        load=load,
        metric=variant.metric,
        scale_in=variant.scale_in,
        homes=homes_by_hand(case.declared, case.prepared.counts),
    )
    name = f"native_best {variant.metric}, {variant.scale_in}, {load:g}"
    row = simulate(case, policy, name=name, progress=progress)
    setting = f"target {load:g} of a copy's slots, {variant.metric} metric, {variant.scale_in}"
    return row.model_copy(update={"name": "native_best", "setting": setting, "variant": number, "dial": load})


def best_of_variants(rows: tuple[PolicyResult, ...], native_on_time: float) -> PolicyResult:
    """The cheapest of the variants' rows that is no worse on time than native; if none is, the one most on time."""
    good = [row for row in rows if on_time(row) >= native_on_time - NO_WORSE]
    return min(good, key=lambda row: row.cost_usd) if good else max(rows, key=on_time)


def oracle_at(case: Case, dial: float, progress: Progress = no_progress) -> PolicyResult:
    """The oracle's row at one dial, which it names."""
    row = run_oracle(case, dial=dial, progress=progress)
    return row.model_copy(update={"setting": f"dial {dial:g}", "dial": dial})


def best_of_dials(rows: Sequence[PolicyResult]) -> PolicyResult:
    """The cheapest of the oracle's rows whose interactive requests are on time to 99.5 %; if none is, the one most so.

    All dials are run (bench-rules.md §5): with other sizes models live elsewhere, so cost is not monotone along them.
    """
    good = [row for row in rows if good_oracle(row)]
    return min(good, key=lambda row: row.cost_usd) if good else max(rows, key=_interactive)


def good_oracle(row: PolicyResult) -> bool:
    """Its interactive requests are on time to 99.5 %."""
    return _interactive(row) >= INTERACTIVE_ON_TIME


def _interactive(row: PolicyResult) -> float:
    return 1.0 if row.on_time_interactive is None else row.on_time_interactive


def on_time(row: PolicyResult) -> float:
    """The share on time; a window without requests misses nothing."""
    return 1.0 if row.on_time is None else row.on_time
