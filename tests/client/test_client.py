"""Callers follow a model by its name. No network: two small fakes stand for AWS; time and chance are given."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

import tidepool_client
from tidepool_client.route import CACHE_S, Route, Target, pick
from tidepool_client.store import RETRY_S, RouteStore, RouteUnknown

CLIENT = Path(tidepool_client.__file__).parents[1]
OLD, NEW = ("pool", "m-old"), ("own", "")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Table:
    """One item, read over and over; `away` makes every read fail."""

    def __init__(self, *targets: tuple[str, str, int], version: int = 1) -> None:
        self.reads, self.away = 0, False
        self.put(*targets, version=version)

    def put(self, *targets: tuple[str, str, int], version: int) -> None:
        rows = [{"M": {"endpoint": {"S": e}, "component": {"S": c}, "weight": {"N": str(w)}}} for e, c, w in targets]
        self.item: dict[str, Any] | None = {"version": {"N": str(version)}, "targets": {"L": rows}} if rows else None

    def get_item(self, **asked: Any) -> dict[str, Any]:
        self.reads += 1
        assert asked == {"TableName": "routes", "Key": {"model": {"S": "m"}}, "ConsistentRead": True}
        if self.away:
            raise EndpointConnectionError(endpoint_url="https://dynamodb")
        return {"Item": self.item} if self.item else {}


class SageMaker:
    """Answers from wherever it is called; `refuses` raises for a target."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.refuses: dict[tuple[str, str], Exception] = {}
        self.reply: dict[str, Any] = {"Body": b"ok"}

    def invoke_endpoint(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        target = (call["EndpointName"], call.get("InferenceComponentName", ""))
        if target in self.refuses:
            raise self.refuses[target]
        return self.reply

    invoke_endpoint_with_response_stream = invoke_endpoint

    def invoke_endpoint_async(self, **call: Any) -> str:
        return "async"

    @property
    def went_to(self) -> list[tuple[str, str]]:
        return [(call["EndpointName"], call.get("InferenceComponentName", "")) for call in self.calls]


class Caller:
    def __init__(self, table: Table, seed: int = 1) -> None:
        self.table, self.clock, self.sagemaker = table, Clock(), SageMaker()
        store = RouteStore(table, "routes", clock=self.clock, random=Random(seed))
        self.runtime = tidepool_client.Runtime(self.sagemaker, store, random=Random(seed))

    def call(self, **more: Any) -> dict[str, Any]:
        return self.runtime.invoke_endpoint(**{"ModelName": "m", "Body": b"x", **more})


def refusal(code: str, message: str, status: int, **more: Any) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "InvokeEndpoint")  # type: ignore[arg-type]


NO_CAPACITY = refusal("ValidationError", "Inference Component has no capacity to process this request. Retry.", 400)
DENIED = refusal("AccessDeniedException", "User is not authorized to perform: sagemaker:InvokeEndpoint", 403)
GONE = refusal("ValidationError", "Endpoint own of account 111122223333 not found.", 400)
MAY_HAVE_RUN = [
    refusal("ModelError", "Received server error (500)", 424, OriginalStatusCode=500),
    refusal("ModelError", "Received client error (404): not found", 424, OriginalStatusCode=404),
    refusal("InternalFailure", "try again", 500),
    refusal("ServiceUnavailable", "try again", 503),
    refusal("ThrottlingException", "Rate exceeded", 400),
    refusal("ValidationError", "1 validation error detected: body too large", 400),
    ReadTimeoutError(endpoint_url="https://runtime"),
]


def test_a_component_is_called_by_both_names_and_a_dedicated_endpoint_by_one() -> None:
    shared, dedicated = Caller(Table((*OLD, 100))), Caller(Table((*NEW, 100)))
    shared.call(ContentType="application/json")
    dedicated.call(InferenceComponentName="m-old", EndpointName="pool")
    assert shared.sagemaker.calls == [
        {"EndpointName": "pool", "InferenceComponentName": "m-old", "Body": b"x", "ContentType": "application/json"}
    ]
    assert dedicated.sagemaker.calls == [{"EndpointName": "own", "Body": b"x"}]


def test_streams_follow_the_same_route() -> None:
    caller = Caller(Table((*NEW, 100)))
    assert caller.runtime.invoke_endpoint_with_response_stream(ModelName="m", Body=b"x") == {"Body": b"ok"}
    assert caller.sagemaker.went_to == [NEW]


