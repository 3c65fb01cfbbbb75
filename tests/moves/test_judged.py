"""What a move is judged by that only the ledger and IAM know: measured capacity, and whether callers may follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from builders import NOW, P4D
from builders.move_world import MODEL, POOL_A, POOL_B, World, a_move
from tidepool.config.types import Hosting
from tidepool.fleet import Component, Target
from tidepool.memory import Measured, Memory, ModelMemory
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.ports import NobodyTells


def measured(concurrency: float = 40.0, *, hosting: Hosting = Hosting.SHARED, **changes: Any) -> Memory:
    """A bound of the source's artifact on that hosting, that has seen a day and an hour of minutes."""
    known = replace(Measured(concurrency, NOW - 90_000, NOW - 3600, 60, 900.0), **changes)
    accelerators = 1 if hosting is Hosting.SHARED else P4D.accelerators
    return Memory(models={MODEL: ModelMemory(measured={f"{hosting} {P4D.name} {accelerators} artifact-m": known})})


@pytest.mark.parametrize(
    ("target", "hosting"), [(POOL_B, Hosting.SHARED), ("tidepool-m", Hosting.DEDICATED)], ids=["shared", "dedicated"]
)
def test_a_capacity_that_was_measured_does_for_one_that_is_not_declared(target: str, hosting: Hosting) -> None:
    """200 requests are in flight: 5 of 40 carry them, 7 with a quarter's room."""
    live = World(model_changes={"shapes": ()}, memory=measured(hosting=hosting))
    begun = begin(live.ports(), a_move(POOL_A, target), NOW)
    assert begun.phase is Phase.CREATE
    assert begun.why.startswith("its capacity there is measured, not declared: 40 at once; not checked: ")
    advance_moves(live.ports(), NOW)
    made = live.components.get(begun.target_name) or live.endpoints[begun.target_name]
    assert (made.copies_wanted if isinstance(made, Component) else made.instances_wanted) == 7


def test_what_fleet_yaml_declares_goes_before_what_was_measured() -> None:
    live = World(memory=measured())
    begun = begin(live.ports(), a_move(), NOW)
    assert begun.measured == 0.0 and "measured" not in begun.why


@pytest.mark.parametrize(
    "memory",
    [
        measured(since=NOW - 3600),
        measured(samples=59),
        measured(hosting=Hosting.DEDICATED),
        Memory.empty(),
    ],
    ids=["since an hour", "59 minutes", "on the other hosting", "never"],
)
def test_a_bound_that_is_not_trusted_or_of_another_place_is_no_capacity(memory: Memory) -> None:
    live = World(model_changes={"shapes": ()}, memory=memory)
    begun = begin(live.ports(), a_move(), NOW)
    assert begun.phase is Phase.SUPERSEDED and "none was measured: declare it" in begun.why


APP = "arn:aws:iam::111122223333:role/app"


def test_without_callers_in_fleet_yaml_a_move_says_that_it_did_not_look() -> None:
    live = World()
    begun = begin(live.ports(), a_move(), NOW)
    assert begun.phase is Phase.CREATE
    assert begun.why == (
        "not checked: whether its callers may invoke tidepool-m-01234567, since fleet.yaml names no `callers` of m"
    )
    named = World(model_changes={"callers": (APP,)})
    assert begin(replace(named.ports(), principals=May()), a_move(), NOW).why == ""


class May(NobodyTells):
    """IAM, where everybody may."""

    def refused(self, principal: str, target: Target, **how: Any) -> str:
        return ""


@dataclass(frozen=True)
class Says(NobodyTells):
    """IAM, with one answer."""

    words: str

    def refused(self, principal: str, target: Target, **how: Any) -> str:
        assert principal == APP
        assert target == Target(POOL_B, "tidepool-m-01234567", 100)
        assert (how["beside"], how["stream"], how["tags"]["tidepool:managed"]) == (POOL_A, True, "true")
        return self.words


def test_a_declared_caller_is_asked_about_with_what_the_target_will_be() -> None:
    live = World(model_changes={"callers": (APP,), "stream": True})
    refused = begin(replace(live.ports(), principals=Says("InvokeEndpoint: implicitDeny")), a_move(), NOW)
    assert refused.phase is Phase.SUPERSEDED and f"caller {APP} may not invoke" in refused.why
    unknown = begin(live.ports(), a_move(id_="b"), NOW)
    assert unknown.phase is Phase.SUPERSEDED
    assert f"unverified whether caller {APP} may invoke" in unknown.why
