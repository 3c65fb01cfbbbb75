"""Many seeds: each lived with its move, and once more without when a request was lost, to say whose fault it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tidepool.move.state import Phase
from tidepool_lab.soak.life import Life, Lived
from tidepool_lab.soak.requests import CANARY, SESSION_OVER
from tidepool_lab.soak.story import story

CHUNK = 20
"""Seeds that a process takes at once. Ours."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One seed. lost: requests that the move lost, with why; excused: those that its faults alone lose as well.

    spent: what a target failed that answered probes; over: of sessions that were silent longer than a drain waits.
    """

    seed: int
    phase: str
    requests: int
    lost: tuple[str, ...]
    excused: int
    broken: tuple[str, ...]
    spent: int = 0
    over: int = 0

    @property
    def holds(self) -> bool:
        return not self.lost and not self.broken


def judged(seed: int) -> Verdict:
    """The verdict on one seed."""
    lived = Life(story(seed)).live()
    lost, excused = lost_by_the_move(lived)
    phase = str(lived.move.phase) if lived.move is not None else "not begun"
    excuses = Counter(request.excuse for request in lived.requests.values() if request.lost)
    return Verdict(
        seed,
        phase,
        len(lived.requests),
        lost,
        excused,
        tuple(lived.broken),
        spent=excuses[CANARY],
        over=excuses[SESSION_OVER],
    )


def lost_by_the_move(lived: Lived) -> tuple[tuple[str, ...], int]:
    """Requests that fail with the move and are answered without it, under the very same faults; and how many fail
    in both. What strikes the target strikes the only home there is without a move: a machine that dies takes its
    requests along wherever it stands.
    """
    lost = [one for one in lived.requests.values() if (one.lost and not one.excuse) or not one.fate]
    if not lost:
        return (), 0
    alone = Life(lived.story, moved=False).live(until=lived.ended_s).requests
    ours = [one for one in lost if not (one.key in alone and alone[one.key].lost)]
    words = tuple(f"lost: request {one.key} at {one.at:.0f}: {one.fate or 'never ended'}" for one in ours)
    return words, len(lost) - len(ours)


@dataclass(slots=True)
class Totals:
    """All seeds so far."""

    phases: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lost: int = 0
    lost_by_faults: int = 0
    spent: int = 0
    over: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    failing: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        self.phases[verdict.phase] += 1
        self.requests += verdict.requests
        self.lost += len(verdict.lost)
        self.lost_by_faults += verdict.excused
        self.spent += verdict.spent
        self.over += verdict.over
        self.broken.update(words.partition(":")[0] for words in verdict.broken)
        if not verdict.holds:
            self.failing.append(verdict)

    def figures(self, seconds: float) -> dict[str, float]:
        """The line that `--json` readers look for."""
        return {
            "moves": self.phases.total(),
            "done": self.phases[Phase.DONE],
            "rolled_back": self.phases[Phase.ROLLED_BACK],
            "superseded": self.phases[Phase.SUPERSEDED],
            "needs_person": self.phases[Phase.NEEDS_PERSON],
            "requests": self.requests,
            "requests_lost": self.lost,
            "requests_lost_by_faults_alone": self.lost_by_faults,
            "requests_failed_by_a_bad_target": self.spent,
            "requests_of_sessions_over": self.over,
            "requests_repeated": self.broken["repeated"],
            "leaked": self.broken["leaked"],
            "without_home": self.broken["no home"],
            "destroyed": self.broken["destroyed"],
            "inconsistent": self.broken["inconsistent"] + self.broken["no soak"] + self.broken["canary"],
            "unfinished": self.broken["unfinished"],
            "seconds": round(seconds, 1),
        }


def soak(seeds: Iterable[int], *, jobs: int, judge: Callable[[int], Verdict] = judged) -> Iterator[Verdict]:
    """A verdict a seed, in order; in so many processes."""
    if jobs <= 1:
        yield from map(judge, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(judge, seeds, chunksize=CHUNK)
