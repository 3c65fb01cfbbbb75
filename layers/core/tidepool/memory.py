"""What one tick hands to the next, and what learn hands to every tick; versioned.

`Memory` is small and written each tick. `Learned` (profiles over the week) is written hourly by learn under a key
of its own, and read beside it. Both survive a JSON round trip bit for bit: floats are rounded when they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidepool.fleet.writers import Write

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Block:
    """Ten minutes as the ticks saw them: requests offered per second, the highest minute, and the sum of `minutes`."""

    at: int
    top: float
    total: float
    minutes: int


@dataclass(frozen=True, slots=True)
class Minute:
    """What was seen of a model at one tick: requests in flight (mean and top of the newest minute), and its rate.

    The unit is requests in flight on the model's home of that time; `rate` is requests per second.
    """

    at: int
    in_flight: float
    peak: float
    rate: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The most that one copy, or one dedicated instance, was seen to serve well: a lower bound of its capacity.

    concurrency: requests at once in the busiest minute served well. since: when the first such minute was seen.
    at: when the newest was. samples: how many were. latency_ms: its usual ModelLatency.
    """

    concurrency: float
    since: int
    at: int
    samples: int
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Worked:
    """What full minutes of one home finished (decision/worked.py): `done` of the `due` requests that were declared.

    key: hosting, type and what was declared. copies: in service, since when.
    """

    key: str
    copies: int
    since: int
    due: float
    done: float


@dataclass(frozen=True, slots=True)
class Started:
    """What start-ups of one home took (decision/started.py), seconds, the newest last.

    key: hosting, type and artifact. launched: those for which a machine came meanwhile; room: the others.
    asked_at: when the newest one was asked for. to: copies or instances that it waits for, 0 = none does.
    machines: in service at the last tick. came_at: when the newest of them came, 0 = none has.
    """

    key: str
    room: tuple[int, ...] = ()
    launched: tuple[int, ...] = ()
    asked_at: int = 0
    to: int = 0
    machines: int = 0
    came_at: int = 0


@dataclass(frozen=True, slots=True)
class LastMove:
    """The last move that was asked for, `times` in a row to that place while the home stayed the same.

    at: when it was asked for, or last seen under way.
    """

    to: str
    at: int
    times: int = 1


Held = tuple[tuple[int, float], ...]
"""(at, requests per second), oldest and highest first: only what no later tick was to be ready for as well."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """One model's state. All times are seconds since 1970; 0 = never.

    idle_since: start of the unbroken positive evidence of idleness.
    sizes: copies or instances in service at the last tick, by target.
    recent: the last minutes, oldest first (at most forecast.recent.KEEP_S long).
    level: what comes over what the weekly profile expects, smoothed; 1 = as expected.
    home: the endpoint it was last seen living on. home_since: since when, 0 = since before Tidepool looked.
    fills: hours of the last 24 (bit i = i hours ago) at whose first look its copies filled whole instances at a cost
        tie.
    called_at: the newest tick that saw requests, served or rejected.
    measured: by hosting, type and artifact (decision/measured.py), where no shape says what a copy serves.
    worked, share: whether full copies serve what is declared, and the share of it that is believed.
    zero_at: the newest tick at which one of its homes had nothing in service.
    started: how long its home's start-ups took.
    held: what it was to be ready for in the last minutes (forecast.expected.HOLD_S).
    last_move: which move was asked for last (decision/came_back.py).
    """

    idle_since: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    recent: tuple[Minute, ...] = ()
    blocks: tuple[Block, ...] = ()
    panic_at: int = 0
    stretch: float = 1.0
    level: float = 1.0
    raised_at: int = 0
    lowered_at: int = 0
    home: str = ""
    home_since: int = 0
    fills: int = 0
    fills_hour: int = 0
    rolled_from: int = 0
    rolled_at: int = 0
    called_at: int = 0
    measured: Mapping[str, Measured] = field(default_factory=dict)
    worked: Worked | None = None
    share: float = 1.0
    zero_at: int = 0
    started: Started | None = None
    held: Held = ()
    last_move: LastMove | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What living through the past again said of one model (forecast/judging.py).

    key: the hosting and type it was judged on. until: up to when. fitted: when `ridge` was.
    losses: pinball loss of each member, requests per second. ridge: that member's coefficients.
    scores: the last day's came / foretold. quantiles: of them, () before enough are known.
    held, late, turned: copy hours, late requests (one in 500 of the nearly late too) and changes of each candidate, and
    arrived: all requests, the last day weighing most.
    """

    key: str = ""
    until: int = 0
    fitted: int = 0
    losses: tuple[float, ...] = ()
    ridge: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    held: tuple[float, ...] = ()
    late: tuple[float, ...] = ()
    turned: tuple[float, ...] = ()
    arrived: float = 0.0


