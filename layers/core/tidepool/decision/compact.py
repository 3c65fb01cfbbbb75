"""The compaction stage: where a pool holds more machines than its copies fill, copies are rolled onto fuller ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tidepool.decision.spend import machines_of
from tidepool.decision.standing import forbids, frozen, held
from tidepool.decision.wanted import Wanted
from tidepool.fleet import Fleet
from tidepool.memory import Loose, Memory, ModelMemory
from tidepool.packing.rolls import Rollable, rolls
from tidepool.sizing.price import CHANGE_USD
from tidepool.units import HOUR_S, MINUTE_S, rounded

LOOSE_S = 12 * MINUTE_S
"""A pool is loose once machines could go for so long: an empty one goes by itself after ten to twelve minutes."""
AGAIN_S = 3 * HOUR_S
"""Nobody is rolled again before: where a roll of its emptied no machine, another's may. Ours."""
QUIET_S = LOOSE_S + 2 * MINUTE_S
"""So long after a lowering a machine may go by it: its copy leaves within a minute, and a tick sees what went."""
SETTLED_S = 5 * MINUTE_S
"""Nobody is rolled who was changed in the last five minutes: it may be changed back. Ours."""
FADED = 0.999
"""What is left of a pool's tries after a tick: half of them after half a day. Ours."""
GIVE_UP_S = HOUR_S // 2
"""A roll whose second half could not be done for so long is forgotten; the size stage then decides as ever."""


def compact(
    wanted: Sequence[Wanted], fleet: Fleet, memory: Memory, *, now: int, kept: Mapping[str, int] | None = None
) -> tuple[tuple[Wanted, ...], Memory]:
    """`wanted` with one more copy for each component that begins to roll; the memory knows since when pools are loose.

    The second half, one copy fewer, is the size stage's as soon as the new copy serves. kept: by pool, machines that
    are not to go (keep.py).
    """
    pools: dict[str, list[Wanted]] = {}
    for one in wanted:
        if one.home.component is not None:
            pools.setdefault(one.home.endpoint.name, []).append(one)
    loose: dict[str, Loose] = {}
    rolled: dict[str, Wanted] = {}
    for name, here in sorted(pools.items()):
        home, kind = here[0].home, here[0].home.instance
        # What CONSOLIDATION packs is left to it: two hands on one thing would undo each other.
        if kind is None or kind.accelerators < 2 or home.endpoint.scale_in == "CONSOLIDATION":
            continue
        machines = home.endpoint.instances_now
        sizes = {one.home.target: max(one.size, one.home.size_wanted, one.home.size_now) for one in here}
        # Copies of a two-zone model may not meet: rolled together they would ask for a machine of their own.
        apart = max((sizes[one.home.target] for one in here if one.subject.config.zones > 1), default=0)
        least = max(machines_of(home, [one.home for one in here], sizes), apart, (kept or {}).get(name, 0))
        spare = machines - least
        quiet = all(now - _shrunk_at(_known(memory, one)) >= QUIET_S for one in here)
        known = _counted(memory.loose.get(name, Loose()), machines, quiet=quiet)
        loose[name] = replace(known, since=(known.since or now) if spare >= 1 else 0)
        if spare < 1 or now - loose[name].since < LOOSE_S:
            continue
        able = [one for one in here if _may_roll(one, fleet, memory, now)]
        chosen = rolls(
            [_rollable(one, memory) for one in able],
            spare=spare,
            under_way=sum(1 for one in here if _known(memory, one).rolled_from),
            tried=known.tried,
            released=known.released,
            usd=kind.usd_per_hour,
        )
        for one in able:
            if one.home.target in chosen:
                because = f"{spare} machines of {name} could go: one copy more, then one fewer, on fuller machines"
                rolled[one.home.target] = replace(one, size=one.size + 1, because=because, rolls=True)
    return tuple(rolled.get(one.home.target, one) for one in wanted), replace(memory, loose=loose)


def rolling(wanted: Sequence[Wanted], planned: Mapping[str, int], memory: Memory, now: int) -> Memory:
    """The memory of who began to roll, and without those whose roll has ended. A roll that was held is none."""
    models, loose = dict(memory.models), dict(memory.loose)
    for one in wanted:
        known, size, pool = models[one.subject.model], planned[one.home.target], one.home.endpoint.name
        if one.rolls and size == one.size:
            models[one.subject.model] = replace(known, rolled_from=size - 1, rolled_at=now)
            loose[pool] = replace(loose[pool], tried=loose[pool].tried + 1)
        elif known.rolled_from and (size != known.rolled_from + 1 or now > known.rolled_at + GIVE_UP_S):
            models[one.subject.model] = replace(known, rolled_from=0)
    return replace(memory, models=models, loose=loose)


def _counted(known: Loose, machines: int, *, quiet: bool) -> Loose:
    """With the machines that went since the last look. What is known fades, so that a pool's habits may change.

    quiet: nobody there was lowered lately. Else a machine may have gone without any roll, and is not the rolls'.
    """
    went = max(0, known.machines - machines) if known.since and known.tried and quiet else 0
    tried, released = known.tried * FADED, known.released * FADED
    return replace(known, machines=machines, tried=rounded(tried), released=rounded(min(tried, released + went)))


def _known(memory: Memory, one: Wanted) -> ModelMemory:
    return memory.models.get(one.subject.model, ModelMemory())


def _shrunk_at(known: ModelMemory) -> int:
    """When the model was last lowered, 0 = never; within GIVE_UP_S of a roll it is taken for its second half."""
    return 0 if 0 <= known.lowered_at - known.rolled_at <= GIVE_UP_S else known.lowered_at


def _rollable(one: Wanted, memory: Memory) -> Rollable:
    known = _known(memory, one)
    in_flight = known.recent[-1].in_flight if known.recent else 0.0
    return Rollable(one.home.target, one.home.size_now, known.rolled_at, _usd(one), in_flight)


def _usd(one: Wanted) -> float:
    """Dollars of a roll: one copy more until it serves, and two changes."""
    return one.home.unit_usd_per_hour * one.home.start_s / HOUR_S + 2 * CHANGE_USD


def _may_roll(one: Wanted, fleet: Fleet, memory: Memory, now: int) -> bool:
    home, subject, known = one.home, one.subject, _known(memory, one)
    return (
        one.evidence
        and 1 <= one.size == home.size_wanted == home.size_now
        and len(subject.homes) == 1
        and subject.model not in fleet.moving
        and not (home.busy or held(subject, home, fleet, now=now) or frozen(subject, fleet, now=now))
        and not forbids(subject, home, up=False)
        # A ceiling is somebody's word: not even a copy that is to go passes it.
        and (subject.config.max_copies is None or one.size < subject.config.max_copies)
        and not (known.rolled_from or known.idle_since)
        and now - known.rolled_at >= AGAIN_S
        and now - max(known.raised_at, known.lowered_at) >= SETTLED_S
    )
