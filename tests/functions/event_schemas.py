"""The JSON schema of each event in events/, from the models that the handlers read them with.

`python tests/functions/event_schemas.py` writes them anew; a test holds the files to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from tidepool.aws.events import (
    AlarmAction,
    ChangeAsked,
    EndpointChanged,
    FleetFileUploaded,
    Tick,
)
from tidepool.aws.events_of_people import AttachAsked, MoveApproved, MoveAsked, SignalSent, UndoAsked
from tidepool.aws.events_of_trail import CallTold
from tidepool.plan.change import ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove

EVENTS = Path(__file__).parents[2] / "events"
MODELS: dict[str, type[BaseModel]] = {
    "tick": Tick,
    "moves-tick": Tick,
    "learn-tick": Tick,
    "report-tick": Tick,
    "alarm": AlarmAction,
    "alarm-contributor": AlarmAction,
    "endpoint-state-change": EndpointChanged,
    "fleet-file-uploaded": FleetFileUploaded,
    "scale-copies": ChangeAsked,
    "scale-instances": ChangeAsked,
    "set-bounds": ChangeAsked,
    "set-autoscaling": ChangeAsked,
    "start-move": ChangeAsked,
    "call-told": CallTold,
    "signal": SignalSent,
    "approval": MoveApproved,
    "move": MoveAsked,
    "undo": UndoAsked,
    "attach": AttachAsked,
}
CHANGES: dict[str, Any] = {
    "scale-copies": ScaleCopies,
    "scale-instances": ScaleInstances,
    "set-bounds": SetBounds,
    "set-autoscaling": SetAutoscaling,
    "start-move": StartMove,
}


def schema_of(name: str) -> dict[str, Any]:
    """The schema of events/NAME.json. A change event's `change` is spelled out for its kind."""
    schema = MODELS[name].model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    if name in CHANGES:
        change = TypeAdapter(CHANGES[name]).json_schema()
        schema["$defs"] |= change.pop("$defs", {})
        change["properties"] = {"kind": {"const": CHANGES[name].__name__}, **change["properties"]}
        change["required"] = ["kind", *change["required"]]
        change["additionalProperties"] = False
        schema["$defs"]["AskedContent"]["properties"]["change"] = change
    return schema


def schema_text(name: str) -> str:
    """The schema as its file has it."""
    return json.dumps(schema_of(name), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    for event in MODELS:
        (EVENTS / "schemas" / f"{event}.schema.json").write_text(schema_text(event))
