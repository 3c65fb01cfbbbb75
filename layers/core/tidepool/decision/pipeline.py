"""decide(fleet, config, memory, now) → Decision. Read this first: the whole decision is this page.

    observe → forecast → size          each model by itself          wanted.py, size.py
    other writers                      their word on a count         others.py, scalers.py
    keep, compact                      machines, pool by pool        keep.py, compact.py
    home                               every ten minutes             homes.py
    guard                              precedence, limits, money     outgoing.py
    savings                            their lever, their chance     levers.py
    plan, spend, memory                what goes out, what it costs  here

Pure: the same fleet, config, memory and `now` give the same bytes. Nothing is logged, sent or read on the way.
"""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.types import Config
from tidepool.decision.came_back import after_asks, under_way
from tidepool.decision.compact import compact, rolling
from tidepool.decision.hands_off import hands_off_steps
from tidepool.decision.homes import CHECK_S, better_homes, fills_after
from tidepool.decision.keep import keep_machines
from tidepool.decision.levers import saving_steps
from tidepool.decision.moves import outgoing_moves
from tidepool.decision.others import after_deploys, left_alone, write_steps
from tidepool.decision.outgoing import outgoing
from tidepool.decision.record import Decision, Step
from tidepool.decision.reservations import reservation_steps
from tidepool.decision.reserved import as_reserved
from tidepool.decision.spend import spend
from tidepool.decision.standing import still_steps, unread_steps
from tidepool.decision.subjects import Subject, subjects
from tidepool.decision.waiting import held_since
from tidepool.decision.wanted import Ahead, Moment, Wanted, judge
from tidepool.decision.zones import zone_steps
from tidepool.fleet import Fleet
from tidepool.guard.writers import after_tick
from tidepool.memory import Knob, Memory, ModelMemory
from tidepool.plan.change import Change, ScaleCopies, ScaleInstances, SetAutoscaling, SetBounds, StartMove
from tidepool.units import DAY_S, HOUR_S

__all__ = ["Ahead", "decide"]


def decide(
    fleet: Fleet,
    config: Config,
    memory: Memory,
    now: int,
    *,
    commit: str = "",
    ahead: Ahead | None = None,
    dial: float = 1.0,
) -> Decision:
    """Every model has been judged once, and what may change now is asked for, each change with its reason.

    `dial` > 1 makes a late request dearer, so that more is kept ready, < 1 cheaper. `ahead` gives the true counts to
    come: only the benchmark's oracle has it. Never raises for anything the fleet shows: what is not known is held, with
    the reason in the record.
    """
    fleet = replace(fleet, left_alone=left_alone(fleet, config))
    reservations, config = reservation_steps(fleet, config, now), as_reserved(config, fleet)
    everyone = subjects(fleet, config, memory.models)
    moment = Moment(config, now, fleet.signals, memory.learned, dial, ahead)
    wanted: list[Wanted] = []
    steps: list[Step] = []
    models: dict[str, ModelMemory] = {}
    for subject in everyone:
        before = _at_home(memory.models.get(subject.model, ModelMemory()), subject, fleet, now)
        before = under_way(before, now) if subject.model in fleet.moving else before
        sizes, after, told = judge(subject, before, moment)
        models[subject.model] = fills_after(after, subject, now)
        wanted += sizes
        steps += told
    steps += (*zone_steps(everyone), *write_steps(fleet), *unread_steps(fleet), *still_steps(fleet), *reservations)
    steps += hands_off_steps(everyone, fleet, now=now)
    wanted = list(after_deploys(wanted, fleet, config, memory.knobs, now))
    judged = replace(memory, at=now, models=models)
    kept = keep_machines(wanted, fleet, config, judged, now=now, ahead=ahead)
    packed, judged = compact(kept.wanted, fleet, kept.memory, now=now, kept=kept.machines)
    steps += [Step("pack", one.home.target, one.home.size_wanted, one.size, one.because) for one in packed if one.rolls]
    changes, held, planned = outgoing(packed, fleet, config, judged, now=now, minima=kept.minima)
    held = (*kept.held, *held)
    # What the rolls of this tick will release is not known yet: the chance is that of those before.
    untold = judged
    judged = rolling(packed, planned, judged, now)
    moves: tuple[StartMove, ...] = ()
    if now - memory.homes_checked >= CHECK_S:
        better, verdicts = better_homes(
            everyone, fleet, config, judged, now=now, headroom=1.0 if ahead is None else dial, ahead=ahead
        )
        moves, unmoved = outgoing_moves(better, fleet, config, judged, changing=_models(changes), now=now)
        steps += verdicts
        held += unmoved
        judged = replace(judged, homes_checked=now, models=after_asks(judged.models, moves, now))
    judged = replace(judged, held_since=held_since(memory.held_since, held, now))
    every: tuple[Change, ...] = (*changes, *moves)
    steps += saving_steps(every, packed, planned, untold)
    return Decision(
        now=now,
        config_commit=commit,
        changes=every,
        held=held,
        steps=tuple(steps),
        spend=spend(everyone, planned, committed=config.money.committed_usd_per_hour),
        memory=_remember(replace(judged, knobs=_knobs(fleet, config, memory, changes, now)), every, now),
        homes={subject.model: tuple(home.target for home in subject.homes) for subject in everyone},
    )


def _at_home(memory: ModelMemory, subject: Subject, fleet: Fleet, now: int) -> ModelMemory:
    """The model's memory, with since when it lives where it lives. A move under way is not yet a new home."""
    if len(subject.homes) != 1 or subject.model in fleet.moving:
        return memory
    target = subject.homes[0].endpoint.name
    if memory.home == target:
        return memory
    return replace(memory, home=target, home_since=now if memory.home else 0)


def _knobs(fleet: Fleet, config: Config, memory: Memory, changes: tuple[Change, ...], now: int) -> dict[str, Knob]:
    copies = [(one.component, one.copies_to) for one in changes if isinstance(one, ScaleCopies)]
    instances = [(one.endpoint, one.instances_to) for one in changes if isinstance(one, ScaleInstances)]
    return after_tick(fleet, memory.knobs, (*copies, *instances), config.writers, now)


def _models(changes: tuple[Change, ...]) -> frozenset[str]:
    return frozenset(change.model for change in changes if not isinstance(change, SetBounds))


def _remember(memory: Memory, changes: tuple[Change, ...], now: int) -> Memory:
    """The memory after these changes were asked for: when each model was raised or lowered, and the limits' counts."""
    models = dict(memory.models)
    lowered = [item for item in memory.lowered if item[0] > now - HOUR_S]
    instances = [item for item in memory.instance_changes if item[0] > now - HOUR_S]
    moves = [at for at in memory.moves if at > now - DAY_S]
    for change in changes:
        match change:
            case ScaleCopies():
                up = change.copies_to > change.copies_from
                models[change.model] = _touched(models[change.model], up, now)
                if not up:
                    lowered.append((now, change.copies_from - change.copies_to))
            case ScaleInstances():
                up = change.instances_to > change.instances_from
                models[change.model] = _touched(models[change.model], up, now)
                instances.append((now, abs(change.instances_to - change.instances_from)))
            case StartMove():
                moves.append(now)
            case SetBounds() | SetAutoscaling():
                pass
    return replace(memory, models=models, lowered=tuple(lowered), instance_changes=tuple(instances), moves=tuple(moves))


def _touched(memory: ModelMemory, up: bool, now: int) -> ModelMemory:
    return replace(memory, raised_at=now) if up else replace(memory, lowered_at=now)
