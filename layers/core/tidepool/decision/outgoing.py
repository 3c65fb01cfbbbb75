"""The guard stage: which of the wanted sizes go out now, in order of priority, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidepool.config.types import Bounds, Config, Rung
from tidepool.decision.record import Held
from tidepool.decision.scalers import scaler_changes
from tidepool.decision.spend import least_usd_per_hour
from tidepool.decision.standing import forbids, frozen, frozen_for, held, pool_held
from tidepool.decision.wanted import Wanted
from tidepool.fleet import Fleet
from tidepool.guard.arbitration import Taken, Urgency, told, urgency
from tidepool.guard.limits import Allowance, allowance
from tidepool.guard.verdict import Asked, Passed, passes
from tidepool.memory import Memory
from tidepool.packing.instances import instances_for
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetBounds, change_id
from tidepool.units import MINUTE_S, rounded


def outgoing(
    wanted: Sequence[Wanted],
    fleet: Fleet,
    config: Config,
    memory: Memory,
    *,
    now: int,
    minima: Mapping[str, int] | None = None,
) -> tuple[tuple[Change, ...], tuple[Held, ...], dict[str, int]]:
    """Changes, what was held, and the planned size of every target.

    In the order of guard/arbitration.py: so when quota, budget or a limit binds, who goes without is decided by what it
    costs, and the record says who got it. minima: by pool, machines that its minimum is to hold (keep.py).
    """
    planned = {one.home.target: one.home.size_wanted for one in wanted}
    left = _allowance(wanted, fleet, config, memory, now)
    room = Room(wanted, fleet)
    budget = _budget_left(wanted, config, planned)
    changes: list[Change] = []
    held_back: list[Held] = []
    taken = Taken()
    asking = [one for one in wanted if one.size != one.home.size_wanted or not one.evidence]
    for one in sorted(asking, key=lambda one: _urgency(one, memory, now)):
        asked = _asked(one, fleet, room, now)
        passed = passes(asked, allowance=left, budget_left=budget)
        if passed.bound:
            held_back.append(_held(one, passed, taken))
        if passed.size_to == one.home.size_wanted:
            continue
        change = _change(one, passed.size_to, now)
        changes.append(change)
        planned[one.home.target] = passed.size_to
        taken.take(one.subject.model, _takes(one))
        left = _less(left, change)
        room.take(one, passed.size_to - one.home.size_wanted)
        if budget is not None:
            budget -= max(0.0, change.usd_per_hour)
    bounds, recommended = _bounds(wanted, fleet, config, minima or {}, now=now)
    scalers, bound = scaler_changes(wanted, fleet, config, allowance=left, room=room.left, budget_left=budget, now=now)
    return (*changes, *bounds, *scalers), (*held_back, *recommended, *bound), planned


class Room:
    """Accelerators still free by pool, and instances by type, under the pools' maxima and the account's quotas."""

    def __init__(self, wanted: Sequence[Wanted], fleet: Fleet) -> None:
        self._fleet = fleet
        self._held: dict[str, int] = {}
        self._dedicated: dict[str, int] = {}
        # Dedicated endpoints are counted by what they are to have, so not by what they have as well.
        self._tracked = {one.home.endpoint.name for one in wanted if one.home.component is None}
        for one in wanted:
            self.take(one, max(one.home.size_wanted, one.home.size_now))

    def take(self, one: Wanted, more: int) -> None:
        """`more` copies or instances of this home are spoken for. Lowering frees nothing yet: it takes a while."""
        if one.home.component is None:
            kind = one.home.endpoint.instance_type
            self._dedicated[kind] = self._dedicated.get(kind, 0) + max(0, more)
        else:
            pool = one.home.endpoint.name
            self._held[pool] = self._held.get(pool, 0) + max(0, more) * one.home.accelerators

    def left(self, one: Wanted) -> int:
        """How many more copies or instances this home could get."""
        endpoint, instance = one.home.endpoint, one.home.instance
        if instance is None:
            return max(0, one.size - one.home.size_wanted)
        tracked = {name for name in self._tracked if name != endpoint.name}
        others = sum(
            other.instances_now
            for other in self._fleet.endpoints.values()
            if other.instance_type == instance.name and other.name != endpoint.name and other.name not in tracked
        )
        dedicated = self._dedicated.get(instance.name, 0)
        if one.home.component is None:
            return instance.quota - others - dedicated
        machines = min(endpoint.grows_to, max(0, instance.quota - others - dedicated))
        return max(0, machines * instance.accelerators - self._held.get(endpoint.name, 0)) // one.home.accelerators


def _asked(one: Wanted, fleet: Fleet, room: Room, now: int) -> Asked:
    home, subject = one.home, one.subject
    up = one.size > home.size_wanted
    moving = subject.model in fleet.moving
    return Asked(
        size_from=home.size_wanted,
        size_to=one.size,
        floor=one.floor,
        instances=home.component is None,
        rung_forbids=forbids(subject, home, up),
        held=held(subject, home, fleet, now=now),
        evidence="" if one.evidence else one.because,
        busy=home.busy or ("its move is under way" if moving and not up else ""),
        frozen=frozen(subject, fleet, now=now),
        room=room.left(one) if up else 0,
        usd_each=home.unit_usd_per_hour,
    )


STAKE_S = 5 * MINUTE_S
"""A rate as old as that still says what is at stake: demand is read a minute or two late. Ours."""


def _urgency(one: Wanted, memory: Memory, now: int) -> Urgency:
    terms, more = one.subject.config, one.size - one.home.size_wanted
    known = memory.models.get(one.subject.model)
    newest = known.recent[-1] if known is not None and known.recent else None
    at_stake = None
    # A rate of nothing is no stake of nothing: who sleeps has no rate, and callers all the same.
    if more > 0 and newest is not None and newest.rate > 0 and now - newest.at <= STAKE_S:
        at_stake = rounded(newest.rate * more / one.size)
    return urgency(
        name=one.home.target,
        lowering=more < 0,
        roll=one.rolls,
        priority=terms.priority,
        miss_usd=terms.miss_usd,
        at_stake=at_stake,
    )


def _takes(one: Wanted) -> tuple[str, ...]:
    """What a change of this home takes of: its pool's room, or its type's; the budget; a limit."""
    paid = ("budget",) if one.size > one.home.size_wanted else ()
    if one.home.component is None:
        return (f"type {one.home.endpoint.instance_type}", "instances", *paid)
    return (f"pool {one.home.endpoint.name}", "copies", *paid)


def _lost(one: Wanted, bound: str) -> tuple[str, ...]:
    """What this home lost in, when that bound: dedicated endpoints take of their type, and so of every pool of it."""
    home, kind = one.home, f"type {one.home.endpoint.instance_type}"
    match bound:
        case "quota":
            return (kind,) if home.component is None else (f"pool {home.endpoint.name}", kind)
        case "limits":
            return ("instances",) if home.component is None else ("copies",)
        case _:
            return (bound,)


def _change(one: Wanted, size: int, now: int) -> ScaleCopies | ScaleInstances:
    home = one.home
    usd_per_hour = rounded((size - home.size_wanted) * home.unit_usd_per_hour)
    if home.component is not None:
        return ScaleCopies(
            id=change_id(now, "copies", home.target, size),
            model=one.subject.model,
            component=home.target,
            endpoint=home.endpoint.name,
            copies_from=home.size_wanted,
            copies_to=size,
            because=one.because,
            usd_per_hour=usd_per_hour,
        )
    return ScaleInstances(
        id=change_id(now, "instances", home.target, size),
        model=one.subject.model,
        endpoint=home.endpoint.name,
        variant=home.endpoint.variant,
        instances_from=home.size_wanted,
        instances_to=size,
        because=one.because,
        usd_per_hour=usd_per_hour,
    )


def _held(one: Wanted, passed: Passed, taken: Taken) -> Held:
    dedicated, before = one.home.component is None, one.home.size_wanted
    because = told(
        passed,
        denied=abs(one.size - passed.size_to),
        asked=abs(one.size - before),
        unit="instances" if dedicated else "copies",
        winners=taken.winners(one.subject.model, _lost(one, passed.bound)),
    )
    kind = "ScaleInstances" if dedicated else "ScaleCopies"
    return Held(kind, one.home.target, before, one.size, passed.bound, because)


def _allowance(wanted: Sequence[Wanted], fleet: Fleet, config: Config, memory: Memory, now: int) -> Allowance:
    limits = config.safety.limits
    return allowance(
        fleet_copies=sum(one.home.size_wanted for one in wanted if one.home.component is not None),
        copies_per_tick=limits.copies_per_tick,
        lowered_per_hour=limits.lowered_per_hour,
        instances_per_hour=limits.instances_per_hour,
        lowered=memory.lowered,
        instance_changes=memory.instance_changes,
        now=now,
    )


def _less(left: Allowance, change: ScaleCopies | ScaleInstances) -> Allowance:
    match change:
        case ScaleCopies():
            up = change.copies_to - change.copies_from
            return left.less(copies=abs(up), lowered=max(0, -up))
        case ScaleInstances():
            return left.less(instances=abs(change.instances_to - change.instances_from))


def _budget_left(wanted: Sequence[Wanted], config: Config, planned: dict[str, int]) -> float | None:
    """Dollars an hour that may still be added; None without a budget. What runs now is not taken away for it."""
    if config.money.budget_usd_per_hour is None:
        return None
    everyone = tuple({one.subject.model: one.subject for one in wanted}.values())
    return config.money.budget_usd_per_hour - least_usd_per_hour(everyone, planned)


def _bounds(
    wanted: Sequence[Wanted], fleet: Fleet, config: Config, minima: Mapping[str, int], *, now: int
) -> tuple[list[Change], list[Held]]:
    """A pool whose maximum stands in the way of what is wanted gets a wider one, where the pool says `write`.

    So does one whose minimum does not hold what is kept; nothing lowers a minimum: it is a person's, before and after.
    Rarely, and with a wide ceiling: whether AWS changes bounds in place or rebuilds the fleet is unknown.
    """
    changes: list[Change] = []
    recommended: list[Held] = []
    for pool in config.pools.values():
        endpoint = fleet.endpoints.get(pool.endpoint)
        here = [one for one in wanted if one.home.component is not None and one.home.endpoint.name == pool.endpoint]
        kind = here[0].home.instance if here else None
        if endpoint is None or kind is None or pool.bounds is Bounds.NEVER:
            continue
        held = max(1, kind.accelerators)
        machines = instances_for([(one.size, min(one.home.accelerators, held)) for one in here], held)
        least, most = max(minima.get(endpoint.name, 0), endpoint.min_instances), endpoint.max_instances
        wider = machines > most and most < kind.quota
        if not wider and least == endpoint.min_instances:
            continue
        ceiling = min(kind.quota, machines + max(2, machines // 4)) if wider else most
        because = (
            f"its models want {machines} instances, its maximum is {most}"
            if wider
            else f"{least} instances are to be kept, its minimum is {endpoint.min_instances}"
        )
        allowed = min([pool.act, config.act]) >= Rung.SIZE and pool.bounds is Bounds.WRITE
        hands_off, cold = pool_held(pool, fleet, now=now), frozen_for({pool.name}, fleet, now=now)
        if not allowed or hands_off or endpoint.status.busy or cold:
            stopped = "hold" if hands_off else ("busy" if endpoint.status.busy else "freeze")
            reason = stopped if allowed else "recommend"
            was, will = (most, ceiling) if wider else (endpoint.min_instances, least)
            recommended.append(Held("SetBounds", endpoint.name, was, will, reason, because))
            continue
        changes.append(
            SetBounds(
                id=change_id(now, "bounds", endpoint.name, ceiling if wider else f"{least}-{most}"),
                pool=pool.name,
                endpoint=endpoint.name,
                variant=endpoint.variant,
                config_from=endpoint.config_name,
                min_from=endpoint.min_instances,
                min_to=least,
                max_from=most,
                max_to=ceiling,
                because=because,
                usd_per_hour=0.0,
            )
        )
    return changes, recommended
