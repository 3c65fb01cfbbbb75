"""The most of a figure in the last while, held as the few moments that can still be it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Figure = TypeVar("Figure", bound=float)


def lately(
    seen: Sequence[tuple[int, Figure]], value: Figure, *, now: int, within_s: int
) -> tuple[tuple[int, Figure], ...]:
    """(last seen at, value) of the last `within_s`, the most first, with what is seen now at its end.

    Only what later moments did not pass again is held: 3 at 10:00, 5 at 10:05, 4 at 10:10 are (10:05, 5), (10:10, 4).
    So the first is the most of the whole time, and a second look at the same moment adds nothing.
    """
    return (*((at, figure) for at, figure in seen if figure > value and now - at < within_s), (now, value))
