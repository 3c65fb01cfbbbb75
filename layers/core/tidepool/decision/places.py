"""Where a model could live, and the day to come that it would be judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tidepool.config.types import Config, Hosting
from tidepool.decision.subjects import LAUNCH_UNKNOWN_S, START_UNKNOWN_S, Home, Subject
from tidepool.decision.wanted import Ahead
from tidepool.fleet import Fleet, InstanceType, Status
from tidepool.fleet.demand import Values
from tidepool.forecast.profile import BUCKET_S, between
from tidepool.hosting.cost import Place, sizes
from tidepool.memory import Memory
from tidepool.sizing.copies import HEADROOM
from tidepool.units import DAY_S, MINUTE_S

KNOWN_S = 20 * MINUTE_S
"""Without a profile, a home is judged on the rates of the last minutes, once there are this many."""


def places_of(subject: Subject, fleet: Fleet, config: Config, room: Mapping[str, int]) -> list[Place]:
    """Where the model could live: declared pools in service, and dedicated hosting on types with a shape.

    Where nothing says what the model serves on a type, it is no place to go.
    """
    kinds = fleet.instance_types
    places = []
    for pool in config.pools.values():
        endpoint = fleet.endpoints.get(pool.endpoint)
        if endpoint is None or endpoint.status is not Status.IN_SERVICE or not _tenants_agree(subject, pool.tenants):
            continue
        place = _place(subject, Hosting.SHARED, endpoint.name, kinds.get(endpoint.instance_type), config)
        if place is not None:
            places.append(replace(place, room=max(0, room.get(endpoint.name, 0)) // place.accelerators))
    for name in sorted(kinds):
        place = _place(subject, Hosting.DEDICATED, f"dedicated:{name}", kinds[name], config)
        if place is not None:
            places.append(replace(place, room=max(0, room.get(name, 0)) // place.accelerators))
    return places


def _place(subject: Subject, hosting: Hosting, name: str, kind: InstanceType | None, config: Config) -> Place | None:
    shape = subject.config.shape(hosting, kind.name) if kind is not None else None
    if kind is None or kind.accelerators < 1 or shape is None or shape.concurrency is None or shape.service_s is None:
        return None
    dedicated = hosting is Hosting.DEDICATED
    accelerators = kind.accelerators if dedicated else shape.accelerators
    if not accelerators or accelerators > kind.accelerators:
        return None
    declared = config.instances.get(kind.name)
    launch = declared.launch_s if declared is not None and declared.launch_s is not None else LAUNCH_UNKNOWN_S
    return Place(
        name=name,
        dedicated=dedicated,
        instance_type=kind.name,
        unit=shape.concurrency,
        accelerators=accelerators,
        usd=kind.usd_per_hour * accelerators / kind.accelerators,
        service_s=shape.service_s,
        start_s=launch + (shape.start_s or START_UNKNOWN_S),
        room=0,
    )


def place_of(home: Home) -> Place | None:
    if home.shape is None or home.shape.concurrency is None or home.instance is None or home.instance.accelerators < 1:
        return None
    dedicated = home.hosting is Hosting.DEDICATED
    return Place(
        name=f"dedicated:{home.instance.name}" if dedicated else home.endpoint.name,
        dedicated=dedicated,
        instance_type=home.instance.name,
        unit=home.shape.concurrency,
        accelerators=home.accelerators,
        usd=home.unit_usd_per_hour,
        service_s=home.service_s,
        start_s=home.start_s,
        room=0,
    )


def top_of(memory: Memory, model: str) -> float:
    """The busiest minute known of the model, requests per second."""
    learned = memory.learned.models.get(model)
    return learned.top if learned is not None else 0.0


def peak_of(rates: Values, top: float, place: Place, dial: float) -> int:
    """Copies or instances that the busiest minute known needs at that place."""
    return int(sizes(np.append(rates, top), place, floor=1, headroom=HEADROOM * dial).max())


def rates_of(memory: Memory, model: str, now: int, ahead: Ahead | None) -> Values:
    """Rates of a typical day, requests per second, the newest last; empty while too little is known.

    With `ahead` they are the true ones of the next 24 hours, as means of 10 minutes like a profile's.
    """
    learned = memory.learned.models.get(model)
    remembered = memory.models.get(model)
    recent = remembered.recent if remembered else ()
    newest = recent[-1].rate if recent else 0.0
    if ahead is not None:
        # A `now` inside a minute has the beginnings of a 1,441st: only the whole day counts.
        minutes = ahead(model, now, now + DAY_S)[: DAY_S // MINUTE_S]
        return np.append(minutes.reshape(-1, BUCKET_S // MINUTE_S).mean(axis=1) / MINUTE_S, newest)
    if learned is not None and learned.minutes * MINUTE_S >= DAY_S:
        level = remembered.level if remembered else 1.0
        return np.append(between(learned.profile, now, now + DAY_S - 1) * level, newest)
    if not recent or now - recent[0].at < KNOWN_S:
        return np.empty(0)
    return np.array([minute.rate for minute in recent])


def _tenants_agree(subject: Subject, tenants: tuple[str, ...]) -> bool:
    """Two models share a machine only when both carry a label that the pool lists; a pool without labels is open."""
    return not tenants or subject.config.tenant in tenants
