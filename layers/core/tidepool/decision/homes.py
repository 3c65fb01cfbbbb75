"""The hosting stage: every ten minutes, is there a better home for any model, and may it move there?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tidepool.config.types import Config, Hosting, Via
from tidepool.decision.by_price import Market, by_price
from tidepool.decision.places import peak_of, place_of, places_of, rates_of, top_of
from tidepool.decision.record import Step
from tidepool.decision.reserved import LEAVE_S, leaves, left_endpoints, reserved_by
from tidepool.decision.subjects import Home, Subject
from tidepool.decision.wanted import Ahead
from tidepool.fleet import Fleet
from tidepool.fleet.demand import Values
from tidepool.hosting.cost import fills_whole_instances
from tidepool.hosting.home import Terms, Verdict, choose, filled
from tidepool.memory import Memory, ModelMemory
from tidepool.plan.render import moment
from tidepool.sizing.copies import HEADROOM, copies_for
from tidepool.units import HOUR_S, MINUTE_S

CHECK_S = 10 * MINUTE_S
"""Homes change slowly: six looks an hour are enough, and cost a tenth of one a tick."""
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
    headroom: float,
    ahead: Ahead | None = None,
) -> tuple[tuple[Better, ...], tuple[Step, ...]]:
    """Models that should move, the most dollars per accelerator of the scarce target first, and every verdict."""
    settled = [subject for subject in subjects if len(subject.homes) == 1 and subject.model not in fleet.moving]
    rates = {subject.model: rates_of(memory, subject.model, now, ahead) for subject in subjects}
    closed = left_endpoints(config, now)
    leaving = {subject.model for subject in settled if subject.homes[0].endpoint.name in closed}
    judged = [
        subject
        for subject in settled
        if (rates[subject.model].size or subject.model in leaving) and subject.config.matched
    ]
    room = _room(subjects, fleet, config, memory, rates, headroom)
    verdicts: dict[str, Verdict] = {}
    # Who has to go chooses first: for the others a full place is only dearer.
    for subject in sorted(judged, key=lambda one: one.model not in leaving):
        known = rates[subject.model]
        if subject.model in leaving:
            verdict = leaves(subject, fleet, config, room, known, now=now)
        else:
            verdict = _verdict(subject, fleet, config, memory, known, room, now=now, headroom=headroom)
        if verdict is not None:
            verdicts[subject.model] = verdict
            if verdict.place is not None:
                key = verdict.place.instance_type if verdict.place.dedicated else verdict.place.name
                peak = max(verdict.size, peak_of(known, top_of(memory, subject.model), verdict.place, headroom))
                room[key] = room.get(key, 0) - peak * verdict.place.accelerators
    free = {subject.model for subject in judged} - set(verdicts)
    verdicts |= by_price(subjects, free, Market(fleet, config, memory, rates, headroom))
    found: list[Better] = []
    steps: list[Step] = []
    order = {one.model: (one.model not in leaving, -_density(verdicts[one.model]), one.model) for one in judged}
    for subject in sorted(judged, key=lambda one: order[one.model]):
        home, verdict = subject.homes[0], verdicts[subject.model]
        to = verdict.place.name if verdict.place else home.endpoint.name
        steps.append(Step("home", subject.model, home.endpoint.name, to, verdict.because))
        if verdict.place is not None:
            found.append(Better(subject, home, verdict))
    return tuple(found), tuple(steps)


def _room(
    subjects: Sequence[Subject],
    fleet: Fleet,
    config: Config,
    memory: Memory,
    rates: Mapping[str, Values],
    headroom: float,
) -> dict[str, int]:
    """Accelerators left at everybody's busiest minute: by pool endpoint, and by type for new dedicated endpoints."""
    peaks: dict[str, int] = {}
    by_type: dict[str, int] = {}
    for subject in subjects:
        for home in subject.homes:
            here, known = place_of(home), rates.get(subject.model)
            size = home.size_wanted
            if here is not None and known is not None and known.size:
                size = max(size, peak_of(known, top_of(memory, subject.model), here, headroom))
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
        grows_to = int(QUOTA_SHARE * min(endpoint.grows_to, of_type.quota) * of_type.accelerators)
        room[endpoint.name] = min(grows_to - peaks.get(endpoint.name, 0), room[of_type.name])
    return room


def _verdict(
    subject: Subject,
    fleet: Fleet,
    config: Config,
    memory: Memory,
    rates: Values,
    room: Mapping[str, int],
    *,
    now: int,
    headroom: float,
) -> Verdict | None:
    home, remembered = subject.homes[0], memory.models.get(subject.model, ModelMemory())
    here = place_of(home)
    if here is None:
        return Verdict(None, 0, 0.0, 0.0, "nobody measured what it serves where it lives")
    no_place = left_endpoints(config, now) | {here.name}
    others = [place for place in places_of(subject, fleet, config, room) if place.name not in no_place]
    floor = max(subject.config.min_copies, subject.config.zones if subject.config.min_copies else 0)
    wish = subject.config.host
    terms = Terms(
        wish=config.pools[wish].endpoint if wish in config.pools else wish,
        rates=rates,
        top=top_of(memory, subject.model),
        floor=floor if subject.config.zero_after_s is not None else max(1, floor),
        headroom=HEADROOM * headroom,
        filled_hours=filled(remembered.fills),
        home_since=remembered.home_since,
        now=now,
    )
    reserved = reserved_by(home.endpoint) if home.component is None else None
    chosen = choose(here, others, terms)
    if chosen is None and reserved is not None and now < reserved.until - LEAVE_S:
        stays = f"its machines are reserved until {moment(reserved.until)}: to leave them would save nothing"
        return Verdict(None, 0, 0.0, 0.0, stays)
    return chosen


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


def movable(subject: Subject, home: Home) -> str:
    """Why this model can only be recommended a move, '' when it can move."""
    if subject.config.route.via is Via.NONE:
        return "its callers follow no route"
    if home.endpoint.unmovable:
        return home.endpoint.unmovable
    if home.component is None and home.endpoint.reservation:
        return f"it would leave its capacity reservation {home.endpoint.reservation}"
    if home.component is not None and not home.component.artifact:
        return "its component is defined by a container alone: an endpoint cannot name it"
    return ""
