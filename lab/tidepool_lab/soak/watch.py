"""The invariants, looked at when something is written and at the end. Each returns what broke it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tidepool.config.types import Via
from tidepool.move.shift import SOAK_S
from tidepool.move.state import Move, Phase
from tidepool_lab.soak.account import Home
from tidepool_lab.soak.callers import MODEL
from tidepool_lab.soak.requests import Request
from tidepool_lab.soak.router import MODEL_TARGET, THEIRS, Place
from tidepool_lab.soak.story import START

if TYPE_CHECKING:
    from tidepool_lab.soak.life import Life

Shares = tuple[tuple[str, int], ...]
"""(home, weight) of a route."""


class Watch:
    """Stands by one life."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._broken: list[str] = []
        self._steps: list[tuple[float, int]] = []
        self._bystanders = {"bystander"}
        life.table.written = self._table_written
        replace_all = life.router.replace

        def replaced(targets: dict[str, list[Place]]) -> None:
            replace_all(targets)
            places = targets.get(MODEL_TARGET, [])
            self.routed(tuple((component or endpoint, 100 // max(1, len(places))) for endpoint, component in places))

        life.router.replace = replaced  # type: ignore[method-assign]

    def at_the_end(self, requests: Mapping[tuple[int, int], Request]) -> list[str]:
        """Everything that is broken, of this life."""
        move = self._life.move
        if move is None or not move.phase.ended:
            return [*self._broken, f"unfinished: the move is {move.phase if move else 'not begun'}"]
        return [*self._broken, *_ran_twice(requests), *self._left(move), *self._ended(move)]

    # When something is written.

    def deleting(self, home: Home) -> None:
        """A model always has a home: one is taken away only while the other serves."""
        homes, other = self._life.account.homes, self._life.target
        if home.name == self._life.target:
            other = self._source
        found = homes.get(other)
        asleep = found is not None and found.wanted == 0
        if found is None or not (found.can or asleep):
            self._say(f"no home: {home.name} is taken away while {other} does not serve")

    def routed(self, targets: Shares) -> None:
        """The route names only what serves when it is written; and each weight stands as long as a soak."""
        for name, weight in targets:
            home = self._life.account.homes.get(name)
            if weight and (home is None or not (home.can or self._hurt(home))):
                self._say(f"no home: the route gives {weight} % to {name}, which does not serve")
        there = sum(weight for name, weight in targets if name == self._life.target)
        now = self._life.loop.now
        if self._steps and there > self._steps[-1][1] > 0 and now - self._steps[-1][0] < self._least_s():
            source = self._life.account.homes.get(self._source)
            if source is not None and source.copies:
                self._say(f"no soak: {self._steps[-1][1]} % on the target for {now - self._steps[-1][0]:.0f} s only")
        self._steps.append((now, there))

    def _least_s(self) -> float:
        """A soak, as clocks that differ count it, and runs that were stopped between look and write."""
        return SOAK_S - 2 * self._life.story.skew_s - 60

    def _hurt(self, home: Home) -> bool:
        """Put to sleep by a person, and nobody is called there."""
        return home.wanted == 0

    def _table_written(self, key: str, item: dict[str, Any]) -> None:
        if key == MODEL and self._life.story.via is not Via.ROUTER:
            targets = item["targets"]["L"]
            self.routed(
                tuple(
                    (t["M"]["component"]["S"] or t["M"]["endpoint"]["S"], int(t["M"]["weight"]["N"])) for t in targets
                )
            )

    @property
    def _source(self) -> str:
        return self._life.ask.component or self._life.ask.from_endpoint

    def _say(self, words: str) -> None:
        self._broken.append(f"{words} ({self._life.loop.now - START:.0f} s)")

    # At the end.

    def _left(self, move: Move) -> Iterator[str]:
        """Nothing leaks: every home and config is the model's home, its source by right, or somebody else's."""
        account, ask = self._life.account, self._life.ask
        expected, configs = {"bystander"}, set()
        if self._life.name_taken:
            expected.add(move.target_name)
        deletes = move.source_was_ours or self._life.story.retire_delete
        if move.phase is Phase.DONE:
            expected.add(move.target_name)
        if move.phase is not Phase.DONE or not deletes:
            expected.add(self._source)
        if move.phase is Phase.NEEDS_PERSON:
            # Whatever is left is named to the person.
            expected |= {name for name in (move.target_name, self._source) if name in move.why}
            if self._source not in account.homes:
                expected.discard(self._source)
        configs = {name for name in expected if name not in {"bystander", ask.component, move.to_component}}
        if move.phase is Phase.DONE and not self._source.startswith("tidepool-") and not ask.component:
            configs.add(self._source)
        homes = set(account.homes)
        if move.phase is Phase.NEEDS_PERSON:
            expected = expected & homes | {"bystander"}
            configs |= set(account.configs) & {name for name in (move.target_name, self._source) if name in move.why}
        yield from (f"leaked: {name} is left" for name in sorted(homes - expected))
        yield from (f"destroyed: {name} is gone" for name in sorted(expected - homes))
        yield from (f"leaked: endpoint config {name} is left" for name in sorted(set(account.configs) - configs))
        if THEIRS not in self._life.router.targets:
            yield "destroyed: another team's target is gone from the router"

    def _ended(self, move: Move) -> Iterator[str]:
        """The end is true: the route names the model's one home, which serves; and it says why."""
        shares = self._shares()
        callers = {name for name, weight in shares if weight}
        match move.phase:
            case Phase.DONE:
                if callers != {move.target_name}:
                    yield f"inconsistent: done, and callers are sent to {sorted(callers)}"
                home = self._life.account.homes.get(move.target_name)
                if home is None or home.change != move.id:
                    yield f"inconsistent: done, and {move.target_name} is {'gone' if home is None else 'not its own'}"
            case Phase.ROLLED_BACK | Phase.SUPERSEDED:
                if shares and callers != {self._source}:
                    yield f"inconsistent: {move.phase}, and callers are sent to {sorted(callers)}"
                if not move.why:
                    yield f"inconsistent: {move.phase} without a reason"
            case _:
                homes = self._life.account.homes
                lost = [name for name in callers if name not in homes or not homes[name].can]
                if lost and not all(name in move.why for name in lost):
                    yield f"inconsistent: {move.phase}, and callers are sent to {sorted(lost)}, which does not serve"
                if move.target_name not in move.why and move.source_name not in move.why:
                    yield f"inconsistent: {move.phase} names nothing to look at: {move.why}"

    def _shares(self) -> Shares:
        if self._life.story.via is Via.ROUTER:
            places = self._life.router.targets[MODEL_TARGET]
            return tuple((component or endpoint, 1) for endpoint, component in places)
        item = self._life.table.items.get(MODEL)
        targets = item["targets"]["L"] if item else []
        return tuple((t["M"]["component"]["S"] or t["M"]["endpoint"]["S"], int(t["M"]["weight"]["N"])) for t in targets)


def _ran_twice(requests: Mapping[tuple[int, int], Request]) -> Iterator[str]:
    """No request is worked on twice."""
    return (f"repeated: request {key} ran {one.runs} times" for key, one in requests.items() if one.runs > 1)
