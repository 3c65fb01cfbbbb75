"""What one bench measures: a prepared trace, its fleet, and the window that is scored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tidepool.errors import BadTrace, Problem
from tidepool.units import MINUTE_S, WEEK_S
from tidepool_lab.inputs.arrivals import CACHE, TraceArrivals
from tidepool_lab.inputs.clock import (
    AFTERWARDS_MINUTES,
    DAY_MINUTES,
    EPOCH_S,
    WARM_UP_MINUTES,
)
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.prepare import Prepared, prepare, read_gaps
from tidepool_lab.inputs.reference import ReferenceFleet, read_reference
from tidepool_lab.inputs.regain import REGAIN_S, check_times, regain_s, regain_text
from tidepool_lab.inputs.shipped import WEEK_SEED, shipped_week
from tidepool_lab.inputs.trace import Trace, read_trace
from tidepool_lab.rivals.policy import START_MINUTES, Minutes

RULES_FILE = Path(__file__).parents[3] / "docs" / "bench-rules.md"


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 of what the table depends on (bench-rules.md §7)."""

    trace: str
    fleet: str
    rules: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line changes of the fleet and its traffic; the defaults change nothing. Said with the result.

    types: the only instance types; () = all. scale: bench-rules.md §2.3. regain: as fleet.yaml writes it.
    image_pull_s: in place of the fleet's own; None = that.
    """

    types: tuple[str, ...] = ()
    scale: float = 1.0
    regain: str = regain_text(REGAIN_S)
    image_pull_s: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Everything a run needs, in one value that another process can be handed.

    `prepared` covers the whole trace. Minutes count from minute 0 of the trace; `weeks_later` shifts the nominal
    clock under it (bench-rules.md §7) and nothing else. `only_minutes` cuts the scored window short: for tests.

    `fleet` is what is true. Under --stress (bench-rules.md §6) `concurrency` is how many times the true one is
    declared, and `start_up` how many times the declared start-up the true one is. `where`: each row has its account.
    """

    trace: str
    fleet_name: str
    fleet: ReferenceFleet
    fleet_yaml: str
    prepared: Prepared
    hashes: Hashes
    from_day: int
    days: int
    seed: int
    weeks_later: int = 0
    only_minutes: int | None = None
    concurrency: float = 1.0
    start_up: float = 1.0
    cache: Path | None = CACHE
    options: Options = field(default_factory=Options)
    where: bool = False

    @property
    def declared(self) -> ReferenceFleet:
        """The fleet as it is declared: what everybody sizes by who has to size something."""
        return self.fleet if self.concurrency == 1 else self.fleet.overstated(self.concurrency)

    @property
    def scored(self) -> tuple[int, int]:
        """The scored minutes [first, until) (bench-rules.md §1.2)."""
        first = self.from_day * DAY_MINUTES
        return first, first + self.minutes

    @property
    def minutes(self) -> int:
        """Minutes of the scored window."""
        return self.days * DAY_MINUTES if self.only_minutes is None else self.only_minutes

    @property
    def simulated(self) -> tuple[int, int]:
        """The simulated minutes [first, until): with warm-up and the 10 minutes after (bench-rules.md §1.3)."""
        first, until = self.scored
        return max(0, first - WARM_UP_MINUTES), until + AFTERWARDS_MINUTES

    @property
    def window(self) -> Minutes:
        """Requests of the scored window after the cap; shape [minutes, models]."""
        first, until = self.scored
        return self.prepared.counts[first:until]

    @property
    def first_minutes(self) -> Minutes:
        """Requests of the first 10 minutes of the run, which size the start state (bench-rules.md §1.4)."""
        first, _ = self.simulated
        return self.prepared.counts[first : first + START_MINUTES]

    @property
    def requests_capped(self) -> int:
        """Requests of the scored window that the cap dropped (bench-rules.md §2.2)."""
        first, until = self.scored
        return int(self.prepared.dropped[first:until].sum())

    def arrivals(self) -> TraceArrivals:
        """The arrivals that every policy meets."""
        return TraceArrivals(self.prepared.models, self.prepared.counts, seed=self.seed, cache=self.cache)

    @property
    def epoch_s(self) -> int:
        """When minute 0 of the trace is on the nominal clock."""
        return EPOCH_S + self.weeks_later * WEEK_S

    def at_s(self, minute: int) -> int:
        """When a minute of the trace starts on the nominal clock."""
        return self.epoch_s + minute * MINUTE_S


def load_case(
    trace: Path | None,
    fleet: Path | None,
    *,
    from_day: int,
    days: int,
    seed: int = 1,
    scale: float = 1.0,
    types: Sequence[str] = (),
    regain: str | None = None,
    image_pull_s: int | None = None,
) -> Case:
    """The case of a trace and its fleet, of the shipped seeded week without them.

    regain, image_pull_s: how long a scarce type that was given back takes to come again, and an image to be pulled,
    in place of what the fleet says, true and declared. Raises BadTrace with every problem: only one of the two files
    given, a window outside the trace, or whatever is wrong in the files.
    """
    check_times(regain, image_pull_s)
    reference, counts, hashes = _read(trace, fleet)
    _check_window(reference, from_day=from_day, days=days)
    if types:
        reference = reference.only(types)
    reference = reference.timed(regain_s=regain_s(regain) if regain else None, image_pull_s=image_pull_s)
    gaps = read_gaps(trace) if trace else ()
    return Case(
        trace=trace.name if trace else f"shipped-week-{WEEK_SEED}",
        fleet_name=fleet.name if fleet else f"shipped-fleet-{WEEK_SEED}",
        fleet=reference,
        fleet_yaml=fleet_yaml(reference),
        prepared=prepare(counts, reference, seed=seed, scale=scale, gaps=gaps),
        hashes=hashes,
        from_day=from_day,
        days=days,
        seed=seed,
        options=Options(
            types=tuple(types),
            scale=scale,
            regain=regain_text(reference.times.regain_s),
            image_pull_s=image_pull_s,
        ),
    )


def rules_sha256() -> str:
    """The SHA-256 of docs/bench-rules.md."""
    return hashlib.sha256(RULES_FILE.read_bytes()).hexdigest()


def _read(trace: Path | None, fleet: Path | None) -> tuple[ReferenceFleet, Trace, Hashes]:
    match (trace, fleet):
        case (None, None):
            reference, counts, sha256 = shipped_week()
        case (Path(), Path()):
            reference, sha256 = read_reference(fleet)
            counts = read_trace(trace, models=reference.names, minutes=reference.minutes)
        case _:
            missing = "--fleet" if fleet is None else "--trace"
            hint = "a trace says how many requests came, its fleet what the models are"
            raise BadTrace(
                "the command line", (Problem(missing, None, "--trace and --fleet together, or neither", hint),)
            )
    return reference, counts, Hashes(counts.sha256, sha256, rules_sha256())


def _check_window(fleet: ReferenceFleet, *, from_day: int, days: int) -> None:
    whole = fleet.minutes // DAY_MINUTES
    problems = []
    if not 0 <= from_day < max(1, whole):
        problems.append(Problem("--from-day", from_day, f"0 to {max(0, whole - 1)}", "days count from 0"))
    elif not 1 <= days <= whole - from_day:
        problems.append(Problem("--days", days, f"1 to {whole - from_day} from day {from_day} on"))
    if problems:
        raise BadTrace("window", tuple(problems))
