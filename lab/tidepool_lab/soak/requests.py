"""One request of a caller: when it arrived, where it ran, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

ANSWERED = "answered"


@dataclass(slots=True, eq=False)
class Request:
    """`key` is (caller, number): the same request in every life of the same seed.

    at: when it arrives. takes_s: how long a model works on it. session: its number among the caller's sessions,
    0 = none. runs: how many times a model began to work on it. fate: 'answered', or why it failed; '' = not over.
    """

    key: tuple[int, int]
    at: float
    takes_s: float
    session: int = 0
    opens: bool = False
    closes: bool = False
    runs: int = 0
    where: str = ""
    fate: str = ""

    @property
    def lost(self) -> bool:
        return self.fate not in ("", ANSWERED)