def test_without_a_model_name_and_for_every_other_call_it_is_boto3s_client() -> None:
    caller = Caller(Table((*NEW, 100)))
    caller.runtime.invoke_endpoint(EndpointName="theirs", Body=b"x")
    assert caller.sagemaker.calls == [{"EndpointName": "theirs", "Body": b"x"}]
    assert caller.runtime.invoke_endpoint_async() == "async"
    assert caller.table.reads == 0


def test_weights_are_kept_request_by_request() -> None:
    caller = Caller(Table((*OLD, 90), (*NEW, 10)))
    for _ in range(5000):
        caller.call()
    share = caller.sagemaker.went_to.count(NEW) / 5000
    assert 0.08 < share < 0.12


def test_a_weight_of_zero_gets_no_caller() -> None:
    caller = Caller(Table((*OLD, 0), (*NEW, 100)))
    for _ in range(100):
        caller.call()
    assert set(caller.sagemaker.went_to) == {NEW}


@pytest.mark.parametrize("seed", range(20))
def test_a_route_is_never_older_than_the_cache_and_a_fleet_of_callers_never_asks_at_once(seed: int) -> None:
    caller = Caller(Table((*OLD, 100)), seed)
    caller.call()
    caller.table.put((*NEW, 100), version=2)
    caller.clock.now += CACHE_S * 2 / 3 - 0.01
    caller.call()
    assert (caller.sagemaker.went_to, caller.table.reads) == ([OLD, OLD], 1)
    caller.clock.now = 1000 + CACHE_S
    caller.call()
    assert caller.sagemaker.went_to[-1] == NEW


def test_callers_refresh_at_different_times() -> None:
    ages = set()
    for seed in range(20):
        caller = Caller(Table((*OLD, 100)), seed)
        while caller.table.reads < 2:
            caller.call()
            caller.clock.now += 0.5
        ages.add(caller.clock.now)
    assert len(ages) > 5


def test_tidepool_waits_longer_than_a_route_may_be_kept() -> None:
    from tidepool.aws.routes_table import FOLLOWED_S

    assert FOLLOWED_S > CACHE_S


def test_when_the_table_is_away_the_last_known_route_goes_on() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call()
    caller.table.away = True
    for _ in range(100):
        caller.clock.now += 10
        caller.call()
    assert set(caller.sagemaker.went_to) == {OLD}
    assert caller.table.reads <= 101


def test_a_table_that_is_away_is_not_asked_with_every_request() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call()
    caller.table.away = True
    caller.clock.now += CACHE_S
    for _ in range(50):
        caller.call()
    assert caller.table.reads == 2
    caller.table.away = False
    caller.table.put((*NEW, 100), version=2)
    caller.clock.now += RETRY_S
    caller.call()
    assert caller.sagemaker.went_to[-1] == NEW


def test_a_model_without_a_route_goes_where_the_call_says_and_else_says_so() -> None:
    caller = Caller(Table())
    caller.call(EndpointName="pool", InferenceComponentName="m-old")
    assert caller.sagemaker.went_to == [OLD]
    with pytest.raises(RouteUnknown, match="no route for model 'm'"):
        caller.call()


@pytest.mark.parametrize("error", [NO_CAPACITY, DENIED, GONE])
def test_a_request_that_never_ran_is_asked_once_more_on_the_other_target(error: ClientError) -> None:
    caller = Caller(Table((*OLD, 0), (*NEW, 100)))
    caller.sagemaker.refuses[NEW] = error
    assert caller.call() == {"Body": b"ok"}
    assert caller.sagemaker.went_to == [NEW, OLD]
    assert caller.table.reads == 2


def test_a_stale_route_to_a_home_that_is_gone_is_read_again_at_once() -> None:
    caller = Caller(Table((*NEW, 100)))
    caller.call()
    caller.table.put((*OLD, 100), version=2)
    caller.sagemaker.refuses[NEW] = GONE
    assert caller.call() == {"Body": b"ok"}
    assert caller.sagemaker.went_to == [NEW, NEW, OLD]


def test_a_refused_request_is_asked_at_most_twice() -> None:
    caller = Caller(Table((*OLD, 50), (*NEW, 50)))
    caller.sagemaker.refuses = {NEW: GONE, OLD: NO_CAPACITY}
    with pytest.raises(ClientError):
        caller.call()
    assert len(caller.sagemaker.calls) == 2


