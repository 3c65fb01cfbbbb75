"""What pydantic found, as Problems: the path, the value, what is allowed, the nearest valid key and the line."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from tidepool.config.fields import nearest
from tidepool.config.schema import FleetFile
from tidepool.config.yaml_source import Path, Source, path_text
from tidepool.errors import Problem

_LIMITS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
_KINDS: Mapping[str, str] = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a block of keys",
    "model_type": "a block of keys",
    "finite_number": "a finite number",
}
_INTENT = "the file says what is wanted, never what is: Tidepool reads this from SageMaker"
_OBJECTIVE = "the objective (start_within, attain) replaces it"
_NOT_WRITTEN: Mapping[str, str] = {
    "copies": "Tidepool decides it; min_copies and max_copies bound it",
    "instances": "Tidepool decides it from the copies; a floor is min_copies",
    "components": _INTENT,
    "component": _INTENT,
    "endpoint": _INTENT,
    "endpoints": _INTENT,
    "instance_type": _INTENT,
    "threshold": _OBJECTIVE,
    "thresholds": _OBJECTIVE,
    "target": _OBJECTIVE,
    "target_utilization": _OBJECTIVE,
    "target_utilisation": _OBJECTIVE,
    "cooldown": _OBJECTIVE,
    "step": _OBJECTIVE,
    "accounts": "one file an account and region",
    "packing": "SageMaker places copies: the file cannot promise it",
}
"""Keys that people look for and that are left out on purpose (fleet-yaml.md, Left out on purpose)."""


def problem(error: ErrorDetails, source: Source) -> Problem:
    """One of pydantic's errors in the words of the file."""
    path: Path = tuple(error["loc"])
    if path and path[-1] == "[key]":  # pydantic's mark of a key that is not allowed
        path = path[:-1]
    allowed, hint = _allowed(error, path)
    hidden = error.get("ctx", {}).get("hidden", False)
    if error["type"] == "missing":
        value: object = "(nothing)"
    else:
        value = "(hidden)" if hidden else _short(error["input"])
    return Problem(path_text(path), value, allowed, hint, source.line_of(path))


def _allowed(error: ErrorDetails, path: Path) -> tuple[str, str]:
    context = error.get("ctx", {})
    kind = error["type"]
    if kind == "tidepool":
        return str(context["allowed"]), str(context["hint"])
    if kind == "extra_forbidden":
        keys = keys_at(path[:-1])
        return f"one of {', '.join(keys)}", _NOT_WRITTEN.get(str(path[-1])) or nearest(path[-1], keys)
    if kind == "missing":
        return "this key, which is required", f"add `{path[-1]}: …`"
    if kind == "literal_error":
        words = str(context["expected"])
        return words, nearest(error["input"], words.replace("'", "").replace(" or ", ", ").split(", "))
    if kind == "too_short":
        return f"at least {context['min_length']} entry", "leave the key out for the default"
    limits = [f"{words} {context[name]:,g}" for name, words in _LIMITS if name in context]
    return " and ".join(limits) or _KINDS.get(kind, error["msg"]), ""


def keys_at(path: Path) -> tuple[str, ...]:
    """The keys that fleet.yaml knows at this path, in the order of the schema."""
    block = _type_at(path)
    if not (isinstance(block, type) and issubclass(block, BaseModel)):
        return ()
    return tuple(field.alias or name for name, field in block.model_fields.items())


def _type_at(path: Path) -> Any:
    """The type that the schema has at this path; Any where the path leaves the schema."""
    here: Any = FleetFile
    for part in path:
        here = _bare(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            inner = [field for name, field in here.model_fields.items() if (field.alias or name) == part]
            here = inner[0].annotation if inner else Any
        else:
            arguments = get_args(here)
            here = arguments[-1] if arguments else Any
    return _bare(here)


def _bare(annotation: Any) -> Any:
    """`Annotated[X | None, …]` → X."""
    while get_origin(annotation) in {Annotated, Union, types.UnionType}:
        annotation = get_args(annotation)[0]
    return annotation


def _short(value: object) -> object:
    """The value as it stands in a message: a block or a long text would hide what is wrong with it."""
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return value if not isinstance(value, str) or len(value) <= 80 else value[:77] + "…"
