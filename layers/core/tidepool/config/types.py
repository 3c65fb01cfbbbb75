"""fleet.yaml after reading: typed, complete, frozen. See docs/fleet-yaml.md for what a person writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class Rung(IntEnum):
    """The ladder of what Tidepool may do; each rung includes those below it."""

    WATCH = 0
    RAISE = 1
    SCALE = 2
    SIZE = 3
    ASK = 4
    RUN = 5


class Bounds(StrEnum):
    NEVER = "never"
    RECOMMEND = "recommend"
    WRITE = "write"


class Via(StrEnum):
    """How callers find a model. SSM was a proposal; the DynamoDB table is what the client follows."""

    NONE = "none"
    TABLE = "table"
    GATEWAY = "gateway"
    ROUTER = "inference-router"


class Hosting(StrEnum):
    SHARED = "shared"
    DEDICATED = "dedicated"


@dataclass(frozen=True, slots=True)
class Hold:
    until: int
    why: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A calendar line: a floor (`min_copies`), an expectation (`expect` ≥ 1), or both.

    `days` are 0 (Monday) to 6, or `date` (ISO) is one day. Minutes of the local day; `to_minute` is at most
    1440, and smaller than `from_minute` when the line goes past midnight.
    """

    days: tuple[int, ...]
    date: str
    from_minute: int
    to_minute: int
    min_copies: int = 0
    expect: float = 1.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a model is on one hosting and instance type: one copy (shared) or one whole instance (dedicated).

    concurrency: requests one copy or instance serves at once inside the objective; None = unmeasured.
    service_s: mean seconds one request occupies a slot; None = unmeasured.
    start_s: seconds from placement on a ready instance until it serves (image + weights + engine);
        None = unknown.
    accelerators: per copy; for dedicated the whole instance's.
    memory_mb: of the host, reserved for one copy; None = unknown, and for dedicated, which has the whole instance's.
    """

    hosting: Hosting
    instance_type: str
    accelerators: int | None = None
    concurrency: float | None = None
    service_s: float | None = None
    start_s: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int | None = None


@dataclass(frozen=True, slots=True)
class RouteConfig:
    via: Via = Via.NONE
    ack_s: int = 120
    router: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Every value in force for one model, after class → glob → exact name.

    zero_after_s: idle seconds, with positive evidence, before zero; None = never.
    max_copies: None = what the pools hold. host: 'auto', 'dedicated', 'shared' or a pool's key.
    callers: ARNs of the IAM roles and users who call it, () = nobody says. Each is simulated before a move.
    longest_request_s: a drain waits longer than this. stream: answers are streamed.
    """

    name: str
    class_name: str
    start_within_s: float
    attain: float
    min_copies: int
    max_copies: int | None
    zones: int
    zero_after_s: int | None
    priority: int
    miss_usd: float
    host: str
    act: Rung
    route: RouteConfig = RouteConfig()
    hold: Hold | None = None
    tenant: str = ""
    callers: tuple[str, ...] = ()
    owner: str = ""
    sample: str = ""
    longest_request_s: int = 60
    longest_request_written: bool = False
    """False: fleet.yaml says nothing, and what a move learns goes before AWS's limit."""
    stream: bool = False
    burst_alarm: bool = False
    retire_delete: bool = False
    schedule: tuple[Schedule, ...] = ()
    shapes: tuple[Shape, ...] = ()
    matched: str = ""
    """The key of fleet.yaml that named this model; '' when only defaults apply: nothing is ever written."""

    def shape(self, hosting: Hosting, instance_type: str) -> Shape | None:
        """The declared shape on that hosting and type, or None."""
        for shape in self.shapes:
            if shape.hosting is hosting and shape.instance_type == instance_type:
                return shape
        return None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """When idle machines may go. after_s None = never."""

    after_s: int | None
    keep_spare: int = 0


@dataclass(frozen=True, slots=True)
class Reserved:
    """Machines of a pool that are paid anyhow.

    binds: the endpoint's machines come from a capacity reservation alone, so it serves no longer than that. leave_s:
    how long before `until` its models begin to leave; fleet.yaml writes neither (decision/reserved.py).
    """

    instances: int
    until: int
    then: str = ""
    binds: bool = False
    leave_s: int = 0


@dataclass(frozen=True, slots=True)
class PoolConfig:
    name: str
    endpoint: str
    types: tuple[str, ...] = ()
    bounds: Bounds = Bounds.RECOMMEND
    zones: int = 1
    act: Rung = Rung.RUN
    hold: Hold | None = None
    give_back: GiveBack = GiveBack(0)
    give_back_written: bool = True
    """False: fleet.yaml says nothing, and the type decides: a scarce one is kept (resolve.py)."""
    reserved: Reserved | None = None
    tenants: tuple[str, ...] = ()


REGAIN_S = 120.0
"""The launch alone: 105 s and a tick to notice (sagemaker-facts, Times). Nothing is waited for beside it."""


@dataclass(frozen=True, slots=True)
class InstanceConfig:
    """Figures of an instance type that override or stand in for what the account says. None = read it.

    regain_s: from giving a machine of it back until one can be had again; None = never, as for `after_s` of GiveBack.
    No call reads it, so it is never None for "not written".
    """

    name: str
    accelerators: int | None = None
    usd_per_hour: float | None = None
    quota: int | None = None
    launch_s: float | None = None
    regain_s: float | None = REGAIN_S


@dataclass(frozen=True, slots=True)
class Money:
    budget_usd_per_hour: float | None = None
    price_factor: float = 1.0
    committed_usd_per_hour: float = 0.0
    chargeback: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Blast radius. copies_per_tick None = 10 % of the fleet's copies, at least 2.

    moves_per_pool: open at once that leave or enter one pool. usd_per_move, move_usd_per_day: dollars of double
    hosting, of one move and of all in 24 hours. None = no limit.
    """

    copies_per_tick: int | None = None
    lowered_per_hour: float = 0.20
    instances_per_hour: int = 2
    moves_at_once: int = 1
    moves_per_day: int = 2
    moves_per_pool: int | None = None
    usd_per_move: float | None = None
    move_usd_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A weekly window in local time, from `from_minute` of these days; past midnight if `to_minute` is smaller."""

    days: tuple[int, ...]
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class Safety:
    freeze_calendars: tuple[str, ...] = ()
    freeze_alarms: tuple[str, ...] = ()
    move_hours: tuple[Window, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Writers:
    autoscaling: str = "yield"
    deploy_principals: tuple[str, ...] = ()
    deploy_lowered: str = "restore"
    deploy_raised: str = "keep"
    deploy_quiet_s: int = 1800
    people_hold_s: int = 4 * 3600


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. `models` resolves an identity to its ModelConfig; see config.resolve."""

    schema: int
    region: str
    timezone: str
    identity: str
    act: Rung
    money: Money
    safety: Safety
    writers: Writers
    pools: Mapping[str, PoolConfig]
    instances: Mapping[str, InstanceConfig]
    names: Mapping[str, ModelConfig]
    """Exact names of fleet.yaml, already resolved through globs and class."""
    globs: tuple[tuple[str, ModelConfig], ...]
    """Glob patterns, the most specific first, already resolved; ModelConfig.name is the pattern."""
    unmatched: ModelConfig
    """Defaults for a model that nothing names: act WATCH, matched ''."""
