"""AWS as Tidepool's own adapters see it: boto3's method names and AWS's words over the account, the table, the router.

`HostingWrites`, `TableRoutes`, `GatewayRoutes` and `RouterRoutes` run on it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tidepool.fleet import Status
from tidepool_lab.soak.account import Account, Home
from tidepool_lab.soak.hazards import Hazards
from tidepool_lab.soak.router import Place, Router
from tidepool_lab.soak.weather import Weather

ROUTES_TABLE = "routes"


def refusal(code: str, message: str, operation: str = "", status: int = 400) -> ClientError:
    """As botocore raises it."""
    reply: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, operation)


def answer_lost() -> Exception:
    """The call was carried out, and nobody heard."""
    silence: Exception = ReadTimeoutError(endpoint_url="https://aws")
    return silence


class Table:
    """The routes table: conditional writes on one version."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self.items: dict[str, dict[str, Any]] = {}
        self.written: Callable[[str, dict[str, Any]], None] = lambda key, item: None

    def get_item(self, *, TableName: str, Key: Mapping[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        self._answers()
        item = self.items.get(Key["model"]["S"])
        return {"Item": item} if item else {}

    def put_item(
        self,
        *,
        TableName: str,
        Item: dict[str, Any],
        ConditionExpression: str = "",
        ExpressionAttributeNames: Mapping[str, str] | None = None,
        ExpressionAttributeValues: Mapping[str, Any] | None = None,
    ) -> None:
        self._answers()
        key = Item["model"]["S"]
        there = self.items.get(key)
        if ExpressionAttributeValues:
            held = there is not None and there["version"] == ExpressionAttributeValues[":expected"]
        else:
            held = there is None or not ConditionExpression
        if not held:
            raise refusal("ConditionalCheckFailedException", "The conditional request failed", "PutItem")
        self.items[key] = Item
        self.written(key, Item)

    def _answers(self) -> None:
        if self._weather.store_away:
            raise answer_lost()


class SageMaker:
    """The writes of SageMaker that moves use, and what the router adapter reads."""

    def __init__(self, account: Account, weather: Weather, router: Router | None) -> None:
        self._account, self._weather, self._router = account, weather, router
        self.deleting: Callable[[Home], None] = lambda home: None

    # Components and endpoints.

    def create_inference_component(self, **asked: Any) -> None:
        name, size = asked["InferenceComponentName"], asked["RuntimeConfig"]["CopyCount"]
        self._may_have(name, "CreateInferenceComponent")
        self._make(name, asked["EndpointName"], size, asked["Specification"]["ModelName"], asked["Tags"])

    def create_endpoint_config(self, **asked: Any) -> None:
        name = asked["EndpointConfigName"]
        if name in self._account.configs:
            raise refusal("ValidationException", f"Cannot create already existing endpoint config {name}")
        self._account.configs[name] = asked["ProductionVariants"][0]

    def create_endpoint(self, **asked: Any) -> None:
        name, variant = asked["EndpointName"], self._account.configs[asked["EndpointConfigName"]]
        self._may_have(name, "CreateEndpoint")
        self._make(name, name, variant["InitialInstanceCount"], variant["ModelName"], asked["Tags"])

    def _may_have(self, name: str, operation: str) -> None:
        if name in self._account.homes:
            raise refusal("ValidationException", f"Cannot create already existing {name}", operation)
        if self._weather.refused:
            limit = "The account-level service limit 'ml.p4d.24xlarge for endpoint usage' is 2 Instances"
            raise refusal("ResourceLimitExceeded", limit, operation)

    def _make(self, name: str, endpoint: str, size: int, model: str, tags: list[dict[str, str]]) -> None:
        labels = {tag["Key"]: tag["Value"] for tag in tags}
        home = self._account.add(name, endpoint, size=size, artifact=model, tags=labels, ready=False)
        fate = self._weather.start(size)
        home.mute, home.denied, home.fails = fate.mute_until > 0, fate.denied_until > 0, fate.fails_until > 0
        if home.mute:
            self._account.loop.at(fate.mute_until, lambda: setattr(home, "mute", False))
        if home.denied:
            self._account.loop.at(fate.denied_until, lambda: setattr(home, "denied", False))
        if home.fails:
            self._account.loop.at(fate.fails_until, lambda: setattr(home, "fails", False))
        if fate.ready_at_once < size and not fate.failure:
            self._account.loop.at(
                self._account.loop.now + fate.first_s, lambda: self._some_are_ready(home, fate.ready_at_once)
            )
        self._account.settle_later(home, fate.start_s, size, failure=fate.failure)

    def _some_are_ready(self, home: Home, ready: int) -> None:
        if home.status is Status.CREATING:
            self._account.update(home, home.status, ready=ready)

    def update_inference_component_runtime_config(self, **asked: Any) -> None:
        home = self._found(asked["InferenceComponentName"], "UpdateInferenceComponentRuntimeConfig")
        self._resize(home, asked["DesiredRuntimeConfig"]["CopyCount"])

    def update_endpoint_weights_and_capacities(self, **asked: Any) -> None:
        home = self._found(asked["EndpointName"], "UpdateEndpointWeightsAndCapacities")
        self._resize(home, asked["DesiredWeightsAndCapacities"][0]["DesiredInstanceCount"])

    def _resize(self, home: Home, size: int) -> None:
        self._settled(home)
        if size > home.ready and self._weather.refused:
            raise refusal("ResourceLimitExceeded", "The account-level service limit is 2 Instances")
        if size < home.ready:
            self.deleting(home)
            self._account.kill(home, f"a copy of {home.name} was taken away under it", only_copies_from=size)
            if size == 0:
                self._account.kill(home, f"the last copy of {home.name} was taken away under it")
        home.wanted = size
        self._account.update(home, Status.UPDATING, ready=min(home.ready, size))
        fate = self._weather.start(size)
        self._account.settle_later(home, fate.start_s if size > home.ready else 30.0, size)

    def delete_inference_component(self, *, InferenceComponentName: str) -> None:
        home = self._found(InferenceComponentName, "DeleteInferenceComponent")
        self._delete(home)

    def delete_endpoint(self, *, EndpointName: str) -> None:
        home = self._found(EndpointName, "DeleteEndpoint")
        self._delete(home)

    def _delete(self, home: Home) -> None:
        self._settled(home)
        self.deleting(home)
        self._account.remove(home, by="the move")

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> dict[str, Any]:
        if EndpointConfigName not in self._account.configs:
            raise refusal("ValidationException", f"Could not find endpoint configuration {EndpointConfigName}")
        return {"EndpointConfigName": EndpointConfigName}

    def delete_endpoint_config(self, *, EndpointConfigName: str) -> None:
        self.describe_endpoint_config(EndpointConfigName=EndpointConfigName)
        del self._account.configs[EndpointConfigName]

    def _found(self, name: str, operation: str) -> Home:
        home = self._account.homes.get(name)
        if home is None:
            raise refusal("ValidationException", f'Could not find "{name}".', operation)
        return home

    def _settled(self, home: Home) -> None:
        if home.status.busy:
            raise refusal(
                "ValidationException", f"Cannot update {home.name} while it is in state UPDATE_RC_IN_PROGRESS"
            )

    # The router, and the two reads that give its adapter ARNs.

    def describe_inference_component(self, *, InferenceComponentName: str) -> dict[str, Any]:
        home = self._found(InferenceComponentName, "DescribeInferenceComponent")
        return {
            "InferenceComponentArn": _arn((home.endpoint, home.name)),
            "EndpointName": home.endpoint,
            "RuntimeConfig": {"CurrentCopyCount": home.copies, "DesiredCopyCount": home.wanted},
        }

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:
        home = self._found(EndpointName, "DescribeEndpoint")
        return {"EndpointArn": _arn((home.name, ""))}

    def describe_inference_router(self, *, InferenceRouterName: str) -> dict[str, Any]:
        assert self._router is not None
        places = {place for target in self._router.targets.values() for place in target}
        return self._router.described({place: _arn(place) for place in places})

    def update_inference_router(self, *, InferenceRouterName: str, RoutingTargets: list[dict[str, Any]]) -> None:
        assert self._router is not None
        if self._router.busy:
            raise refusal("ConflictException", "the router is being updated", "UpdateInferenceRouter")
        self._router.replace(
            {t["Name"]: [self._place(d["ResourceArn"]) for d in t["Destinations"]] for t in RoutingTargets}
        )

    def _place(self, arn: str) -> Place:
        kind, _, name = arn.rpartition(":")[2].partition("/")
        home = self._account.homes.get(name)
        return (home.endpoint if home is not None else "", name) if kind == "inference-component" else (name, "")


READS = {"get_item", "describe_inference_component", "describe_endpoint", "describe_inference_router"}


class Clients:
    """`tidepool.aws.clients.Clients` of one run: every call may be throttled, every write is a point to be hurt at."""

    def __init__(self, services: Mapping[str, Any], weather: Weather, hazards: Hazards) -> None:
        self._services = {name: _Watched(service, weather, hazards) for name, service in services.items()}

    def get(self, service: str) -> Any:
        return self._services[service]

    @contextmanager
    def acting_for(self, change: str) -> Iterator[None]:
        """Whose change it is shows in CloudTrail alone."""
        yield


class _Watched:
    def __init__(self, service: Any, weather: Weather, hazards: Hazards) -> None:
        self._service, self._weather, self._hazards = service, weather, hazards

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call = getattr(self._service, method)

        def watched(**asked: Any) -> Any:
            if self._weather.throttles():
                raise refusal("ThrottlingException", "Rate exceeded", method)
            if method in READS:
                return call(**asked)
            return self._hazards.write(method, lambda: call(**asked), answer_lost=answer_lost)

        return watched


def _arn(place: Place) -> str:
    endpoint, component = place
    what = f"inference-component/{component}" if component else f"endpoint/{endpoint}"
    return f"arn:aws:sagemaker:us-east-1:111122223333:{what}"
