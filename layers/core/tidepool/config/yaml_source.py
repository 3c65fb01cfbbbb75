"""YAML text → plain values with the line of each, or every reason why it is not plain.

Built from the parser's events, so that nothing is guessed on the way: YAML 1.1 reads 17:45 as 1065, `no` as false
and 010 as eight. Here such a scalar is a problem with a hint, and never a value. Aliases (and with them
expansion bombs), tags, merge keys, duplicate keys and nulls are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tidepool.errors import Problem

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # A wheel without libyaml: the same events, ten times slower.
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12
"""The deepest valid path (models → name → shapes → hosting → type → env → key) has 7 parts."""

Path = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_CLOCK = re.compile(r"[0-9]{1,3}(:[0-9]{2})+(\.[0-9]*)?")
_SURPRISING_NUMBER = re.compile(r"[-+]?(0[0-9_]+|0[xob][0-9a-fA-F_]+|[0-9][0-9_]*_[0-9_]*|\.(inf|nan))", re.IGNORECASE)
_WORDS = {"yes", "no", "on", "off"}
_NULLS = {"", "~", "null"}


@dataclass(frozen=True, slots=True)
class Source:
    """The file as plain dicts, lists, str, int, float and bool; `lines` has the line of every path in it.

    `value` is None when the text could not be read to its end; `problems` says why.
    """

    value: Any
    lines: Mapping[Path, int]
    problems: tuple[Problem, ...]

    def line_of(self, path: Path) -> int | None:
        """The line of the path, or of the nearest thing around it that stands in the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


@dataclass(slots=True)
class _Reading:
    """What has been read so far; a problem never stops the reading, so that all are found."""

    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: Path, line: int, *, value: object, allowed: str, hint: str = "") -> None:
        self.problems.append(Problem(path_text(path), value, allowed, hint, line))


def read(text: str | bytes) -> Source:
    """The file's values and lines, with every problem of YAML itself. Never raises."""
    reading = _Reading()
    encoded = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_BYTES:
        reading.refuse(
            (), 1, value=f"{len(encoded)} bytes", allowed=f"at most {MAX_BYTES} bytes", hint="one file a region"
        )
        return Source(None, {}, tuple(reading.problems))
    try:
        events = yaml.parse(encoded.decode("utf-8"), Loader=_Loader)
        value = _document(events, reading)
    except UnicodeDecodeError as error:
        line = encoded[: error.start].count(b"\n") + 1
        reading.refuse((), line, value=encoded[error.start : error.start + 1], allowed="UTF-8 text")
        value = None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        line = mark.line + 1 if mark is not None else 1
        reading.refuse((), line, value=said, allowed="YAML", hint="check indentation, quotes and brackets here")
        value = None
    return Source(value, reading.lines, tuple(reading.problems))


def path_text(path: Path) -> str:
    """('models', 'a-*', 'schedule', 0) → 'models."a-*".schedule[0]'; '' is the file itself."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{word}" if text else word
    return text or "fleet.yaml"


def _document(events: Iterator[Any], reading: _Reading) -> Any:
    value: Any = {}
    documents = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                reading.refuse((), _line(event), value="---", allowed="one document")
        elif isinstance(event, yaml.NodeEvent):
            found = _node(event, events, (), reading)
            value = found if documents == 1 else value
    if documents == 0:
        reading.refuse((), 1, value="", allowed="a fleet", hint="ten lines are enough: see docs/fleet-yaml.md")
    return value


def _node(event: Any, events: Iterator[Any], path: Path, reading: _Reading) -> Any:
    line = _line(event)
    reading.lines.setdefault(path, line)
    if event.anchor is not None:
        reading.refuse(
            path, line, value=f"anchor {event.anchor!r}", allowed="no anchors, aliases or merge keys",
            hint="write the value where it is used; a glob or a class says it once for many models",
        )  # fmt: skip
    if isinstance(event, yaml.AliasEvent):
        return {}
    if event.tag is not None and event.tag != "!":
        reading.refuse(path, line, value=event.tag, allowed="no tags")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, path, reading)
    if len(path) >= MAX_DEPTH:
        # Reading on could take minutes: libyaml needs quadratic time for brackets in brackets.
        raise yaml.MarkedYAMLError(problem=f"more than {MAX_DEPTH} levels", problem_mark=event.start_mark)
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, path, reading)
    return _mapping(events, path, reading)


def _sequence(events: Iterator[Any], path: Path, reading: _Reading) -> list[Any]:
    items: list[Any] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        items.append(_node(event, events, (*path, len(items)), reading))
    return items


def _mapping(events: Iterator[Any], path: Path, reading: _Reading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        line = _line(event)
        key = _key(event, events, path, reading)
        inner = (*path, key)
        first_line = reading.lines.get(inner)
        twice = key in found
        if not twice:
            reading.lines[inner] = line
        value = _node(next(events), events, inner, reading)
        if twice:
            reading.refuse(inner, line, value=key, allowed="each key once", hint=f"also on line {first_line}")
        else:
            found[key] = value
    return found


def _key(event: Any, events: Iterator[Any], path: Path, reading: _Reading) -> str:
    line = _line(event)
    if not isinstance(event, yaml.ScalarEvent):
        reading.refuse(path, line, value="a key that is not text", allowed="text keys")
        if not isinstance(event, yaml.AliasEvent):
            _skip(events)
        return f"(key on line {line})"
    key: str = event.value
    if event.anchor is not None or event.tag is not None:
        reading.refuse(path, line, value=event.anchor or event.tag, allowed="no anchors and no tags")
    if not event.style and key == "<<":
        reading.refuse(path, line, value=key, allowed="no merge keys", hint="a glob or a class says it once for many")
    elif not event.style and (key.lower() in _WORDS | _NULLS | {"true", "false"} or _CLOCK.fullmatch(key)):
        reading.refuse((*path, key), line, value=key, allowed="a quoted key", hint=f'write "{key}"')
    return key


def _scalar(event: Any, path: Path, reading: _Reading) -> Any:
    """The value of a scalar: text when quoted, else number, bool or text, never a surprise."""
    text: str = event.value
    line = _line(event)
    if event.style:
        return text
    if text.lower() in _NULLS:
        reading.refuse(path, line, value=None, allowed="a value", hint="leave the key out, or write {} for no settings")
        return {}
    if text.lower() in _WORDS:
        reading.refuse(path, line, value=text, allowed="true, false, or quoted text", hint=f'write "{text}"')
        return text
    if _CLOCK.fullmatch(text):
        # Line and text are enough to fix it: the same mistake is not reported again by the schema.
        hint = f'quote it: "{text}"; without quotes some YAML readers make it {_sexagesimal(text)}'
        reading.refuse(path, line, value=text, allowed='a quoted clock time, such as "07:45"', hint=hint)
        return text
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SURPRISING_NUMBER.fullmatch(text):
        reading.refuse(path, line, value=text, allowed="a plain decimal number", hint=f'or quoted text: "{text}"')
    return text


def _sexagesimal(text: str) -> str:
    """What a reader that counts in sixties makes of it: 07:45 → 'the number 465'."""
    number = 0
    for part in text.split(".", 1)[0].split(":"):
        number = number * 60 + int(part)
    return f"the number {number}"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _skip(events: Iterator[Any]) -> None:
    """The rest of a collection whose start was just read is passed over."""
    depth = 1
    while depth:
        event = next(events)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
