"""`python -m tidepool_lab.soak`: thousands of moves with faults; one line of JSON; 1 when anything was lost."""

from __future__ import annotations

import argparse
import json
import os
import sys
from time import monotonic

from tidepool_lab.soak.life import Life
from tidepool_lab.soak.soak import Totals, Verdict, lost_by_the_move, soak
from tidepool_lab.soak.story import story

SHOWN = 10
"""Failing seeds that are told in full. Ours."""


def main() -> int:
    """0 when every invariant held for every seed."""
    asked = _arguments()
    if asked.seed is not None:
        return _replay(asked.seed)
    began, totals = monotonic(), Totals()
    for done, verdict in enumerate(soak(range(asked.first, asked.first + asked.seeds), jobs=asked.jobs), start=1):
        totals.add(verdict)
        if not verdict.holds and len(totals.failing) <= SHOWN:
            _tell(verdict)
        if sys.stderr.isatty() and done % 20 == 0:
            print(f"\r{done} of {asked.seeds} moves, {monotonic() - began:.0f} s ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(json.dumps(totals.figures(monotonic() - began)))
    return 1 if totals.failing else 0


def _tell(verdict: Verdict) -> None:
    for words in (*verdict.broken, *verdict.lost)[:5]:
        print(f"seed {verdict.seed} ({verdict.phase}): {words}", file=sys.stderr)
    print(f"  replay: python -m tidepool_lab.soak --seed {verdict.seed} --trace", file=sys.stderr)


def _replay(seed: int) -> int:
    """One seed with everything that happens in it."""
    the_story = story(seed)
    print(the_story)
    lived = Life(the_story, traced=True).live()
    lost, excused = lost_by_the_move(lived)
    print("\n".join(lived.trace))
    print("\n".join((*lived.broken, *lost)) or "every invariant holds")
    print(f"{len(lived.requests)} requests; {excused} are lost by the faults alone")
    return 1 if lived.broken or lost else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tidepool_lab.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many moves")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="replay this one seed")
    parser.add_argument("--trace", action="store_true", help="with --seed: its timeline (always shown)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
