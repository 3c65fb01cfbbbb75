"""Requests that wait: in a queue at a target, or with batch callers who try again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Cohort:
    """`count` requests of one model that first arrived in the same step and have fared alike since.

    first_s: first arrival. joined_s: when they joined the queue they stand in. rejected: at least once. late: told
    that they cannot be on time any more.
    """

    first_s: int
    count: int
    joined_s: int
    rejected: bool = False
    late: bool = False


@dataclass(slots=True, eq=False)
class Waiting:
    """A batch model's requests that were rejected; all try again together at `retry_s`."""

    retry_s: int
    cohorts: list[Cohort] = field(default_factory=list)
