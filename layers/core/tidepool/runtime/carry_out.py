"""One hand's act: look again, act once or not at all, and record which.

The order matters. Holds come first, because a person's word is newer than the decision. Then the world is
described again: 'already so' is success, a world that differs from what the change expected makes it
superseded, and one that AWS is changing makes it busy. The next tick decides anew from what is then true,
so nothing here ever tries twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from tidepool.errors import Busy, HostingError, NotFound, Throttled, Unreachable
from tidepool.fleet import Component, Endpoint, SignalKind
from tidepool.fleet.hold_tag import holds_by_tag
from tidepool.plan.change import ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds
from tidepool.runtime.breaker import LOOK_BACK_S, PAUSE_S, PAUSED, Tried, opens, paused, target_of
from tidepool.runtime.ports import Operation, Ports
from tidepool.runtime.set_autoscaling import autoscaling_differs, set_autoscaling
from tidepool.units import HOUR_S, duration

Act = ScaleCopies | ScaleInstances | SetBounds | SetAutoscaling

BOUNDS_QUIET_S = 6 * HOUR_S
"""After an UpdateEndpoint that came back on its old config, bounds are not tried again for this long: each
try may rebuild the fleet (sagemaker-facts: UNKNOWN), so one refusal is enough for a person to see."""
CAME_BACK = "came back"
"""The outcome of a change that SageMaker accepted and rolled back, once people were told of it."""


def carry_out(ports: Ports, change: Act, now: int) -> Operation:
    """The change is made, or it is recorded why not: the words of Operation, or paused."""
    before = ports.ledger.operations(now - LOOK_BACK_S)
    outcome, why = _outcome(ports, change, before, now)
    operation = Operation(change=change, at=now, outcome=outcome, why=why)
    ports.ledger.record(operation)
    if outcome == "failed" and isinstance(change, Tried) and opens(change, before):
        told = {"target": target_of(change), "why": why, "for_s": PAUSE_S, "change": change.id}
        ports.bus.announce("writes-paused", told, now)
    return operation


def _outcome(ports: Ports, change: Act, before: Sequence[Operation], now: int) -> tuple[str, str]:
    stopped = _stopped(ports, change, now)
    if stopped:
        return "superseded", stopped
    refused = paused(change, before, now) if isinstance(change, Tried) else ""
    if refused:
        return PAUSED, refused
    try:
        verdict = _differs(ports, change, now)
        if verdict is None:
            _act(ports, change)
    except NotFound as error:
        verdict = "superseded", str(error)
    except Busy as error:
        verdict = "busy", str(error)
    except Throttled as error:
        verdict = "unanswered", str(error)
    except HostingError as error:
        verdict = "failed", str(error)
    except Unreachable as error:
        verdict = "unanswered", f"{error}; whether it was accepted is not known, the next tick sees"
    return verdict or ("done", "")


def _stopped(ports: Ports, change: Act, now: int) -> str:
    """Why a person's signal forbids this now; '' when nothing does."""
    if isinstance(change, SetAutoscaling) and change.gives_back:
        return ""
    scopes = {"*", change.pool if isinstance(change, SetBounds) else change.model}
    for signal in ports.ledger.signals(now):
        if signal.scope not in scopes:
            continue
        if signal.kind is SignalKind.HOLD:
            return f"held by {signal.who}: {signal.why}"
        if signal.kind is SignalKind.FREEZE and _lowers_or_bounds(change):
            return f"frozen by {signal.who}: {signal.why}"
    return ""


def _lowers_or_bounds(change: Act) -> bool:
    match change:
        case ScaleCopies():
            return change.copies_to < change.copies_from
        case ScaleInstances():
            return change.instances_to < change.instances_from
        case SetAutoscaling():
            return change.min_to < change.min_from
        case SetBounds():
            return True
        case _:
            assert_never(change)


