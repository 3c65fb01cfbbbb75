"""Routes as SageMaker inference routers: a native alias over endpoints and components, without weights.

SageMaker has no conditional update of a router, so the version is counted in the routes table. The order makes
every crash harmless: the router first, then the row. A router that was changed without its row shows its new
destinations at the old version, and the same write is then already so.

A router has 1–20 targets of 1–10 destinations each; an update replaces all targets, in full or not at all, and is in
effect within about 2 minutes (sagemaker-facts, Inference routers). Its refusal of a second change while one runs is
what keeps other people's targets: they are read in service, and whoever changes them meanwhile makes our update fail.
Whether Describe shows the old or the new targets of a change that runs is UNKNOWN, so nothing is read off it then.
How a router spreads requests is UNKNOWN too: every destination serves at least one copy, and each can be the only one.
"""

from __future__ import annotations

from typing import Any

from tidepool.aws.clients import Clients
from tidepool.aws.failures import calling
from tidepool.aws.routes_table import TableRoutes
from tidepool.config.types import RouteConfig
from tidepool.errors import Busy, Conflict, NoCapacity, NotFound
from tidepool.fleet import Route, Target
from tidepool.fleet.identity import MANAGED_TAG

IN_EFFECT_S = 120
"""After an update each request uses the old or the new configuration, for about this long (DOC)."""
COMPONENT = "inference-component/"
CHANGING = frozenset({"Creating", "Updating", "Deleting"})


class RouterRoutes:
    """`via: inference-router`. RouteConfig.router is the router's name, RouteConfig.target the target's in it."""

    def __init__(self, clients: Clients, rows: TableRoutes) -> None:
        self._clients, self._rows = clients, rows

    def read(self, model: str, via: RouteConfig) -> Route | None:
        """The destinations that the router shows, at the version of the row; None when it has none for the model.

        While a change runs it is the row alone: what was asked for last.
        """
        router, row = self._described(via), self._rows.read(model, via)
        if router is not None and router["Status"] in CHANGING:
            return row
        mine = _target_of(router, model, via)
        if router is None or mine is None:
            return None
        known = [target.name for target in row.targets] if row is not None else []
        places = [self._place(found["ResourceArn"], row) for found in mine["Destinations"]]
        # The row's order, then the rest by name: a router promises no order of its own.
        places.sort(key=lambda p: (known.index(p.name) if p.name in known else len(known), p.name))
        version = row.version if row is not None else 0
        changed_at = int(router["LastModifiedTime"].timestamp())
        return Route(model, version, _weighted(places), changed_at, _trouble(via.router, router, places, row))

    def write(self, route: Route, via: RouteConfig, *, expected_version: int) -> None:
        """The router has exactly the route's destinations, and the row its version.

        Busy while it is changing; NoCapacity when a destination has no copy; Conflict when somebody wrote first.
        """
        row = self._rows.read(route.model, via)
        if (row.version if row is not None else 0) != expected_version:
            raise Conflict(f"route of {route.model!r}: somebody wrote first. Read it again")
        # The homes before the router: as little time as can be between reading its other targets and sending them.
        wanted = [{"ResourceArn": self._arn(target, via)} for target in route.targets if target.weight]
        router = self._described(via)
        mine = {**(_target_of(router, route.model, via) or {"Name": _name(route.model, via)}), "Destinations": wanted}
        if router is None:
            with calling("CreateInferenceRouter", via.router):
                self._sagemaker.create_inference_router(
                    InferenceRouterName=via.router,
                    RoutingTargets=[mine],
                    Tags=[{"Key": MANAGED_TAG, "Value": "true"}],
                )
        else:
            if router["Status"] in CHANGING:
                why = f"it is {router['Status']}, and its other targets cannot be read for certain. Ask again"
                raise Busy("UpdateInferenceRouter", via.router, "ConflictException", why)
            others = [_asked(t) for t in router["RoutingTargets"] if t["Name"] != mine["Name"]]
            with calling("UpdateInferenceRouter", via.router):
                self._sagemaker.update_inference_router(InferenceRouterName=via.router, RoutingTargets=[*others, mine])
        self._rows.write(route, via, expected_version=expected_version)

    def followed(self, route: Route, via: RouteConfig, now: int) -> bool:
        """The router is in service with these destinations, has been for two minutes, and can reach each."""
        router = self._described(via)
        mine = _target_of(router, route.model, via)
        if router is None or mine is None or router["Status"] != "InService":
            return False
        there = {found["ResourceArn"].rpartition("/")[2] for found in mine["Destinations"]}
        reached = all(found.get("RoutingStatus") != "Unroutable" for found in mine["Destinations"])
        wanted = {target.name for target in route.targets if target.weight}
        changed_at = max(route.changed_at, int(router["LastModifiedTime"].timestamp()))
        return reached and there == wanted and now - changed_at >= IN_EFFECT_S

    @property
    def _sagemaker(self) -> Any:
        return self._clients.get("sagemaker")

    def _described(self, via: RouteConfig) -> dict[str, Any] | None:
        try:
            with calling("DescribeInferenceRouter", via.router):
                found: dict[str, Any] = self._sagemaker.describe_inference_router(InferenceRouterName=via.router)
        except NotFound:
            return None
        return found

    def _arn(self, target: Target, via: RouteConfig) -> str:
        """Asked for, never put together: partition, account and Region stay AWS's business."""
        if not target.component:
            with calling("DescribeEndpoint", target.endpoint):
                described = self._sagemaker.describe_endpoint(EndpointName=target.endpoint)
            return str(described["EndpointArn"])
        with calling("DescribeInferenceComponent", target.component):
            described = self._sagemaker.describe_inference_component(InferenceComponentName=target.component)
        if described.get("RuntimeConfig", {}).get("CurrentCopyCount") == 0:
            # A rejected request may not wake it: whether NoCapacityInvocationFailures fires there is UNKNOWN.
            why = f"router {via.router!r} would lead to no copy. Raise the component to one copy, then ask again"
            raise NoCapacity("DescribeInferenceComponent", target.component, "NoCopies", why)
        return str(described["InferenceComponentArn"])

    def _place(self, arn: str, row: Route | None) -> Target:
        """The destination as a target. A component's ARN does not say its endpoint: the row does, or Describe."""
        name = arn.rpartition("/")[2]
        if COMPONENT not in arn:
            return Target(name, "", 0)
        for target in row.targets if row is not None else ():
            if target.component == name:
                return target
        with calling("DescribeInferenceComponent", name):
            described = self._sagemaker.describe_inference_component(InferenceComponentName=name)
        return Target(str(described["EndpointName"]), name, 0)


