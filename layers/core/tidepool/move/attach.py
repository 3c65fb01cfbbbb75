"""A model's first home: (attach, seen, now) → (attach', command | None). A move from nowhere, with the same discipline.

    create → warm → done
       └───────┴──→ back → rolled back

Keeps: the route is written only where the model has none, and only to what has answered; what goes back carries this
attach's own id; every phase has a deadline, so every attach ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tidepool.fleet import Route, Status, Target
from tidepool.fleet.asked import Answer, NewComponent
from tidepool.move.back import LINGER_S, REMOVE_S
from tidepool.move.command import Command, CreateTarget, Delete, Probe, WriteRoute
from tidepool.move.create import DEADLINE_S as CREATE_S
from tidepool.move.host_memory import asks
from tidepool.move.seen import Side
from tidepool.move.state import Phase
from tidepool.move.warm import DEADLINE_S as WARM_S
from tidepool.units import duration


@dataclass(frozen=True, slots=True)
class Attach:
    """One attach, as it is stored. `version` is the ledger's; `since` is when the phase was entered.

    intent: the newest command, saved before it is carried out. because: who asked, and why. why: how it went.
    commit: of the fleet.yaml by which it was judged.
    """

    id: str
    version: int
    model: str
    endpoint: str
    variant: str
    component: str
    sagemaker_model: str
    accelerators_per_copy: int
    memory_mb: int
    copies: int
    because: str
    phase: Phase
    since: int
    began: int
    strategy: str = "BINPACK"
    tags: Mapping[str, str] = field(default_factory=dict)
    intent: str = ""
    why: str = ""
    commit: str = ""

    @property
    def new(self) -> NewComponent:
        """What is asked of SageMaker."""
        return NewComponent(
            name=self.component,
            endpoint=self.endpoint,
            variant=self.variant,
            sagemaker_model=self.sagemaker_model,
            accelerators_per_copy=self.accelerators_per_copy,
            memory_mb=self.memory_mb,
            copies=self.copies,
            strategy=self.strategy,
            tags=self.tags,
        )

    @property
    def targets(self) -> tuple[Target, ...]:
        """The route of a model that lives here alone."""
        return (Target(self.endpoint, self.component, 100),)


@dataclass(frozen=True, slots=True)
class AttachSeen:
    """The world at one turn. `routed`: fleet.yaml declares a route. `refused`: what SageMaker said to the last command
    of this run. `held`: who and why, '' when nobody.
    """

    target: Side | None
    route: Route | None
    routed: bool
    sample: str
    probed: Answer | None = None
    refused: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True)
class AttachTurn:
    """The attach as it now is, and at most one command; never both changed and asked."""

    attach: Attach
    command: Command | None = None


def attach_step(attach: Attach, seen: AttachSeen, now: int) -> AttachTurn:
    """The next turn. An attach that has ended stays as it is."""
    match attach.phase:
        case Phase.CREATE:
            return _create(attach, seen, now)
        case Phase.WARM:
            return _warm(attach, seen, now)
        case Phase.BACK:
            return _back(attach, seen, now)
        case _:
            return AttachTurn(attach)


def _create(attach: Attach, seen: AttachSeen, now: int) -> AttachTurn:
    target = seen.target
    wrong = _wrong(attach, seen) or (f"SageMaker refused: {seen.refused}" if seen.refused else "")
    if not wrong and now - attach.since > CREATE_S:
        wrong = f"not in service within {duration(CREATE_S)}"
    if wrong and not seen.held:
        wrong = f"{wrong}; {asks(attach.accelerators_per_copy, attach.memory_mb)}"
    if wrong:
        return _go(attach, Phase.BACK, now, wrong)
    if target is None:
        return AttachTurn(attach, CreateTarget(attach.new))
    return _go(attach, Phase.WARM, now) if target.settled else AttachTurn(attach)


def _warm(attach: Attach, seen: AttachSeen, now: int) -> AttachTurn:
    if seen.route is not None and seen.route.targets == attach.targets:
        return _go(attach, Phase.DONE, now, f"callers are routed to {attach.component}")
    wrong = _wrong(attach, seen)
    if not wrong and seen.target is None:
        wrong = f"{attach.component} was removed by somebody else"
    if not wrong and now - attach.since > WARM_S:
        wrong = f"no answer within {duration(WARM_S)}: {attach.why or 'it was never asked'}"
    if wrong:
        return _go(attach, Phase.BACK, now, wrong)
    why = seen.refused or _unanswered(seen.probed)
    if why:
        # A container answers up to a minute after it is in service, and a sample may still be uploaded.
        return AttachTurn(replace(attach, why=why))
    if seen.probed is None:
        return AttachTurn(attach, Probe(seen.sample))
    if not seen.routed:
        why = f"it answers; fleet.yaml declares no route of {attach.model}, so callers must name {attach.component}"
        return _go(attach, Phase.DONE, now, why)
    return AttachTurn(attach, WriteRoute(Route(attach.model, 1, attach.targets, now)))


def _back(attach: Attach, seen: AttachSeen, now: int) -> AttachTurn:
    target = seen.target
    if seen.route is not None and seen.route.targets == attach.targets:
        # An invocation that slept since before the way back has written it: callers may be there.
        why = (
            f"{attach.why}; but callers were sent to {attach.component} meanwhile"
            f" ({target.status if target is not None else 'it is gone'}): route them elsewhere, then delete it by hand"
        )
        return _go(attach, Phase.NEEDS_PERSON, now, why)
    if target is None or target.change != attach.id:
        # A create that an invocation sent just before it was stopped would come within a minute.
        return _go(attach, Phase.ROLLED_BACK, now) if now - attach.since >= LINGER_S else AttachTurn(attach)
    if now - attach.since > REMOVE_S:
        why = f"{attach.why}; {target.name} could not be removed ({seen.refused or target.status}): delete it by hand"
        return _go(attach, Phase.NEEDS_PERSON, now, why)
    return AttachTurn(attach) if target.status is Status.DELETING else AttachTurn(attach, Delete(target.name, False))


def _wrong(attach: Attach, seen: AttachSeen) -> str:
    """Why there is nothing to wait for; '' when there is."""
    target = seen.target
    if seen.held:
        return f"held: {seen.held}"
    if target is not None and target.change != attach.id:
        return f"the name {target.name} is taken by somebody else's"
    if target is not None and target.status is Status.FAILED:
        return f"it failed: {target.failure or 'no reason given'}"
    if seen.route is not None and seen.route.targets != attach.targets:
        return f"{attach.model} has a route already: version {seen.route.version}"
    return ""


def _unanswered(probed: Answer | None) -> str:
    return "" if probed is None or probed.ok else f"it answers {probed.status}: {probed.why or 'no reason given'}"


def _go(attach: Attach, phase: Phase, now: int, why: str = "") -> AttachTurn:
    return AttachTurn(replace(attach, phase=phase, since=now, why=why or attach.why))
