"""Routes in a DynamoDB table of their own: one GetItem for a caller, written only onto the expected version.

```
item: model (S, key) · schema (N) · version (N) · changed_at (N) · targets (L of M: endpoint S, component S, weight N)
```
tidepool_client reads exactly this; `component` is '' where the endpoint is dedicated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.config.types import RouteConfig
from tidepool.errors import UnknownSchema
from tidepool.fleet import Route, Target

SCHEMA = 1
FOLLOWED_S = 45
"""A caller's cache is at most 30 s old (tidepool_client.CACHE_S); the rest is for clocks that differ."""
TOGETHER, TOGETHER_S = 100, 2
"""BatchGetItem takes 100 keys (API). What it brought is one look's, which reads its routes within two seconds. Ours."""


class TableRoutes:
    """`via: table`."""

    def __init__(self, clients: Clients, table: str, *, together: Callable[[], int] | None = None) -> None:
        """`together` is the clock of who reads the same models again and again: they are then read in one call."""
        self._clients, self._table, self._together = clients, table, together
        self._usual: dict[str, None] = {}
        self._brought: tuple[int, Mapping[str, dict[str, Any]]] = (0, {})

    def read(self, model: str, via: RouteConfig) -> Route | None:
        """Read consistently, so that a move sees its own write; `together`, as it was a moment ago."""
        item = self.item(model)
        if not item:
            return None
        targets = tuple(_target(found["M"]) for found in item["targets"]["L"])
        return Route(model, int(item["version"]["N"]), targets, int(item["changed_at"]["N"]))

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        """Version expected_version + 1 is stored, if expected_version is what is there (0 = nothing is)."""
        item = {
            "model": {"S": route.model},
            "schema": {"N": str(SCHEMA)},
            "version": {"N": str(expected_version + 1)},
            "changed_at": {"N": str(route.changed_at)},
            "targets": {"L": [{"M": _attributes(target)} for target in route.targets]},
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(model)"}
        if expected_version:
            condition = {
                "ConditionExpression": "#version = :expected",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": {":expected": {"N": str(expected_version)}},
            }
        with calling("PutItem", f"route of {route.model}"):
            self._clients.get("dynamodb").put_item(TableName=self._table, Item=item, **condition)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        """Every caller's cache is younger than the route."""
        return now - route.changed_at >= FOLLOWED_S

    def item(self, key: str) -> dict[str, Any]:
        """The raw item under a key, {} when there is none. UnknownSchema when a later version wrote it."""
        item = self._one(key) if self._together is None else self._of_all(key, self._together())
        schema = int(item["schema"]["N"]) if "schema" in item else SCHEMA
        if schema != SCHEMA:
            raise UnknownSchema(f"route of {key} has schema {schema}; this version reads {SCHEMA}")
        return item

    def _one(self, key: str) -> dict[str, Any]:
        with calling("GetItem", f"route of {key}"):
            reply = self._clients.get("dynamodb").get_item(
                TableName=self._table, Key={"model": {"S": key}}, ConsistentRead=True
            )
        item: dict[str, Any] = reply.get("Item", {})
        return item

    def _of_all(self, key: str, now: int) -> dict[str, Any]:
        """With the first key of a look come all that the look before it asked for."""
        at, brought = self._brought
        if now - at >= TOGETHER_S:
            brought = self._all(list(self._usual))
            self._usual, self._brought = {}, (now, brought)
        if key not in self._usual:
            self._usual[key] = None
        return brought[key] if key in brought else self._one(key)

    def _all(self, keys: list[str]) -> Mapping[str, dict[str, Any]]:
        """By key, the item or {}. Not consistently, which costs half: a write of just now is seen next time."""
        found: dict[str, dict[str, Any]] = {}
        for first in range(0, len(keys), TOGETHER):
            part = keys[first : first + TOGETHER]
            asked: Mapping[str, Any] = {self._table: {"Keys": [{"model": {"S": key}} for key in part]}}
            while asked:
                with calling("BatchGetItem", f"{len(part)} routes"):
                    reply = self._clients.get("dynamodb").batch_get_item(RequestItems=asked)
                found |= {item["model"]["S"]: item for item in reply["Responses"].get(self._table, ())}
                asked = reply.get("UnprocessedKeys", {})
            found |= {key: {} for key in part if key not in found}
        return found


def _attributes(target: Target) -> dict[str, Any]:
    return {
        "endpoint": {"S": target.endpoint},
        "component": {"S": target.component},
        "weight": {"N": str(target.weight)},
    }


def _target(item: dict[str, Any]) -> Target:
    return Target(item["endpoint"]["S"], item["component"]["S"], int(item["weight"]["N"]))
