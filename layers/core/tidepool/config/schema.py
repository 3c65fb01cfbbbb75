"""fleet.yaml as it is written, one pydantic model a block. Nothing is defaulted here: None is "not written".

Null itself never arrives (yaml_source refuses it), so None has that one meaning. What the blocks mean together
(a pool that exists, a tie between globs, a hold of 30 days) is in rules.py; the defaults are in classes.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, WrapValidator
from pydantic.functional_validators import ModelWrapValidatorHandler

from tidepool.config import fields as f
from tidepool.config.notation import DURATION_PATTERN
from tidepool.config.types import Via


class Block(BaseModel):
    """A block of the file: frozen, strict (no "5" for 5), unknown keys are problems."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def written(self) -> dict[str, Any]:
        """The fields that stand in the file, by field name."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class HoldBlock(Block):
    """Hands off, both ways, until a moment, for a reason."""

    until: f.Moment
    why: f.Text


class ZeroBlock(Block):
    """Idle time, with positive evidence, before zero copies."""

    after: f.Minutes


class GiveBackBlock(Block):
    """When idle machines may go, and how many stay."""

    after: f.UpToMonth
    keep_spare: f.Count = 0


class RouteBlock(Block):
    """How callers find the model."""

    via: Annotated[
        Via,
        WrapValidator(lambda value, _: _via(value)),
        WithJsonSchema({"enum": ["none", "table", "ssm", "gateway", "inference-router"]}),
    ]
    ack: f.Ack | None = None
    router: f.Word | None = None
    target: f.Word | None = None


NEVER = -1
"""What `after` and `regain` hold when the file says `never`; a written duration is never negative."""
NEVER_ZERO = ZeroBlock.model_construct(after=NEVER)
NEVER_GIVE_BACK = GiveBackBlock.model_construct(after=NEVER)
NO_ROUTE = RouteBlock.model_construct(via=Via.NONE)
WORDS = {"ZeroBlock": "never", "GiveBackBlock": "never", "RouteBlock": "none"}
"""The one word that may stand instead of the block."""


def _via(value: object) -> Via:
    # `ssm` was the proposal's word for a stored route; the DynamoDB table is that store.
    words = {"ssm": Via.TABLE} | {via.value: via for via in Via}
    if not isinstance(value, str) or value not in words:
        f.refuse("none, table, gateway or inference-router", f.nearest(value, list(words)))
    return words[value]


def _word_or_block(word: str, block: Block, *, allowed: str) -> WrapValidator:
    def validate(value: object, handler: ModelWrapValidatorHandler[Block]) -> Block:
        if value == word:
            return block
        if not isinstance(value, dict):
            f.refuse(allowed)
        return handler(value)

    return WrapValidator(validate)


Zero = Annotated[ZeroBlock, _word_or_block("never", NEVER_ZERO, allowed="never, or {after: 45m}")]
GiveBack = Annotated[
    GiveBackBlock, _word_or_block("never", NEVER_GIVE_BACK, allowed="never, or {after: 1h, keep_spare: 0}")
]
Route = Annotated[RouteBlock, _word_or_block("none", NO_ROUTE, allowed="none, or {via: table}")]

Regain = Annotated[
    f.UpToYear,
    WrapValidator(lambda value, handler: NEVER if value == "never" else handler(value)),
    WithJsonSchema({"oneOf": [{"const": "never"}, {"type": "string", "pattern": DURATION_PATTERN}]}),
]


class ClassBlock(Block):
    """What an objective is made of. Every field may stand in a class, under a glob, or under a model's name."""

    start_within: f.StartWithin | None = None
    attain: f.Attain | None = None
    min_copies: f.Count | None = None
    max_copies: f.Positive | None = None
    zones: f.Zones | None = None
    zero: Zero | None = None
    priority: Annotated[int, Field(ge=1, le=100)] | None = None
    miss_usd: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None = None
    host: f.Word | None = None
    route: Route | None = None


class ShapeBlock(Block):
    """What a model is on one hosting and instance type: one copy, or one whole dedicated instance."""

    accelerators: Annotated[int, Field(ge=1, le=64)] | None = None
    concurrency: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None = None
    service: f.Seconds | None = None
    start: f.Seconds | None = None
    memory_mb: Annotated[int, Field(ge=128, le=100_000_000)] | None = None
    env: f.Env | None = None


