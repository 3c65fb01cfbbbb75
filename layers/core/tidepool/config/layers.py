"""Which line of the file sets which value of a model: exact name over glob over class, field by field.

A field is taken whole from the most specific block that writes it: a `schedule` under a model's name replaces
the glob's, it is not added to it. Among globs only the winner counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tidepool.config.classes import DEFAULT_CLASS
from tidepool.config.globs import by_precedence, is_glob
from tidepool.config.schema import FleetFile
from tidepool.config.yaml_source import Path


@dataclass(frozen=True, slots=True)
class Written:
    """A value of the file and the path that wrote it."""

    value: Any
    path: Path


@dataclass(frozen=True, slots=True)
class Layers:
    """Everything that the file writes for one model, by the name of the schema's field."""

    class_name: str
    matched: str
    """The most specific key of `models` that names it; '' when none does."""
    written: Mapping[str, Written]

    def value(self, field: str) -> Any:
        """The written value, or None."""
        found = self.written.get(field)
        return None if found is None else found.value


def layers_of(file: FleetFile, keys: tuple[str, ...]) -> Layers:
    """The layers of a model that these keys of `models` name, the most specific first."""
    written: dict[str, Written] = {}
    for key in keys:
        for field, value in (file.models or {})[key].written().items():
            written.setdefault(field, Written(value, ("models", key, field.removesuffix("_"))))
    class_name = written["class_"].value if "class_" in written else DEFAULT_CLASS
    block = getattr(file.classes, class_name) if file.classes is not None else None
    if block is not None:
        for field, value in block.written().items():
            written.setdefault(field, Written(value, ("classes", class_name, field)))
    return Layers(class_name, keys[0] if keys else "", written)


def globs_of(file: FleetFile) -> tuple[str, ...]:
    """The globs of `models`, the most specific first."""
    return by_precedence(key for key in file.models or {} if is_glob(key))


def keys_of(file: FleetFile, name: str, *, globs: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of `models` that hold for a model: its own, then the winning glob's (`globs` as in globs_of)."""
    exact = (name,) if name in (file.models or {}) else ()
    if is_glob(name):
        return exact
    return exact + next(((glob,) for glob in globs if fnmatchcase(name, glob)), ())
