"""moto's DynamoDB without the HTTP around it: the same backend and the same answers, four times as fast.

A simulated day makes about 30,000 calls to the ledger and the routes, two thirds of the demo's time when each of
them is signed, serialised, dispatched and parsed. Here the parameters that botocore has validated go straight to
moto's handler. Whatever it refuses goes the long way once more, so that errors are moto's own to the last member.
"""

from __future__ import annotations

from typing import Any

from botocore import xform_name
from moto.core.exceptions import ServiceException
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from tidepool_lab.embedded.intercept import ACCOUNT, Params

SHORT = frozenset({"GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"})
"""Operations on items; a refused one has changed nothing, so that asking again is safe."""

NOT_AWS = frozenset({"ConsumedCapacityUnits"})
"""Members of moto's answers that its serialiser leaves out, since AWS has none."""


_of_the_whole_table: Any = Table.query


def _of_one_key(table: Table, hash_key: Any, *terms: Any, index_name: str | None = None, **more: Any) -> Any:
    """moto's query, shown the items of that key alone: for every query it sorts and compares the whole table, which
    grows all day (a tenth of a profiled first hour of `tidepool cost`, 2026-11-26).
    """
    if index_name is not None or not table.has_range_key:
        return _of_the_whole_table(table, hash_key, *terms, index_name=index_name, **more)
    table.all_items = lambda: list(table.items.get(hash_key, {}).values())  # type: ignore[method-assign]
    try:
        return _of_the_whole_table(table, hash_key, *terms, **more)
    finally:
        del table.all_items


Table.query = _of_one_key  # type: ignore[assignment, method-assign]


class Tables:
    """A responder for the service `dynamodb`."""

    def __init__(self, *, region: str) -> None:
        self._region = region

    def __call__(self, operation: str, params: Params) -> Params | None:
        """moto's answer, or None: the call goes on through HTTP."""
        if operation not in SHORT or _has_bytes(params):
            return None
        handler = DynamoHandler()
        handler.current_account, handler.region = ACCOUNT, self._region
        handler.body = handler.params = params
        handler.uri_match = {}
        try:
            answer = getattr(handler, xform_name(operation))()
        except (ServiceException, HTTPException):
            return None
        reply: Params = answer.result
        return {name: value for name, value in reply.items() if value is not None and name not in NOT_AWS}


def _has_bytes(value: Any) -> bool:
    """Binary attributes travel as base64, which moto undoes only on its way in through HTTP."""
    if isinstance(value, dict):
        return any(_has_bytes(item) for item in value.values())
    return isinstance(value, (bytes, bytearray))
