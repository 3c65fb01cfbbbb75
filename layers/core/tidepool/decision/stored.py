"""A stored record, read back: what `codec.record_bytes` wrote, as values again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tidepool.decision.codec import RECORD_SCHEMA
from tidepool.decision.record import Held, Spend, Step
from tidepool.errors import UnknownSchema
from tidepool.memory_codec import adapter
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove

_CHANGES: Mapping[str, type[Change]] = {
    kind.__name__: kind for kind in (ScaleCopies, ScaleInstances, SetBounds, SetAutoscaling, StartMove)
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
                changes=tuple(read_change(one) for one in value["changes"]),
                held=tuple(Held(**_known(Held, one)) for one in value["held"]),
                steps=tuple(Step(**_known(Step, one)) for one in value["steps"]),
                spend=Spend(**_known(Spend, value["spend"])),
                homes={model: tuple(homes) for model, homes in value.get("homes", {}).items()},
            )
    except (KeyError, TypeError, ValueError) as error:  # ValueError: not JSON, not UTF-8, or pydantic's refusal
        raise UnknownSchema(f"this is no decision record: {error}") from error
    raise UnknownSchema(f"the record has schema {schema!r}; this version reads {RECORD_SCHEMA}")


def read_change(value: Mapping[str, Any]) -> Change:
    """The change that was stored so. KeyError for a kind, ValueError for a field that is missing or wrong; a field of a
    later version is left out.
    """
    kind = adapter(_CHANGES[value["kind"]])
    change: Change = kind.validate_python({name: item for name, item in value.items() if name != "kind"})
    return change


def _known(kind: type[Held | Step | Spend], value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that this version knows, spelled as `kind` does."""
    spelled = {("from_" if name == "from" else name): item for name, item in value.items()}
    return {one.name: spelled[one.name] for one in fields(kind) if one.name in spelled}
