"""The invariants, looked at when something is written and at the end. Each returns what broke it, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tidepool.config.types import Via
from tidepool.move.checks import ERRORS_LEAST
from tidepool.move.shift import SOAK_S
from tidepool.move.state import Move, Phase
from tidepool_lab.soak.account import Home
from tidepool_lab.soak.party import Party
from tidepool_lab.soak.ports import LATE_S, NEW
from tidepool_lab.soak.requests import CANARY, Request
from tidepool_lab.soak.router import MODEL_TARGET, THEIRS, Place
from tidepool_lab.soak.story import START, Kind

if TYPE_CHECKING:
    from tidepool_lab.soak.life import Life

Shares = tuple[tuple[str, int], ...]
"""(home, weight) of a route."""


class Watch:
    """Stands by one move of one life."""

    def __init__(self, life: Life, party: Party) -> None:
        self._life, self._party = life, party
        self.broken: list[str] = []
        self.told: Callable[[str], None] = lambda words: None
        self._steps: list[tuple[float, int]] = []
        self._given_up = 0.0
        told = life.table.written

        def written(key: str, item: dict[str, Any]) -> None:
            told(key, item)
            if key == party.model and party.via is not Via.ROUTER:
                self.routed(tuple(_places(item)))

        life.table.written = written
        if party.via is not Via.ROUTER:
            return
        replace_all = life.router.replace

        def replaced(targets: dict[str, list[Place]]) -> None:
            replace_all(targets)
            places = targets.get(MODEL_TARGET, [])
            self.routed(tuple((component or endpoint, 100 // max(1, len(places))) for endpoint, component in places))

        life.router.replace = replaced  # type: ignore[method-assign]

    # When something is written.

    def deleting(self, home: Home) -> None:
        """A model always has a home: one is taken away only while the other serves."""
        party, homes = self._party, self._life.account.homes
        if home.name not in (party.source, party.target):
            return
        if home.name == party.source:
            self._given_up = self._given_up or self._life.loop.now
        other = party.source if home.name == party.target else party.target
        found = homes.get(other)
        asleep = found is not None and found.wanted == 0
        if found is None or not (found.can or asleep):
            self._say(f"no home: {home.name} is taken away while {other} does not serve")

    def routed(self, targets: Shares) -> None:
        """The route names only what serves when it is written; and each weight stands as long as a soak."""
        party, homes = self._party, self._life.account.homes
        self.told(f"the route of {party.model} gives " + ", ".join(f"{weight} % to {name}" for name, weight in targets))
        for name, weight in targets:
            home = homes.get(name)
            if weight and (home is None or not (home.can or home.wanted == 0)):
                # (Put to sleep by a person, it is called by nobody.)
                self._say(f"no home: the route gives {weight} % to {name}, which does not serve")
        there = sum(weight for name, weight in targets if name == party.target)
        now = self._life.loop.now
        if self._steps and there > self._steps[-1][1] > 0 and now - self._steps[-1][0] < self._least_s():
            source = homes.get(party.source)
            if source is not None and source.copies:
                self._say(f"no soak: {self._steps[-1][1]} % on the target for {now - self._steps[-1][0]:.0f} s only")
        self._steps.append((now, there))

    def _least_s(self) -> float:
        """A soak, as clocks that differ count it, and runs that were stopped between look and write."""
        return SOAK_S - 2 * self._life.story.skew_s - 60

    def _say(self, words: str) -> None:
        self.broken.append(f"{words} ({self._life.loop.now - START:.0f} s)")

    # At the end.

    def ended(self) -> Iterator[str]:
        """The end is true: the route names the model's one home, which serves; and it says why."""
        party, move, homes = self._party, self._party.move, self._life.account.homes
        if move is None or not move.phase.ended:
            yield f"unfinished: the move of {party.model} is {move.phase if move else 'not begun'}"
            return
        shares = self._shares()
        callers = {name for name, weight in shares if weight}
        match move.phase:
            case Phase.DONE:
                if callers != {party.target}:
                    yield f"inconsistent: done, and callers are sent to {sorted(callers)}"
                home = homes.get(party.target)
                if home is None or home.change != move.id:
                    yield f"inconsistent: done, and {party.target} is {'gone' if home is None else 'not its own'}"
                yield from self._ended_on_a_bad_target(move)
            case Phase.ROLLED_BACK | Phase.SUPERSEDED:
                if shares and callers != {party.source}:
                    yield f"inconsistent: {move.phase}, and callers are sent to {sorted(callers)}"
                if not move.why:
                    yield f"inconsistent: {move.phase} without a reason"
            case _:
                lost = [name for name in callers if name not in homes or not homes[name].can]
                if lost and not all(name in move.why for name in lost):
                    yield f"inconsistent: {move.phase}, and callers are sent to {sorted(lost)}, which does not serve"
                if party.target not in move.why and party.source not in move.why:
                    yield f"inconsistent: {move.phase} names nothing to look at: {move.why}"

    def _ended_on_a_bad_target(self, move: Move) -> Iterator[str]:
        """The errors that make a trend were to be seen before the source was given up."""
        story = self._life.story
        late_s = LATE_S if any(fault.kind is Kind.METRICS_LATE for fault in story.faults) else 0
        # A minute that is whole, the delay of the metrics, and the run before.
        seen = (self._given_up or move.since) - story.metric_delay_s - late_s - 120
        failed = [one for one in self._requests() if one.excuse == CANARY and one.at + one.takes_s < seen]
        if len(failed) >= ERRORS_LEAST:
            yield f"canary: done on {self._party.target}, which was seen to fail {len(failed)} requests"

    def _requests(self) -> Iterator[Request]:
        beside = self._party is not self._life.main
        callers = self._life.callers
        mine = callers[self._life.story.traffic.callers :] if beside else callers[: self._life.story.traffic.callers]
        return (request for caller in mine for request in caller.requests)

    def _shares(self) -> Shares:
        if self._party.via is Via.ROUTER:
            places = self._life.router.targets[MODEL_TARGET]
            return tuple((component or endpoint, 1) for endpoint, component in places)
        return tuple(_places(self._life.table.items.get(self._party.model)))


