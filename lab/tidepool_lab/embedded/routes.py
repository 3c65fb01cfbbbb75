"""Callers follow the routes table and the inference routers: what a move wrote there reaches the twin's callers."""

from __future__ import annotations

from tidepool.fleet import Route, Target
from tidepool_lab.embedded.intercept import Params
from tidepool_lab.embedded.routers import Routers
from tidepool_lab.embedded.stack import Stack
from tidepool_lab.twin.cloud import Cloud

TABLE_VARIABLE = "TIDEPOOL_ROUTES_TABLE"


class RouterCallers:
    """Callers of inference routers: they go over when a change is in force, and share out as the routers spread."""

    def __init__(self, cloud: Cloud, routers: Routers) -> None:
        self._cloud, self._routers = cloud, routers
        self._followed: dict[tuple[str, str], tuple[str, ...]] = {}

    def look(self) -> None:
        """The twin's callers follow every change that came into force since the last look."""
        for led, arns in self._routers.in_force().items():
            if self._followed.get(led) != arns:
                self._followed[led] = arns
                names = [arn.rpartition("/")[2] for arn in arns]
                self._cloud.set_route(Route(led[1], 0, tuple(self._place(name) for name in names), self._cloud.now_s))

    def leads_to(self, name: str) -> bool:
        """The home is behind a router, in force or asked for: the row beside it is Tidepool's own count."""
        return any(
            place["ResourceArn"].rpartition("/")[2] == name
            for router in self._routers.found.values()
            for target in [*router.targets, *(router.asked or [])]
            for place in target["Destinations"]
        )

    def _place(self, name: str) -> Target:
        component = self._cloud.components().get(name)
        return Target(component.endpoint if component is not None else name, name if component is not None else "", 1)


def follow_table(cloud: Cloud, stack: Stack, callers: RouterCallers, operation: str, params: Params) -> None:
    """A write to the routes table was accepted: the twin's callers know it when their cache runs out.

    The table is the one that the functions are told of; the item's form is tidepool.aws.routes_table's, which is
    what tidepool_client reads.
    """
    tables = {function.environment.get(TABLE_VARIABLE) for function in stack.functions.values()}
    if operation != "PutItem" or params["TableName"] not in tables or "targets" not in params["Item"]:
        return
    follow_item(cloud, callers, params["Item"])


def follow_item(cloud: Cloud, callers: RouterCallers, item: Params) -> None:
    """The routes table holds this item now, in DynamoDB's own form."""
    targets = tuple(
        Target(found["M"]["endpoint"]["S"], found["M"]["component"]["S"], int(found["M"]["weight"]["N"]))
        for found in item["targets"]["L"]
    )
    if any(callers.leads_to(target.name) for target in targets):
        return
    route = Route(item["model"]["S"], int(item["version"]["N"]), targets, int(item["changed_at"]["N"]))
    cloud.set_route(route)
