"""Reads routes from DynamoDB, keeps each for a short while, and goes on with the last one when the table is away."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidepool_client.route import CACHE_S, Route, Target

FRESH_SHARE = 2 / 3
"""A cache lives between this share of CACHE_S and all of it, so that a fleet of callers never asks at once. Ours."""
RETRY_S = 5.0
"""After a read that failed, the table is left alone for this long: a caller's own latency comes first. Ours."""
MODELS = 10_000
"""Routes remembered, 8 MB (measured with two targets each); the one asked for longest ago is forgotten first, and is
read anew. Ours."""
SCHEMA = 1
"""What tidepool.aws.routes_table writes. A later one is left alone, and the last known route goes on."""

Moment = tuple[float, ...]
"""What each clock shows."""


class RouteUnknown(LookupError):
    """There is no route for the model, none was ever read, and the call named no endpoint to fall back to."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last read said. `trouble` is why there was no answer, and then `route` is the one known before."""

    route: Route | None
    read: int
    since: Moment
    keep_s: float
    trouble: str = ""


class RouteStore:
    """Routes by model. Safe to share between threads; a read happens outside the lock, so none waits for another."""

    def __init__(
        self,
        dynamodb: Any,
        table: str,
        *,
        clock: Callable[[], float],
        random: Random,
        wall: Callable[[], float] | None = None,
    ) -> None:
        """`dynamodb` needs get_item alone. A route is kept while every clock, in seconds, says that it is fresh.

        time.monotonic stands still while Lambda freezes a function or a machine sleeps (hashicorp/
        vault-lambda-extension#150, aws/aws-sdk-go-v2#789); time.time goes on, and may jump. `wall` None is `clock`
        alone.
        """
        self._dynamodb, self._table, self._random = dynamodb, table, random
        self._clocks = (clock,) if wall is None else (clock, wall)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._reads = 0
        self._lock = Lock()

    @property
    def reads(self) -> int:
        """How many reads have begun."""
        return self._reads

    def route(self, model: str) -> Route | None:
        """The model's route, at most CACHE_S old unless the table is away; None when it has none."""
        known = self._last(model)
        if known is not None and self._within(known):
            return known.route
        return self.read(model)

    def read_since(self, model: str, reads: int) -> Route | None:
        """The route as a read found it that began after `reads` others. A table that is away is left alone."""
        known = self._last(model)
        if known is not None and (known.read > reads or (known.trouble and self._within(known))):
            return known.route
        return self.read(model)

    def read(self, model: str) -> Route | None:
        """The route as the table has it now; the last known one when the table does not answer."""
        with self._lock:
            self._reads += 1
            read = self._reads
        # Counted from before the read: what was written meanwhile may be missing from the answer.
        since = self._now()
        try:
            reply = self._dynamodb.get_item(TableName=self._table, Key={"model": {"S": model}}, ConsistentRead=True)
            route = _route(reply.get("Item"))
        except (ClientError, BotoCoreError, KeyError, TypeError, ValueError) as error:
            return self._keep(model, _Known(None, read, since, RETRY_S, trouble=f"{type(error).__name__}: {error}"))
        return self._keep(model, _Known(route, read, since, CACHE_S * self._random.uniform(FRESH_SHARE, 1.0)))

    def trouble(self, model: str) -> str:
        """Why the last read had no answer; '' when it had one."""
        known = self._last(model)
        return known.trouble if known is not None else ""

    def _keep(self, model: str, found: _Known) -> Route | None:
        """What is followed from now on. Reads are consistent, so the one that began last knows best."""
        with self._lock:
            before = self._known.get(model)
            if before is not None and not before.trouble and before.read > found.read:
                return before.route
            if found.trouble and before is not None:
                found = replace(found, route=before.route)
            self._known[model] = found
            self._known.move_to_end(model)
            while len(self._known) > MODELS:
                self._known.popitem(last=False)
        return found.route

    def _last(self, model: str) -> _Known | None:
        with self._lock:
            if model in self._known:
                self._known.move_to_end(model)
            return self._known.get(model)

    def _now(self) -> Moment:
        return tuple(clock() for clock in self._clocks)

    def _within(self, known: _Known) -> bool:
        """A clock that went back says nothing, and counts as too late."""
        return all(0 <= now - then < known.keep_s for now, then in zip(self._now(), known.since, strict=True))


def _route(item: dict[str, Any] | None) -> Route | None:
    """The item as tidepool.aws.routes_table writes it. ValueError, KeyError or TypeError when it is something else."""
    if not item:
        return None
    schema = int(item["schema"]["N"]) if "schema" in item else SCHEMA
    if schema != SCHEMA:
        raise ValueError(f"the route has schema {schema}, this client reads {SCHEMA}: upgrade tidepool-client")
    targets = tuple(
        Target(t["M"]["endpoint"]["S"], t["M"]["component"]["S"], int(t["M"]["weight"]["N"]))
        for t in item["targets"]["L"]
    )
    version = int(item["version"]["N"])
    return Route(version, targets) if targets else None
