"""runtime.ports.Routes: one adapter for each way in which callers find a model, picked by fleet.yaml's `via`.

Every adapter keeps the same promise (tests/contracts/test_routes.py): a write happens onto the version it expects or
not at all, what was written is read back, and `followed` is true only once no caller can still be elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tidepool.aws.clients import Clients
from tidepool.aws.routes_gateway import GatewayRoutes
from tidepool.aws.routes_router import RouterRoutes
from tidepool.aws.routes_table import TableRoutes
from tidepool.config.types import RouteConfig, Via
from tidepool.errors import Refused
from tidepool.fleet import Route
from tidepool.runtime.ports import Bus


class Adapter(Protocol):
    """One way of routing; the same three calls as the port."""

    def read(self, model: str, via: RouteConfig) -> Route | None: ...
    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None: ...
    def followed(self, route: Route, via: RouteConfig, now: int) -> bool: ...


class NoRoutes:
    """A model whose callers Tidepool cannot lead: nothing to read, nothing is ever written."""

    def read(self, model: str, via: RouteConfig) -> Route | None:
        """Nobody follows us: None."""
        return None

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        """Refused: a move of this model must not have begun."""
        raise Refused("WriteRoute", route.model, "NoRoute", "fleet.yaml declares no route for this model")

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        """Never."""
        return False


class Routes:
    """All of them, as one port."""

    def __init__(self, clients: Clients, *, table: str, bus: Bus, together: Callable[[], int] | None = None) -> None:
        """`together` as in TableRoutes."""
        rows = TableRoutes(clients, table, together=together)
        self._by_via: dict[Via, Adapter] = {
            Via.NONE: NoRoutes(),
            Via.TABLE: rows,
            Via.GATEWAY: GatewayRoutes(rows, bus),
            Via.ROUTER: RouterRoutes(clients, rows),
        }

    def read(self, model: str, via: RouteConfig) -> Route | None:
        """The model's route as it stands, None when it has none."""
        return self._by_via[via.via].read(model, via)

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        """The route is stored with version expected_version + 1. Conflict when somebody wrote first."""
        self._by_via[via.via].write(route, via, expected_version=expected_version)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        """Every caller follows this version by `now`."""
        return self._by_via[via.via].followed(route, via, now)
