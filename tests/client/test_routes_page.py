"""Every block of docs/routes.md runs: over moto's DynamoDB, the lab's events and inference routers."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import boto3
import pytest
import yaml

from builders.aws_account import BUS, an_account
from tidepool.aws.bus import EventBus
from tidepool.aws.clients import Clients
from tidepool.aws.routes import Routes
from tidepool.config.types import RouteConfig, Via
from tidepool.fleet import Route, Target
from tidepool_client import RouteUnknown
from tidepool_lab.embedded.intercept import ACCOUNT, answering
from tidepool_lab.embedded.routers import Routers
from tidepool_lab.embedded.services import put_events

PAGE = (Path(__file__).parents[2] / "docs" / "routes.md").read_text(encoding="utf-8")
BLOCKS: dict[str, str] = dict(re.findall(r"^```(\w+ ?\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
TABLE, NOW = "tidepool-routes", 1_790_000_000
MODEL = "codegen-inline"
SHARED, DEDICATED = Target("pool", "m-old", 100), Target("own", "", 100)


@pytest.fixture
def clients() -> Iterator[Clients]:
    with an_account() as account, pytest.MonkeyPatch.context() as patched:
        patched.setenv("TIDEPOOL_ROUTES_TABLE", TABLE)
        account.clients.get("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "model", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "model", "AttributeType": "S"}],
        )
        yield account.clients


def run(kind: str) -> dict[str, Any]:
    """The names that a block makes."""
    made: dict[str, Any] = {}
    exec(compile(BLOCKS[kind], f"docs/routes.md ({kind})", "exec"), made)
    return made


def test_every_block_of_the_page_is_run_here() -> None:
    assert sorted(BLOCKS) == ["python gateway", "python litellm", "python nginx", "python router", "yaml litellm"]
    assert PAGE.count("```") == 2 * len(BLOCKS)


# --- LiteLLM: its documented interface, CustomLogger.async_pre_call_deployment_hook


class CustomLogger:
    """litellm.integrations.custom_logger.CustomLogger, as far as the page uses it."""

    def __init__(self, message_logging: bool = True, **kwargs: Any) -> None:
        self.message_logging = message_logging

    async def async_pre_call_deployment_hook(self, kwargs: dict[str, Any], call_type: object) -> dict[str, Any] | None:
        return None


@pytest.fixture
def litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("litellm", "litellm.integrations", "litellm.integrations.custom_logger"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setattr(sys.modules["litellm.integrations.custom_logger"], "CustomLogger", CustomLogger, raising=False)


def sent(callback: Any, model: str) -> dict[str, Any]:
    """What LiteLLM would send to a deployment of that model: kwargs as it hands them over, and takes them back."""
    kwargs = {"model": model, "messages": [{"role": "user", "content": "hi"}], "aws_region_name": "us-east-1"}
    taken: dict[str, Any] = asyncio.run(callback.async_pre_call_deployment_hook(dict(kwargs), None))
    assert {key: taken[key] for key in ("messages", "aws_region_name")} == {
        key: kwargs[key] for key in ("messages", "aws_region_name")
    }
    return taken


def test_litellm_calls_a_model_wherever_it_lives_now(clients: Clients, litellm: None) -> None:
    routes = Routes(clients, table=TABLE, bus=EventBus(clients, BUS))
    declared = yaml.safe_load(BLOCKS["yaml litellm"])
    deployment = declared["model_list"][0]["litellm_params"]["model"]
    made = run("python litellm")
    assert declared["litellm_settings"]["callbacks"].split(".") == ["tidepool_litellm", "follow_routes"]
    assert declared["router_settings"]["num_retries"] == 0
    callback = made["follow_routes"]
    assert isinstance(callback, CustomLogger)
    with pytest.raises(RouteUnknown):
        sent(callback, deployment)
    for version, home in ((1, SHARED), (2, DEDICATED)):
        routes.write(Route(MODEL, version, (home,), NOW), RouteConfig(Via.TABLE), expected_version=version - 1)
        callback.routes.read(MODEL)
        taken = sent(callback, deployment)
        assert taken["model"] == f"sagemaker_chat/{home.endpoint}"
        assert taken.get("model_id", "") == home.component
    assert sent(callback, "sagemaker_chat/theirs")["model"] == "sagemaker_chat/theirs"


def test_litellm_follows_weights(clients: Clients, litellm: None) -> None:
    routes = Routes(clients, table=TABLE, bus=EventBus(clients, BUS))
    both = (Target("pool", "m-old", 90), Target("own", "", 10))
    routes.write(Route(MODEL, 1, both, NOW), RouteConfig(Via.TABLE), expected_version=0)
    callback = run("python litellm")["follow_routes"]
    callback.random = Random(1)
    went = [sent(callback, f"sagemaker_chat/tidepool.{MODEL}")["model"] for _ in range(300)]
    assert 0.05 < went.count("sagemaker_chat/own") / 300 < 0.16


# --- A gateway


def test_a_gateway_that_applies_and_acknowledges_is_followed_and_an_older_event_changes_nothing(
    clients: Clients,
) -> None:
    heard: list[dict[str, Any]] = []
    send = put_events([BUS], lambda bus, event: heard.append(event), now=lambda: NOW, region="us-east-1")
    made, applied = run("python gateway"), []
    via = RouteConfig(Via.GATEWAY)

    def apply(model: str, version: int, targets: list[dict[str, Any]]) -> bool:
        if not applied or version > applied[-1][1]:
            applied.append((model, version, [t["endpoint"] for t in targets]))
        return bool(version == applied[-1][1])

    with answering({"events": send}):
        routes = Routes(clients, table=TABLE, bus=EventBus(clients, BUS))
        routes.write(Route(MODEL, 1, (SHARED,), NOW), via, expected_version=0)
        second = Route(MODEL, 2, (DEDICATED,), NOW)
        routes.write(second, via, expected_version=1)
        with pytest.raises(NotImplementedError):
            made["handler"](heard[0], None)
        made["apply"] = made["handler"].__globals__["apply"] = apply
        assert not routes.followed(second, via, NOW)
        # The later one first; its acknowledgement is lost; the older one; and again, as every minute.
        for event in (heard[1], heard[0], heard[1]):
            clients.get("dynamodb").delete_item(TableName=TABLE, Key={"model": {"S": f"ack#{MODEL}"}})
            assert (event["detail-type"], event["detail"]["kind"]) == ("tidepool.announcement", "route_wanted")
            made["handler"](event, None)
        assert routes.followed(second, via, NOW)
    assert applied == [(MODEL, 2, ["own"])]


def test_nginx_splits_by_the_same_weights() -> None:
    nginx = run("python nginx")["nginx"]
    weights = [("pool", "m-old", 90), ("own", "", 10), ("gone", "", 0)]
    targets = [{"endpoint": e, "component": c, "weight": w} for e, c, w in weights]
    assert nginx("codegen-inline", targets).splitlines() == [
        'split_clients "$request_id" $home_codegen_inline {',
        '  90% "pool m-old";',
        '  * "own ";',
        "}",
    ]


# --- An inference router


def test_a_caller_of_an_inference_router_names_the_router_and_its_target(
    clients: Clients, capsys: pytest.CaptureFixture[str]
) -> None:
    home = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/own"
    routers = Routers(lambda: NOW, Random(1))
    targets = [{"Name": "block-gen", "Destinations": [{"ResourceArn": home}]}]
    routers("CreateInferenceRouter", {"InferenceRouterName": "codegen", "RoutingTargets": targets})

    def invoke(operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        assert operation == "InvokeInferenceRouter"
        (reached,) = routers.serving(asked["InferenceRouterName"], asked["RoutingTargetName"])
        return {"Body": b"{}", "InvokedRoutedResourceArn": reached}

    with answering({"sagemaker-inference-router-runtime": invoke}):
        boto3.setup_default_session()
        run("python router")
    assert capsys.readouterr().out.strip() == home
