"""What the bench found, as it is written by --json."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tidepool_lab.bench.case import Case, Options
from tidepool_lab.bench.where import Where

Share = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicyResult(_Strict):
    """One row of the table, by the definitions of bench-rules.md §6. None where a policy has no such figure.

    setting: what was chosen where a policy's setting is chosen from a grid; said in the table, not in the JSON. `dial`
    (the oracle's, or native_best's target) and `variant` (native_best's) are the same for another run to take up.
    """

    name: str
    cost_usd: float
    own_cost_usd: float | None = None
    on_time: Share | None = None
    on_time_interactive: Share | None = None
    on_time_batch: Share | None = None
    on_time_mean_model: Share | None = None
    models_meeting_objective: Share | None = None
    no_capacity_share: Share | None = None
    copy_changes: int | None = None
    instance_changes: int | None = None
    moves: int | None = None
    decide_ms_p50: float | None = None
    decide_ms_max: float | None = None
    setting: Annotated[str, Field(exclude=True)] = ""
    dial: Annotated[float, Field(exclude=True)] = 1.0
    variant: Annotated[int, Field(exclude=True)] = 0
    where: Annotated[Where | None, Field(exclude=True)] = None
    """Its account, where that was asked for; in the JSON under the result's own `where`."""


class Kind(StrEnum):
    """What is harder than declared in a run of --stress (bench-rules.md §6)."""

    TRAFFIC = "traffic"
    CONCURRENCY = "concurrency"
    START_UP = "start_up"


class StressResult(_Strict):
    """The rows of the same policies, at the same settings, under one stress."""

    kind: Kind
    factor: float
    policies: tuple[PolicyResult, ...]


class FrontierPoint(_Strict):
    """One setting of one policy's dial. Where no request arrived, none was late.

    homes: where its models began, the start state's pool or homes chosen by hand. curve: which settings of the policy
    are one grid, whose neighbours a line joins. default: the plain table's row has this setting.
    """

    policy: str
    setting: str
    homes: Literal["start", "by hand"]
    dial: float
    cost_usd: float
    on_time: Share
    on_time_mean_model: Share
    curve: Annotated[int, Field(exclude=True)] = 0
    default: Annotated[bool, Field(exclude=True)] = False


class Sha256(_Strict):
    trace: str
    fleet: str
    rules: str


class BenchResult(_Strict):
    """The whole table and what it depends on. What is in OPTIONAL is written only where it was asked for."""

    schema_: Annotated[Literal[1], Field(serialization_alias="schema")] = 1
    rules: Literal[1] = 1
    trace: str
    fleet: str
    sha256: Sha256
    from_day: int
    days: int
    seed: int
    types: tuple[str, ...] = ()
    scale: float = 1.0
    regain: str = Options().regain
    image_pull_s: int | None = None
    requests_capped: int
    policies: tuple[PolicyResult, ...]
    stress: tuple[StressResult, ...] = ()
    frontier: tuple[FrontierPoint, ...] = ()
    where: dict[str, Where] = {}
    """The policies' accounts, by name."""
    left_out: Annotated[tuple[str, ...], Field(exclude=True)] = ()
    """Policies that could not run here, and why; said in the notes, not in the JSON."""

    def json_text(self) -> str:
        """The JSON document of --json, with a line break at its end."""
        unasked = {name for name in OPTIONAL if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump_json(by_alias=True, indent=2, exclude=unasked) + "\n"

    def row(self, name: str) -> PolicyResult | None:
        """The row of that policy, or None when it did not run."""
        return next((row for row in self.policies if row.name == name), None)


OPTIONAL = ("types", "scale", "regain", "image_pull_s", "stress", "frontier", "where")
"""Keys of the JSON that stand for an option of the command: without it there is no such key."""


def result_of(
    case: Case,
    rows: tuple[PolicyResult, ...],
    stress: tuple[StressResult, ...] = (),
    frontier: tuple[FrontierPoint, ...] = (),
    left_out: tuple[str, ...] = (),
) -> BenchResult:
    """These rows, with the names and hashes of what they were measured on."""
    return BenchResult(
        trace=case.trace,
        fleet=case.fleet_name,
        sha256=Sha256(trace=case.hashes.trace, fleet=case.hashes.fleet, rules=case.hashes.rules),
        from_day=case.from_day,
        days=case.days,
        seed=case.seed,
        types=case.options.types,
        scale=case.options.scale,
        regain=case.options.regain,
        image_pull_s=case.options.image_pull_s,
        requests_capped=case.requests_capped,
        policies=rows,
        stress=stress,
        frontier=frontier,
        where={row.name: row.where for row in rows if row.where is not None},
        left_out=left_out,
    )
