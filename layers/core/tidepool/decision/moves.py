"""Which of the better homes are moved to now: the ladder, routes, windows and limits of moves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from tidepool.config.calendar import in_window
from tidepool.config.types import Config, Hosting, Rung
from tidepool.decision import came_back
from tidepool.decision.homes import Better, movable
from tidepool.decision.record import Held
from tidepool.decision.reserved import left_endpoints
from tidepool.decision.standing import frozen, held
from tidepool.fleet import Fleet, boundary_alone
from tidepool.guard.limits import moves_left
from tidepool.memory import Memory, ModelMemory
from tidepool.move.preflight import in_place
from tidepool.plan.change import StartMove, change_id
from tidepool.units import rounded, usd

NAME_LENGTH = 63
"""SageMaker's limit for names of endpoints and components (sagemaker-facts)."""
MONTH_HOURS = 720
"""Thirty days."""


def outgoing_moves(
    better: Sequence[Better],
    fleet: Fleet,
    config: Config,
    memory: Memory,
    *,
    changing: frozenset[str],
    now: int,
) -> tuple[tuple[StartMove, ...], tuple[Held, ...]]:
    """The moves that begin now, best first, and the others as recommendations with the reason.

    Recommendations are ranked by the dollars a month that they save; of one sum in the order in which they were judged.
    """
    limits = config.safety.limits
    left = moves_left(
        at_once=limits.moves_at_once,
        per_day=limits.moves_per_day,
        under_way=len(fleet.moving),
        begun=memory.moves,
        now=now,
    )
    closed = left_endpoints(config, now)
    moves: list[StartMove] = []
    unmoved: list[tuple[float, Held]] = []
    for one in better:
        assert one.verdict.place is not None
        bound, because = _bound(one, fleet, config, changing, now)
        known = memory.models.get(one.subject.model, ModelMemory())
        leaves = one.home.endpoint.name in closed
        again = came_back.waits(known, one.verdict.place, now, leaves=leaves)
        if not bound and again:
            bound, because = "came back", again
        if not bound and len(moves) >= left:
            bound, because = (
                "limits",
                f"{limits.moves_at_once} at once, {limits.moves_per_day} a day{_went(moves, fleet)}",
            )
        if bound:
            saves = one.verdict.saves_usd_per_hour
            month = f" ({usd(saves * MONTH_HOURS)} a month)" if saves > 0 else ""
            reason = f"{one.verdict.because}{month}; {because}"
            source, to = one.home.endpoint.name, one.verdict.place.name
            unmoved.append((saves, Held("StartMove", one.subject.model, source, to, bound, reason)))
        else:
            moves.append(_start(one, now))
    ranked = sorted(unmoved, key=lambda pair: -pair[0])
    return tuple(moves), tuple(held for _, held in ranked)


def _went(moves: Sequence[StartMove], fleet: Fleet) -> str:
    """Who moves now instead: those under way, and those that save more."""
    names = [*sorted(fleet.moving), *(move.model for move in moves)]
    return f"; they went to {', '.join(names)}" if names else ""


def _bound(one: Better, fleet: Fleet, config: Config, changing: frozenset[str], now: int) -> tuple[str, str]:
    """What stands against this move, and why; ('', '') when nothing does. In the guard's order of precedence."""
    subject, home = one.subject, one.home
    hold, freeze, fixed = (
        held(subject, home, fleet, now=now),
        frozen(subject, fleet, now=now),
        movable(subject, home),
    )
    if hold:
        return "hold", hold
    if subject.rung < Rung.ASK:
        return "ladder", f"act is {subject.rung.name.lower()}, a move needs ask or run"
    if fixed:
        return "recommend", fixed
    if home.busy or subject.model in changing:
        return "busy", home.busy or "its size is changing now"
    if home.size_now < 1:
        return "busy", "it is asleep: there is nothing to move"
    unlike = _unlike(one, fleet)
    if unlike:
        return "recommend", unlike
    if freeze:
        return "freeze", freeze
    if not in_window(config.safety.move_hours, config.timezone, now):
        return "limits", "outside move_hours"
    most = config.safety.limits.usd_per_move
    if most is not None and one.verdict.move_usd > most:
        return "budget", f"its double hosting costs about {usd(one.verdict.move_usd)}, usd_per_move is {usd(most)}"
    return "", ""


def _unlike(one: Better, fleet: Fleet) -> str:
    """Why the place cannot take it as it is, and a person would have to change one side; '' when it can.

    The preflight says the same of a move that is asked for; here none is asked for again and again.
    """
    component, endpoint, place = one.home.component, one.home.endpoint, one.verdict.place
    assert place is not None
    if component is not None and component.unmovable:
        return component.unmovable
    if not place.dedicated and fleet.endpoints[place.name].unmovable:
        return f"nothing moves to {place.name}: {fleet.endpoints[place.name].unmovable}"
    there = boundary_alone(component or endpoint) if place.dedicated else fleet.endpoints[place.name].boundary
    return "; ".join(f"it would change its boundary: {each}" for each in endpoint.boundary.unlike(there))


def _start(one: Better, now: int) -> StartMove:
    place, home = one.verdict.place, one.home
    assert place is not None
    identity = change_id(now, "move", one.subject.model, place.name)
    ask = StartMove(
        id=identity,
        model=one.subject.model,
        from_hosting=home.hosting,
        from_endpoint=home.endpoint.name,
        component="" if home.component is None else home.component.name,
        to_hosting=Hosting.DEDICATED if place.dedicated else Hosting.SHARED,
        to_endpoint=_new_name(one.subject.model, identity) if place.dedicated else place.name,
        instance_type=place.instance_type,
        accelerators_per_copy=place.accelerators,
        size=one.verdict.size,
        because=one.verdict.because,
        usd_per_hour=rounded(-one.verdict.saves_usd_per_hour),
        move_cost_usd=rounded(one.verdict.move_usd),
    )
    instead = in_place(ask, home.endpoint.instance_type)
    return replace(ask, because=f"{ask.because}; {instead}") if instead else ask


def _new_name(model: str, identity: str) -> str:
    """tidepool-MODEL-IDENTITY, of letters, digits and single hyphens, within SageMaker's length."""
    words = re.sub(r"[^a-zA-Z0-9]+", "-", model).strip("-")
    room = NAME_LENGTH - len("tidepool--") - 8
    return f"tidepool-{words[:room].strip('-')}-{identity[:8]}"
