"""One life: a story is lived minute by minute, with its move or without, and every invariant is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

import tidepool_client
from tidepool.config.types import Hosting, Via
from tidepool.errors import TidepoolError
from tidepool.move.naming import CREATED_TAG, target_name
from tidepool.move.state import Move, Phase
from tidepool.plan.change import StartMove
from tidepool.runtime.advance_moves import advance_moves, approve, begin
from tidepool_lab.soak.account import POOL_A, POOL_B, TYPE, Account
from tidepool_lab.soak.callers import BEFORE_S, MODEL, ByRouter, ByTable, Caller, Gateway, Way
from tidepool_lab.soak.happenings import Happenings
from tidepool_lab.soak.hazards import Hazards
from tidepool_lab.soak.limits import LATEST_S
from tidepool_lab.soak.loop import Loop
from tidepool_lab.soak.ports import Bus, Ledger, the_ports
from tidepool_lab.soak.requests import Request
from tidepool_lab.soak.router import Router
from tidepool_lab.soak.story import HEALED_S, START, Kind, Story
from tidepool_lab.soak.watch import Watch
from tidepool_lab.soak.weather import Weather
from tidepool_lab.soak.wire import Clients, SageMaker, Table

AFTER_S = 300.0
"""Callers go on for so long after the move ended: what it left behind must carry them. Ours."""
SETTLES_S = 900.0
"""Then nobody calls any more, and what runs comes to its end. Ours."""


@dataclass(slots=True)
class Lived:
    """What came of a life. `ended_s` is the moment it was looked at last; move None = none was begun."""

    story: Story
    move: Move | None
    requests: dict[tuple[int, int], Request]
    broken: list[str]
    ended_s: float
    trace: list[str] = field(default_factory=list)


def the_ask(story: Story) -> StartMove:
    """The move of the story."""
    source = "own" if story.from_dedicated else POOL_A
    if story.from_dedicated and story.ours:
        source = "tidepool-own-before"
    shared = not story.to_dedicated
    return StartMove(
        id=f"{story.seed:08d}abcdef00",
        model=MODEL,
        from_hosting=Hosting.DEDICATED if story.from_dedicated else Hosting.SHARED,
        from_endpoint=source,
        component="" if story.from_dedicated else "m-before",
        to_hosting=Hosting.SHARED if shared else Hosting.DEDICATED,
        to_endpoint=POOL_B if shared else f"tidepool-m-{story.seed:08d}",
        instance_type=TYPE,
        accelerators_per_copy=1,
        size=story.size,
        because="the soak",
        usd_per_hour=-1.0,
        move_cost_usd=1.0,
    )


class Life:
    """One story, with its move or (moved=False) without it: the same callers, the same faults."""

    def __init__(self, story: Story, *, moved: bool = True, traced: bool = False) -> None:
        self.story, self.moved = story, moved
        self.loop = Loop(START - BEFORE_S)
        self.trace: list[str] = []
        self.name_taken = False
        self.ask = the_ask(story)
        self.weather = Weather(self.loop, story)
        self.account = Account(self.loop, sampled=story.sampled, counted_at_end=story.counted_at_end)
        tags = {"model": MODEL, "tidepool:managed": "true", "team": "codegen"}
        ours = {CREATED_TAG: "tidepool"} if story.ours else {}
        source = self.ask.component or self.ask.from_endpoint
        self.account.add(source, self.ask.from_endpoint, size=story.size, artifact="model-1", tags={**tags, **ours})
        self.account.add("bystander", POOL_B, size=1, artifact="model-9", tags={"model": "n"})
        self.target = target_name(MODEL, self.ask.id) if self.ask.to_hosting is Hosting.SHARED else self.ask.to_endpoint
        self.table = Table(self.weather)
        self.router = Router(self.loop, story.router, (self.ask.from_endpoint, self.ask.component))
        self.hazards = Hazards(self.loop, dict(story.mishaps))
        self.ledger = Ledger(self.weather, self.hazards)
        bus = Bus(self.hazards)
        home = tidepool_client.Target(self.ask.from_endpoint, self.ask.component, 100)
        self.gateway = Gateway(self.account, self.table, self.weather, home, seed=story.seed)
        bus.wanted = self.gateway.hears
        sagemaker = SageMaker(self.account, self.weather, self.router)
        clients = Clients({"sagemaker": sagemaker, "dynamodb": self.table}, self.weather, self.hazards)
        self.ports = the_ports(story, self.account, clients, self.weather, self.ledger, bus)
        self._route_before(home)
        self.watch = Watch(self)
        sagemaker.deleting = self.watch.deleting
        if traced:
            self._tell()
        self.hazards.other_run = self.run
        self._random = Random(f"{story.seed} life")
        self._skew = Random(f"{story.seed} clocks")
        way = self._ways(home)
        self.callers = [
            Caller(number, story.traffic, way(number), self.loop, seed=story.seed)
            for number in range(story.traffic.callers)
        ]
        Happenings(self).plan()

    @property
    def move(self) -> Move | None:
        return self.ledger.stored.get(self.ask.id)

    def live(self, until: float | None = None) -> Lived:
        """To the end of the move and a little longer, or to `until`."""
        if self.moved:
            self._runs()
        last = START + LATEST_S + HEALED_S
        while until is None and self.loop.now < last:
            self.loop.run_to(self.loop.now + 60)
            if self.move is not None and self.move.phase.ended and self.loop.now >= START + 60:
                until = self.loop.now + AFTER_S
        ended = self.loop.now if until is None else until
        self.loop.run_to(ended)
        for caller in self.callers:
            caller.stopped = True
        self.loop.run_to(ended + SETTLES_S)
        requests = {request.key: request for caller in self.callers for request in caller.requests}
        broken = self.watch.at_the_end(requests) if self.moved else []
        return Lived(self.story, self.move, requests, broken, ended, self.trace)

    def run(self) -> None:
        """One invocation of the function: the event that asked first, if it is not known yet, then every open move."""
        now = int(self.loop.now + self._skew.uniform(-1, 1) * self.story.skew_s)

        def work() -> None:
            try:
                if self.move is None:
                    begin(self.ports, self.ask, now)
                elif self.story.ask and self.move.phase is Phase.WAITING and self.loop.now > START + 200:
                    approve(self.ports, self.ask.id, now, who="kim", why="CHG-2")
                if self.loop.now > START + 1:
                    advance_moves(self.ports, now)
            except TidepoolError as error:
                self.account.changed(f"the run raised {type(error).__name__}: {error}")

        self.hazards.run(work)

    def _runs(self) -> None:
        """The move is asked for at START and once more; ticks come each minute, not always; events in between."""
        self.loop.at(START, self.run)
        self.loop.at(START + 0.2, self.run)
        for when in self.story.extra_runs:
            self.loop.at(START + when, self.run)
        self.loop.at(START + self._random.uniform(2, 60), self._tick)

    def _tick(self) -> None:
        self.loop.at(self.loop.now + 60, self._tick)
        if self.move is not None and self.move.phase.ended:
            return
        if self.weather.strikes(Kind.TICKS_LOST):
            return
        self.run()
        if self.weather.strikes(Kind.TICKS_DOUBLED):
            self.loop.at(self.loop.now + self._random.uniform(0, 30), self.run)

    def _route_before(self, home: tidepool_client.Target) -> None:
        version = self.story.route_version
        if not version:
            return
        places = [{"M": {"endpoint": {"S": home.endpoint}, "component": {"S": home.component}, "weight": {"N": "100"}}}]
        self.table.items[MODEL] = {
            "model": {"S": MODEL},
            "schema": {"N": "1"},
            "version": {"N": str(version)},
            "changed_at": {"N": str(START - 86_400)},
            "targets": {"L": places},
        }
        self.table.items[f"ack#{MODEL}"] = {"model": {"S": f"ack#{MODEL}"}, "version": {"N": str(version)}}
        self.gateway.knows(tidepool_client.Route(version, (home,)))

    def _ways(self, home: tidepool_client.Target) -> Callable[[int], Way]:
        seed = self.story.seed
        match self.story.via:
            case Via.TABLE:
                stream = self.story.traffic.stream
                return lambda n: ByTable(self.account, self.table, home, seed=f"{seed} {n}", stream=stream)
            case Via.GATEWAY:
                return lambda n: self.gateway
            case _:
                return lambda n: ByRouter(self.account, self.router, seed=f"{seed} {n}")

    def _tell(self) -> None:
        """Everything that happens is written down, for a person to read."""

        def say(words: str) -> None:
            self.trace.append(f"{self.loop.now - START:8.1f} s  {words}")

        self.account.changed = say
        self.hazards.told = say
        before: list[object] = [None]

        def moved(move: Move) -> None:
            state = (move.phase, move.step, move.why, move.intent if move.asked_at else "")
            if state != before[0]:
                before[0] = state
                doing = f"; {move.intent}" if move.intent else ""
                say(f"the move is in {move.phase} {move.step}{f' ({move.why})' if move.why else ''}{doing}")

        self.ledger.moved = moved
        watched = self.watch.routed

        def routed(targets: tuple[tuple[str, int], ...]) -> None:
            say("the route gives " + ", ".join(f"{weight} % to {name}" for name, weight in targets))
            watched(targets)

        self.watch.routed = routed  # type: ignore[method-assign]
        for fault in self.story.faults:
            self.loop.at(START + fault.since, partial(say, f"FAULT {fault.kind} ({fault.figure:.2g})"))
            self.loop.at(START + fault.until, partial(say, f"healed: {fault.kind}"))
