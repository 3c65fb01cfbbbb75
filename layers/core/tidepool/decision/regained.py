"""How long a machine of each type takes to come once copies were asked for that find no room on those there are.

The clock of an endpoint runs from the ask until one more is in service. A component that falls back stops no clock
while it is asked for again, so refusals count with all the time that they took; one that is given up after longer than
any launch counts with the time that was waited in vain. Of the last ones the careful end counts, each less by the day,
none after a week; and only where it clearly exceeds what fleet.yaml writes, or the launch alone (times.py).

A dedicated endpoint shows a machine once its model serves, so its clock starts when that model's start would be over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidepool.decision.spend import machines_of
from tidepool.decision.subjects import Home
from tidepool.decision.times import KEPT, OWN_MOST_S, ROOM_S, clearly, high
from tidepool.fleet import Fleet
from tidepool.memory import Lacking, Regained
from tidepool.units import MINUTE_S, WEEK_S

AGAIN_S = 10 * MINUTE_S
"""Who asks again within that time still asks: a tick notices, a limit or a freeze may hold it for some. Ours."""


def regain_s(written_s: float | None, known: Regained | None, now: int) -> float | None:
    """Seconds until a machine comes again: as written (None: never), or as seen where that is clearly longer."""
    if written_s is None or known is None:
        return written_s
    seen = [_faded(took_s, written_s, now - at) for at, took_s in known.notes]
    seen += [now - one.since for one in known.asked.values() if now - one.since > ROOM_S]
    found = high(seen) if seen else written_s
    return found if clearly(found, written_s) else written_s


def after_look(homes: Sequence[Home], fleet: Fleet, before: Mapping[str, Regained], now: int) -> dict[str, Regained]:
    """By instance type, what is known after this look at every endpoint of these homes."""
    here: dict[str, list[Home]] = {}
    for home in homes:
        here.setdefault(home.endpoint.name, []).append(home)
    after: dict[str, Regained] = {}
    for name, known in before.items():
        notes = tuple(note for note in known.notes if now - note[0] < WEEK_S)
        after[name] = Regained(notes, {end: one for end, one in known.asked.items() if end in here})
    for name, living in sorted(here.items()):
        kind = living[0].endpoint.instance_type
        known = after.get(kind, Regained())
        took_s, asked = _looked(known.asked.get(name), living, fleet, now)
        notes = known.notes if took_s is None else (*known.notes, (now, took_s))[-KEPT:]
        others = {end: one for end, one in known.asked.items() if end != name}
        after[kind] = Regained(notes, others if asked is None else {**others, name: asked})
    return {kind: known for kind, known in sorted(after.items()) if known.notes or known.asked}


def _faded(took_s: float, written_s: float, age_s: int) -> float:
    """What exceeds the written time counts less by the day."""
    return written_s + max(0.0, took_s - written_s) * (1 - age_s / WEEK_S)


def _looked(open_: Lacking | None, homes: Sequence[Home], fleet: Fleet, now: int) -> tuple[int | None, Lacking | None]:
    """(seconds that a machine took, or that one was waited for in vain; the clock that runs on)."""
    first = homes[0]
    machines, dedicated = first.endpoint.instances_now, first.component is None
    lacks = _lacks(homes, fleet)
    if open_ is None:
        return None, Lacking(_began(first, now), machines, now) if lacks else None
    if machines > open_.machines:
        took_s = now - open_.since
        rest = Lacking(now, machines, now) if lacks else None
        # Short of a wait, a dedicated endpoint's time is its model's.
        return (took_s if not dedicated or took_s > ROOM_S else None), rest
    if lacks or now - open_.at <= AGAIN_S:
        return None, replace(open_, machines=machines, at=now if lacks else open_.at)
    vain_s = open_.at - open_.since
    return (vain_s if vain_s > ROOM_S else None), None


def _began(home: Home, now: int) -> int:
    """It was asked for after the last tick, a minute ago."""
    asked_at = now - MINUTE_S
    if home.component is not None:
        return asked_at
    return asked_at + round(home.own_start_s if home.written_start_s else OWN_MOST_S)


def _lacks(homes: Sequence[Home], fleet: Fleet) -> bool:
    """Copies that AWS is placing need more machines than there are, where bounds and quota leave one."""
    endpoint, kind = homes[0].endpoint, homes[0].instance
    if kind is None or endpoint.other_types:
        return False
    held = sum(one.instances_now for one in fleet.endpoints.values() if one.instance_type == kind.name)
    if held >= kind.quota:
        return False
    if homes[0].component is None:
        return endpoint.status.busy and endpoint.instances_wanted > endpoint.instances_now
    # What nobody places any more lacks nothing: a component that failed keeps its wanted count.
    placed = {one.target: one.size_wanted if _placing(one) else one.size_now for one in homes}
    return min(machines_of(homes[0], homes, placed), endpoint.max_instances) > endpoint.instances_now


def _placing(home: Home) -> bool:
    return home.component is not None and home.component.status.busy
