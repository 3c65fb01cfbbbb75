"""Reads a trace: how many requests each model got in each minute, or every problem of the file at once."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tidepool.errors import BadTrace, Problem

Counts = npt.NDArray[np.int64]

COLUMNS = ("minute", "model", "requests")
"""The columns that are read; others, like the token sums, are allowed and left alone."""
SHOWN = 50
"""A broken file of 400,000 lines is described by its first problems and a count, not by 400,000 lines."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Requests per minute. `counts` has shape [minutes, models], in the order of `models`; `sha256` of the file."""

    models: tuple[str, ...]
    counts: Counts
    sha256: str


def read_trace(path: Path, *, models: Sequence[str], minutes: int) -> Trace:
    """The trace of `models` over `minutes`; a (minute, model) that the file does not list had no request.

    Raises BadTrace with every problem: an unreadable file, a missing column, a minute outside [0, minutes), a model
    the fleet does not have, a count that is not a whole number ≥ 0, a (minute, model) listed twice.
    """
    text, sha256 = _text(path)
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        hint = "traces have the columns minute,model,requests,input_tokens,output_tokens"
        raise BadTrace(
            str(path), tuple(Problem("header", ",".join(header), f"a column {name!r}", hint, 1) for name in missing)
        )
    counts, problems = _read_rows(reader, header, models=models, minutes=minutes)
    if problems:
        raise BadTrace(str(path), problems)
    return Trace(tuple(models), counts, sha256)


def _text(path: Path) -> tuple[str, str]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        what = Problem(str(path), str(error), "a readable .csv or .csv.gz", "check the path given to --trace")
        raise BadTrace(str(path), (what,)) from error
    return text, hashlib.sha256(raw).hexdigest()


def _read_rows(
    rows: Iterator[list[str]], header: list[str], *, models: Sequence[str], minutes: int
) -> tuple[Counts, tuple[Problem, ...]]:
    at_minute, at_model, at_requests = (header.index(name) for name in COLUMNS)
    position = {name: i for i, name in enumerate(models)}
    counts = np.full((minutes, len(models)), -1, dtype=np.int64)
    problems: list[Problem] = []
    for line, row in enumerate(rows, start=2):
        try:
            minute, model, requests = int(row[at_minute]), position[row[at_model]], int(row[at_requests])
        except (ValueError, KeyError, IndexError):
            problems += _problems_of_row(row, header, line, position)
            continue
        if not 0 <= minute < minutes:
            problems.append(Problem("minute", minute, f"0 to {minutes - 1}", "the fleet file gives `minutes`", line))
        elif requests < 0:
            problems.append(Problem("requests", requests, "a whole number ≥ 0", "", line))
        elif counts[minute, model] >= 0:
            what = f"{minute},{models[model]}"
            problems.append(Problem("minute,model", what, "each pair once", "add up the two lines", line))
        else:
            counts[minute, model] = requests
    return np.maximum(counts, 0), _first(problems)


def _problems_of_row(row: list[str], header: list[str], line: int, position: Mapping[str, int]) -> list[Problem]:
    if len(row) < len(COLUMNS):
        return [Problem("line", ",".join(row), f"{len(header)} values: {','.join(header)}", "", line)]
    values = dict(zip(header, row, strict=False))
    found = []
    for name in ("minute", "requests"):
        value = values.get(name, "")
        try:
            int(value)
        except ValueError:
            found.append(Problem(name, value, "a whole number ≥ 0", "", line))
    model = values.get("model", "")
    if model not in position:
        found.append(Problem("model", model, "a model of the fleet file", "is it the fleet of this trace?", line))
    return found


def _first(problems: list[Problem]) -> tuple[Problem, ...]:
    if len(problems) <= SHOWN:
        return tuple(problems)
    rest = Problem("file", f"{len(problems) - SHOWN} more problems", "none", "the first ones often explain the rest")
    return (*problems[:SHOWN], rest)
