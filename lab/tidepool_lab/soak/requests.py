"""One request of a caller: when it arrived, where it ran, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

ANSWERED = "answered"
FAILED = "the target failed it"
CANARY = "canary"
"""The excuse of what a target fails that answers probes: the first weight finds out, and that is its price."""
SESSION_OVER = "session over"
"""The excuse of a session that was silent for longer than a drain waits: by then it is over (docs/decisions/0015)."""


@dataclass(slots=True, eq=False)
class Request:
    """`key` is (caller, number): the same request in every life of the same seed.

    at: when it arrives. takes_s: how long a model works on it. session: its number among the caller's sessions,
    0 = none. runs: how many times a model began to work on it. fate: 'answered', or why it failed; '' = not over.
    excuse: why its loss is not the move's fault, '' = it has none.
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
    excuse: str = ""

    @property
    def lost(self) -> bool:
        return self.fate not in ("", ANSWERED)
