"""Callers: when each calls, and which home it finds by the table's client, by a gateway or by a router."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Protocol

from botocore.exceptions import ClientError

from tidepool.move.drain import QUIET_S
from tidepool_client import Route, Runtime, Target
from tidepool_client.route import pick
from tidepool_client.runtime import NEW_SESSION
from tidepool_client.store import RouteStore
from tidepool_lab.soak.account import Account, Refusal
from tidepool_lab.soak.loop import Loop
from tidepool_lab.soak.requests import SESSION_OVER, Request
from tidepool_lab.soak.router import Router
from tidepool_lab.soak.story import START, Kind, Traffic
from tidepool_lab.soak.weather import Weather
from tidepool_lab.soak.wire import ROUTES_TABLE, Table, refusal

MODEL = "m"
BEFORE_S = 400.0
"""Callers call for so long before the move begins, so that the source has a past to be compared with. Ours."""
IN_A_SESSION = 6
"""Requests of one session. Ours."""


class Way(Protocol):
    """How one caller finds a home."""

    def send(self, request: Request) -> None:
        """A model works on it, or its fate says why not."""
        ...


class Caller:
    """Calls on and on. What it asks for and when comes from (seed, number) alone, whatever becomes of it."""

    def __init__(self, number: int, traffic: Traffic, way: Way, loop: Loop, *, seed: int) -> None:
        self._number, self._traffic, self._way, self._loop = number, traffic, way, loop
        self._random = Random(f"{seed} caller {number}")
        self.requests: list[Request] = []
        self.stopped = False
        self._sessions = 0
        self._broken: dict[int, str] = {}
        self._ends: dict[int, float] = {}
        late = number == traffic.callers - 1 and traffic.late_s > 0
        loop.at(START + traffic.late_s if late else START - BEFORE_S + self._gap(), self._next)

    def _gap(self) -> float:
        # Never silent for long: a caller that is, is a drain's own case (docs/decisions/0015).
        return self._traffic.gap_s * self._traffic.callers * self._random.uniform(0.2, 1.8)

    def _next(self) -> None:
        if self.stopped:
            return
        takes = self._traffic.longest_s * self._random.uniform(0.1, 1.0)
        session = self._traffic.sessions and self._random.random() < 0.05
        self._loop.at(self._loop.now + self._gap(), self._next)
        if not session:
            return self._send(takes, 0, 0)
        self._sessions += 1
        number, pause = self._sessions, takes + max(self._random.uniform(1, 30), self._traffic.silent_s)
        for turn in range(IN_A_SESSION):
            self._loop.at(self._loop.now + turn * pause, lambda turn=turn: self._send(takes, number, turn))  # type: ignore[misc]
        return None

    def _send(self, takes: float, session: int, turn: int) -> None:
        if self.stopped:
            return
        request = Request(
            key=(self._number, len(self.requests)),
            at=self._loop.now,
            takes_s=takes,
            session=session,
            opens=session > 0 and turn == 0,
            closes=session > 0 and turn == IN_A_SESSION - 1,
        )
        if session:
            request.key = (self._number, 1_000_000 + 100 * session + turn)
        self.requests.append(request)
        if session in self._broken:
            request.fate, request.excuse = "its session is broken", self._broken[session]
            return
        if turn and self._loop.now - self._ends[session] >= max(QUIET_S, self._traffic.longest_s):
            request.excuse = SESSION_OVER
        self._way.send(request)
        if session:
            if request.lost:
                self._broken[session] = request.excuse
            self._ends[session] = self._loop.now + takes


class Door:
    """boto3's sagemaker-runtime in front of the account, for the request that is under way."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.request: Request | None = None

    def invoke_endpoint(self, **call: Any) -> dict[str, Any]:
        assert self.request is not None
        try:
            self._account.send(call["EndpointName"], call.get("InferenceComponentName", ""), self.request)
        except Refusal as refused:
            raise refusal(refused.code, refused.message, "InvokeEndpoint", refused.status) from refused
        session = f"{self.request.key[0]}-{self.request.session}"
        opened = {"NewSessionId": f"{session}; Expires=later"} if self.request.opens else {}
        return {**opened, **({"ClosedSessionId": session} if self.request.closes else {})}

    invoke_endpoint_with_response_stream = invoke_endpoint