@dataclass(frozen=True, slots=True)
class Idle:
    """The newest idle times of one model: whole minutes without requests between two minutes with some.

    gaps: oldest first; forecast.idle.RANGE stands for that many and more. called_at: the end of the last minute with
    requests, 0 = none yet. until: the history up to here is in it.
    """

    gaps: tuple[int, ...] = ()
    called_at: int = 0
    until: int = 0


@dataclass(frozen=True, slots=True)
class ModelLearned:
    """What the past says of one model.

    profile: expected requests per second in each 10-minute bucket of the week (1,008 from Monday 00:00 UTC);
        () before enough is known.
    minutes: how many minutes of history are in it.
    seen: bit mask as an int, bucket i was seen at least once.
    week: the newest week as it was, in the same buckets. group: the class whose mean profile stands beside it.
    top: the busiest minute ever seen, requests per second, forgotten by a tenth a day.
    spread: squared coefficient of variation of its service times (sizing/spread.py), 1 = exponential.
    """

    profile: tuple[float, ...] = ()
    minutes: int = 0
    seen: int = 0
    week: tuple[float, ...] = ()
    group: str = ""
    top: float = 0.0
    judged: Judged = Judged()
    idle: Idle = Idle()
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Learned:
    schema: int = SCHEMA
    until: int = 0
    """History up to here is in it."""
    models: Mapping[str, ModelLearned] = field(default_factory=dict)
    groups: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By group, the mean of its models' weekly profiles."""


@dataclass(frozen=True, slots=True)
class Loose:
    """One pool: since when machines could go (0 = none could), how many it had, rolls tried, machines that went."""

    since: int = 0
    machines: int = 0
    tried: float = 0.0
    released: float = 0.0


@dataclass(frozen=True, slots=True)
class Lacking:
    """An endpoint whose copies wait for a machine: since when, machines in service, the newest tick that saw it so."""

    since: int
    machines: int
    at: int


@dataclass(frozen=True, slots=True)
class Regained:
    """One instance type: (at, seconds) that its last machines took to come, the newest last, and who waits for one.

    asked: by endpoint (decision/regained.py).
    """

    notes: tuple[tuple[int, int], ...] = ()
    asked: Mapping[str, Lacking] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Knob:
    """One count as the last tick saw it: what was wanted, by which artifact or config.

    asked: (at, to) of our own changes that may still arrive. write: the newest change by somebody else, while it means
    something. scaled: Application Auto Scaling had it.
    """

    wanted: int
    version: str
    asked: tuple[tuple[int, int], ...] = ()
    write: Write | None = None
    scaled: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What the pipeline remembers.

    lowered, instance_changes: (at, how many) of the last hour; moves: when each of the last day began: for the limits.
    homes_checked: when every model's home was last judged.
    held_since: by target, since when a raise of it has waited for room, money or AWS (decision/waiting.py).
    needed: by pool that gives back after a time, (last seen at, machines) that were enough, the most first.
    knobs: by component or dedicated endpoint, its count; none while a move makes or empties it.
    regained: by instance type, how long its machines took to come.
    asked_all: the newest tick that asked for the metrics of every model (runtime/reading.py).
    left_out: names of what could not be read, so that it is told of once (runtime/left_out.py).
    """

    schema: int = SCHEMA
    at: int = 0
    models: Mapping[str, ModelMemory] = field(default_factory=dict)
    lowered: tuple[tuple[int, int], ...] = ()
    instance_changes: tuple[tuple[int, int], ...] = ()
    moves: tuple[int, ...] = ()
    homes_checked: int = 0
    held_since: Mapping[str, int] = field(default_factory=dict)
    loose: Mapping[str, Loose] = field(default_factory=dict)
    needed: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    regained: Mapping[str, Regained] = field(default_factory=dict)
    asked_all: int = 0
    left_out: tuple[str, ...] = ()
    learned: Learned = Learned()

    @classmethod
    def empty(cls) -> Memory:
        """The memory of the very first tick."""
        return cls()