def test_with_nowhere_else_to_go_the_refusal_is_the_callers() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.sagemaker.refuses[OLD] = NO_CAPACITY
    with pytest.raises(ClientError, match="no capacity"):
        caller.call()
    assert len(caller.sagemaker.calls) == 1


@pytest.mark.parametrize("error", MAY_HAVE_RUN, ids=lambda e: str(e)[:60])
def test_a_request_that_may_have_run_is_never_repeated(error: Exception) -> None:
    caller = Caller(Table((*OLD, 50), (*NEW, 50)))
    caller.sagemaker.refuses = {OLD: error, NEW: error}
    with pytest.raises(type(error)):
        caller.call()
    assert len(caller.sagemaker.calls) == 1


def test_a_body_that_can_be_read_only_once_is_not_repeated() -> None:
    caller = Caller(Table((*OLD, 0), (*NEW, 100)))
    caller.sagemaker.refuses[NEW] = GONE
    with pytest.raises(ClientError):
        caller.call(Body=iter([b"x"]))
    assert len(caller.sagemaker.calls) == 1


def test_a_session_stays_on_the_target_it_began_on_until_that_is_gone() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.sagemaker.reply = {"Body": b"ok", "NewSessionId": "s-1; Expires=2026-01-01T00:00:00Z"}
    caller.call(SessionId="NEW_SESSION")
    caller.sagemaker.reply = {"Body": b"ok"}
    caller.table.put((*NEW, 100), version=2)
    caller.clock.now += CACHE_S
    caller.call(SessionId="s-1")
    caller.call()
    assert caller.sagemaker.went_to == [OLD, OLD, NEW]
    caller.sagemaker.refuses[OLD] = GONE
    caller.call(SessionId="s-1")
    caller.call(SessionId="s-1")
    assert caller.sagemaker.went_to[3:] == [OLD, NEW, NEW]


def test_a_closed_session_is_forgotten() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call(SessionId="s-1")
    caller.sagemaker.reply = {"Body": b"ok", "ClosedSessionId": "s-1"}
    caller.call(SessionId="s-1")
    caller.table.put((*NEW, 100), version=2)
    caller.clock.now += CACHE_S
    caller.call(SessionId="s-1")
    assert caller.sagemaker.went_to == [OLD, OLD, NEW]


def test_an_older_answer_never_replaces_a_newer_route() -> None:
    table, clock = Table((*NEW, 100), version=5), Clock()
    store = RouteStore(table, "routes", clock=clock, random=Random(1))
    store.read("m")
    table.put((*OLD, 100), version=4)
    found = store.read("m")
    assert found is not None and found.version == 5


def test_every_choice_is_among_the_routes_targets() -> None:
    route = Route(1, (Target("a", "", 0), Target("b", "", 30), Target("c", "", 70)))
    everything = {(t.endpoint, t.component) for t in route.targets}
    for seed in range(50):
        assert pick(route, Random(seed), avoid=everything) in route.targets


def test_boto3s_own_retries_of_invocations_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Any] = {}
    real: Callable[..., Any] = tidepool_client.runtime.boto3.client

    def remember(service: str, **asked: Any) -> Any:
        made[service] = asked["config"]
        return real(service, **asked)

    monkeypatch.setattr(tidepool_client.runtime.boto3, "client", remember)
    tidepool_client.client(table="routes", region_name="us-east-1")
    assert made["sagemaker-runtime"].retries["total_max_attempts"] == 1


def test_the_client_depends_on_boto3_alone() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    assert [name.split(">")[0] for name in project["dependencies"]] == ["boto3"]
    import sys

    allowed = {*sys.stdlib_module_names, "boto3", "botocore", "tidepool_client"}
    for file in (CLIENT / "tidepool_client").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert all(name.split(".")[0] in allowed for name in names), (file.name, names)


def test_the_readmes_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = Caller(Table((*NEW, 100)))
    caller.table.get_item = lambda **asked: {"Item": caller.table.item}  # type: ignore[method-assign]
    monkeypatch.setattr(tidepool_client, "client", lambda **asked: caller.runtime)
    code = (CLIENT / "README.md").read_text().split("```python")[1].split("```")[0]
    exec(compile(code, "README.md", "exec"), {})
    assert caller.sagemaker.went_to == [NEW]
