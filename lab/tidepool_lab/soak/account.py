"""The account: homes that come, serve and go, and every request that is sent to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tidepool.fleet import Component, Endpoint, EndpointKind, Status
from tidepool.move.naming import CHANGE_TAG
from tidepool_lab.soak.loop import Loop
from tidepool_lab.soak.meter import Meter
from tidepool_lab.soak.requests import ANSWERED, CANARY, FAILED, Request

TYPE, GPUS, VARIANT = "ml.p4d.24xlarge", 8, "AllTraffic"
"""The type of every machine here, with its A100s (sagemaker-facts, Prices), and the name of every variant."""
POOL_A, POOL_B = "pool-a", "pool-b"
ANSWERING = {Status.IN_SERVICE, Status.UPDATING}
GOES_S = 90.0
"""From the delete to nothing left to describe. Ours."""


@dataclass(slots=True, eq=False)
class Home:
    """A component (`endpoint` is its pool) or a dedicated endpoint (`endpoint` is its own name).

    ready: copies or instances in service. deaths: faults under way that keep its machines away. mute: in service, and
    answers nothing. denied: callers have no right to it. fails: it fails what callers send, and no probe. settles:
    counts creations and updates, so that only the last one's end counts.
    """

    name: str
    endpoint: str
    dedicated: bool
    artifact: str
    tags: Mapping[str, str]
    status: Status
    wanted: int
    ready: int
    meter: Meter
    changed_at: int
    failure: str = ""
    deaths: int = 0
    mute: bool = False
    denied: bool = False
    fails: bool = False
    settles: int = 0
    running: dict[tuple[int, int], Request] = field(default_factory=dict)
    sessions: set[tuple[int, int]] = field(default_factory=set)

    @property
    def change(self) -> str:
        """The id of the move that made it."""
        return self.tags.get(CHANGE_TAG, "")

    @property
    def dead(self) -> bool:
        return self.deaths > 0

    @property
    def copies(self) -> int:
        """Copies or instances that really answer."""
        return 0 if self.dead or self.status not in ANSWERING else self.ready

    @property
    def serves(self) -> bool:
        return self.copies > 0 and not self.mute

    @property
    def can(self) -> bool:
        """It is what it should be: whoever is away or mute is so by a fault."""
        return self.ready > 0 and self.status in ANSWERING


class Refusal(Exception):
    """A home does not take the request. certain: nothing ran, in words that say so (client/refusals)."""

    def __init__(self, code: str, status: int, message: str, *, certain: bool) -> None:
        super().__init__(message)
        self.code, self.status, self.message, self.certain = code, status, message, certain


class Account:
    """Homes and endpoint configs by name. Every change of state is told to `changed`, with words for a trace."""

    def __init__(self, loop: Loop, *, sampled: bool, counted_at_end: bool) -> None:
        self.loop = loop
        self.homes: dict[str, Home] = {}
        self.configs: dict[str, Mapping[str, Any]] = {}
        self.changed: Callable[[str], None] = lambda words: None
        self._meter = partial(Meter, sampled=sampled, counted_at_end=counted_at_end)

    # Homes.

    def add(
        self, name: str, endpoint: str, *, size: int, artifact: str, tags: Mapping[str, str], ready: bool = True
    ) -> Home:
        """A home, in service or being created; a dedicated one has a config of its own name."""
        status = Status.IN_SERVICE if ready else Status.CREATING
        now = self.loop.now
        home = Home(
            name=name,
            endpoint=endpoint,
            dedicated=name == endpoint,
            artifact=artifact,
            tags=dict(tags),
            status=status,
            wanted=size,
            ready=size if ready else 0,
            meter=self._meter(now),
            changed_at=int(now),
        )
        self.homes[name] = home
        if home.dedicated:
            self.configs.setdefault(name, {})
        self.update(home, status)
        return home

    def update(self, home: Home, status: Status, *, ready: int | None = None, words: str = "") -> None:
        """The home's state is this now; what can no longer run there is over."""
        home.status, home.changed_at = status, int(self.loop.now)
        home.ready = home.ready if ready is None else ready
        home.meter.resized(self.loop.now, home.copies)
        self.changed(words or f"{home.name} is {status}, {home.ready} of {home.wanted}")

    def settle_later(self, home: Home, after_s: float, ready: int, *, failure: str = "") -> None:
        """In so many seconds it is in service with `ready` copies, or failed."""
        home.settles += 1
        turn = home.settles

        def settle() -> None:
            if home.settles != turn or self.homes.get(home.name) is not home or home.status is Status.DELETING:
                return
            home.failure = failure
            self.update(home, Status.FAILED if failure else Status.IN_SERVICE, ready=0 if failure else ready)

        self.loop.at(self.loop.now + after_s, settle)

    def kill(self, home: Home, why: str, *, only_copies_from: int = 0) -> None:
        """What runs on these copies is over and unanswered. In-flight draining is UNKNOWN: this is the worse answer."""
        for place, request in enumerate(list(home.running.values())):
            if not only_copies_from or place % max(1, home.ready) >= only_copies_from:
                self._over(home, request, why)

    def remove(self, home: Home, *, by: str) -> None:
        """The home is being deleted, and gone a little later."""
        self.kill(home, f"{home.name} was deleted by {by} under it")
        self.update(home, Status.DELETING, ready=0)

        def gone() -> None:
            if self.homes.get(home.name) is home:
                del self.homes[home.name]
                self.changed(f"{home.name} is gone")

        self.loop.at(self.loop.now + GOES_S, gone)

    # Requests.

    def send(self, endpoint: str, component: str, request: Request, *, pinned: bool = False) -> Home:
        """A model works on the request from now on. Refusal when nothing takes it."""
        home = self.homes.get(component or endpoint)
        now = self.loop.now
        if home is None or home.endpoint != endpoint or home.status in {Status.DELETING, Status.CREATING}:
            what = f'inference component "{component}"' if component else f"Endpoint {endpoint} of account 1111"
            raise Refusal("ValidationError", 400, f"{what} not found.", certain=True)
        if home.denied:
            raise Refusal("AccessDeniedException", 403, f"not authorized to invoke {home.name}", certain=True)
        if home.copies == 0 and not home.dedicated:
            home.meter.refused(now, no_copy=True)
            raise Refusal(
                "ValidationError", 400, "Inference Component has no capacity to process this request.", certain=True
            )
        if home.mute or home.copies == 0:
            home.meter.refused(now, no_copy=False)
            raise Refusal("ServiceUnavailable", 503, f"{home.name} does not answer", certain=False)
        session = (request.key[0], request.session)
        if request.opens:
            home.sessions.add(session)
        elif request.session and session not in home.sessions:
            raise Refusal("ModelError", 424, f"{home.name} does not know the session", certain=False)
        if request.closes:
            home.sessions.discard(session)
        request.runs += 1
        request.where = home.name
        home.running[request.key] = request
        home.meter.began(now)
        fate = FAILED if home.fails else ANSWERED
        self.loop.at(now + request.takes_s, partial(self._over, home, request, fate))
        return home

    def _over(self, home: Home, request: Request, fate: str) -> None:
        if home.running.pop(request.key, None) is not None:
            home.meter.ended(self.loop.now, request.takes_s, failed=fate != ANSWERED)
            request.fate = fate
            request.excuse = CANARY if fate == FAILED else request.excuse
            if fate != ANSWERED:
                self.changed(f"request {request.key} failed: {fate}")

    # What Describe shows.

    def component(self, name: str) -> Component | None:
        home = self.homes.get(name)
        if home is None or home.dedicated:
            return None
        return Component(
            name=name,
            model=home.tags.get("model", ""),
            endpoint=home.endpoint,
            variant=VARIANT,
            status=home.status,
            copies_wanted=home.wanted,
            copies_now=0 if home.dead else home.ready,
            accelerators_per_copy=1,
            changed_at=home.changed_at,
            artifact=home.artifact,
            tags=dict(home.tags),
            failure=home.failure,
        )

    def endpoint(self, name: str) -> Endpoint | None:
        if name in (POOL_A, POOL_B):
            return Endpoint(
                name=name,
                kind=EndpointKind.POOL,
                config_name=f"{name}-config",
                variant=VARIANT,
                status=Status.IN_SERVICE,
                instance_type=TYPE,
                instances_now=2,
                instances_wanted=2,
                changed_at=0,
                max_instances=20,
                scale_in="IDLE_RELEASE",
            )
        home = self.homes.get(name)
        if home is None or not home.dedicated:
            return None
        return Endpoint(
            name=name,
            kind=EndpointKind.DEDICATED,
            config_name=name,
            variant=VARIANT,
            status=home.status,
            instance_type=TYPE,
            instances_now=0 if home.dead else home.ready,
            instances_wanted=home.wanted,
            changed_at=home.changed_at,
            model=home.tags.get("model", ""),
            sagemaker_model=home.artifact,
            tags=dict(home.tags),
            failure=home.failure,
        )