class ShapesBlock(Block):
    dedicated: dict[f.InstanceTypeName, ShapeBlock] | None = None
    shared: dict[f.InstanceTypeName, ShapeBlock] | None = None


class ScheduleBlock(Block):
    """A calendar line: on some days or one date, a floor or an expectation."""

    days: f.Days | None = None
    date: f.Date | None = None
    from_: f.Clock = Field(alias="from")
    to: f.Clock
    min_copies: f.Count | None = None
    expect: f.Factor | None = None
    why: f.Text | None = None


class ModelBlock(ClassBlock):
    """One model, or every model that a glob matches."""

    class_: Literal["interactive", "standard", "background"] | None = Field(default=None, alias="class")
    owner: f.Text | None = None
    act: f.Ladder | None = None
    hold: HoldBlock | None = None
    tenant: f.Word | None = None
    callers: Annotated[list[f.Principal], Field(min_length=1, max_length=20)] | None = None
    sample: f.S3Uri | None = None
    longest_request: f.Longest | None = None
    stream: bool | None = None
    burst_alarm: bool | None = None
    retire: Literal["keep", "delete"] | None = None
    schedule: list[ScheduleBlock] | None = None
    shapes: ShapesBlock | None = None


class ReservedBlock(Block):
    """Reserved machines: sunk, filled first, never given back before `until`."""

    instances: f.Positive
    until: f.Moment
    then: f.Word | None = None


class PoolBlock(Block):
    """A shared endpoint that exists. What is not written is read from it."""

    endpoint: f.EndpointName | None = None
    types: Annotated[list[f.InstanceTypeName], Field(min_length=1)] | None = None
    bounds: Literal["never", "recommend", "write"] | None = None
    zones: f.Zones | None = None
    act: f.Ladder | None = None
    hold: HoldBlock | None = None
    give_back: GiveBack | None = None
    reserved: ReservedBlock | None = None
    tenants: Annotated[list[f.Word], Field(min_length=1)] | None = None


class InstanceBlock(Block):
    """Figures of an instance type, instead of those that the account says."""

    accelerators: Annotated[int, Field(ge=1, le=64)] | None = None
    usd_per_hour: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None
    quota: f.Count | None = None
    launch: f.Seconds | None = None
    regain: Regain | None = None


class MoneyBlock(Block):
    budget_usd_per_hour: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = None
    price_factor: Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)] | None = None
    committed_usd_per_hour: f.Dollars | None = None
    chargeback: f.Chargeback | None = None


class LimitsBlock(Block):
    copies_per_tick: f.Positive | None = None
    lowered_per_hour: f.Share | None = None
    instances_per_hour: f.Count | None = None
    moves_at_once: f.Count | None = None
    moves_per_day: f.Count | None = None
    moves_per_pool: f.Positive | None = None
    usd_per_move: f.Dollars | None = None
    move_usd_per_day: f.Dollars | None = None


class FreezeBlock(Block):
    calendars: list[f.CalendarArn] | None = None
    alarms: list[f.Text] | None = None


class SafetyBlock(Block):
    freeze: FreezeBlock | None = None
    move_hours: f.Windows | None = None
    limits: LimitsBlock | None = None


class DeploysBlock(Block):
    principals: list[f.Text] | None = None
    lowered: Literal["restore", "keep"] | None = None
    raised: Literal["restore", "keep"] | None = None
    quiet: f.UpToMonth | None = None


class PeopleBlock(Block):
    hold: f.UpToMonth | None = None


class WritersBlock(Block):
    autoscaling: Literal["adopt", "floor", "yield"] | None = None
    deploys: DeploysBlock | None = None
    people: PeopleBlock | None = None


class ClassesBlock(Block):
    interactive: ClassBlock | None = None
    standard: ClassBlock | None = None
    background: ClassBlock | None = None


class FleetFile(Block):
    """fleet.yaml: what people intend for the models and pools of one region of one account."""

    schema_: Literal[1] = Field(alias="schema")
    region: f.Region | None = None
    timezone: f.Text | None = None
    identity: f.Identity | None = None
    act: f.Ladder | None = None
    money: MoneyBlock | None = None
    safety: SafetyBlock | None = None
    writers: WritersBlock | None = None
    instances: dict[f.InstanceTypeName, InstanceBlock] | None = None
    pools: dict[f.Word, PoolBlock] | None = None
    classes: ClassesBlock | None = None
    models: dict[f.ModelKey, ModelBlock] | None = None