def _name(model: str, via: RouteConfig) -> str:
    return via.target or model


def _target_of(router: dict[str, Any] | None, model: str, via: RouteConfig) -> dict[str, Any] | None:
    """The model's own target in the router, as Describe shows it."""
    for found in router["RoutingTargets"] if router is not None else ():
        if found["Name"] == _name(model, via):
            return dict(found)
    return None


def _trouble(name: str, router: dict[str, Any], places: list[Target], row: Route | None) -> str:
    """Why the router does not lead where the row says, and what to do; '' when it does."""
    wanted = sorted(target.name for target in row.targets if target.weight) if row is not None else []
    shown = sorted(place.name for place in places)
    differs = ""
    if row is not None and shown != wanted:
        differs = f"it leads to {', '.join(shown)}, version {row.version} asked for {', '.join(wanted)}"
    if router["Status"] == "Failed":
        said = f"router {name} is Failed ({router.get('StatusReason') or 'no reason given'})"
        return f"{said}{f': {differs}' if differs else ''}; update it until it is InService"
    hint = "its update failed, or somebody changed it: leave this target of it to Tidepool"
    return f"router {name}: {differs}; {hint}" if differs else ""


def _asked(target: dict[str, Any]) -> dict[str, Any]:
    """A described target as an update takes it: without what only Describe can know."""
    return {**target, "Destinations": [{"ResourceArn": d["ResourceArn"]} for d in target["Destinations"]]}


def _weighted(places: list[Target]) -> tuple[Target, ...]:
    """Equal shares that sum to 100, so that a route without weights reads like one with them."""
    share = 100 // max(1, len(places))
    first = 100 - share * (len(places) - 1)
    return tuple(Target(p.endpoint, p.component, share if i else first) for i, p in enumerate(places))
