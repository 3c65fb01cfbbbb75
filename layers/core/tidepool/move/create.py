"""Create: the route stands on the source, and the target is made and in service with everything asked for."""

from __future__ import annotations

from dataclasses import replace

from tidepool.config.types import Hosting
from tidepool.fleet import Route, Status
from tidepool.fleet.asked import NewComponent, NewEndpoint
from tidepool.move.capacity import asked
from tidepool.move.command import CREATES, CreateTarget, WriteRoute
from tidepool.move.host_memory import asks
from tidepool.move.naming import target_tags
from tidepool.move.routing import source_only, unrouted
from tidepool.move.seen import Seen
from tidepool.move.state import Move, Phase
from tidepool.move.turn import Turn, act, back, go, wait
from tidepool.units import HOUR_S, duration

DEADLINE_S = HOUR_S + 900
"""A container may take up to 3,600 s to start before SageMaker gives it up (sagemaker-facts, Inference
components), on an instance that takes minutes to launch: after that nothing more will come."""

FIRST_SHARE = 100
"""Per cent of callers that the source must have before anything begins."""


def create(move: Move, seen: Seen, now: int) -> Turn:
    """Warm once the target is settled; superseded while nothing was made and the world differs; else back."""
    if now - move.since > DEADLINE_S:
        return back(move, now, f"the target was not in service within {duration(DEADLINE_S)}{_asks(move)}")
    stopped = _stopped(move, seen)
    if stopped:
        return _never_made(move, seen, now, stopped)
    if move.route_version == 0:
        return _begin_on_the_source(move, seen, now)
    if seen.target is None:
        return _make(move, seen, now)
    if seen.target.change != move.id:
        return _never_made(move, seen, now, f"the name {seen.target.name} is taken by somebody else's")
    if seen.target.status is Status.FAILED:
        return back(move, now, f"the target failed: {seen.target.failure or 'no reason given'}{_asks(move)}")
    if seen.target.settled:
        return go(move, Phase.WARM, now)
    return wait(move)


def _stopped(move: Move, seen: Seen) -> str:
    """Why the move may not go on before anybody was shifted; '' when it may."""
    if seen.held:
        return f"held: {seen.held}"
    if not seen.terms.routed:
        return unrouted(move)
    if seen.source is None and seen.target is None:
        return f"the source {move.source_name} is gone"
    if seen.source is not None and seen.source.artifact != move.sagemaker_model:
        return f"the source now runs {seen.source.artifact}, the move began with {move.sagemaker_model}"
    if seen.target is None and seen.frozen and not _asked(move):
        return f"frozen: {seen.frozen}"
    if seen.target is None and seen.others:
        return f"move {seen.others[0]} of the same model is open"
    return ""


def _asked(move: Move) -> bool:
    """A create may have been sent. (The intent is saved before, and nothing but a create follows it here.)"""
    return move.intent.startswith(CREATES)


def _never_made(move: Move, seen: Seen, now: int, why: str) -> Turn:
    """Superseded while nothing of this move can exist; once a create was asked for, back looks after it."""
    made = seen.target is not None and seen.target.change == move.id
    return back(move, now, why) if made or _asked(move) else go(move, Phase.SUPERSEDED, now, why=why)


def _begin_on_the_source(move: Move, seen: Seen, now: int) -> Turn:
    """A model whose route was never written gets one that says what is. Any other route must say the same."""
    route = seen.route
    if route is None:
        return act(move, WriteRoute(Route(move.ask.model, 1, source_only(move), now)))
    there = sum(target.weight for target in route.targets if target.name == move.source_name)
    if there != FIRST_SHARE:
        return _never_made(move, seen, now, f"the route gives the source {there} % of the callers, not all")
    if route.version == 0:
        # A router that somebody made, with the source alone behind it: from now on its changes are counted.
        return act(move, WriteRoute(Route(move.ask.model, 1, source_only(move), now)))
    return Turn(replace(move, route_version=route.version))


def _make(move: Move, seen: Seen, now: int) -> Turn:
    if seen.source is not None and seen.source.status.busy:
        # Its owner deploys, or its size changes: another version may come of it, and would have to move instead.
        return wait(move)
    if seen.blind or seen.unread:
        # What is in flight says how large it must be; and nobody knows whether it is frozen.
        return wait(move)
    if seen.refused:
        return back(move, now, f"the target could not be made: {seen.refused}{_asks(move)}")
    ask, tags = move.ask, target_tags(move.tags, move.id)
    settings = seen.source.settings if seen.source is not None else {}
    match ask.to_hosting:
        case Hosting.SHARED:
            return act(
                move,
                CreateTarget(
                    NewComponent(
                        name=move.to_component,
                        endpoint=ask.to_endpoint,
                        variant=move.to_variant,
                        sagemaker_model=move.sagemaker_model,
                        accelerators_per_copy=ask.accelerators_per_copy,
                        memory_mb=move.memory_mb,
                        copies=asked(seen, now, ask.size),
                        strategy=move.strategy,
                        tags=tags,
                        settings=settings,
                    )
                ),
            )
        case Hosting.DEDICATED:
            return act(
                move,
                CreateTarget(
                    NewEndpoint(
                        name=ask.to_endpoint,
                        sagemaker_model=move.sagemaker_model,
                        instance_type=ask.instance_type,
                        instances=asked(seen, now, ask.size),
                        tags=tags,
                        settings=settings,
                    )
                ),
            )


def _asks(move: Move) -> str:
    """What its copies were to have, where they could not be had; '' of whole instances."""
    return f"; {asks(move.ask.accelerators_per_copy, move.memory_mb)}" if move.to_component else ""
