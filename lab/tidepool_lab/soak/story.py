"""What one seed stands for: who moves where, how its callers follow, and everything that goes wrong meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from tidepool.config.types import Via
from tidepool_lab.soak.hazards import Mishap, Way
from tidepool_lab.soak.router import Habits, Split

START = 1_795_000_000
"""2026-11-18 11:06 UTC: any moment would do."""
HEALED_S = 7200
"""Every fault is over by then, counted from the beginning: afterwards everything must converge."""

KINDS = {
    "pool to pool": (False, False),
    "shared to dedicated": (False, True),
    "dedicated to shared": (True, False),
    "dedicated to dedicated": (True, True),
}
"""Whether the source is dedicated, and the target."""
SECONDS = ("from the first pool", "from the second pool")
"""Where another model lives that moves at the same time: to the second pool, or to an endpoint of its own."""
VIAS = (Via.TABLE, Via.GATEWAY, Via.ROUTER)


class Kind(StrEnum):
    """A fault that comes and goes."""

    REFUSED = "no quota for another instance"
    SLOW = "capacity comes late, half of it first"
    FAILS = "the target fails to start"
    MUTE = "the target is in service and does not answer"
    DENIED = "callers have no right to the target"
    SOURCE_DIES = "the source's machines are away"
    TARGET_DIES = "the target's machines are away"
    THROTTLED = "AWS throttles"
    STORE_AWAY = "the routes table is away"
    METRICS_AWAY = "CloudWatch does not answer"
    METRICS_LATE = "metrics come late"
    TICKS_LOST = "ticks are lost"
    TICKS_DOUBLED = "ticks come twice"
    GATEWAY_SILENT = "the gateway neither applies nor acknowledges"
    EVENTS_LOST = "announcements are lost"
    ROUTER_BUSY = "somebody else changes the router"
    HAND_SOURCE = "a person sets the source's copies"
    HAND_TARGET = "a person sets the target's copies"
    DEPLOY = "a deploy resets the source's counts"
    NEW_VERSION = "a deploy brings a new version to the source"
    HOLD = "a hold in fleet.yaml"
    WATCH = "the rung lowered in fleet.yaml"
    REMOVED = "the model removed from fleet.yaml"
    FREEZE = "a freeze"
    ROUTE_EDITED = "a person rewrites the route"
    NAME_TAKEN = "somebody else takes the target's name"
    FAILS_LIVE = "the target answers probes and fails its callers"


ANY_VIA = tuple(
    kind
    for kind in Kind
    if kind
    not in {Kind.FAILS_LIVE, Kind.GATEWAY_SILENT, Kind.EVENTS_LOST, Kind.ROUTER_BUSY, Kind.ROUTE_EDITED, Kind.DENIED}
)
ONLY = {
    Via.TABLE: (Kind.ROUTE_EDITED, Kind.DENIED),
    Via.GATEWAY: (Kind.GATEWAY_SILENT, Kind.EVENTS_LOST, Kind.ROUTE_EDITED, Kind.DENIED),
    Via.ROUTER: (Kind.ROUTER_BUSY,),
}
"""A router's callers hold its right and each destination's; what it does with a refusal of one is UNKNOWN, and no
metric tells of it: behind a router DENIED is drawn by `_more`, with the callers declared, for IAM to be asked."""
LONGEST_S = {
    Kind.SOURCE_DIES: 900,
    Kind.TARGET_DIES: 600,
    Kind.STORE_AWAY: 900,
    Kind.TICKS_LOST: 900,
    Kind.GATEWAY_SILENT: 5400,
    Kind.REMOVED: 5400,
}
"""The longest that these last; the others up to forty minutes. Beyond an hour a way back needs a person. Ours."""


@dataclass(frozen=True, slots=True)
class Fault:
    """On [since, until), in seconds since START. figure: copies that a person sets, or the share that is hit."""

    kind: Kind
    since: float
    until: float
    figure: float = 0.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """callers: processes (or the connections of a gateway or router). gap_s: mean seconds between two requests of
    all. longest_s: no request takes longer. sessions: whether some requests belong together; silent_s: how long they
    pause at least. late_s: when the last caller starts, with an empty cache."""

    callers: int
    gap_s: float
    longest_s: float
    stream: bool
    sessions: bool
    late_s: float
    silent_s: float = 0.0


@dataclass(frozen=True, slots=True)
class More:
    """What else people do. declared: fleet.yaml names the callers. undo_s: when a person wants the move back. second:
    another model's move beside it ('' = none), asked for at second_s. attach_s: when a new model is attached. 0 = not.
    """

    declared: bool = False
    undo_s: float = 0.0
    second: str = ""
    second_s: float = 0.0
    attach_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Story:
    """route_version: of the route that is there before; 0 = none. ask: whether a person must approve first.
    sampled, counted_at_end: see Meter. skew_s: how far clocks of runs differ, either way.
    """

    seed: int
    kind: str
    via: Via
    ours: bool
    retire_delete: bool
    ask: bool
    size: int
    route_version: int
    start_s: float
    metric_delay_s: float
    sampled: bool
    counted_at_end: bool
    skew_s: float
    traffic: Traffic
    router: Habits
    faults: tuple[Fault, ...]
    mishaps: tuple[tuple[int, Mishap], ...]
    extra_runs: tuple[float, ...]
    more: More = More()

    @property
    def from_dedicated(self) -> bool:
        return KINDS[self.kind][0]

    @property
    def to_dedicated(self) -> bool:
        return KINDS[self.kind][1]


def story(seed: int) -> Story:
    """The same for the same seed, always."""
    random = Random(seed)
    kind, via = random.choice(tuple(KINDS)), random.choice(VIAS)
    faults = tuple(
        _fault(random, random.choice((*ANY_VIA, *ONLY[via]))) for _ in range(random.choice((0, 1, 2, 2, 3, 4, 6)))
    )
    one = Story(
        seed=seed,
        kind=kind,
        via=via,
        ours=random.random() < 0.6,
        retire_delete=random.random() < 0.3,
        ask=random.random() < 0.15,
        size=random.choice((1, 2, 2, 3)),
        route_version=random.choice((0, 1, 7)),
        start_s=random.uniform(60, 420),
        metric_delay_s=random.choice((60.0, 60.0, 90.0)),
        sampled=random.random() < 0.5,
        counted_at_end=random.random() < 0.5,
        skew_s=random.choice((0.0, 2.0, 7.0)),
        traffic=_traffic(random, via),
        router=Habits(random.choice(tuple(Split)), random.uniform(10, 150), random.uniform(2, 60)),
        faults=tuple(sorted(faults, key=lambda fault: fault.since)),
        mishaps=_mishaps(random),
        extra_runs=tuple(random.uniform(0, 2400) for _ in range(random.choice((0, 0, 2, 8)))),
    )
    return _more(one, Random(f"{seed} more"))


def _more(one: Story, random: Random) -> Story:
    """The story with what else may happen in it, drawn apart so that all before stays as it was."""
    more = More(
        declared=random.random() < 0.3,
        undo_s=random.uniform(1, 2400) if random.random() < 0.12 else 0.0,
        second=random.choice(SECONDS) if random.random() < 0.2 else "",
        second_s=random.uniform(0.5, 900),
        attach_s=random.uniform(1, 1200) if random.random() < 0.12 else 0.0,
    )
    faults, traffic = list(one.faults), one.traffic
    if random.random() < 0.06:
        faults.append(Fault(Kind.FAILS_LIVE, 0.0, HEALED_S))
    if one.via is Via.ROUTER and random.random() < 0.12:
        faults.append(Fault(Kind.DENIED, 0.0, HEALED_S))
        more = replace(more, declared=True)
    if traffic.sessions and random.random() < 0.3:
        traffic = replace(traffic, silent_s=random.uniform(90, 400))
    return replace(one, more=more, traffic=traffic, faults=tuple(sorted(faults, key=lambda fault: fault.since)))


def _fault(random: Random, kind: Kind) -> Fault:
    since = random.uniform(0, 2400)
    if kind in {Kind.FAILS, Kind.MUTE, Kind.DENIED, Kind.REFUSED, Kind.SLOW}:
        # What befalls a target that is being made matters only while it is made.
        since = random.choice((0.0, since))
    until = min(HEALED_S, since + random.uniform(60, LONGEST_S.get(kind, 2400)))
    figure = random.choice((0, 1, 1, 2, 4)) if kind is Kind.HAND_SOURCE else random.choice((1, 2, 4))
    if kind is Kind.NAME_TAKEN:
        since = 0.5
    share = random.uniform(0.05, 0.6) if kind is Kind.THROTTLED else random.uniform(0.3, 1.0)
    by_share = kind in {Kind.THROTTLED, Kind.TICKS_LOST, Kind.TICKS_DOUBLED, Kind.EVENTS_LOST}
    return Fault(kind, since, until, share if by_share else float(figure))


def _mishaps(random: Random) -> tuple[tuple[int, Mishap], ...]:
    """Up to five writes are disturbed, of the first sixty: a way through has about forty."""
    found = {random.randrange(60): random.choice(tuple(Way)) for _ in range(random.choice((0, 0, 1, 2, 3, 5)))}
    return tuple(
        (at, Mishap(way, random.uniform(1, 58) if way is Way.STOPPED else 0.0)) for at, way in sorted(found.items())
    )


def _traffic(random: Random, via: Via) -> Traffic:
    stream = via is not Via.ROUTER and random.random() < 0.15
    longest = random.uniform(120, 420) if stream else random.choice((2.0, 10.0, 30.0, 55.0))
    callers = random.choice((1, 2, 4))
    return Traffic(
        callers=callers,
        gap_s=random.choice((4.0, 8.0, 15.0)) if not stream else 20.0,
        longest_s=longest,
        stream=stream,
        sessions=via is not Via.ROUTER and random.random() < 0.3,
        late_s=random.choice((0.0, random.uniform(0, 2400))) if callers > 1 else 0.0,
    )
