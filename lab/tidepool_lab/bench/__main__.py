"""`python -m tidepool_lab.bench`: the bench without the command around it, for sweeps and for tuning."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import monotonic

from tidepool.errors import BadInput
from tidepool_lab.bench.asked import run_bench
from tidepool_lab.bench.frontier_chart import frontier_chart
from tidepool_lab.bench.frontier_table import plain_frontier
from tidepool_lab.bench.stored import FOLDER
from tidepool_lab.bench.stress_table import plain_stress_table
from tidepool_lab.bench.table import plain_table
from tidepool_lab.bench.where_table import plain_where

SAY_EVERY_S = 10.0


def main() -> int:
    """The table is printed; 1 when the input is wrong."""
    asked = _arguments()
    try:
        result = run_bench(
            asked.trace,
            asked.fleet,
            from_day=asked.from_day,
            days=asked.days,
            seed=asked.seed,
            scale=asked.scale,
            policies=asked.policies.split(",") if asked.policies else (),
            types=asked.types.split(",") if asked.types else (),
            regain=asked.regain,
            image_pull_s=asked.image_pull,
            stress=asked.stress,
            frontier=asked.cache if asked.frontier else None,
            where=asked.where,
            jobs=asked.jobs,
            progress=_Say(),
        )
    except BadInput as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(plain_table(result), end="")
    if result.stress:
        print("\n" + plain_stress_table(result), end="")
    if result.frontier:
        print("\n" + plain_frontier(result), end="")
    if result.where:
        print("\n" + plain_where(result), end="")
    if asked.picture:
        asked.picture.write_text(frontier_chart(result))
    if asked.json:
        asked.json.write_text(result.json_text())
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tidepool_lab.bench", description=__doc__)
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--fleet", type=Path)
    parser.add_argument("--from-day", type=int, default=2)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--policies", default="")
    parser.add_argument("--types", default="")
    parser.add_argument("--regain")
    parser.add_argument("--image-pull", type=int)
    parser.add_argument("--stress", type=float)
    parser.add_argument("--frontier", action="store_true")
    parser.add_argument("--where", action="store_true")
    parser.add_argument("--cache", type=Path, default=FOLDER)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class _Say:
    """A line on standard error now and then."""

    def __init__(self) -> None:
        self._last = monotonic()

    def __call__(self, policy: str, done_s: int, of_s: int) -> None:
        if monotonic() - self._last >= SAY_EVERY_S or done_s == of_s:
            self._last = monotonic()
            print(f"{policy}: {100 * done_s // of_s} % simulated", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
