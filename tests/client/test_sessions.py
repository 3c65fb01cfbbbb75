"""A stateful session stays on its home until it is closed or its home is gone."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders.callers import NEW, OLD, Caller, Clock, Table, refusal
from tidepool_client.route import CACHE_S
from tidepool_client.runtime import SESSIONS
from tidepool_client.store import MODELS, RouteStore

GONE = refusal("ValidationError", "Endpoint own of account 111122223333 not found.", 400)


def opened(caller: Caller, session: str = "s-1") -> None:
    caller.sagemaker.reply = {"Body": b"ok", "NewSessionId": f"{session}; Expires=2026-01-01T00:00:00Z"}
    caller.call(SessionId="NEW_SESSION")
    caller.sagemaker.reply = {"Body": b"ok"}


def test_a_session_stays_on_the_home_it_began_on() -> None:
    caller = Caller(Table((*OLD, 100)))
    opened(caller)
    caller.table.put((*NEW, 100), version=2)
    caller.clock.now += CACHE_S
    caller.call(SessionId="s-1")
    caller.runtime.invoke_endpoint_with_response_stream(ModelName="m", Body=b"x", SessionId="s-1")
    caller.call()
    assert caller.sagemaker.went_to == [OLD, OLD, OLD, NEW]


def test_a_session_whose_home_is_gone_is_never_sent_elsewhere_and_the_next_one_follows_the_route() -> None:
    caller = Caller(Table((*OLD, 100)))
    opened(caller)
    caller.table.put((*NEW, 100), version=2)
    caller.sagemaker.refuses[OLD] = GONE
    with pytest.raises(ClientError, match="not found"):
        caller.call(SessionId="s-1")
    assert caller.sagemaker.went_to == [OLD, OLD]
    caller.clock.now += CACHE_S
    caller.call(SessionId="NEW_SESSION")
    assert caller.sagemaker.went_to[2:] == [NEW]


def test_of_sessions_and_models_only_so_many_are_remembered() -> None:
    caller = Caller(Table((*OLD, 100)))
    for number in range(SESSIONS + 10):
        opened(caller, f"s-{number}")
    assert len(caller.runtime._sessions) == SESSIONS
    store = RouteStore(AnyModel(), "routes", clock=Clock(), random=Random(1))
    for number in range(MODELS + 10):
        store.route(f"m-{number}")
    assert len(store._known) == MODELS
    assert store.reads == MODELS + 10


class AnyModel:
    def get_item(self, **asked: Any) -> dict[str, Any]:
        return {}


def test_a_closed_session_is_forgotten() -> None:
    caller = Caller(Table((*OLD, 100)))
    caller.call(SessionId="s-1")
    caller.sagemaker.reply = {"Body": b"ok", "ClosedSessionId": "s-1"}
    caller.call(SessionId="s-1")
    caller.table.put((*NEW, 100), version=2)
    caller.clock.now += CACHE_S
    caller.call(SessionId="s-1")
    assert caller.sagemaker.went_to == [OLD, OLD, NEW]
