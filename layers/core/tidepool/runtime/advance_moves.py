"""Takes each open move as far as it can go now. Any number may run at once; any may die.

One turn: look → the pure machine says what is next → save, with the version that was read → only then act.
```
   look ──> step ──> save (version n → n+1) ──> act ──> look again
                       │ Conflict: another runs this move, leave it     │ crash here: the next run sees what is
                       └ crash before: nothing happened                  └ true, and asks again or goes on
```
Saving first means that of two runs at once only one acts on a version, and that a run that slept through a change
finds its version gone. Names and tags come from the move's id, so an act that happened twice is one act: exists
already, is gone already, is so already all count as done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from tidepool.config.resolve import model_config
from tidepool.errors import (
    AlreadyExists,
    Busy,
    Conflict,
    HostingError,
    NotFound,
    Throttled,
    TidepoolError,
    Unreachable,
)
from tidepool.fleet import Target
from tidepool.fleet.asked import NewComponent
from tidepool.move.alike import enough, typical
from tidepool.move.charge import charged
from tidepool.move.command import Command, CreateTarget, Delete, Probe, Resize, Shrink, Sweep, WriteRoute, intent
from tidepool.move.machine import step
from tidepool.move.seen import Probed, Seen
from tidepool.move.state import Move
from tidepool.runtime.look_at_move import People, look, people
from tidepool.runtime.ports import Answer, Ports

TURNS = 12
"""Turns of one move in one run: more than any run needs (a way through without waiting has eight), so that a fault
of ours ends the run and not the month's budget."""


def advance_moves(ports: Ports, now: int) -> tuple[Move, ...]:
    """Every open move has gone as far as it can at `now`; the moves as they then are.

    One move's error leaves that move for the next run and never stops the others. An error that asking again does
    not heal is raised once all had their turn, so that the function's alarm tells.
    """
    moves = ports.ledger.moves()
    if not moves:
        return ()
    asked = people(ports, now)
    done, errors = [], []
    for move in moves:
        others = tuple(m.id for m in moves if m.ask.model == move.ask.model and m.id != move.id)
        try:
            done.append(_advance(ports, move, others, asked, now))
        except (Conflict, Busy, Throttled, Unreachable):
            # Somebody else runs this move, or a service is away: what is stored is true, the next run goes on.
            done.append(move)
        except TidepoolError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return tuple(done)


def _advance(ports: Ports, move: Move, others: tuple[str, ...], asked: People, now: int) -> Move:
    probed: Probed | None = None
    refused, acted, before = "", "", None
    for _ in range(TURNS):
        seen = look(ports, move, asked, now, others=others, probed=probed, refused=refused, acted=acted)
        turn = step(move, seen, now)
        if turn.command is None:
            if turn.move == move:
                break
            move, probed, refused = saved(ports, move, charged(turn.move, seen, now), now), None, ""
            continue
        if refused or turn.command == before:
            # It was asked for in this run already: the world needs time, or the deadline decides.
            break
        claimed = replace(move, intent=intent(turn.command), asked_at=now)
        move, before = saved(ports, move, charged(claimed, seen, now), now), turn.command
        try:
            probed, refused = _act(ports, move, seen, turn.command)
        finally:
            if isinstance(turn.command, Probe):
                # It may have taken minutes; the next run need not wait for it any more.
                move = saved(ports, move, replace(move, intent=""), now)
        acted = "" if refused else claimed.intent
    return move


def _act(ports: Ports, move: Move, seen: Seen, command: Command) -> tuple[Probed | None, str]:
    """The command is carried out, once; (what a probe saw, why asking again is of no use)."""
    hosting, change = ports.hosting, move.id
    try:
        match command:
            case CreateTarget():
                if isinstance(command.new, NewComponent):
                    hosting.create_component(command.new, change=change)
                else:
                    hosting.create_endpoint(command.new, change=change)
            case Probe():
                return _probed(ports, move, seen, command.sample), ""
            case WriteRoute():
                via = model_config(ports.config.current()[0], move.ask.model).route
                ports.routes.write(command.route, via, expected_version=command.route.version - 1)
            case Resize():
                if command.dedicated:
                    hosting.set_instances(command.name, command.variant, command.size, change=change)
                else:
                    hosting.set_copies(command.name, command.size, change=change)
            case Delete():
                delete = hosting.delete_endpoint if command.dedicated else hosting.delete_component
                delete(command.name, change=change)
            case Sweep():
                hosting.delete_endpoint(command.name, change=change)
            case Shrink():
                if command.dedicated:
                    hosting.set_instances(command.name, command.variant, 1, change=change)
                else:
                    hosting.set_copies(command.name, 0, change=change)
            case _:
                assert_never(command)
    except (AlreadyExists, NotFound) as error:
        # Done already, or gone already: the next look shows which, and whose it is. What a create or a probe needs (a
        # SageMaker Model, a pool, a sample) must be there.
        needs = isinstance(command, Probe | CreateTarget) and isinstance(error, NotFound)
        return None, str(error) if needs else ""
    except (Busy, Throttled, Unreachable):
        raise
    except HostingError as error:
        return None, str(error)
    return None, ""


def _probed(ports: Ports, move: Move, seen: Seen, sample: str) -> Probed:
    target = Target(move.ask.to_endpoint, move.to_component, 100)
    source = Target(move.ask.from_endpoint, move.ask.component, 100)
    return Probed(
        target=_typical(ports, target, sample),
        source=_typical(ports, source, sample) if seen.source_serves else None,
    )


def _typical(ports: Ports, side: Target, sample: str) -> Answer:
    answers: list[Answer] = []
    while not enough(answers):
        answers.append(ports.hosting.probe(side, sample))
    return typical(answers)


def saved(ports: Ports, before: Move, after: Move, now: int) -> Move:
    """`after` is stored onto the version `before` was read with, and people are told of a step."""
    after = replace(after, version=before.version + 1)
    ports.ledger.save_move(after, expected_version=before.version)
    if (after.phase, after.step) != (before.phase, before.step):
        announce(ports, after, now)
    return after


def announce(ports: Ports, move: Move, now: int) -> None:
    """Told after it is stored: a crash between loses one notice, never tells of a step that was not taken."""
    detail: Mapping[str, object] = {
        "move": move.id,
        "model": move.ask.model,
        "phase": str(move.phase),
        "step": move.step,
        "from": move.source_name,
        "to": move.target_name,
        "because": move.ask.because,
        "why": move.why,
        "usd": move.usd,
    }
    ports.bus.announce("move", detail, now)
