"""Reads routes from DynamoDB, keeps each for a short while, and goes on with the last one when the table is away."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidepool_client.route import CACHE_S, Route, Target

FRESH_SHARE = 2 / 3
"""A cache lives between this share of CACHE_S and all of it, so that a fleet of callers never asks at once."""
RETRY_S = 5.0
"""After a read that failed, the table is left alone for this long: a caller's own latency comes first."""


class RouteUnknown(LookupError):
    """There is no route for the model, none was ever read, and the call named no endpoint to fall back to."""


class RouteStore:
    """Routes by model. Safe to share between threads; a read happens outside the lock, so none waits for another."""

    def __init__(self, dynamodb: Any, table: str, *, clock: Callable[[], float], random: Random) -> None:
        """`clock` counts seconds and never goes back (time.monotonic)."""
        self._dynamodb, self._table, self._clock, self._random = dynamodb, table, clock, random
        self._known: dict[str, tuple[Route | None, float]] = {}
        self._lock = Lock()

    def route(self, model: str) -> Route | None:
        """The model's route, at most CACHE_S old unless the table is away; None when it has none."""
        with self._lock:
            route, until = self._known.get(model, (None, float("-inf")))
        if self._clock() < until:
            return route
        return self.read(model)

    def read(self, model: str) -> Route | None:
        """The route as the table has it now; the last known one when the table does not answer."""
        began = self._clock()
        try:
            reply = self._dynamodb.get_item(TableName=self._table, Key={"model": {"S": model}}, ConsistentRead=True)
        except (ClientError, BotoCoreError):
            with self._lock:
                route, _ = self._known.get(model, (None, 0.0))
                self._known[model] = (route, began + RETRY_S)
            return route
        route = _route(reply.get("Item"))
        # Counted from before the read: what was written meanwhile may be missing from the answer.
        until = began + CACHE_S * self._random.uniform(FRESH_SHARE, 1.0)
        with self._lock:
            newer, _ = self._known.get(model, (None, 0.0))
            if newer is not None and route is not None and newer.version > route.version:
                route = newer
            self._known[model] = (route, until)
        return route


def _route(item: dict[str, Any] | None) -> Route | None:
    """The item as tidepool.aws.routes_table writes it."""
    if not item:
        return None
    targets = tuple(
        Target(t["M"]["endpoint"]["S"], t["M"]["component"]["S"], int(t["M"]["weight"]["N"]))
        for t in item["targets"]["L"]
    )
    return Route(int(item["version"]["N"]), targets) if targets else None
