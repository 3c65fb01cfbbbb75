"""Makes a trace ready: holes filled (bench-rules.md §2.1), thinned (§2.3), capped (§2.2), in this order.

The same prepared counts feed every policy and every policy's history.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tidepool.errors import BadTrace, Problem
from tidepool_lab.inputs.reference import ReferenceFleet
from tidepool_lab.inputs.trace import Counts, Trace

GAPS_FILE = "servegen-gaps.csv"
CAP_ACCELERATOR = "A100-40"
"""The cap is computed with this accelerator's figures, whatever a policy runs on (bench-rules.md §2.2)."""
AROUND_MINUTES = 30
"""A hole is filled with the mean of this many minutes before it and after it (bench-rules.md §2.1)."""
FILL, THIN = 1, 3
"""Keep the two kinds of draws apart: streams are seeded by (seed, kind, position of the model)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Minutes [start, end) in which the collection of a group of models has a hole."""

    model_prefix: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The requests that exist. `counts` and `dropped` (by the cap) have shape [minutes, models]."""

    models: tuple[str, ...]
    counts: Counts
    dropped: Counts


def prepare(
    trace: Trace, fleet: ReferenceFleet, *, seed: int, scale: float = 1.0, gaps: tuple[Gap, ...] = ()
) -> Prepared:
    """The trace as every policy meets it. `scale` is 0 to 2 (bench-rules.md §2.3)."""
    counts = fill_gaps(trace.counts, trace.models, gaps, seed=seed)
    counts = thin(counts, scale, seed=seed)
    return _capped(trace.models, counts, fleet)


def swell(prepared: Prepared, fleet: ReferenceFleet, scale: float, *, seed: int) -> Prepared:
    """The same trace prepared with that `scale`, from what was prepared with scale 1: what the cap dropped is back
    before the draw, so that §2.1 to §2.3 keep their order."""
    return _capped(prepared.models, thin(prepared.counts + prepared.dropped, scale, seed=seed), fleet)


def _capped(models: tuple[str, ...], counts: Counts, fleet: ReferenceFleet) -> Prepared:
    capped = np.minimum(counts, cap_per_minute(fleet))
    return Prepared(models, capped, counts - capped)


def fill_gaps(counts: Counts, models: tuple[str, ...], gaps: tuple[Gap, ...], *, seed: int) -> Counts:
    """Minutes in a hole get Binomial(round(2·mean), ½) for each model of the group (bench-rules.md §2.1)."""
    filled = counts.copy()
    draws = {i: np.random.default_rng([seed, FILL, i]) for i in range(len(models))}
    for gap in gaps:
        around = np.r_[
            max(0, gap.start - AROUND_MINUTES) : gap.start, gap.end : min(len(counts), gap.end + AROUND_MINUTES)
        ]
        for i, model in enumerate(models):
            if model.startswith(gap.model_prefix) and around.size:
                mean = float(counts[around, i].mean())
                filled[gap.start : gap.end, i] = draws[i].binomial(round(2 * mean), 0.5, gap.end - gap.start)
    return filled


def thin(counts: Counts, scale: float, *, seed: int) -> Counts:
    """Binomial(n, f) for f ≤ 1, n + Binomial(n, f - 1) for 1 < f ≤ 2 (bench-rules.md §2.3). BadTrace otherwise."""
    if not 0 < scale <= 2:
        raise BadTrace("--scale", (Problem("scale", scale, "a factor above 0 and up to 2"),))
    if scale == 1:
        return counts
    kept, share = (counts, scale - 1) if scale > 1 else (np.zeros_like(counts), scale)
    drawn = np.empty_like(counts)
    for i in range(counts.shape[1]):
        drawn[:, i] = np.random.default_rng([seed, THIN, i]).binomial(counts[:, i], share)
    return kept + drawn


def cap_per_minute(fleet: ReferenceFleet) -> Counts:
    """Most requests of one minute, by model: floor(copies × 60 × concurrency ÷ service_s) (bench-rules.md §2.2).

    24 copies of 19 slots at 11.9 s a request: floor(24 × 60 × 19 ÷ 11.9) = 2,299 requests a minute.
    """
    caps = []
    for model in fleet.models:
        figures = model.capacity[CAP_ACCELERATOR]
        caps.append(int(model.traffic_cap_copies * 60 * figures.concurrency_per_copy / figures.service_s))
    return np.array(caps, dtype=np.int64)


def read_gaps(trace: Path) -> tuple[Gap, ...]:
    """The holes listed beside the trace; none when there is no such file (bench-rules.md §2.1).

    The file belongs to the traces whose name starts like its own (`servegen-gaps.csv` → `servegen-week1.csv.gz`,
    whose models it names); other traces' models match none of its prefixes.
    """
    path = trace.parent / GAPS_FILE
    if not path.exists():
        return ()
    gaps, problems = [], []
    for line, row in enumerate(csv.DictReader(path.read_text().splitlines()), start=2):
        try:
            gap = Gap(row["model_prefix"], int(row["start_minute"]), int(row["end_minute"]))
        except (KeyError, TypeError, ValueError):
            problems.append(Problem("line", row, "model_prefix,start_minute,end_minute", "", line))
            continue
        if not 0 <= gap.start < gap.end:
            problems.append(Problem("start_minute,end_minute", (gap.start, gap.end), "0 ≤ start < end", "", line))
        gaps.append(gap)
    if problems:
        raise BadTrace(str(path), tuple(problems))
    return tuple(gaps)
