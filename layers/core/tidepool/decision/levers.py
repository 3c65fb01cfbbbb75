"""What each saving rests on: its lever, and the chance that a machine is really released by it.

Placement is SageMaker's: no call pins or evicts a copy, and a pool's machine goes once its last copy has left it. So
fewer copies save dollars only where what stays needs fewer machines than run, and then by chance. That chance is the
pool's own, learned from its rolls (packing/rolls.py): there, too, one copy leaves, and a machine goes or does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidepool.config.types import Hosting
from tidepool.decision.record import Step
from tidepool.decision.spend import machines_of
from tidepool.decision.subjects import Home
from tidepool.decision.wanted import Wanted
from tidepool.memory import Loose, Memory
from tidepool.move.naming import CREATED_TAG
from tidepool.packing.rolls import chance_of_release
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove
from tidepool.units import percent


@dataclass(frozen=True, slots=True)
class Lever:
    """So many copies, or instances of a dedicated endpoint, leave `home` by it."""

    name: str
    subject: str
    home: Home
    leave: int


def saving_steps(
    changes: Sequence[Change], wanted: Sequence[Wanted], planned: Mapping[str, int], memory: Memory
) -> tuple[Step, ...]:
    """A step, lever → chance, for each change that is to make the bill smaller. `planned`: every target's new size."""
    homes = {one.home.target: one for one in wanted}
    # What leaves only later, once its other half is done, is gone from what stays.
    later = {one.home.target: one.size - 1 for one in wanted if one.rolls}
    later |= {_source(change): 0 for change in changes if isinstance(change, StartMove)}
    stays = {**planned, **later}
    levers = [lever for change in changes if (lever := _lever(change, homes)) is not None and lever.leave > 0]
    return tuple(_step(lever, [one.home for one in wanted], stays, memory) for lever in levers)


def _lever(change: Change, homes: Mapping[str, Wanted]) -> Lever | None:
    """None where the change saves nothing."""
    match change:
        case ScaleCopies():
            one = homes[change.component]
            if one.rolls:
                return Lever("a roll", change.component, one.home, 1)
            name = "fewer copies" if change.copies_to else "zero"
            return Lever(name, change.component, one.home, change.copies_from - change.copies_to)
        case ScaleInstances():
            fewer = change.instances_from - change.instances_to
            return Lever("fewer instances", change.endpoint, homes[change.endpoint].home, fewer)
        case StartMove() if change.usd_per_hour < 0:
            one = homes[_source(change)]
            stays = int(change.from_hosting is Hosting.DEDICATED and not _deleted(one))
            return Lever("a move", change.model, one.home, one.home.size_now - stays)
        case StartMove() | SetBounds() | SetAutoscaling():
            return None


def _source(change: StartMove) -> str:
    return change.from_endpoint if change.from_hosting is Hosting.DEDICATED else change.component


def _deleted(one: Wanted) -> bool:
    """Its dedicated endpoint is Tidepool's to delete; an owner's stays at one instance (move/retire.py)."""
    return one.subject.config.retire_delete or CREATED_TAG in one.home.endpoint.tags


def _step(lever: Lever, homes: Sequence[Home], stays: Mapping[str, int], memory: Memory) -> Step:
    endpoint = lever.home.endpoint
    if lever.home.component is None:
        return _said(lever, percent(1.0), f"{lever.leave} of {endpoint.instances_now} instances go by number")
    needed = max(machines_of(lever.home, homes, stays), endpoint.min_instances)
    if needed >= endpoint.instances_now:
        return _said(lever, percent(0.0), f"what stays needs all {endpoint.instances_now} machines of {endpoint.name}")
    could = f"{endpoint.instances_now - needed} of {endpoint.instances_now} machines of {endpoint.name} could go"
    if endpoint.scale_in == "CONSOLIDATION":
        return _said(lever, "CONSOLIDATION", f"{could}, once SageMaker packs what stays")
    known = memory.loose.get(endpoint.name, Loose())
    each = chance_of_release(known.tried, known.released)
    because = f"{could}; each copy that leaves frees one in {_whole(each)}"
    return _said(lever, _whole(1 - (1 - each) ** lever.leave), because)


def _said(lever: Lever, chance: str, because: str) -> Step:
    return Step("saving", lever.subject, lever.name, chance, because)


def _whole(chance: float) -> str:
    """In whole percents: what a few rolls taught is no finer."""
    return percent(round(chance, 2))
