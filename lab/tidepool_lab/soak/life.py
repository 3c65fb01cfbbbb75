"""One life: a story is lived minute by minute, with its move or without, and every invariant is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import tidepool_client
from tidepool.config.types import Via
from tidepool.errors import BadEvent, TidepoolError
from tidepool.move.attach import Attach
from tidepool.move.naming import CREATED_TAG
from tidepool.move.state import Move, Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.attach import Wanted, advance_attaches, begin_attach
from tidepool.runtime.begin_moves import approve, begin
from tidepool.runtime.undo_move import undo
from tidepool_lab.soak.account import POOL_B, Account, Home
from tidepool_lab.soak.callers import BEFORE_S, MODEL, ByRouter, ByTable, Caller, Gateway, Way
from tidepool_lab.soak.happenings import Happenings
from tidepool_lab.soak.hazards import Hazards
from tidepool_lab.soak.limits import LATEST_S
from tidepool_lab.soak.loop import Loop
from tidepool_lab.soak.party import Party, first, second
from tidepool_lab.soak.ports import NEW, SECOND, Bus, Ledger, the_ports
from tidepool_lab.soak.requests import Request
from tidepool_lab.soak.router import Router
from tidepool_lab.soak.story import HEALED_S, START, Kind, Story, Traffic
from tidepool_lab.soak.trace import tell
from tidepool_lab.soak.watch import Watch, attached, left, ran_twice, stopped_late
from tidepool_lab.soak.weather import Weather
from tidepool_lab.soak.wire import Clients, SageMaker, Table

FIRST_BESIDE = 100
"""Numbers of the callers of the model that moves beside. Ours."""
BESIDE = Traffic(callers=2, gap_s=10.0, longest_s=10.0, stream=False, sessions=False, late_s=0.0)
AGAINST_THE_SOURCE = {Kind.SOURCE_DIES, Kind.HAND_SOURCE, Kind.DEPLOY, Kind.NEW_VERSION}
GIVES_UP_S = 600
"""After so long of refusals nobody approves the move any more. Ours."""
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


class Life:
    """One story, with its move or (moved=False) without it: the same callers, the same faults."""

    def __init__(self, story: Story, *, moved: bool = True, traced: bool = False) -> None:
        self.story, self.moved = story, moved
        self.loop = Loop(START - BEFORE_S)
        self.trace: list[str] = []
        self.name_taken = False
        self.weather = Weather(self.loop, story)
        self.account = Account(self.loop, sampled=story.sampled, counted_at_end=story.counted_at_end)
        self.hazards = Hazards(self.loop, dict(story.mishaps))
        self.ledger = Ledger(self.weather, self.hazards)
        self.main, self.beside = first(story, self.ledger), second(story, self.ledger)
        self.parties = (self.main, *([self.beside] if self.beside is not None else []))
        self.ask, self.target = self.main.ask, self.main.target
        self.account.add("bystander", POOL_B, size=1, artifact="model-9", tags={"model": "n"})
        for party in self.parties:
            self._lives(party)
        self.table = Table(self.weather)
        self.router = Router(self.loop, story.router, (self.ask.from_endpoint, self.ask.component))
        bus = Bus(self.hazards)
        home = tidepool_client.Target(self.ask.from_endpoint, self.ask.component, 100)
        self.gateway = Gateway(self.account, self.table, self.weather, home, seed=story.seed)
        bus.wanted = self.gateway.hears
        sagemaker = SageMaker(self.account, self.weather, self.router)
        clients = Clients({"sagemaker": sagemaker, "dynamodb": self.table}, self.weather, self.hazards)
        self.ports = the_ports(story, self.account, clients, self.weather, self.ledger, bus)
        if story.route_version:
            self._route_before(MODEL, home, story.route_version)
            self.gateway.knows(tidepool_client.Route(story.route_version, (home,)))
        self.watches = [Watch(self, party) for party in self.parties]
        sagemaker.deleting = self._deleting
        if traced:
            tell(self)
        self.hazards.other_run = self.run
        self._random = Random(f"{story.seed} life")
        self._skew = Random(f"{story.seed} clocks")
        way = self._ways(home)
        self.callers = [
            Caller(number, story.traffic, way(number), self.loop, seed=story.seed)
            for number in range(story.traffic.callers)
        ]
        if self.beside is not None:
            self.callers += self._callers_of(self.beside)
        Happenings(self).plan()

    def _stop_callers(self) -> None:
        """Those whose model's move ended long enough ago, though another move goes on."""
        first = self.story.traffic.callers
        for party, callers in zip(self.parties, (self.callers[:first], self.callers[first:]), strict=False):
            move = party.move
            if move is not None and move.phase.ended and self.loop.now >= move.since + AFTER_S:
                for caller in callers:
                    caller.stopped = True

    def _deleting(self, home: Home) -> None:
        for watch in self.watches:
            watch.deleting(home)

    def _lives(self, party: Party) -> None:
        """The model's home before it moves."""
        ours = {CREATED_TAG: "tidepool"} if self.story.ours or party is not self.main else {}
        self.account.add(
            party.source,
            party.ask.from_endpoint,
            size=party.ask.size,
            artifact="model-1",
            tags={"model": party.model, "tidepool:managed": "true", "team": "codegen", **ours},
        )

    def _callers_of(self, beside: Party) -> list[Caller]:
        home = tidepool_client.Target(beside.ask.from_endpoint, beside.ask.component, 100)
        self._route_before(beside.model, home, 1)
        seed = self.story.seed
        return [
            Caller(
                FIRST_BESIDE + number,
                BESIDE,
                ByTable(self.account, self.table, home, seed=f"{seed} {number} beside", stream=False, model=SECOND),
                self.loop,
                seed=seed,
            )
            for number in range(BESIDE.callers)
        ]

    @property
    def move(self) -> Move | None:
        return self.main.move

    @property
    def attach(self) -> Attach | None:
        return next(iter(self.ledger.attached.values()), None)

    @property
    def over(self) -> bool:
        """Every move and attach that was asked for has ended."""
        asked = [party.move for party in self.parties]
        due = START + max(self.story.more.attach_s, self.story.more.second_s if self.beside is not None else 0.0, 60.0)
        ended = all(move is not None and move.phase.ended for move in asked)
        attach = self.attach
        attached = not self.story.more.attach_s or (attach is not None and attach.phase.ended)
        return ended and attached and self.loop.now >= due

    def live(self, until: float | None = None) -> Lived:
        """To the end of the move and a little longer, or to `until`."""
        if self.moved:
            self._runs()
        last = START + LATEST_S + HEALED_S
        while until is None and self.loop.now < last:
            self.loop.run_to(self.loop.now + 60)
            self._stop_callers()
            if self.over:
                until = self.loop.now + AFTER_S
        ended = self.loop.now if until is None else until
        self.loop.run_to(ended)
        for caller in self.callers:
            caller.stopped = True
        self.loop.run_to(ended + SETTLES_S)
        requests = {request.key: request for caller in self.callers for request in caller.requests}
        return Lived(self.story, self.move, requests, self.broken(requests) if self.moved else [], ended, self.trace)

    def broken(self, requests: dict[tuple[int, int], Request]) -> list[str]:
        """Everything that is broken, of this life."""
        written = [words for watch in self.watches for words in watch.broken]
        ended = [words for watch in self.watches for words in watch.ended()]
        of_requests = [*ran_twice(requests), *stopped_late(self, requests)]
        return [*written, *ended, *attached(self), *left(self), *of_requests, *self._unheeded()]

    def _unheeded(self) -> Iterator[str]:
        """A move that was asked back, and whose source served, does not end on its target."""
        asked = any(said.outcome == "undone" for said in self.ledger.said)
        spared = all(fault.kind not in AGAINST_THE_SOURCE for fault in self.story.faults)
        if asked and spared and self.move is not None and self.move.phase is Phase.DONE:
            yield "inconsistent: done, and it was wanted back"

    def run(self) -> None:
        """One invocation of the function: the event that asked first, if it is not known yet, then every open move."""
        now = int(self.loop.now + self._skew.uniform(-1, 1) * self.story.skew_s)

        def work() -> None:
            try:
                for party in self.parties:
                    if party.move is None and (party is self.main or self._due(self.story.more.second_s)):
                        begin(self.ports, party.ask, now)
                if self.story.more.attach_s and self.attach is None and self._due(self.story.more.attach_s):
                    begin_attach(self.ports, self._wanted(), now)
                if self.move is None:
                    return
                if self.story.ask and self.move.phase is Phase.WAITING and self.loop.now > START + 200:
                    self._approve(now)
                if self.loop.now > START + 1:
                    advance_moves(self.ports, now)
                    advance_attaches(self.ports, now)
            except TidepoolError as error:
                self.account.changed(f"the run raised {type(error).__name__}: {error}")

        self.hazards.run(work)

    def _approve(self, now: int) -> None:
        """Where something has come to stand against it, kim asks again a minute later, and gives up in time."""
        try:
            approve(self.ports, self.ask.id, now, who="kim", why="CHG-2")
        except BadEvent:
            if self.loop.now > START + GIVES_UP_S:
                undo(self.ports, self.ask.id, now, who="kim", why="CHG-2 is over")

    def _due(self, after_s: float) -> bool:
        return self.loop.now >= START + after_s

    def _wanted(self) -> Wanted:
        return Wanted(f"{self.story.seed:08d}abcdef02", NEW, "a", "model-3", who="kim", why="CHG-3")

    def _undo(self) -> None:
        """A person wants the move back; the same event wakes the function."""
        now = int(self.loop.now)

        def work() -> None:
            try:
                undo(self.ports, self.ask.id, now, who="kim", why="CHG-4")
                advance_moves(self.ports, now)
            except TidepoolError as error:
                self.account.changed(f"the undo raised {type(error).__name__}: {error}")

        self.hazards.run(work)

    def _runs(self) -> None:
        """The move is asked for at START and once more; ticks come each minute, not always; events in between."""
        self.loop.at(START, self.run)
        self.loop.at(START + 0.2, self.run)
        if self.story.more.undo_s:
            self.loop.at(START + self.story.more.undo_s, self._undo)
        for when in self.story.extra_runs:
            self.loop.at(START + when, self.run)
        self.loop.at(START + self._random.uniform(2, 60), self._tick)

    def _tick(self) -> None:
        self.loop.at(self.loop.now + 60, self._tick)
        if self.over:
            return
        if self.weather.strikes(Kind.TICKS_LOST):
            return
        self.run()
        if self.weather.strikes(Kind.TICKS_DOUBLED):
            self.loop.at(self.loop.now + self._random.uniform(0, 30), self.run)

    def _route_before(self, model: str, home: tidepool_client.Target, version: int) -> None:
        places = [{"M": {"endpoint": {"S": home.endpoint}, "component": {"S": home.component}, "weight": {"N": "100"}}}]
        self.table.items[model] = {
            "model": {"S": model},
            "schema": {"N": "1"},
            "version": {"N": str(version)},
            "changed_at": {"N": str(START - 86_400)},
            "targets": {"L": places},
        }
        self.table.items[f"ack#{model}"] = {"model": {"S": f"ack#{model}"}, "version": {"N": str(version)}}

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
