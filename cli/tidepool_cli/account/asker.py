"""Read calls within a budget: so many a second, so many in all. What is refused is listed, and asked again next time.

    .tidepool/account-REGION.json.gz   what AWS has answered, so that a run goes on where the last one ended

A container's environment may hold secrets: it is dropped before anything is kept. No call here returns a payload.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from botocore import xform_name

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.errors import Denied, NotFound, Throttled, TidepoolError

Answer = Mapping[str, Any]

KEPT_S = 86_400
"""Answers older than a day are asked again. Ours."""
DROPPED = frozenset({"Environment", "ResponseMetadata"})
MOMENT = "@"
"""Key under which a time is kept, in seconds since 1970: JSON has no times."""


class Why(StrEnum):
    """Why a call has no answer."""

    DENIED = "denied"
    THROTTLED = "throttled"
    LEFT = "not asked yet"
    GONE = "not there"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Gap:
    """A call without an answer. `action` is what IAM calls it; `target` what was asked about, '' = everything."""

    action: str
    target: str
    why: Why
    said: str = ""


@dataclass(slots=True)
class Pace:
    """At most `rate` calls a second. `clock` and `sleep` are seconds."""

    rate: float
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], None] = sleep
    _next: float = 0.0

    def wait(self) -> None:
        """It is time for the next call."""
        now = self.clock()
        if now < self._next:
            self.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / self.rate


@dataclass(slots=True)
class Asker:
    """`made` counts the calls of this run, whatever was answered; `gaps` are those without an answer."""

    clients: Clients
    calls: int
    pace: Pace
    answers: dict[str, Answer] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    made: int = 0

    def ask(self, service: str, operation: str, target: str = "", **params: Any) -> Answer | None:
        """The answer, from before or from now; None when there is none: then it is a gap."""
        key = json.dumps([service, operation, params], sort_keys=True, default=_plain)
        if key in self.answers:
            return self.answers[key]
        action = f"{IAM.get(service, service)}:{operation}"
        if self.made >= self.calls:
            self.gaps.append(Gap(action, target, Why.LEFT))
            return None
        self.pace.wait()
        self.made += 1
        try:
            with calling(operation, target or "*"):
                reply = getattr(self.clients.get(service), xform_name(operation))(**params)
        except TidepoolError as error:
            self.gaps.append(Gap(action, target, _why(error), str(error)))
            return None
        self.answers[key] = _bare(reply)
        return self.answers[key]

    def pages(self, service: str, operation: str, key: str, **params: Any) -> list[Answer]:
        """What all pages list under `key`, as far as they were answered."""
        found: list[Answer] = []
        more: dict[str, Any] = {}
        while (reply := self.ask(service, operation, **params, **more)) is not None:
            found += reply[key]
            if not reply.get("NextToken"):
                break
            more = {"NextToken": reply["NextToken"]}
        return found

    @property
    def left(self) -> int:
        """Calls that the budget left no room for. Answers can lead to more."""
        return sum(gap.why is Why.LEFT for gap in self.gaps)


IAM = {"service-quotas": "servicequotas"}
"""Services whose IAM prefix is not boto3's name."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Answers of the last run. `at` is the moment that all of them are about."""

    account: str
    at: int
    answers: dict[str, Answer]


def kept(file: Path, *, account: str, now: int) -> Kept:
    """What the last run was answered about this account; nothing when there is none, or it is a day old."""
    try:
        found = json.loads(gzip.decompress(file.read_bytes()), object_hook=_moment)
        before = Kept(**found)
    except (OSError, EOFError, TypeError, ValueError):
        return Kept(account, now, {})
    fresh = before.account == account and now - KEPT_S < before.at <= now
    return before if fresh else Kept(account, now, {})


def keep(file: Path, what: Kept) -> None:
    """It lies in `file` for the next run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    value = {"account": what.account, "at": what.at, "answers": what.answers}
    file.write_bytes(gzip.compress(json.dumps(value, default=_plain).encode(), mtime=0))


def _why(error: TidepoolError) -> Why:
    match error:
        case NotFound():
            return Why.GONE
        case Denied():
            return Why.DENIED
        case Throttled():
            return Why.THROTTLED
        case _:
            return Why.FAILED


def _bare(value: Any) -> Any:
    """The answer without what may be secret."""
    if isinstance(value, Mapping):
        return {key: _bare(inner) for key, inner in value.items() if key not in DROPPED}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {MOMENT: value.timestamp()}
    raise TypeError(f"{type(value)} is in no answer of AWS")


def _moment(value: dict[str, Any]) -> Any:
    return datetime.fromtimestamp(value[MOMENT], UTC) if value.keys() == {MOMENT} else value
