"""One model that moves: where it lives, where it goes, and what became of it. A life has one, or two at once."""

from __future__ import annotations

from dataclasses import dataclass

from tidepool.config.types import Hosting, Via
from tidepool.move.naming import target_name
from tidepool.move.state import Move
from tidepool.plan.change import StartMove
from tidepool_lab.soak.account import POOL_A, POOL_B, TYPE
from tidepool_lab.soak.callers import MODEL
from tidepool_lab.soak.ports import SECOND, Ledger
from tidepool_lab.soak.story import SECONDS, Story


@dataclass(frozen=True, slots=True)
class Party:
    """deletes: whether the move may delete its source."""

    model: str
    via: Via
    ask: StartMove
    deletes: bool
    ledger: Ledger

    @property
    def source(self) -> str:
        return self.ask.component or self.ask.from_endpoint

    @property
    def target(self) -> str:
        shared = self.ask.to_hosting is Hosting.SHARED
        return target_name(self.model, self.ask.id) if shared else self.ask.to_endpoint

    @property
    def move(self) -> Move | None:
        """As it is stored; None = it has not begun."""
        return self.ledger.stored.get(self.ask.id)


def first(story: Story, ledger: Ledger) -> Party:
    """The move of the story."""
    source = "own" if story.from_dedicated else POOL_A
    if story.from_dedicated and story.ours:
        source = "tidepool-own-before"
    ask = _ask(
        MODEL,
        f"{story.seed:08d}abcdef00",
        source=source,
        component="" if story.from_dedicated else "m-before",
        target="" if story.to_dedicated else POOL_B,
        size=story.size,
    )
    return Party(MODEL, story.via, ask, deletes=story.ours or story.retire_delete, ledger=ledger)


def second(story: Story, ledger: Ledger) -> Party | None:
    """Another model's move, by the table, to or from a pool of the story's; None where the story has none."""
    if not story.more.second:
        return None
    to_pool = story.more.second == SECONDS[0]
    ask = _ask(
        SECOND,
        f"{story.seed:08d}abcdef01",
        source=POOL_A if to_pool else POOL_B,
        component=f"{SECOND}-before",
        target=POOL_B if to_pool else "",
        size=1,
    )
    return Party(SECOND, Via.TABLE, ask, deletes=True, ledger=ledger)


def _ask(model: str, id_: str, *, source: str, component: str, target: str, size: int) -> StartMove:
    """`target`: a pool, '' = an endpoint of its own."""
    return StartMove(
        id=id_,
        model=model,
        from_hosting=Hosting.SHARED if component else Hosting.DEDICATED,
        from_endpoint=source,
        component=component,
        to_hosting=Hosting.SHARED if target else Hosting.DEDICATED,
        to_endpoint=target or f"tidepool-{model}-{id_[:8]}",
        instance_type=TYPE,
        accelerators_per_copy=1,
        size=size,
        because="the soak",
        usd_per_hour=-1.0,
        move_cost_usd=1.0,
    )
