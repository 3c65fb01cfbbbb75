"""From the text of fleet.yaml to its valid blocks, or BadFleetFile with every problem at once."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from tidepool.config.problems import problem
from tidepool.config.rules import problems_of
from tidepool.config.schema import FleetFile
from tidepool.config.yaml_source import Source, path_text, read
from tidepool.errors import BadFleetFile, Problem


def validated(text: str | bytes, *, now: int | None = None, region: str = "") -> tuple[FleetFile, Source]:
    """The file as it is written, and the lines of its values. Raises BadFleetFile, problems in the file's order."""
    source = read(text)
    file, found = _schema_problems(source)
    known = {p.path for p in source.problems}
    # One mistake, one problem: an unquoted clock time is also "not text" to the schema.
    problems = [*source.problems, *(p for p in found if p.path not in known)]
    if file is not None:
        problems += _elsewhere(file, source, region)
        known |= {p.path for p in problems}
        problems += [p for p in problems_of(file, source, now) if p.path not in known]
    if file is None or problems:
        raise BadFleetFile("fleet.yaml", tuple(sorted(problems, key=_in_file_order)))
    return file, source


def _elsewhere(file: FleetFile, source: Source, region: str) -> list[Problem]:
    """The file of another region, which would be taken for an account that has none of its homes."""
    if not region or file.region in (None, region):
        return []
    hint = "each region has a stack and a file of its own"
    return [Problem("region", file.region, f"{region}, or no region", hint, source.line_of(("region",)))]


def _schema_problems(source: Source) -> tuple[FleetFile | None, list[Problem]]:
    """The problems of single fields, and the file without the fields that have any.

    What is left goes on to the rules between blocks, so that one wrong number does not hide a missing pool.
    """
    if source.value is None:
        return None, []
    if not isinstance(source.value, dict):
        return None, [Problem(path_text(()), source.value, "a block of keys", "begin with `schema: 1`", 1)]
    value, problems = source.value, list[Problem]()
    for _ in range(_ROUNDS):
        try:
            return FleetFile.model_validate(value), problems
        except ValidationError as error:
            details = error.errors(include_url=False)
            if not problems:
                problems = [problem(detail, source) for detail in details]
            value = _copied(value)
            for detail in details:
                _drop(value, detail["loc"], missing=detail["type"] == "missing")
    return None, problems


_ROUNDS = 12
"""Dropping a value can leave its block without a required key, which drops the block: one round a level."""


_NEUTRAL_LINE = {"days": "Mon", "from": "00:00", "to": "24:00", "expect": "1x"}
"""Stands in for a wrong schedule line, so that the lines after it keep their numbers."""


def _drop(value: dict[str, Any], path: tuple[int | str, ...], *, missing: bool) -> None:
    """The value at the path is gone; for a missing key, the block that misses it. `schema` is set instead."""
    path = path[:-1] if path[-1] == "[key]" else path
    if path == ("schema",):
        value["schema"] = 1
        return
    item = next((at for at, part in enumerate(path) if isinstance(part, int)), None)
    if item is not None:
        # A list goes as a whole, except that schedule lines are judged one by one.
        path, missing = path[: item + 1] if path[item - 1] == "schedule" else path[:item], False
    *parents, last = path[:-1] if missing else path
    here: Any = value
    for part in parents:
        if not isinstance(here, dict) or part not in here:
            return  # A block around it has been dropped already.
        here = here[part]
    if isinstance(here, list) and isinstance(last, int):
        here[last] = _NEUTRAL_LINE
    elif isinstance(here, dict):
        here.pop(last, None)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _in_file_order(found: Problem) -> tuple[int, str]:
    return (found.line or 0, found.path)
