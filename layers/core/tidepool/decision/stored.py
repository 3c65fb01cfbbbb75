"""A stored record, read back: what `codec.record_bytes` wrote, as values again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from tidepool.decision.codec import RECORD_SCHEMA
from tidepool.decision.record import Held, Spend, Step
from tidepool.errors import UnknownSchema
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove

_CHANGES: Mapping[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (ScaleCopies, ScaleInstances, SetBounds, SetAutoscaling, StartMove)
}


@dataclass(frozen=True, slots=True)
class Record:
    """A decision without its memory. It renders like the decision itself."""

    now: int
    config_commit: str
    changes: tuple[Change, ...]
    held: tuple[Held, ...]
    steps: tuple[Step, ...]
    spend: Spend
    homes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_record(record: bytes) -> Record:
    """The record of these bytes. UnknownSchema when this version cannot read it."""
    try:
        value = json.loads(record)
        schema = value["schema"]
        if schema == RECORD_SCHEMA:
            return Record(
                now=value["now"],
                config_commit=value["config_commit"],
                changes=tuple(_change(one) for one in value["changes"]),
                held=tuple(Held(**_spelled(one)) for one in value["held"]),
                steps=tuple(Step(**_spelled(one)) for one in value["steps"]),
                spend=Spend(**value["spend"]),
                homes={model: tuple(homes) for model, homes in value.get("homes", {}).items()},
            )
    except (KeyError, TypeError, ValueError) as error:  # ValueError: not JSON, not UTF-8, or pydantic's refusal
        raise UnknownSchema(f"this is no decision record: {error}") from error
    raise UnknownSchema(f"the record has schema {schema!r}; this version reads {RECORD_SCHEMA}")


def _change(value: Mapping[str, Any]) -> Change:
    fields = {name: item for name, item in value.items() if name != "kind"}
    change: Change = _CHANGES[value["kind"]].validate_python(fields)
    return change


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    return {("from_" if name == "from" else name): item for name, item in value.items()}
