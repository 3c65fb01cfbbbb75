"""Callers follow the routes table: what a move wrote there reaches the twin's callers."""

from __future__ import annotations

from tidepool.fleet import Route, Target
from tidepool_lab.embedded.intercept import Params
from tidepool_lab.embedded.stack import Stack
from tidepool_lab.twin.cloud import Cloud

TABLE_VARIABLE = "TIDEPOOL_ROUTES_TABLE"


def follow_table(cloud: Cloud, stack: Stack, operation: str, params: Params) -> None:
    """A write to the routes table was accepted: the twin's callers know it when their cache runs out.

    The table is the one that the functions are told of; the item's form is tidepool.aws.routes_table's, which is
    what tidepool_client reads.
    """
    tables = {function.environment.get(TABLE_VARIABLE) for function in stack.functions.values()}
    if operation != "PutItem" or params["TableName"] not in tables or "targets" not in params["Item"]:
        return
    item = params["Item"]
    targets = tuple(
        Target(found["M"]["endpoint"]["S"], found["M"]["component"]["S"], int(found["M"]["weight"]["N"]))
        for found in item["targets"]["L"]
    )
    route = Route(item["model"]["S"], int(item["version"]["N"]), targets, int(item["changed_at"]["N"]))
    cloud.set_route(route)
