"""Inference routers as the API describes them (sagemaker-facts, Inference routers), with every UNKNOWN both ways.

An update replaces all targets, in full or not at all, and is refused with ConflictException while another runs. It is
in effect some time within IN_EFFECT_S, and the router is Updating until then; each request uses the old or the new
configuration. Tests choose what nobody has measured: what Describe shows meanwhile, and how requests are spread.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from tidepool_lab.embedded.intercept import ACCOUNT, AwsError, Params
from tidepool_lab.embedded.timestamps import moment

IN_EFFECT_S = 120
"""An update is in effect 'typically within about 2 minutes' (DOC)."""
TARGETS, DESTINATIONS = 20, 10
"""A router has at most so many targets, and a target so many destinations (API)."""
UPDATE_FAILS = "the update could not be completed"

Split = Literal["even", "first", "last"]
"""How requests are spread over a target's destinations: UNKNOWN, so each of these has to be safe."""


@dataclass(slots=True)
class Router:
    """`targets` is in force; `asked` is what an update that runs asks for, from `until_s` on."""

    name: str
    targets: list[Params]
    created_s: int
    changed_s: int
    asked: list[Params] | None = None
    until_s: int = 0
    status: str = "Creating"
    fails: bool = False
    tags: list[Params] = field(default_factory=list)


@dataclass(slots=True)
class Routers:
    """A responder for the service `sagemaker`, its router operations alone; None leaves the others to somebody else.

    effect_s: how long each change runs; None draws it from `random`. shows_asked: Describe shows a running change's
    new targets. unreachable: ARNs that cannot be routed to. fail_next: the next update ends Failed, on the old targets.
    """

    now: Callable[[], int]
    random: Random
    region: str = "us-east-1"
    effect_s: int | None = IN_EFFECT_S
    shows_asked: bool = True
    split: Split = "even"
    fail_next: bool = False
    unreachable: set[str] = field(default_factory=set)
    found: dict[str, Router] = field(default_factory=dict)

    def __call__(self, operation: str, params: Params) -> Params | None:
        match operation:
            case "CreateInferenceRouter":
                return self._create(params)
            case "UpdateInferenceRouter":
                return self._update(params)
            case "DescribeInferenceRouter":
                return self._described(self._router(params["InferenceRouterName"]))
            case "DeleteInferenceRouter":
                del self.found[self._router(params["InferenceRouterName"]).name]
                return {"InferenceRouterArn": self._arn(params["InferenceRouterName"])}
            case "ListTags" if name := params["ResourceArn"].partition(":inference-router/")[2]:
                return {"Tags": deepcopy(self._router(name).tags)}
        return None

    def serving(self, router: str, target: str) -> tuple[str, ...]:
        """The destinations' ARNs that a request now may reach: of the old and, while a change runs, the new targets."""
        at = self._router(router)
        reached = {arn for targets in (at.targets, at.asked or []) for arn in self._spread(targets, target)}
        return tuple(sorted(reached))

    def in_force(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """(router, target) → the destinations' ARNs that requests reach once no change runs."""
        return {
            (name, target["Name"]): tuple(self._spread(self._router(name).targets, target["Name"]))
            for name in self.found
            if self._router(name).status not in ("Creating", "Updating")
            for target in self._router(name).targets
        }

    def _spread(self, targets: list[Params], name: str) -> list[str]:
        places = [d["ResourceArn"] for each in targets if each["Name"] == name for d in each["Destinations"]]
        match self.split:
            case "first":
                return places[:1]
            case "last":
                return places[-1:]
        return places

    def _create(self, params: Params) -> Params:
        name, now = params["InferenceRouterName"], self.now()
        if name in self.found:
            raise AwsError("ResourceAlreadyExists", f"Inference router {name} already exists.")
        self._check(params["RoutingTargets"])
        made = Router(name, deepcopy(params["RoutingTargets"]), created_s=now, changed_s=now)
        made.until_s, made.tags = now + self._effect_s(), deepcopy(params.get("Tags", []))
        self.found[name] = made
        return {"InferenceRouterArn": self._arn(name)}

    def _update(self, params: Params) -> Params:
        router = self._router(params["InferenceRouterName"])
        if router.status not in ("InService", "Failed"):
            raise AwsError("ConflictException", f"Inference router {router.name} is {router.status}.", 409)
        self._check(params["RoutingTargets"])
        router.asked, router.status, router.changed_s = deepcopy(params["RoutingTargets"]), "Updating", self.now()
        router.until_s = self.now() + self._effect_s()
        router.fails, self.fail_next = self.fail_next, False
        return {"InferenceRouterArn": self._arn(router.name)}

    def _check(self, targets: list[Params]) -> None:
        names = [target["Name"] for target in targets]
        if len(set(names)) < len(names) or len(targets) > TARGETS:
            raise AwsError("ValidationException", f"1 to {TARGETS} routing targets with different names are allowed.")
        if any(not 1 <= len(target["Destinations"]) <= DESTINATIONS for target in targets):
            raise AwsError("ValidationException", f"A routing target has 1 to {DESTINATIONS} destinations.")
        if any("RoutingStatus" in place for target in targets for place in target["Destinations"]):
            # The API takes the member; that it may be sent back is UNKNOWN, so that sending it is loud here.
            raise AwsError("ValidationException", "RoutingStatus is Describe's to say.")

    def _router(self, name: str) -> Router:
        """As it is now: a change whose time is over has ended."""
        router = self.found.get(name)
        if router is None:
            raise AwsError("ResourceNotFound", f"Could not find inference router {name}.")
        if router.status in ("Creating", "Updating") and self.now() >= router.until_s:
            if router.asked is not None and not router.fails:
                router.targets = router.asked
            router.status = "Failed" if router.fails else "InService"
            router.asked, router.fails = None, False
        return router

    def _described(self, router: Router) -> Params:
        shown = deepcopy(router.asked if router.asked is not None and self.shows_asked else router.targets)
        for target in shown:
            for place in target["Destinations"]:
                place["RoutingStatus"] = self._reach(router, place["ResourceArn"])
        reply: Params = {
            "InferenceRouterName": router.name,
            "InferenceRouterArn": self._arn(router.name),
            "RoutingTargets": shown,
            "Status": router.status,
            "CreationTime": moment(router.created_s),
            "LastModifiedTime": moment(router.changed_s),
        }
        return reply | ({"StatusReason": UPDATE_FAILS} if router.status == "Failed" else {})

    def _reach(self, router: Router, arn: str) -> str:
        if arn in self.unreachable:
            return "Unroutable"
        return "Routable" if router.status == "InService" else "Unknown"

    def _effect_s(self) -> int:
        return self.random.randint(0, IN_EFFECT_S) if self.effect_s is None else self.effect_s

    def _arn(self, name: str) -> str:
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:inference-router/{name}"


def joined(*answers: Callable[[str, Params], Params | None]) -> Callable[[str, Params], Any]:
    """One responder that asks each in turn."""

    def answer(operation: str, params: Params) -> Params | None:
        for one in answers:
            reply = one(operation, params)
            if reply is not None:
                return reply
        return None

    return answer
