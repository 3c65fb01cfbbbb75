"""Callers follow a model by its name. No network: two small fakes stand for AWS (builders.callers)."""

from __future__ import annotations

import ast
import asyncio
import tomllib
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

import tidepool_client
from builders.callers import NEW, OLD, Caller, Clock, SageMaker, Table, refusal
from tidepool_client.route import CACHE_S, Route, Target, pick
from tidepool_client.store import RETRY_S, RouteStore, RouteUnknown

CLIENT = Path(tidepool_client.__file__).parents[1]

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


def test_a_read_that_began_earlier_never_replaces_one_that_began_later() -> None:
    """The slow read was answered with version 4 before the change, and arrives after version 5 was read."""
    table = Table((*OLD, 100), version=4)
    overtaken = Overtaken(table)
    overtaken.reader = store = RouteStore(overtaken, "routes", clock=Clock(), random=Random(1))
    found = store.read("m")
    assert found is not None and found.version == 5
    assert store.route("m") == found


class Overtaken:
    """While the first read is on its way, the route changes and another read overtakes it."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.reader: RouteStore

    def get_item(self, **asked: Any) -> dict[str, Any]:
        reply = self.table.get_item(**asked)
        if self.table.reads == 1:
            self.table.put((*NEW, 100), version=5)
            self.reader.read("m")
        return reply


def test_a_table_that_was_made_anew_is_followed_from_version_one() -> None:
    caller = Caller(Table((*OLD, 100), version=9))
    caller.call()
    caller.table.put((*NEW, 100), version=1)
    caller.clock.now += CACHE_S
    caller.call()
    assert caller.sagemaker.went_to == [OLD, NEW]


@pytest.mark.parametrize("by", [-3600.0, 3600.0])
def test_a_clock_that_stood_still_or_jumped_never_keeps_an_old_route(by: float) -> None:
    """Lambda freezes a function: the monotonic clock stands still. A wall clock may be set back."""
    table, monotonic, wall, sagemaker = Table((*OLD, 100)), Clock(), Clock(), SageMaker()
    store = RouteStore(table, "routes", clock=monotonic, wall=wall, random=Random(1))
    runtime = tidepool_client.Runtime(sagemaker, store)
    runtime.invoke_endpoint(ModelName="m", Body=b"x")
    table.put((*NEW, 100), version=2)
    wall.now += by
    runtime.invoke_endpoint(ModelName="m", Body=b"x")
    assert sagemaker.went_to == [OLD, NEW]


@pytest.mark.parametrize(
    "item",
    [
        {"schema": {"N": "2"}, "version": {"N": "3"}, "targets": {"L": []}},
        {"version": {"N": "3"}},
        {"version": {"N": "3"}, "targets": {"S": "pool"}},
        {"version": {"N": "three"}, "targets": {"L": []}},
    ],
)
def test_an_item_that_cannot_be_read_is_as_good_as_no_answer(item: dict[str, Any]) -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call()
    caller.table.item = item
    caller.clock.now += CACHE_S
    caller.call()
    assert caller.sagemaker.went_to == [OLD, OLD]
    fresh = Caller(caller.table)
    with pytest.raises(RouteUnknown, match=r"Error: "):
        fresh.call()
    fresh.call(EndpointName="own")
    assert fresh.sagemaker.went_to == [NEW]


def test_refusals_at_an_empty_home_do_not_ask_a_table_that_is_away_each_time() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call()
    caller.table.away = True
    caller.sagemaker.refuses[OLD] = NO_CAPACITY
    for _ in range(20):
        with pytest.raises(ClientError):
            caller.call()
    assert caller.table.reads == 2


def test_a_refusal_stays_the_callers_when_the_route_is_gone_meanwhile() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call()
    caller.table.put(version=2)
    caller.sagemaker.refuses[OLD] = GONE
    with pytest.raises(ClientError, match="not found"):
        caller.call()


def test_many_threads_share_one_client() -> None:
    """Each thread's requests go where the route says; the table is read once, and again by each that found it old."""
    caller = Caller(Table((*OLD, 50), (*NEW, 50)))
    caller.call()
    threads = [Thread(target=lambda: [caller.call(SessionId="NEW_SESSION") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caller.sagemaker.calls) == 1601
    assert caller.table.reads == 1
    assert 0.4 < caller.sagemaker.went_to.count(NEW) / 1601 < 0.6


def test_a_calling_loop_of_asyncio_uses_threads() -> None:
    caller = Caller(Table((*OLD, 100)))

    async def both() -> list[dict[str, Any]]:
        return await asyncio.gather(*(asyncio.to_thread(caller.call) for _ in range(2)))

    assert asyncio.run(both()) == [{"Body": b"ok"}] * 2


def test_every_choice_is_among_the_routes_targets() -> None:
    route = Route(1, (Target("a", "", 0), Target("b", "", 30), Target("c", "", 70)))
    everything = {(t.endpoint, t.component) for t in route.targets}
    for seed in range(50):
        assert pick(route, Random(seed), avoid=everything) in route.targets


def test_boto3s_own_retries_of_invocations_are_off_whatever_the_caller_configures() -> None:
    theirs = Config(retries={"mode": "standard", "total_max_attempts": 5}, read_timeout=170)
    for config in (None, theirs):
        runtime = tidepool_client.client(table="routes", region_name="us-east-1", config=config)
        assert runtime.meta.config.retries["total_max_attempts"] == 1
    assert runtime.meta.config.read_timeout == 170


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