def _differs(ports: Ports, change: Act, now: int) -> tuple[str, str] | None:
    """(outcome, why) when the world is not as the change expected it; None when it can be made now."""
    match change:
        case ScaleCopies():
            component = ports.hosting.component(change.component)
            if component.endpoint != change.endpoint:
                return "superseded", f"{component.name} is on {component.endpoint}, not on {change.endpoint}"
            wanted, busy = component.copies_wanted, component.status.busy
            return _held(component, now) or _compared(
                wanted, change.copies_from, change.copies_to, "copies", component.status if busy else ""
            )
        case ScaleInstances():
            endpoint = ports.hosting.endpoint(change.endpoint)
            wanted, busy = endpoint.instances_wanted, endpoint.status.busy
            return _held(endpoint, now) or _compared(
                wanted, change.instances_from, change.instances_to, "instances", endpoint.status if busy else ""
            )
        case SetAutoscaling():
            return autoscaling_differs(ports, change)
        case SetBounds():
            return _bounds_differ(ports, change, now)
        case _:
            assert_never(change)


def _held(home: Component | Endpoint, now: int) -> tuple[str, str] | None:
    """What a tag on the home itself says, which may be newer than the decision."""
    return next((("superseded", f"held by {hold.who}: {hold.why}") for hold in holds_by_tag([home], now)), None)


def _compared(wanted: int, expected: int, to: int, what: str, busy: str) -> tuple[str, str] | None:
    if wanted == to:
        return "already", f"{to} {what} are already wanted"
    if wanted != expected:
        return "superseded", f"{wanted} {what} are wanted, the decision saw {expected}"
    if busy:
        return "busy", f"it is {busy}"
    return None


def _bounds_differ(ports: Ports, change: SetBounds, now: int) -> tuple[str, str] | None:
    endpoint = ports.hosting.endpoint(change.endpoint)
    if (endpoint.min_instances, endpoint.max_instances) == (change.min_to, change.max_to):
        return "already", f"bounds are already {change.min_to} to {change.max_to}"
    if endpoint.status.busy:
        return "busy", f"it is {endpoint.status}"
    if endpoint.config_name != change.config_from:
        return "superseded", f"its config is {endpoint.config_name}, the decision saw {change.config_from}"
    if (endpoint.min_instances, endpoint.max_instances) != (change.min_from, change.max_from):
        return "superseded", f"bounds are {endpoint.min_instances} to {endpoint.max_instances}"
    before = _accepted_bounds(ports, now - BOUNDS_QUIET_S).get(change.endpoint)
    if before is not None and before.config_from == endpoint.config_name:
        # Accepted before, settled now, and yet on the config it came from: SageMaker rolled it back.
        return "failed", (
            f"change {before.id} came back on the old config {endpoint.config_name}; "
            f"not tried again for {duration(BOUNDS_QUIET_S)}. Look at the endpoint's events."
        )
    return None


def _act(ports: Ports, change: Act) -> None:
    match change:
        case ScaleCopies():
            ports.hosting.set_copies(change.component, change.copies_to, change=change.id)
        case ScaleInstances():
            ports.hosting.set_instances(change.endpoint, change.variant, change.instances_to, change=change.id)
        case SetAutoscaling():
            set_autoscaling(ports, change)
        case SetBounds():
            ports.hosting.set_bounds(change.endpoint, minimum=change.min_to, maximum=change.max_to, change=change.id)
        case _:
            assert_never(change)


def bounds_that_came_back(ports: Ports, since: int) -> tuple[tuple[SetBounds, bool], ...]:
    """Every bounds change accepted since then and settled by now, with whether the endpoint carries it.

    Read by learn each hour. Right whether AWS changes bounds in place or rebuilds the fleet: it compares
    the bounds and the config's name that the endpoint shows, never how long the update took.
    """
    settled = []
    for name, change in sorted(_accepted_bounds(ports, since).items()):
        try:
            endpoint = ports.hosting.endpoint(name)
        except NotFound:
            # Deleted since: its bounds are nobody's concern.
            continue
        if not endpoint.status.busy:
            settled.append((change, endpoint.config_name != change.config_from))
    return tuple(settled)


def _accepted_bounds(ports: Ports, since: int) -> dict[str, SetBounds]:
    """By endpoint, the newest bounds change that SageMaker accepted."""
    last: dict[str, SetBounds] = {}
    for operation in sorted(ports.ledger.operations(since), key=lambda operation: operation.at):
        if isinstance(operation.change, SetBounds) and operation.outcome == "done":
            last[operation.change.endpoint] = operation.change
    return last
