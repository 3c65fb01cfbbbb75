"""Changes as they travel on the bus: plain values with the name of the class as `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import assert_never

from pydantic import ValidationError

from tidepool.errors import BadEvent, Problem
from tidepool.memory_codec import adapter
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove

_CLASSES: Mapping[str, type[Change]] = {
    kind.__name__: kind for kind in (ScaleCopies, ScaleInstances, SetBounds, SetAutoscaling, StartMove)
}
_COUNTS = {"copies_from", "copies_to", "instances_from", "instances_to", "min_from", "min_to", "max_to", "size"}


def change_of(value: object) -> Change:
    """The change of those plain values. BadEvent names every field that is missing, wrong or unknown."""
    if not isinstance(value, Mapping):
        raise BadEvent("change", (Problem("change", value, "an object with the change's fields"),))
    kind = str(value.get("kind"))
    if kind not in _CLASSES:
        raise BadEvent("change", (Problem("change.kind", value.get("kind"), ", ".join(_CLASSES)),))
    known = {field.name for field in fields(_CLASSES[kind])}
    counts = {name: value[name] for name in value.keys() & _COUNTS}
    problems = [
        Problem(f"change.{name}", value[name], f"the fields of {kind}: {', '.join(sorted(known))}")
        for name in sorted(value.keys() - known - {"kind"})
    ]
    problems += [
        Problem(f"change.{name}", count, "a whole number, 0 or more")
        for name, count in sorted(counts.items())
        if isinstance(count, int) and count < 0
    ]
    try:
        change: Change = adapter(_CLASSES[kind]).validate_python({k: v for k, v in value.items() if k in known})
    except ValidationError as error:
        problems += [
            Problem(f"change.{'.'.join(map(str, e['loc']))}", _shown(e["input"]), e["msg"]) for e in error.errors()
        ]
    if problems:
        raise BadEvent("change", tuple(problems))
    return change


def detail_type(change: Change) -> str:
    """The bus event's detail-type: which hand it is for."""
    match change:
        case ScaleCopies():
            return "tidepool.scale_copies"
        case ScaleInstances():
            return "tidepool.scale_instances"
        case SetBounds():
            return "tidepool.set_bounds"
        case SetAutoscaling():
            # Each hand may set the minimum of what it may set the count of.
            copies = change.resource.startswith("inference-component/")
            return "tidepool.autoscale_copies" if copies else "tidepool.autoscale_instances"
        case StartMove():
            return "tidepool.start_move"
        case _:
            assert_never(change)


def _shown(value: object) -> object:
    return "(missing)" if isinstance(value, Mapping) else value
