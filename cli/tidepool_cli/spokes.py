"""spokes.yaml: the stacks that a hub reads, each as its spoke's output `Entry` says it (docs/hub.md)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from tidepool.config.yaml_source import Source, path_text
from tidepool.config.yaml_source import read as read_yaml
from tidepool.errors import BadInput, Problem

HINT = "paste the output Entry of the spoke's stack"


class Spoke(BaseModel):
    """One stack of one account and region, and how it may be read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str = Field(default="tidepool", pattern=r"^[A-Za-z][A-Za-z0-9-]*$", description="a stack's name")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="a region, such as us-east-1")
    bucket: str = Field(min_length=3, description="the stack's output BucketName")
    role: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$", description="the ARN of the spoke's ReadRole")
    external_id: str = Field(min_length=16, max_length=64, description="the spoke's ExternalId, 16 to 64 characters")

    @property
    def account(self) -> str:
        """Twelve digits."""
        return self.role.split(":")[4]

    def __str__(self) -> str:
        return f"{self.account} {self.region} {self.stack}"


class SpokesFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: Literal[1] = Field(alias="schema", description="1")
    spokes: tuple[Spoke, ...] = Field(description="a list of stacks")


def spokes_of(text: str) -> tuple[Spoke, ...]:
    """The file's spokes, in its order. BadInput with every problem at once; each stack stands there once."""
    source = read_yaml(text)
    if source.problems:
        raise BadInput("spokes.yaml", source.problems)
    try:
        spokes = SpokesFile.model_validate(source.value).spokes
    except ValidationError as error:
        raise BadInput("spokes.yaml", tuple(_problem(one, source) for one in error.errors())) from None
    if not spokes:
        raise BadInput("spokes.yaml", (Problem("spokes", "(nothing)", "at least one stack", HINT),))
    names = [str(spoke) for spoke in spokes]
    twice = [(("spokes", at), name) for at, name in enumerate(names) if name in names[:at]]
    if twice:
        hint = "its dollars would be counted twice"
        problems = (Problem(path_text(at), name, "each stack once", hint, source.line_of(at)) for at, name in twice)
        raise BadInput("spokes.yaml", tuple(problems))
    return spokes


def _problem(error: ErrorDetails, source: Source) -> Problem:
    where, value = error["loc"], error["input"]
    known = {field.alias or name: field for name, field in _model(where).model_fields.items()}
    named = known.get(str(where[-1])) if where else None
    allowed = f"one of {', '.join(known)}" if named is None else str(named.description)
    shown = "(nothing)" if isinstance(value, dict | list) else value
    return Problem(path_text(where), shown, allowed, HINT, source.line_of(where))


def _model(where: tuple[int | str, ...]) -> type[BaseModel]:
    """What stands there: a key of the file, or of one of its stacks."""
    return SpokesFile if len(where) < 2 else Spoke
