"""The hosting stage: every ten minutes, is there a better home for any model, and may it move there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tidepool.config.types import Config, Hosting, Via
from tidepool.decision.record import Step
from tidepool.decision.subjects import LAUNCH_UNKNOWN_S, START_UNKNOWN_S, Home, Subject
from tidepool.decision.wanted import Ahead
from tidepool.fleet import Fleet, InstanceType, Status
from tidepool.fleet.demand import Values
from tidepool.forecast.profile import BUCKET_S, between
from tidepool.hosting.cost import Place, fills_whole_instances, sizes
from tidepool.hosting.home import Terms, Verdict, choose, filled
from tidepool.memory import Memory, ModelMemory
from tidepool.sizing.copies import HEADROOM, copies_for
from tidepool.units import DAY_S, HOUR_S, MINUTE_S

CHECK_S = 10 * MINUTE_S
"""Homes change slowly: six looks an hour are enough, and cost a tenth of one a tick."""
KNOWN_S = 20 * MINUTE_S
"""Without a profile, a home is judged on the rates of the last minutes, once there are this many."""
QUOTA_SHARE = 0.8
"""Moves fill a pool to 80 % of what it can grow to, counting everybody's busiest minute (bench-rules, native_best)."""


@dataclass(frozen=True, slots=True)
class Better:
    """A model that should live elsewhere."""

    subject: Subject
    home: Home
    verdict: Verdict


def fills_after(memory: ModelMemory, subject: Subject, now: int) -> ModelMemory:
    """The model's memory with this hour's bit of `fills`, set once an hour."""
    hour = now // HOUR_S
    if memory.fills_hour == hour or len(subject.homes) != 1:
        return memory
    home = subject.homes[0]
    shift = min(24, hour - memory.fills_hour) if memory.fills_hour else 0
    bit = 1 if _fills(home, subject, memory) else 0
    return replace(memory, fills=((memory.fills << shift) | bit) & 0xFFFFFF, fills_hour=hour)


def better_homes(
    subjects: Sequence[Subject],
    fleet: Fleet,
    config: Config,
    memory: Memory,
    *,
    now: int,
    dial: float,
    ahead: Ahead | None = None,
) -> tuple[tuple[Better, ...], tuple[Step, ...]]:
    """Models that should move, the most dollars per accelerator of the scarce target first, and every verdict."""
    settled = [subject for subject in subjects if len(subject.homes) == 1 and subject.model not in fleet.moving]
    rates = {subject.model: _rates(memory, subject.model, now, ahead) for subject in settled}
    judged = [subject for subject in settled if rates[subject.model].size and subject.config.matched]
    room = _room(subjects, fleet, config, memory, rates, dial)
    first: list[tuple[float, Subject, Verdict]] = []
    for subject in judged:
        verdict = _verdict(subject, fleet, config, memory, rates[subject.model], room, now=now, dial=dial)
        first.append((-_density(verdict), subject, verdict))
    found: list[Better] = []
    steps: list[Step] = []
    for _, subject, _ in sorted(first, key=lambda item: (item[0], item[1].model)):
        home = subject.homes[0]
        verdict = _verdict(subject, fleet, config, memory, rates[subject.model], room, now=now, dial=dial)
        to = verdict.place.name if verdict.place else home.endpoint.name
        steps.append(Step("home", subject.model, home.endpoint.name, to, verdict.because))
        if verdict.place is not None:
            found.append(Better(subject, home, verdict))
            key = verdict.place.instance_type if verdict.place.dedicated else verdict.place.name
            peak = _peak(rates[subject.model], _top(memory, subject.model), verdict.place, dial)
            room[key] = room.get(key, 0) - peak * verdict.place.accelerators
    return tuple(found), tuple(steps)


def _verdict(
    subject: Subject,
    fleet: Fleet,
    config: Config,
    memory: Memory,
    rates: Values,
    room: Mapping[str, int],
    *,
    now: int,
    dial: float,
) -> Verdict:
    home, remembered = subject.homes[0], memory.models.get(subject.model, ModelMemory())
    here = _here(home)
    if here is None:
        return Verdict(None, 0, 0.0, 0.0, "nobody measured what it serves where it lives")
    others = [place for place in _places(subject, fleet, config, room) if place.name != here.name]
    floor = max(subject.config.min_copies, subject.config.zones if subject.config.min_copies else 0)
    wish = subject.config.host
    terms = Terms(
        wish=config.pools[wish].endpoint if wish in config.pools else wish,
        rates=rates,
        top=_top(memory, subject.model),
        floor=floor if subject.config.zero_after_s is not None else max(1, floor),
        headroom=HEADROOM * dial,
        filled_hours=filled(remembered.fills),
        home_since=remembered.home_since,
        now=now,
    )
    return choose(here, others, terms)


