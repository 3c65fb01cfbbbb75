"""Every crash point of every kind of move: before a write, after it, and with another whole run in between.

Nothing is sampled: each write of a run that nobody disturbs is disturbed once in each way. Afterwards the move goes
on as if nothing had happened, and must end as it would have, with nothing lost and nothing left over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from builders import NOW
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, TAGS, Trouble, World, a_move
from tidepool.errors import Conflict
from tidepool.move.state import Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves, begin

KINDS = {
    "pool to pool": (POOL_A, POOL_B),
    "shared to dedicated": (POOL_A, "tidepool-m"),
    "dedicated to shared": (OWN, POOL_B),
    "dedicated to dedicated": (OWN, "tidepool-m"),
}
OURS = {**TAGS, "tidepool:created-by": "tidepool"}
ENDS = {
    "done, source deleted": (OURS, Trouble(), Phase.DONE),
    "done, source left": (TAGS, Trouble(), Phase.DONE),
    "done, and grown on the way": (OURS, Trouble(busier_from=NOW + 180), Phase.DONE),
    "back before the shift": (OURS, Trouble(target_fails=True), Phase.ROLLED_BACK),
    "back from the shift": (OURS, Trouble(target_errors=True), Phase.ROLLED_BACK),
}
WAYS = ("before", "after", "another run between")


class Killed(BaseException):
    """The process is gone: no handler of ours may catch it."""


@dataclass
class Killer:
    """Disturbs write number `at` in one way; counts every write."""

    world: World
    ask: StartMove
    at: int
    way: str
    count: int = 0

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def disturbed(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            if self.count - 1 != self.at:
                return call(*args, **kwargs)
            if self.way == "another run between":
                begin(self.world.ports(), self.ask, self.world.now)
                advance_moves(self.world.ports(), self.world.now)
                return call(*args, **kwargs)
            if self.way == "after":
                call(*args, **kwargs)
            raise Killed(f"{self.way} {name}")

        return disturbed


def lived(kind: str, end: str, *, at: int, way: str) -> tuple[World, int]:
    """The world after a move that was disturbed once, and how many writes it took."""
    source, target = KINDS[kind]
    tags, trouble, _ = ENDS[end]
    world = World(source=source, source_tags=tags, trouble=replace(trouble))
    ask = a_move(source, target)
    killer = Killer(world, ask, at, way)
    for _ in range(90):
        try:
            ports = world.ports(killer.wrap)
            if ask.id not in world.stored:
                begin(ports, ask, world.now)
            advance_moves(ports, world.now)
        except (Killed, Conflict):
            pass
        alive(world, ask)
        if ask.id in world.stored and world.stored[ask.id].phase.ended:
            return world, killer.count
        world.minute()
    raise AssertionError(f"it did not end within 90 minutes: {world.stored[ask.id]}")


def alive(world: World, ask: StartMove) -> None:
    """At every minute: callers are sent only to what serves, and the model has a home."""
    homes = [(ask.from_endpoint, ask.component)]
    if ask.id in world.stored:
        move = world.stored[ask.id]
        homes.append((ask.to_endpoint, move.to_component))
    assert any(world.serves(endpoint, component) for endpoint, component in homes)
    for target in world.followed_targets:
        assert not target.weight or world.serves(target.endpoint, target.component), target


def accounted_for(world: World, ask: StartMove, end: str) -> None:
    """Nothing lost, nothing left over, and the route names the one home."""
    move = world.stored[ask.id]
    assert (move.phase, world.lost) == (ENDS[end][2], 0), move.why
    home = move.target_name if move.phase is Phase.DONE else move.source_name
    assert [(t.name, t.weight) for t in world.routes[MODEL].targets] == [(home, 100)]
    expected = {POOL_A, POOL_B, home}
    if end == "done, source left":
        expected.add(move.source_name)
    assert {*world.endpoints, *world.components} == expected
    # A config lives as long as its endpoint: with a source that Tidepool made it goes.
    configs = {OWN} & expected
    if move.phase is Phase.DONE and not move.to_component:
        configs.add(move.target_name)
    assert world.configs == configs


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_crash_at_any_write_changes_neither_the_end_nor_what_is_left(kind: str, end: str) -> None:
    ask = a_move(*KINDS[kind])
    world, writes = lived(kind, end, at=-1, way="none")
    accounted_for(world, ask, end)
    assert writes > 12
    for way in WAYS:
        for at in range(writes):
            world, _ = lived(kind, end, at=at, way=way)
            try:
                accounted_for(world, ask, end)
            except AssertionError as error:
                raise AssertionError(f"{way} write {at}: {error}") from error
