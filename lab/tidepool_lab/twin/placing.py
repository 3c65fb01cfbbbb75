"""Where a copy goes and which one leaves (bench-rules 3.3). SageMaker's choice: no planner can see or steer it."""

from __future__ import annotations

from collections.abc import Iterable

from tidepool_lab.twin.state import ComponentState, Copy, CopyState, Instance


def choose_instance(
    component: ComponentState, now_s: float, *, may_launch: bool, avoid: Instance | None = None
) -> Instance | None:
    """The instance a new copy goes to; None = a new one has to be launched, or the copy waits.

    The fullest ready instance with room (tie: oldest), else a launching one with room. SPREAD first looks for
    the instance with the fewest copies of the component. Copies of a critical model never meet on one instance
    if another has room or can be launched.
    """
    roomy = [
        i
        for i in component.endpoint.instances
        if i.room >= component.accelerators and not i.given_up and i is not avoid
    ]
    if component.model.critical:
        apart = [i for i in roomy if not any(c.component.model is component.model for c in i.copies)]
        if apart or may_launch:
            roomy = apart
    ready = [i for i in roomy if i.ready_s <= now_s]
    candidates = ready or roomy
    if not candidates:
        return None
    if component.strategy == "SPREAD":
        return min(candidates, key=lambda i: (_same(component, i), i.room, i.number))
    return min(candidates, key=lambda i: (i.room, i.number))


def choose_leaving(component: ComponentState) -> Copy:
    """The ready copy on the instance with the fewest accelerators in use (tie: the youngest instance)."""
    ready = (copy for copy in component.copies if copy.state is CopyState.READY)
    return min(ready, key=lambda copy: (copy.instance.used, -copy.instance.number))


def consolidation(instances: Iterable[Instance], now_s: float) -> list[tuple[Copy, Instance]]:
    """Moves that empty one instance onto the others: its copies, each with where it goes; [] when none can.

    The emptiest instance whose copies all fit into free room elsewhere; nothing that is still starting or
    leaving is touched, and copies of a critical model do not meet.
    """
    ready = [i for i in instances if i.ready_s <= now_s and not i.given_up]
    for victim in sorted((i for i in ready if i.copies), key=lambda i: (i.used, -i.number)):
        if any(copy.state is not CopyState.READY or copy.replaces for copy in victim.copies):
            continue
        room = {i: i.room for i in ready if i is not victim and i.copies}
        crowd = {i: {c.component.model.name for c in i.copies if c.component.model.critical} for i in room}
        moves: list[tuple[Copy, Instance]] = []
        for copy in sorted(victim.copies, key=lambda c: -c.component.accelerators):
            component = copy.component
            fits = [i for i in room if room[i] >= component.accelerators and component.model.name not in crowd[i]]
            if not fits:
                break
            to = min(fits, key=lambda i: (room[i], i.number))
            room[to] -= component.accelerators
            if component.model.critical:
                crowd[to].add(component.model.name)
            moves.append((copy, to))
        else:
            return moves
    return []


def _same(component: ComponentState, instance: Instance) -> int:
    return sum(1 for copy in instance.copies if copy.component is component)