def _places(item: dict[str, Any] | None) -> Iterator[tuple[str, int]]:
    for place in item["targets"]["L"] if item else ():
        one = place["M"]
        yield one["component"]["S"] or one["endpoint"]["S"], int(one["weight"]["N"])


def left(life: Life) -> Iterator[str]:
    """Nothing leaks: every home and config is a model's home, its source by right, or somebody else's."""
    expected, configs = {"bystander"}, set()
    homes, had = set(life.account.homes), set(life.account.configs)
    for party in life.parties:
        theirs, made = _left_of(party, life)
        expected |= theirs
        configs |= made
    attach = life.attach
    if attach is not None and attach.phase is not Phase.ROLLED_BACK and attach.phase is not Phase.SUPERSEDED:
        expected |= {attach.component} & homes if attach.phase is Phase.NEEDS_PERSON else {attach.component}
    yield from (f"leaked: {name} is left" for name in sorted(homes - expected))
    yield from (f"destroyed: {name} is gone" for name in sorted(expected - homes))
    yield from (f"leaked: endpoint config {name} is left" for name in sorted(had - configs))
    if THEIRS not in life.router.targets:
        yield "destroyed: another team's target is gone from the router"


def _left_of(party: Party, life: Life) -> tuple[set[str], set[str]]:
    """Homes and endpoint configs that one move leaves by right."""
    move, ask = party.move, party.ask
    if move is None or not move.phase.ended:
        return set(life.account.homes), set(life.account.configs)
    expected: set[str] = set()
    if life.name_taken and party is life.parties[0]:
        expected.add(party.target)
    if move.phase is Phase.DONE:
        expected.add(party.target)
    if move.phase is not Phase.DONE or not party.deletes:
        expected.add(party.source)
    if move.phase is Phase.NEEDS_PERSON:
        # Whatever is left is named to the person.
        expected |= {name for name in (party.target, party.source) if name in move.why}
        expected &= set(life.account.homes)
    configs = {name for name in expected if name not in {ask.component, move.to_component}}
    if move.phase is Phase.DONE and not party.source.startswith("tidepool-") and not ask.component:
        configs.add(party.source)
    if move.phase is Phase.NEEDS_PERSON:
        configs |= set(life.account.configs) & {name for name in (party.target, party.source) if name in move.why}
    return expected, configs


def attached(life: Life) -> Iterator[str]:
    """The attach ended; done: callers are led to it alone, and it serves; back: nobody is led anywhere."""
    attach, route = life.attach, dict(_places(life.table.items.get(NEW)))
    if attach is None:
        if life.story.more.attach_s:
            yield "unfinished: the attach was never begun"
        return
    home = life.account.homes.get(attach.component)
    match attach.phase:
        case Phase.DONE:
            if home is None or home.change != attach.id or not home.can:
                yield f"inconsistent: attached, and {attach.component} does not serve"
            if route != {attach.component: 100}:
                yield f"inconsistent: attached, and callers are sent to {route}"
        case Phase.ROLLED_BACK | Phase.SUPERSEDED:
            if route or not attach.why:
                yield f"inconsistent: {attach.phase} ({attach.why}), and callers are sent to {route}"
        case Phase.NEEDS_PERSON:
            if attach.component not in attach.why:
                yield f"inconsistent: the attach {attach.phase} names nothing to look at: {attach.why}"
        case _:
            yield f"unfinished: the attach is {attach.phase}"


def ran_twice(requests: Mapping[tuple[int, int], Request]) -> Iterator[str]:
    """No request is worked on twice."""
    return (f"repeated: request {key} ran {one.runs} times" for key, one in requests.items() if one.runs > 1)


FOLLOW_S = {Via.TABLE: 45.0, Via.GATEWAY: 60.0, Via.ROUTER: 300.0}
"""Until no caller goes by the old route: a cache, an announcement and its repetition, one router's change after one."""


def stopped_late(life: Life, requests: Mapping[tuple[int, int], Request]) -> Iterator[str]:
    """What a target that answers probes may cost: the errors that make a trend, and what comes until they are seen.

    Looked at where nothing else is in the way. Sessions stay where they began.
    """
    story = life.story
    own = [one for key, one in requests.items() if key[0] < story.traffic.callers]
    failed = [one for one in own if one.excuse == CANARY and not one.session]
    if len(failed) <= ERRORS_LEAST or story.mishaps or {fault.kind for fault in story.faults} != {Kind.FAILS_LIVE}:
        return
    trend = sorted(one.at + one.takes_s for one in failed)[ERRORS_LEAST - 1]
    # Its minute, the delay of the metrics, the next run, and two more for what a run finds busy.
    seen = (trend // 60 + 1) * 60 + story.metric_delay_s + 3 * 60 + story.skew_s
    late = [one for one in failed if one.at > seen + FOLLOW_S[story.via]]
    if late:
        yield f"canary: {len(late)} requests were sent to a failing target after {ERRORS_LEAST} errors were to be seen"
