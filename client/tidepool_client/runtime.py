"""The client: boto3's sagemaker-runtime, with `ModelName` in place of an endpoint's and a component's name."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from random import Random
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tidepool_client.refusals import never_ran
from tidepool_client.route import Route, Target, pick
from tidepool_client.store import RouteStore, RouteUnknown

SESSIONS = 10_000
"""Sessions remembered, 2 MB (measured); the one that was silent longest is forgotten first, and then follows the
route anew. Ours."""
_ADDRESS = {"EndpointName", "InferenceComponentName"}
NEW_SESSION = "NEW_SESSION"
"""SageMaker's word for opening a session; the reply names it."""


def client(*, table: str, region_name: str | None = None, config: Config | None = None) -> Runtime:
    """A Runtime over new boto3 clients. `config` is for invocations; ours is laid over it: boto3 never retries one."""
    once = Config(retries={"total_max_attempts": 1})
    runtime = boto3.client("sagemaker-runtime", region_name=region_name, config=config.merge(once) if config else once)
    return Runtime(runtime, routes(table=table, region_name=region_name))


def routes(*, table: str, region_name: str | None = None) -> RouteStore:
    """The routes alone, for a gateway that calls SageMaker in its own way: `pick` chooses a target of one."""
    quick = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})
    dynamodb = boto3.client("dynamodb", region_name=region_name, config=quick)
    return RouteStore(dynamodb, table, clock=time.monotonic, wall=time.time, random=Random())


class Runtime:
    """What is not about `ModelName` is boto3's own client: every other call and attribute goes through."""

    def __init__(self, runtime: Any, routes: RouteStore, *, random: Random | None = None) -> None:
        """`runtime` must not retry by itself (total_max_attempts 1): a model may have run."""
        self._runtime, self._routes, self._random = runtime, routes, random or Random()
        self._sessions: OrderedDict[str, Target] = OrderedDict()
        self._lock = Lock()

    def invoke_endpoint(self, *, ModelName: str | None = None, **call: Any) -> dict[str, Any]:
        """boto3's reply, from wherever the model lives. RouteUnknown when nobody says where; else boto3's errors."""
        return self._invoke(self._runtime.invoke_endpoint, ModelName, call)

    def invoke_endpoint_with_response_stream(
        self,
        *,
        ModelName: str | None = None,
        **call: Any,
    ) -> dict[str, Any]:
        """boto3's reply with its event stream. Only the call itself may be repeated, never a stream that began."""
        return self._invoke(self._runtime.invoke_endpoint_with_response_stream, ModelName, call)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def _invoke(self, method: Callable[..., Any], model: str | None, call: dict[str, Any]) -> dict[str, Any]:
        if model is None:
            reply: dict[str, Any] = method(**call)
            return reply
        default, call = _named(call), {k: v for k, v in call.items() if k not in _ADDRESS}
        session = call.get("SessionId")
        home = self._home_of(session)
        target = home or self._chosen(model, self._routes.route(model), default)
        reads = self._routes.reads
        try:
            reply = method(**call, **_address(target))
        except ClientError as error:
            if not never_ran(error):
                raise
            if home is not None:
                # The session's state was on its home: elsewhere nobody knows it. The caller opens another.
                self._forget(session)
                raise
            if not isinstance(call.get("Body"), bytes | bytearray | str):
                raise
            # Nothing ran. The route may have moved on since it was read: look again, and go elsewhere if one can.
            other = self._elsewhere(self._routes.read_since(model, reads), default, refused=target)
            if other is None:
                raise
            target = other
            reply = method(**call, **_address(target))
        self._remember(session, reply, target)
        return reply

    def _chosen(self, model: str, route: Route | None, default: Target | None) -> Target:
        if route is not None:
            return pick(route, self._random)
        if default is not None:
            return default
        trouble = self._routes.trouble(model)
        raise RouteUnknown(
            f"no route for model {model!r} was ever read ({trouble or 'the table has none'}): check the routes table's"
            " name and the right to dynamodb:GetItem, or name an EndpointName to use until there is one"
        )

    def _elsewhere(self, route: Route | None, default: Target | None, *, refused: Target) -> Target | None:
        """Where a refused request may go instead; None when there is nowhere else."""
        other = pick(route, self._random, avoid={refused.key}) if route is not None else default
        return None if other is None or other.key == refused.key else other

    # Sessions.
    def _home_of(self, session: str | None) -> Target | None:
        if session is None or session == NEW_SESSION:
            return None
        with self._lock:
            if session in self._sessions:
                self._sessions.move_to_end(session)
            return self._sessions.get(session)

    def _remember(self, session: str | None, reply: dict[str, Any], target: Target) -> None:
        """The session lives where it was answered, until it is closed."""
        if session is None:
            return
        opened = str(reply.get("NewSessionId", "")).partition(";")[0] or session
        with self._lock:
            if opened != NEW_SESSION:
                self._sessions[opened] = target
                self._sessions.move_to_end(opened)
            self._sessions.pop(str(reply.get("ClosedSessionId", "")), None)
            while len(self._sessions) > SESSIONS:
                self._sessions.popitem(last=False)

    def _forget(self, session: str | None) -> None:
        with self._lock:
            self._sessions.pop(session or "", None)


def _named(call: dict[str, Any]) -> Target | None:
    """Where the call itself says to go, for a model that has no route yet."""
    endpoint = call.get("EndpointName")
    return Target(endpoint, call.get("InferenceComponentName", "")) if endpoint else None


def _address(target: Target) -> dict[str, Any]:
    """The names a call carries: a component endpoint needs the component's, a dedicated one must not have it."""
    names = {"EndpointName": target.endpoint}
    return {**names, "InferenceComponentName": target.component} if target.component else names