class ByTable:
    """tidepool_client, whole, over the table and the account."""

    def __init__(
        self, account: Account, table: Table, default: Target, *, seed: str, stream: bool, model: str = MODEL
    ) -> None:
        loop, self._account, self._default, self._model = account.loop, account, default, model
        self._door = Door(account)
        store = RouteStore(table, ROUTES_TABLE, clock=lambda: loop.now, random=Random(f"{seed} store"))
        runtime = Runtime(self._door, store, random=Random(f"{seed} choice"))
        self._invoke = runtime.invoke_endpoint_with_response_stream if stream else runtime.invoke_endpoint

    def send(self, request: Request) -> None:
        self._door.request = request
        call: dict[str, Any] = {"ModelName": self._model, "Body": b"{}", "EndpointName": self._default.endpoint}
        if self._default.component:
            call["InferenceComponentName"] = self._default.component
        if request.session:
            call["SessionId"] = NEW_SESSION if request.opens else f"{request.key[0]}-{request.session}"
        try:
            self._invoke(**call)
        except ClientError as error:
            request.fate = str(error)
            self._account.changed(f"request {request.key} failed: {error}")


class Gateway:
    """A team's own gateway: applies a wanted route a little later, then acknowledges it; repeats what never ran."""

    def __init__(self, account: Account, table: Table, weather: Weather, default: Target, *, seed: int) -> None:
        self._account, self._table, self._weather = account, table, weather
        self._random = Random(f"{seed} gateway")
        self._route = Route(0, (default,))
        self._homes: dict[tuple[int, int], Target] = {}

    def hears(self, wanted: Mapping[str, Any]) -> None:
        """An announcement came, late and perhaps twice, if it was not lost."""
        if self._weather.strikes(Kind.EVENTS_LOST):
            return
        for _ in range(self._random.choice((1, 1, 2))):
            self._account.loop.at(self._account.loop.now + self._random.uniform(1, 25), lambda: self._apply(wanted))

    def knows(self, route: Route) -> None:
        """It followed that route before anything began."""
        self._route = route

    def _apply(self, wanted: Mapping[str, Any]) -> None:
        if self._weather.on(Kind.GATEWAY_SILENT) is not None or self._weather.store_away:
            return
        if wanted["version"] < self._route.version:
            return
        targets = tuple(Target(t["endpoint"], t["component"], t["weight"]) for t in wanted["targets"])
        if wanted["version"] > self._route.version:
            self._account.changed(f"the gateway follows version {wanted['version']}")
        self._route = Route(wanted["version"], targets)
        key = wanted["acknowledge"]
        self._table.items[key] = {"model": {"S": key}, "version": {"N": str(self._route.version)}}

    def send(self, request: Request) -> None:
        session = (request.key[0], request.session)
        pinned = self._homes.get(session) if request.session else None
        target = pinned or pick(self._route, self._random)
        tries = [target]
        try:
            for one in tries:
                try:
                    self._account.send(one.endpoint, one.component, request)
                except Refusal as refused:
                    other = pick(self._route, self._random, avoid={(target.endpoint, target.component)})
                    again = refused.certain and pinned is None and len(tries) == 1
                    if not again or (other.endpoint, other.component) == (target.endpoint, target.component):
                        raise
                    tries.append(other)
                else:
                    if request.session:
                        self._homes[session] = one
                    return
        except Refusal as refused:
            request.fate = refused.message
            self._account.changed(f"request {request.key} failed: {refused.message}")


class ByRouter:
    """A SageMaker inference router: one retry on another destination, only of what nothing ran."""

    def __init__(self, account: Account, router: Router, *, seed: str) -> None:
        self._account, self._router, self._random = account, router, Random(f"{seed} choice")

    def send(self, request: Request) -> None:
        why = "the router has no destination"
        for endpoint, component in self._router.order(self._random):
            try:
                self._account.send(endpoint, component, request)
                return
            except Refusal as refused:
                why = refused.message
                if not refused.certain:
                    break
        request.fate = why
        self._account.changed(f"request {request.key} failed: {why}")


Ways = Callable[[int], Way]
