"""Which globs name a model, which wins, and which pairs could never be told apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

_WILD = re.compile(r"[*?]")


def is_glob(key: str) -> bool:
    """The key names many models: it holds `*` or `?`."""
    return _WILD.search(key) is not None


def literal_prefix(glob: str) -> str:
    """What stands before the first wild card: 'codegen-*' → 'codegen-'."""
    return _WILD.split(glob, maxsplit=1)[0]


def by_precedence(globs: Iterable[str]) -> tuple[str, ...]:
    """The longest literal prefix first; globs that can never both match keep the order of the file."""
    return tuple(sorted(globs, key=lambda glob: -len(literal_prefix(glob))))


def ties(globs: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs with the same literal prefix that some name would match both: neither is more specific.

    Each glob is told off once, against the first that it ties with.
    """
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for glob in globs:
        tied = next((earlier for earlier in alike[literal_prefix(glob)] if overlap(earlier, glob)), None)
        if tied is not None:
            yield tied, glob
        alike[literal_prefix(glob)].append(glob)


def overlap(one: str, other: str) -> bool:
    """Some name matches both globs."""
    if "*" in one and "*" in other:
        # Cheap and decides almost every pair: with a star in both, the literal ends must agree.
        ends = _WILD.split(one)[-1], _WILD.split(other)[-1]
        if not (ends[0].endswith(ends[1]) or ends[1].endswith(ends[0])):
            return False
    return _overlap(re.sub(r"\*+", "*", one), re.sub(r"\*+", "*", other))


def _overlap(one: str, other: str) -> bool:
    """The rests one[i:] and other[j:] meet, for every j of a row, from the last row (i = len(one)) up to the first.

    A star meets nothing, or swallows the next sign of the other glob; any other sign meets its like, or a `?`.
    """
    below = [rest.strip("*") == "" for rest in (other[j:] for j in range(len(other) + 1))]
    for i in range(len(one) - 1, -1, -1):
        row = [False] * (len(other) + 1)
        for j in range(len(other), -1, -1):
            mine, theirs = one[i], other[j : j + 1]
            if mine == "*":
                row[j] = below[j] or (j < len(other) and row[j + 1])
            elif theirs == "*":
                row[j] = row[j + 1] or below[j]
            elif theirs:
                row[j] = (mine == theirs or "?" in (mine, theirs)) and below[j + 1]
        below = row
    return below[0]
