"""Memory and Learned as canonical JSON: sorted keys, no spaces, the same bytes for the same value."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from tidepool.errors import UnknownSchema
from tidepool.memory import SCHEMA, Learned, Memory

_T = TypeVar("_T")
_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def adapter(kind: type[_T]) -> TypeAdapter[_T]:
    """What reads and writes the JSON of that class: built at its first use, since a function meets few of the kinds."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def canonical(value: object) -> bytes:
    """The one JSON text of a value of plain dicts, lists, numbers and strings. NaN is refused (ValueError)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def dump(memory: Memory) -> bytes:
    """The tick's memory as bytes, without what was learned: that is written by learn, under a key of its own."""
    return canonical(adapter(Memory).dump_python(replace(memory, learned=Learned()), mode="json"))


def load(data: bytes, learned: Learned | None = None) -> Memory:
    """The memory of those bytes, joined with what was learned. UnknownSchema when it is not ours to read."""
    try:
        memory = adapter(Memory).validate_json(data)
    except ValidationError as error:
        raise UnknownSchema(f"memory cannot be read: {error}") from error
    if memory.schema != SCHEMA:
        raise UnknownSchema(f"memory has schema {memory.schema}; this version reads {SCHEMA}")
    return replace(memory, learned=learned or Learned())


def dump_learned(learned: Learned) -> bytes:
    """What was learned, as bytes."""
    return canonical(adapter(Learned).dump_python(learned, mode="json"))


def load_learned(data: bytes) -> Learned:
    """What was learned, of those bytes. UnknownSchema when it is not ours to read."""
    try:
        learned = adapter(Learned).validate_json(data)
    except ValidationError as error:
        raise UnknownSchema(f"learned profiles cannot be read: {error}") from error
    if learned.schema != SCHEMA:
        raise UnknownSchema(f"learned profiles have schema {learned.schema}; this version reads {SCHEMA}")
    return learned
