"""Every crash point of every kind of move: before a write, after it, and with another whole run in between.

Nothing is sampled: each write of a run that nobody disturbs is disturbed once in each way. Afterwards the move goes
on as if nothing had happened, and must end as it would have, with nothing lost and nothing left over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from builders import NOW
from builders.move_world import MODEL, OWN, POOL_A, POOL_B, TAGS, Trouble, World, a_move
from tidepool.config.types import Via
from tidepool.errors import Conflict
from tidepool.move.state import Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool_lab.soak.hazards import Mishap, Way
from tidepool_lab.soak.life import Life
from tidepool_lab.soak.router import Habits, Split
from tidepool_lab.soak.soak import lost_by_the_move
from tidepool_lab.soak.story import START, Story, Traffic, story
from tidepool_lab.soak.story import Fault as SoakFaultAt
from tidepool_lab.soak.story import Kind as SoakFault

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


# The same over the adapters that ship, each with its own writes and callers (tidepool_lab.soak).


MEANWHILE = (None, SoakFault.HOLD, SoakFault.NEW_VERSION)
"""What another run finds while one is stopped before its write."""


def quiet(via: Via, kind: str) -> Story:
    """A story in which nothing goes wrong."""
    traffic = Traffic(callers=2, gap_s=10.0, longest_s=10.0, stream=False, sessions=False, late_s=0.0)
    return replace(
        story(1), via=via, kind=kind, ask=False, ours=True, size=1, route_version=1, start_s=60.0, skew_s=0.0,
        metric_delay_s=60.0, traffic=traffic, router=Habits(Split.EVEN, 100.0, 10.0), faults=(), mishaps=(),
        extra_runs=(),
    )  # fmt: skip


def written(calm: Story) -> list[float]:
    """When each write of an undisturbed life is sent, in seconds since its beginning."""
    life, times = Life(calm), list[float]()
    send = life.hazards.write

    def write(name: str, call: Callable[[], Any], *, answer_lost: Callable[[], Exception]) -> Any:
        times.append(life.loop.now - START)
        return send(name, call, answer_lost=answer_lost)

    life.hazards.write = write  # type: ignore[method-assign, assignment]
    lived = life.live()
    assert lived.move is not None and (lived.move.phase, lived.broken) == (Phase.DONE, [])
    return times


def disturbed(calm: Story, times: list[float]) -> Iterator[tuple[Story, Phase | None]]:
    """Each write disturbed in each way, with the end that it must come to; None = any."""
    for at, when in enumerate(times):
        for way in (Way.KILL_BEFORE, Way.KILL_AFTER, Way.ANSWER_LOST, Way.OTHER_RUN):
            # A router that is still changing shows its old row: then one that only lost a race may go back.
            end = None if calm.via is Via.ROUTER and way is Way.OTHER_RUN else Phase.DONE
            yield replace(calm, mishaps=((at, Mishap(way)),)), end
        for kind in MEANWHILE:
            faults = () if kind is None else (SoakFaultAt(kind, when + 1, when + 2000),)
            stopped = replace(calm, mishaps=((at, Mishap(Way.STOPPED, 50.0)),), faults=faults, extra_runs=(when + 20,))
            yield stopped, None if kind or calm.via is Via.ROUTER else Phase.DONE


@pytest.mark.parametrize(
    ("via", "kind"),
    [(Via.TABLE, "pool to pool"), (Via.GATEWAY, "dedicated to shared"), (Via.ROUTER, "dedicated to dedicated")],
)
def test_a_disturbance_at_any_write_of_any_adapter_loses_and_leaves_nothing(via: Via, kind: str) -> None:
    calm = quiet(via, kind)
    times = written(calm)
    assert len(times) > 25
    for one, end in disturbed(calm, times):
        lived = Life(one).live()
        assert lived.broken == [] and lost_by_the_move(lived)[0] == (), (one.mishaps, one.faults)
        assert lived.move is not None and (end is None or lived.move.phase is end), (one.mishaps, lived.move)


def test_without_its_linger_a_stopped_run_routes_to_a_target_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the enumeration above found: a run sleeps with the first shift in hand while another goes back on a hold."""
    monkeypatch.setattr("tidepool.move.back.LINGER_S", 0)
    calm = quiet(Via.TABLE, "pool to pool")
    broken = [words for one, _ in disturbed(calm, written(calm)) for words in Life(one).live().broken]
    assert any(words.startswith("no home: the route gives 10 % to") for words in broken)
