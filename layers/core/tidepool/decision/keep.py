"""The keep stage: lowerings go only as far as the machines that they let go are worth giving back.

SageMaker releases a machine once its last copy has left, and no call stops it but the pool's minimum. So machines are
kept by keeping copies, of who misses them most, and where a pool says `bounds: write` by its minimum as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tidepool.config.resolve import give_back
from tidepool.config.types import REGAIN_S, Config, GiveBack, PoolConfig
from tidepool.decision.coming import coming, per_machine
from tidepool.decision.record import Held
from tidepool.decision.regained import after_look, regain_s
from tidepool.decision.reserved import left
from tidepool.decision.spend import machines_of
from tidepool.decision.wanted import Ahead, Wanted
from tidepool.fleet import Fleet
from tidepool.fleet.lately import lately
from tidepool.memory import Memory
from tidepool.packing.give_back import keep, waits
from tidepool.plan.render import moment
from tidepool.units import duration, usd


@dataclass(frozen=True, slots=True)
class Kept:
    """What the stage leaves: the sizes, what it held, machines to keep by endpoint, and the minima that would do it.

    machines: only of endpoints that a rule speaks of. minima: of pools whose machines are kept for good.
    """

    wanted: tuple[Wanted, ...]
    memory: Memory
    held: tuple[Held, ...] = ()
    machines: Mapping[str, int] = field(default_factory=dict)
    minima: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owner:
    """One endpoint whose machines these homes fill: a pool, or a dedicated endpoint. seen: so is its regain time."""

    name: str
    homes: tuple[Wanted, ...]
    pool: PoolConfig | None
    machines: int
    enough: int
    usd: float
    regain_s: float | None
    seen: bool
    back: GiveBack

    def need(self, by_target: Mapping[str, int]) -> int:
        """Machines for these sizes, in the best packing."""
        first = self.homes[0].home
        if self.pool is None:
            return by_target[first.target]
        return machines_of(first, [one.home for one in self.homes], by_target)


@dataclass(frozen=True, slots=True)
class Rule:
    """Machines that something keeps, and the words for it. for_good: the pool's minimum may say it."""

    machines: int
    because: str
    for_good: bool = False


def keep_machines(
    wanted: Sequence[Wanted], fleet: Fleet, config: Config, memory: Memory, *, now: int, ahead: Ahead | None = None
) -> Kept:
    """`wanted`, with copies kept where a machine would go that is not worth giving back; as it is where no rule speaks.

    A ceiling is met all the same. A machine that the pool's minimum holds needs no copy to hold it.
    """
    memory = replace(memory, regained=after_look([one.home for one in wanted], fleet, memory.regained, now))
    owners = _owners(wanted, fleet, config, memory, now)
    spendable = sum(owner.usd * owner.machines for owner in owners) - config.money.committed_usd_per_hour
    needed: dict[str, tuple[tuple[int, int], ...]] = {}
    machines: dict[str, int] = {}
    minima: dict[str, int] = {}
    sized: dict[str, Wanted] = {}
    held: list[Held] = []
    for owner in owners:
        after_s = owner.back.after_s
        if after_s:
            # Who looks for the first time has not seen that fewer would do.
            seen = memory.needed.get(owner.name, ((now, owner.machines),))
            needed[owner.name] = lately(seen, owner.enough, now=now, within_s=after_s)
        found = _rules(owner, config, memory, needed.get(owner.name, ()), spendable, now, ahead)
        rule = max(found, key=lambda one: one.machines, default=Rule(0, ""))
        kept = min(owner.machines, rule.machines)
        spendable -= owner.usd * (owner.machines - max(kept, owner.enough))
        if kept:
            machines[owner.name] = kept
        if kept <= max(owner.enough, 0 if owner.pool is None else owner.homes[0].home.endpoint.min_instances):
            continue
        restored = _restored(owner, kept)
        sized |= {one.home.target: one for one in restored}
        held += [_held(one, restored_to.size, owner, kept, rule) for one, restored_to in _pairs(owner, restored)]
        if restored and rule.for_good and owner.pool is not None:
            minima[owner.name] = kept
    after = tuple(sized.get(one.home.target, one) for one in wanted)
    return Kept(after, replace(memory, needed=needed), tuple(held), machines, minima)


def _owners(wanted: Sequence[Wanted], fleet: Fleet, config: Config, memory: Memory, now: int) -> list[Owner]:
    """Every endpoint with machines that are looked after, by name."""
    here: dict[str, list[Wanted]] = {}
    for one in wanted:
        here.setdefault(one.home.endpoint.name, []).append(one)
    owners = []
    for name, homes in sorted(here.items()):
        kind, endpoint = homes[0].home.instance, homes[0].home.endpoint
        declared = config.instances.get(endpoint.instance_type)
        written_s = REGAIN_S if declared is None else declared.regain_s
        again_s = regain_s(written_s, memory.regained.get(endpoint.instance_type), now)
        pool = homes[0].home.pool
        back = GiveBack(0) if pool is None else give_back(pool, endpoint.instance_type)
        if kind is None or not _speaks(pool, back, again_s, config):
            continue
        seen = again_s != written_s
        owner = Owner(name, tuple(homes), pool, endpoint.instances_now, 0, kind.usd_per_hour, again_s, seen, back)
        owners.append(replace(owner, enough=owner.need({one.home.target: one.size for one in homes})))
    return owners


