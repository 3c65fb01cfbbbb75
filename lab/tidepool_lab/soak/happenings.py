"""What people, machines and other programs do to the account while a move is under way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from tidepool.fleet import Status
from tidepool.move.state import Phase
from tidepool_lab.soak.account import Home
from tidepool_lab.soak.callers import MODEL
from tidepool_lab.soak.story import START, Fault, Kind

if TYPE_CHECKING:
    from tidepool_lab.soak.life import Life

DEPLOY_S = 240.0
"""An UpdateEndpoint in place. Ours."""


class Happenings:
    """Plans every fault of the story that acts by itself; the others are asked for when they matter (Weather)."""

    def __init__(self, life: Life) -> None:
        self._life, self._account = life, life.account

    def plan(self) -> None:
        """Each at its time. Without a move there is one home: what would strike a target strikes that."""
        acts: dict[Kind, Callable[[Fault], None]] = {
            Kind.SOURCE_DIES: lambda fault: self._dies(self._source, fault),
            Kind.TARGET_DIES: lambda fault: self._dies(self._struck, fault),
            Kind.HAND_SOURCE: lambda fault: self._by_hand(self._source, fault),
            Kind.HAND_TARGET: lambda fault: self._by_hand(self._target, fault),
            Kind.DEPLOY: lambda fault: self._deploys(fault, ""),
            Kind.NEW_VERSION: lambda fault: self._deploys(fault, "model-2"),
            Kind.ROUTE_EDITED: lambda fault: self._rewrites(),
            Kind.NAME_TAKEN: lambda fault: self._takes_the_name(),
            Kind.ROUTER_BUSY: lambda fault: self._life.router.keep_busy(min(600.0, fault.until - fault.since)),
        }
        for fault in self._life.story.faults:
            if fault.kind in acts:
                self._account.loop.at(START + fault.since, partial(acts[fault.kind], fault))

    def _source(self) -> Home | None:
        return self._account.homes.get(self._life.ask.component or self._life.ask.from_endpoint)

    def _target(self) -> Home | None:
        return self._account.homes.get(self._life.target) if self._life.moved else None

    def _struck(self) -> Home | None:
        """The target; without a move the machines of the only home there is are as mortal."""
        return self._target() if self._life.moved else self._source()

    def _dies(self, which: Callable[[], Home | None], fault: Fault) -> None:
        """Its machines are away until the fault is over, and what ran on them is lost."""
        home = which()
        if home is None:
            return
        home.deaths += 1
        home.sessions.clear()
        self._account.kill(home, f"the machines of {home.name} died")
        self._account.update(home, home.status, words=f"{home.name} died")

        def lives() -> None:
            home.deaths -= 1
            self._account.update(home, home.status, words=f"{home.name} lives again")

        self._account.loop.at(START + fault.until, lives)

    def _by_hand(self, which: Callable[[], Home | None], fault: Fault) -> None:
        """A person's own change lets what runs come to its end: what it costs is not the move's doing."""
        home, size = which(), int(fault.figure)
        if home is None or home.status is not Status.IN_SERVICE or self._retires(home):
            return
        before, home.wanted = home.wanted, max(size, 1 if home.dedicated else 0)
        self._account.update(home, Status.UPDATING, ready=min(home.ready, home.wanted))
        # A change that lets requests end is not settled before they have.
        ends_s = self._life.story.traffic.longest_s + 5.0
        self._account.settle_later(home, self._life.story.start_s if home.wanted > home.ready else ends_s, home.wanted)
        if home.wanted == 0:
            self._account.loop.at(START + fault.until, lambda: self._wakes(home, before))

    def _wakes(self, home: Home, size: int) -> None:
        if home.status is Status.IN_SERVICE and home.wanted == 0 and not self._retires(home):
            home.wanted = size
            self._account.update(home, Status.UPDATING)
            self._account.settle_later(home, self._life.story.start_s, size)

    def _deploys(self, fault: Fault, artifact: str) -> None:
        """Terraform or CloudFormation puts the count back that its file has, perhaps with a new version."""
        home = self._source()
        if home is None or home.status is not Status.IN_SERVICE or home.wanted == 0 or self._retires(home):
            return
        home.wanted, home.artifact = 1, artifact or home.artifact
        self._account.update(home, Status.UPDATING, ready=min(home.ready, 1))
        self._account.settle_later(home, DEPLOY_S, 1)

    def _retires(self, home: Home) -> bool:
        """From retire on nobody changes the source any more."""
        move = self._life.move
        given_up = {Phase.RETIRE, Phase.DONE, Phase.NEEDS_PERSON}
        return home is self._source() and move is not None and move.phase in given_up

    def _rewrites(self) -> None:
        """A person sends everybody to the source, while it is still theirs to do so."""
        item, move = self._life.table.items.get(MODEL), self._life.move
        if item is None or move is None or move.phase in {Phase.RETIRE, Phase.BACK} or move.phase.ended:
            return
        source = self._source()
        if source is None or not source.can:
            return
        place = {
            "endpoint": {"S": source.endpoint},
            "component": {"S": self._life.ask.component},
            "weight": {"N": "100"},
        }
        self._life.table.items[MODEL] = {
            **item,
            "version": {"N": str(int(item["version"]["N"]) + 1)},
            "changed_at": {"N": str(int(self._account.loop.now))},
            "targets": {"L": [{"M": place}]},
        }

    def _takes_the_name(self) -> None:
        if self._life.moved and self._life.target not in self._account.homes:
            endpoint, self._life.name_taken = self._life.ask.to_endpoint, True
            self._account.add(self._life.target, endpoint, size=1, artifact="model-7", tags={"model": "theirs"})
