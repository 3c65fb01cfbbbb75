"""Application Auto Scaling as fleet.yaml wants it: suspended (adopt), its minimum ahead of demand (floor), or alone.

What was changed is handed back as it was found when fleet.yaml says yield, when the model may no longer be scaled, and
when people leave. What its owner changes meanwhile is its owner's: it is never set back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidepool.config.types import Config, Rung
from tidepool.decision.record import Held
from tidepool.decision.standing import frozen, held_by_people
from tidepool.decision.wanted import Wanted
from tidepool.fleet import Fleet, leaving
from tidepool.fleet.writers import PAUSED, ScalingTarget
from tidepool.guard.limits import Allowance
from tidepool.guard.verdict import Asked, passes
from tidepool.plan.change import SetAutoscaling, change_id
from tidepool.units import rounded


def scaler_changes(
    wanted: Sequence[Wanted],
    fleet: Fleet,
    config: Config,
    *,
    allowance: Allowance,
    room: Callable[[Wanted], int],
    budget_left: float | None,
    now: int,
) -> tuple[tuple[SetAutoscaling, ...], tuple[Held, ...]]:
    """(what its targets should become, what the guard held back of that), by target.

    A minimum is raised within what quota, budget and limits have left after the changes of counts.
    """
    by_target = {one.home.target: one for one in wanted}
    left = leaving(fleet.signals, now)
    changes: list[SetAutoscaling] = []
    held: list[Held] = []
    for target, scaler in sorted(fleet.scalers.items()):
        one, mode = by_target.get(target), config.writers.autoscaling
        if left or mode == "yield" or one is None or one.subject.rung < _needed(one, Rung.RAISE):
            model = "" if one is None else one.subject.model
            changes += _back(scaler, fleet, model, "people leave" if left else "as it was found", now)
        elif held_by_people(one.subject, one.home, fleet, now=now):
            continue
        elif mode == "adopt":
            changes += _adopted(one, scaler, fleet, now)
        else:
            change, bound = _floor(one, scaler, fleet, allowance, room(one), budget_left, now)
            changes += change
            held += bound
    return tuple(changes), tuple(held)


def _needed(one: Wanted, rung: Rung) -> Rung:
    return max(rung, Rung.SIZE) if one.home.component is None else rung


def _back(scaler: ScalingTarget, fleet: Fleet, model: str, because: str, now: int) -> list[SetAutoscaling]:
    taken = fleet.taken.get(scaler.resource)
    if taken is None:
        return []
    minimum, suspended = taken.owners(scaler)
    return _change(scaler, model or taken.model, minimum, suspended, f"handed back: {because}", now, back=True)


def _adopted(one: Wanted, scaler: ScalingTarget, fleet: Fleet, now: int) -> list[SetAutoscaling]:
    """Suspended, with the minimum its owner gave it; handed back on a rung that may not lower."""
    if one.subject.rung < _needed(one, Rung.SCALE):
        return _back(scaler, fleet, one.subject.model, "its rung may not lower", now)
    taken = fleet.taken.get(scaler.resource)
    minimum = scaler.minimum if taken is None else taken.owners(scaler)[0]
    resumed = taken is not None and taken.done and taken.ours.suspended == PAUSED != scaler.suspended
    suspended = scaler.suspended if resumed else PAUSED
    return _change(scaler, one.subject.model, minimum, suspended, "writers.autoscaling is adopt", now)


def _floor(
    one: Wanted,
    scaler: ScalingTarget,
    fleet: Fleet,
    allowance: Allowance,
    room: int,
    budget_left: float | None,
    now: int,
) -> tuple[list[SetAutoscaling], list[Held]]:
    """The minimum is what is wanted, between its owner's minimum and maximum."""
    taken = fleet.taken.get(scaler.resource)
    least, suspended = (scaler.minimum, scaler.suspended) if taken is None else taken.owners(scaler)
    minimum, bound = scaler.minimum, []
    to = max(least, min(one.size, scaler.maximum)) if one.evidence else minimum
    if to != minimum:
        needed, up = _needed(one, Rung.RAISE if to > minimum else Rung.SCALE), to > minimum
        forbids = "" if one.subject.rung >= needed else f"act is {one.subject.rung.name.lower()}"
        # Copies beyond the minimum are there already: they take no room and no money.
        has = max(minimum, min(one.home.size_wanted, to)) if up else minimum
        asked = Asked(
            size_from=has,
            size_to=to,
            floor=one.floor,
            instances=one.home.component is None,
            rung_forbids=forbids,
            held="",
            evidence="",
            busy="",
            frozen=frozen(one.subject, fleet, now=now),
            room=room,
            usd_each=one.home.unit_usd_per_hour,
        )
        passed = passes(asked, allowance=allowance, budget_left=budget_left)
        if passed.bound:
            bound.append(Held("SetAutoscaling", scaler.target, minimum, to, passed.bound, passed.because))
        minimum = passed.size_to
    usd = rounded(max(0, minimum - one.home.size_wanted) * one.home.unit_usd_per_hour)
    return _change(scaler, one.subject.model, minimum, suspended, one.because, now, usd=usd), bound


def _change(
    scaler: ScalingTarget,
    model: str,
    minimum: int,
    suspended: str,
    because: str,
    now: int,
    *,
    back: bool = False,
    usd: float = 0.0,
) -> list[SetAutoscaling]:
    if (minimum, suspended) == (scaler.minimum, scaler.suspended):
        return []
    return [
        SetAutoscaling(
            id=change_id(now, "autoscaling", scaler.resource, f"{minimum} {suspended}"),
            model=model,
            target=scaler.target,
            resource=scaler.resource,
            min_from=scaler.minimum,
            min_to=minimum,
            suspended_from=scaler.suspended,
            suspended_to=suspended,
            gives_back=back,
            because=because,
            usd_per_hour=usd,
        )
    ]