def _speaks(pool: PoolConfig | None, back: GiveBack, regain_s: float | None, config: Config) -> bool:
    """Something could keep a machine there."""
    if waits(regain_s) or config.money.committed_usd_per_hour > 0:
        return True
    return back.after_s != 0 or back.keep_spare > 0 or (pool is not None and pool.reserved is not None)


def _rules(
    owner: Owner,
    config: Config,
    memory: Memory,
    needed: Sequence[tuple[int, int]],
    spendable: float,
    now: int,
    ahead: Ahead | None,
) -> list[Rule]:
    """Everything that keeps machines of this owner beyond those that would do."""
    found: list[Rule] = []
    all_of_them, pool = owner.machines, owner.pool
    # The minimum of a pool that is being left goes with its models, and not when its machines are gone already.
    if pool is not None and pool.reserved is not None and now < pool.reserved.until and not left(pool, now):
        because = f"{pool.reserved.instances} are reserved until {moment(pool.reserved.until)}"
        found.append(Rule(pool.reserved.instances, because, for_good=True))
    if owner.enough >= all_of_them:
        return found
    back = owner.back
    if back.after_s is None:
        written = pool is not None and pool.give_back_written
        because = "fleet.yaml gives none back" if written else "its type is scarce, and fleet.yaml lets none go"
        found.append(Rule(all_of_them, because, for_good=True))
    elif needed:
        most = needed[0][1]
        found.append(Rule(most, f"{most} were needed within {duration(back.after_s)}"))
    if back.keep_spare:
        found.append(Rule(owner.enough + back.keep_spare, f"fleet.yaml keeps {back.keep_spare} to spare"))
    if config.money.committed_usd_per_hour > 0:
        may_go = max(0, int(spendable / owner.usd + 1e-9)) if owner.usd > 0 else all_of_them
        because = f"{usd(config.money.committed_usd_per_hour)}/h are committed: less than that saves nothing"
        found.append(Rule(all_of_them - may_go, because))
    if waits(owner.regain_s):
        found += _by_regain(owner, memory, now, ahead)
    return found


def _by_regain(owner: Owner, memory: Memory, now: int, ahead: Ahead | None) -> list[Rule]:
    """The rule of packing/give_back.py on the week to come, as it is foretold and with one rise that is not."""
    lowered = any(one.size < one.home.size_wanted for one in owner.homes)
    if not lowered and (owner.pool is None or owner.machines - owner.enough < 1):
        return []
    ahead_of_it = coming(owner.homes, memory, now, ahead, regain_s=owner.regain_s)
    kind = owner.homes[0].home.endpoint.instance_type
    found, risen = (
        keep(held=owner.machines, enough=owner.enough, usd=owner.usd, regain_s=owner.regain_s, coming=what)
        for what in (ahead_of_it, ahead_of_it.risen())
    )
    if risen.machines <= owner.enough:
        return []
    if owner.regain_s is None:
        return [Rule(risen.machines, f"a machine of {kind} that goes never comes again", for_good=True)]
    again = f"a machine of {kind} comes again after {duration(owner.regain_s)}{' as seen lately' if owner.seen else ''}"
    if risen.machines > found.machines:
        return [Rule(risen.machines, f"{again}, too late for {ahead_of_it.riser} should it rise to its busiest minute")]
    because = f"{again}, and is needed in {duration(found.dwell_s)}"
    return [Rule(found.machines, f"{because}: {usd(found.saves_usd)} saved, {usd(found.costs_usd)} lost")]


def _restored(owner: Owner, kept: int) -> list[Wanted]:
    """Lowerings taken back until that many machines are filled, those of who misses a copy most first."""
    by_target = {one.home.target: one.size for one in owner.homes}
    restored = []
    for one in sorted(owner.homes, key=_first):
        terms = one.subject.config
        most = one.home.size_wanted
        if owner.pool is not None and terms.max_copies is not None:
            most = min(most, max(terms.max_copies, one.floor))
        size = one.size
        while size < most and (missing := kept - owner.need(by_target)) > 0:
            size = min(most, size + missing * per_machine(one))
            by_target[one.home.target] = size
        if size > one.size:
            restored.append(replace(one, size=size))
    return restored


def _first(one: Wanted) -> tuple[int, float, str]:
    return one.subject.config.priority, -one.subject.config.miss_usd, one.home.target


def _pairs(owner: Owner, restored: Sequence[Wanted]) -> list[tuple[Wanted, Wanted]]:
    """What each was to be, and what it is now."""
    before = {one.home.target: one for one in owner.homes}
    return [(before[one.home.target], one) for one in restored]


def _held(one: Wanted, size: int, owner: Owner, kept: int, rule: Rule) -> Held:
    kind = "ScaleInstances" if owner.pool is None else "ScaleCopies"
    because = f"keeps {size}, for {kept} of {owner.machines} machines of {owner.name}: {rule.because}"
    return Held(kind, one.home.target, one.home.size_wanted, one.size, "give back", because)
