"""What a fleet.yaml says that is read and checked, and changes nothing: said aloud, so that nobody relies on it."""

from __future__ import annotations

from collections.abc import Iterator

from tidepool.config.checked import validated
from tidepool.config.schema import FleetFile
from tidepool.config.yaml_source import Path, path_text


def without_effect(text: str | bytes) -> tuple[tuple[str, int | None], ...]:
    """(path, line) of each, in the order of the file. Raises BadFleetFile. docs/fleet-yaml.md lists these fields."""
    file, source = validated(text)
    found = [(path_text(path), source.line_of(path)) for path in _paths(file)]
    return tuple(sorted(found, key=lambda one: (one[1] or 0, one[0])))


def _paths(file: FleetFile) -> Iterator[Path]:
    if file.money is not None and file.money.chargeback is not None:
        yield ("money", "chargeback")
    for name, pool in (file.pools or {}).items():
        if pool is not None and pool.zones is not None:
            yield ("pools", name, "zones")
    for key, model in (file.models or {}).items():
        if model.shapes is None:
            continue
        for hosting in ("shared", "dedicated"):
            for instance_type, shape in (getattr(model.shapes, hosting) or {}).items():
                if shape.env:
                    yield ("models", key, "shapes", hosting, instance_type, "env")
