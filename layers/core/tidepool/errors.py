"""Everything that can go wrong, as one tree. A message says what happened, the value, what is allowed, what to do.

TidepoolError
├── BadInput            a person's file, command or event is wrong: nothing was changed
│   ├── BadFleetFile    fleet.yaml, with every problem at once
│   ├── BadTrace        a trace or reference fleet that cannot be read
│   └── BadEvent        an event that no handler knows
├── HostingError        SageMaker refused
│   ├── NotFound        the component, endpoint or config is not there
│   ├── AlreadyExists   the name is taken
│   ├── Busy            another change is in progress: ask again when it has settled
│   ├── QuotaExceeded   account-level limit
│   ├── NoCapacity      insufficient capacity in the zone or on the endpoint
│   ├── Denied          access denied
│   ├── Throttled       too many calls: ask again later
│   └── Refused         any other validation error
├── StateError          what Tidepool itself stores
│   ├── Conflict        somebody wrote first: a conditional write failed
│   ├── LeaseLost       another decide took over
│   └── UnknownSchema   stored by a version that this one cannot read
└── Unreachable         a service did not answer: hold the last good state
"""

from __future__ import annotations

from dataclasses import dataclass


class TidepoolError(Exception):
    """Any error that Tidepool raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: where, what stands there, what is allowed, and what to do."""

    path: str
    value: object
    allowed: str
    hint: str = ""
    line: int | None = None

    def __str__(self) -> str:
        at = f"line {self.line}: " if self.line is not None else ""
        hint = f" Hint: {self.hint}" if self.hint else ""
        return f"{at}{self.path}: {self.value!r} is not allowed; allowed: {self.allowed}.{hint}"


class BadInput(TidepoolError):
    """An input was refused as a whole; `problems` names everything wrong with it at once."""

    def __init__(self, what: str, problems: tuple[Problem, ...]) -> None:
        self.what = what
        self.problems = problems
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        super().__init__("\n".join([f"{what}: {count}, nothing was changed", *(f"  {p}" for p in problems)]))


class BadFleetFile(BadInput):
    """fleet.yaml was refused."""


class BadTrace(BadInput):
    """A trace or a reference fleet was refused."""


class BadEvent(BadInput):
    """An event was refused."""


class HostingError(TidepoolError):
    """SageMaker refused a call. `code` and `message` are AWS's own words."""

    def __init__(self, operation: str, target: str, code: str, message: str) -> None:
        self.operation, self.target, self.code, self.message = operation, target, code, message
        super().__init__(f"{operation} on {target!r}: {code}: {message}")


class NotFound(HostingError): ...


class AlreadyExists(HostingError): ...


class Busy(HostingError): ...


class QuotaExceeded(HostingError): ...


class NoCapacity(HostingError): ...


class Denied(HostingError): ...


class Throttled(HostingError): ...


class Refused(HostingError): ...


class StateError(TidepoolError):
    """What Tidepool stores could not be read or written as asked."""


class Conflict(StateError):
    """A conditional write failed: somebody else wrote this item first. Read it again, then decide again."""


class LeaseLost(StateError):
    """The lease is held by another invocation, or ran out: nothing more is written under it."""


class UnknownSchema(StateError):
    """A stored item has a schema that this version cannot read; it is left alone."""


class Unreachable(TidepoolError):
    """A service did not answer. The last good state is held; it never becomes an empty result."""
