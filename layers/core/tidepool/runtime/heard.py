"""What a person asks happens, although a run changed the same move just before: their event comes once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tidepool.errors import Conflict

TRIES = 3
"""A run saves a move before each of its calls to SageMaker, so three readings at once do not all meet one. Ours."""

_Done = TypeVar("_Done")


def heard(act: Callable[[], _Done]) -> _Done:
    """What `act` returns, which reads what it changes itself, and asked twice is asked once. Conflict after TRIES."""
    for _ in range(TRIES - 1):
        try:
            return act()
        except Conflict:
            continue
    return act()
