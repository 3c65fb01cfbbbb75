"""What the template tells a function, read once and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import assert_never

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tidepool.config.types import Rung
from tidepool.errors import BadInput, Problem


class Hands(StrEnum):
    """What the stack was deployed with; each includes those before it."""

    NONE = "none"
    COPIES = "copies"
    INSTANCES = "instances"
    MOVES = "moves"

    @property
    def rung(self) -> Rung:
        """The highest rung of fleet.yaml's ladder that these hands can act on."""
        match self:
            case Hands.NONE:
                return Rung.WATCH
            case Hands.COPIES:
                return Rung.SCALE
            case Hands.INSTANCES:
                return Rung.SIZE
            case Hands.MOVES:
                return Rung.RUN
            case _:
                assert_never(self)


class Environment(BaseModel):
    """Names of what the stack made. Every field is a variable of the template's Globals."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    ledger_table: str = Field(alias="TIDEPOOL_LEDGER_TABLE", min_length=3)
    routes_table: str = Field(alias="TIDEPOOL_ROUTES_TABLE", min_length=3)
    bucket: str = Field(alias="TIDEPOOL_BUCKET", min_length=3)
    bus: str = Field(alias="TIDEPOOL_BUS", min_length=1)
    stack: str = Field(alias="TIDEPOOL_STACK", min_length=1)
    hands: Hands = Field(alias="TIDEPOOL_HANDS", default=Hands.NONE)
    alarm_prefix: str = Field(alias="TIDEPOOL_ALARM_PREFIX", default="")
    decide_arn: str = Field(alias="TIDEPOOL_DECIDE_ARN", default="")


def read(variables: Mapping[str, str] | None = None) -> Environment:
    """The environment of this function; BadInput names every variable that is missing or wrong."""
    given = os.environ if variables is None else variables
    ours = {name: value for name, value in given.items() if name.startswith("TIDEPOOL_")}
    known = {field.alias for field in Environment.model_fields.values()}
    try:
        return Environment.model_validate({name: value for name, value in ours.items() if name in known})
    except ValidationError as error:
        raise BadInput("environment", tuple(_problem(e["loc"], e["input"], e["msg"]) for e in error.errors())) from None


def _problem(where: tuple[int | str, ...], value: object, allowed: str) -> Problem:
    name = ".".join(str(part) for part in where)
    shown = None if isinstance(value, Mapping) else value
    return Problem(path=name, value=shown, allowed=allowed, hint="template.yaml sets it under Globals; deploy again")
