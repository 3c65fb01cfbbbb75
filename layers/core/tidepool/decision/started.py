"""How long start-ups take: from a raise that Tidepool asked for until all its copies serve, as the ticks saw it.

Raises for which a machine came meanwhile are kept apart from those that found room: the first are a home's whole
start-up, the others its copies' own. What is seen stands where fleet.yaml writes no start; a written one it outweighs
only when it is clearly longer (times.py). A raise that waited for a machine or for room was no start-up: what that
takes is regained.py's. Another artifact, type or hosting begins anew.
"""

from __future__ import annotations

from dataclasses import replace

from tidepool.decision.subjects import Home, Subject, start_key
from tidepool.decision.times import KEPT, OWN_MOST_S, ROOM_S
from tidepool.memory import ModelMemory, Started
from tidepool.units import MINUTE_S

FOLLOWED_S = 3 * MINUTE_S
"""A raise is carried out within that time of its ask, or by none of ours: events and runs are dropped after 60 and 90 s
(template.yaml)."""


def after_look(subject: Subject, memory: ModelMemory, now: int) -> Started | None:
    """What is known after this look at the model's one home: a raise is followed, awaited, noted or left out.

    A model with several homes is on the move, and no raise of it is followed. `memory` is the last tick's.
    """
    if len(subject.homes) != 1:
        return replace(memory.started, to=0) if memory.started else None
    home, key = subject.homes[0], start_key(subject.homes[0])
    known = memory.started if memory.started is not None and memory.started.key == key else Started(key)
    machines = home.endpoint.instances_now
    if not known.to:
        to, before = max(home.size_now, home.size_wanted), memory.sizes.get(home.target, home.size_now)
        if memory.raised_at <= known.asked_at or now - memory.raised_at > FOLLOWED_S or to <= before:
            return known
        known = replace(known, asked_at=memory.raised_at, to=to, machines=machines, came_at=0)
    if machines > known.machines:
        known = replace(known, came_at=now)
    known = replace(known, machines=machines)
    if home.size_now >= known.to:
        return replace(_noted(known, home, now), to=0)
    # Somebody asked for something else meanwhile, or SageMaker found no room and gave up.
    return known if home.size_wanted == known.to else replace(known, to=0)


def _noted(known: Started, home: Home, now: int) -> Started:
    """With what the raise took, unless it waited for a machine or for room."""
    dedicated, took_s = home.component is None, now - known.asked_at
    # A dedicated endpoint shows a machine only once it serves.
    if known.came_at and not dedicated:
        waited_s = float(known.came_at - known.asked_at)
    else:
        waited_s = took_s - (home.written_start_s or OWN_MOST_S)
    if waited_s > ROOM_S:
        return known
    if known.came_at or dedicated:
        return replace(known, launched=(*known.launched, took_s)[-KEPT:])
    return replace(known, room=(*known.room, took_s)[-KEPT:])
