"""Routes that a team's own gateway applies: an announcement says which version is wanted, the gateway acknowledges it.

The wanted route is the same item as in routes_table. The gateway acknowledges by writing, beside it,
```
item: model (S, key) = "ack#" + the model · version (N)
```
Silence is a no: the move then goes back. A lost event costs a minute, because every look at an unacknowledged route
announces it again; the gateway applies a version once and ignores older ones.
"""

from __future__ import annotations

from tidepool.aws.routes_table import TableRoutes
from tidepool.config.types import RouteConfig
from tidepool.fleet import Route
from tidepool.runtime.ports import Bus

ACK = "ack#"
KIND = "route_wanted"
"""`detail.kind` of the announcement; a rule of the gateway's owner matches it."""


class GatewayRoutes:
    """`via: gateway`."""

    def __init__(self, rows: TableRoutes, bus: Bus) -> None:
        self._rows, self._bus = rows, bus

    def read(self, model: str, via: RouteConfig) -> Route | None:
        """The route that is wanted, acknowledged or not."""
        return self._rows.read(model, via)

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        """The route is stored with version expected_version + 1, and the gateway was told."""
        self._rows.write(route, via, expected_version=expected_version)
        self._tell(route, expected_version + 1, route.changed_at)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        """The gateway acknowledged this very version; if not, it is told again.

        A later one was never wanted: it is left from a table that was made anew, and says nothing.
        """
        item = self._rows.item(f"{ACK}{route.model}")
        if item and int(item["version"]["N"]) == route.version:
            return True
        self._tell(route, route.version, now)
        return False

    def _tell(self, route: Route, version: int, now: int) -> None:
        targets = [{"endpoint": t.endpoint, "component": t.component, "weight": t.weight} for t in route.targets]
        wanted = {
            "model": route.model,
            "version": version,
            "targets": targets,
            "acknowledge": f"{ACK}{route.model}",
        }
        self._bus.announce(KIND, wanted, now)