def _places(subject: Subject, fleet: Fleet, config: Config, room: Mapping[str, int]) -> list[Place]:
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


def _here(home: Home) -> Place | None:
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


def _room(
    subjects: Sequence[Subject],
    fleet: Fleet,
    config: Config,
    memory: Memory,
    rates: Mapping[str, Values],
    dial: float,
) -> dict[str, int]:
    """Accelerators left at everybody's busiest minute: by pool endpoint, and by type for new dedicated endpoints."""
    peaks: dict[str, int] = {}
    by_type: dict[str, int] = {}
    for subject in subjects:
        for home in subject.homes:
            here, known = _here(home), rates.get(subject.model)
            size = home.size_wanted
            if here is not None and known is not None and known.size:
                size = max(size, _peak(known, _top(memory, subject.model), here, dial))
            held = size * home.accelerators
            peaks[home.endpoint.name] = peaks.get(home.endpoint.name, 0) + held
            kind = home.endpoint.instance_type
            by_type[kind] = by_type.get(kind, 0) + held
    room = {}
    for name, instance in fleet.instance_types.items():
        room[name] = int(QUOTA_SHARE * instance.quota * instance.accelerators) - by_type.get(name, 0)
    for pool in config.pools.values():
        endpoint = fleet.endpoints.get(pool.endpoint)
        of_type = fleet.instance_types.get(endpoint.instance_type) if endpoint else None
        if endpoint is None or of_type is None:
            continue
        grows_to = int(QUOTA_SHARE * min(endpoint.max_instances, of_type.quota) * of_type.accelerators)
        room[endpoint.name] = min(grows_to - peaks.get(endpoint.name, 0), room[of_type.name])
    return room


def _top(memory: Memory, model: str) -> float:
    """The busiest minute known of the model, requests per second."""
    learned = memory.learned.models.get(model)
    return learned.top if learned is not None else 0.0


def _peak(rates: Values, top: float, place: Place, dial: float) -> int:
    """Copies or instances that the busiest minute known needs at that place."""
    return int(sizes(np.append(rates, top), place, floor=1, headroom=HEADROOM * dial).max())


def _rates(memory: Memory, model: str, now: int, ahead: Ahead | None) -> Values:
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


def _fills(home: Home, subject: Subject, memory: ModelMemory) -> bool:
    """Its copies, or the copies its demand would need, fill whole instances at a cost tie."""
    if home.instance is None or home.instance.accelerators < 1:
        return False
    copies, held = home.size_wanted, home.accelerators
    if home.hosting is Hosting.DEDICATED:
        shape = subject.config.shape(Hosting.SHARED, home.instance.name)
        if shape is None or not shape.concurrency or not shape.accelerators or not memory.recent:
            return False
        copies, held = copies_for(memory.recent[-1].in_flight, shape.concurrency), shape.accelerators
    per_machine = home.instance.accelerators // held if held else 0
    share = home.instance.usd_per_hour * held / home.instance.accelerators
    return fills_whole_instances(copies, per_machine, copy_usd=share, instance_usd=home.instance.usd_per_hour)


def _density(verdict: Verdict) -> float:
    """Dollars an hour saved per accelerator taken at the target; what is asked for by name comes first."""
    if verdict.place is None:
        return 0.0
    if verdict.saves_usd_per_hour <= 0:
        return float("inf")
    return verdict.saves_usd_per_hour / max(1, verdict.size * verdict.place.accelerators)


def _tenants_agree(subject: Subject, tenants: tuple[str, ...]) -> bool:
    """Two models share a machine only when both carry a label that the pool lists; a pool without labels is open."""
    return not tenants or subject.config.tenant in tenants


def movable(subject: Subject, home: Home) -> str:
    """Why this model can only be recommended a move, '' when it can move."""
    if subject.config.route.via is Via.NONE:
        return "its callers follow no route"
    if home.endpoint.unmovable:
        return home.endpoint.unmovable
    if home.component is not None and not home.component.artifact:
        return "its component is defined by a container alone: an endpoint cannot name it"
    return ""
