"""Sets a scaling target as decide asked, after its owner's own settings lie in the ledger: they are never lost."""

from __future__ import annotations

from dataclasses import replace

from tidepool.fleet import ScalingTarget, Taken
from tidepool.plan.change import SetAutoscaling
from tidepool.runtime.ports import Ports


def autoscaling_differs(ports: Ports, change: SetAutoscaling) -> tuple[str, str] | None:
    """(outcome, why) when the target is not as the change expected it; None when it can be set now."""
    now = ports.autoscaling.targets().get(change.target)
    if now is None:
        return "superseded", f"Application Auto Scaling has no target {change.resource} any more"
    if (now.minimum, now.suspended) == (change.min_to, change.suspended_to):
        return "already", f"{change.resource} is so already"
    if (now.minimum, now.suspended) != (change.min_from, change.suspended_from):
        return "superseded", (
            f"{change.resource} has minimum {now.minimum} and {now.suspended or 'nothing'} suspended, the decision saw "
            f"{change.min_from} and {change.suspended_from or 'nothing'}"
        )
    return None


def set_autoscaling(ports: Ports, change: SetAutoscaling) -> None:
    """The target is set, and what it was before us is kept. A stop in between is seen by Taken.done."""
    now = ports.autoscaling.targets()[change.target]
    to = replace(now, minimum=change.min_to, suspended=change.suspended_to)
    known = next((one for one in ports.ledger.taken() if one.found.resource == change.resource), None)
    taken = Taken(change.model, _found(now, known), before=now, ours=to, version=known.version if known else 0)
    ports.ledger.save_taken(taken, expected_version=taken.version)
    ports.autoscaling.set(to, change=change.id)
    ports.ledger.save_taken(replace(taken, done=True), expected_version=taken.version + 1)


def _found(now: ScalingTarget, known: Taken | None) -> ScalingTarget:
    """As its owner wants it: what somebody else changed since is theirs."""
    if known is None:
        return now
    minimum, suspended = known.owners(now)
    return replace(now, minimum=minimum, suspended=suspended)
