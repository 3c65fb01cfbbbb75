"""A hold as a tag on a home: no move begins, an open one goes back before callers were shifted, hands stay off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders import NOW, POOL, a_component, a_pool
from builders.move_world import OWN, POOL_A, POOL_B, World, a_move
from builders.use_case_account import COPIES, INSTANCES, Account, ports_of
from tidepool.fleet import EndpointKind
from tidepool.move.state import Phase
from tidepool.runtime.advance_moves import advance_moves
from tidepool.runtime.begin_moves import begin
from tidepool.runtime.carry_out import carry_out
from tidepool_lab.twin.fast_ledger import FastLedger

HOLD = {"tidepool:hold-until": "2025-01-07"}
WHO = "tag on {}: tidepool:hold-until=2025-01-07"


def tag(world: World) -> None:
    if world.source == OWN:
        home = world.endpoints[OWN]
        world.endpoints[OWN] = replace(home, tags={**home.tags, **HOLD})
    else:
        component = world.components["m"]
        world.components["m"] = replace(component, tags={**component.tags, **HOLD})


@pytest.mark.parametrize("source", [POOL_A, OWN])
def test_no_move_of_a_tagged_home_begins(source: str) -> None:
    world = World(source=source)
    tag(world)
    move = begin(world.ports(), a_move(source, POOL_B), NOW)
    assert (move.phase, move.why) == (Phase.SUPERSEDED, "held: " + WHO.format(move.source_name))


@pytest.mark.parametrize("source", [POOL_A, OWN])
def test_a_home_that_is_tagged_while_its_model_moves_takes_the_move_back(source: str) -> None:
    world = World(source=source)
    begin(world.ports(), a_move(source, POOL_B), NOW)
    advance_moves(world.ports(), world.now)
    tag(world)
    advance_moves(world.ports(), world.now)
    (move,) = world.stored.values()
    assert (move.phase, move.why) == (Phase.BACK, "held: " + WHO.format(move.source_name))


def test_a_hand_scales_no_tagged_home() -> None:
    own = a_pool(name="own", kind=EndpointKind.DEDICATED, instances_wanted=1, model="a", tags=HOLD)
    account = Account(parts={"a": a_component(tags=HOLD)}, pools={POOL: a_pool(), "own": own})
    for change, name in ((COPIES, "a"), (INSTANCES, "own")):
        done = carry_out(ports_of(account, FastLedger()), change, NOW)
        assert (done.outcome, done.why) == ("superseded", "held by " + WHO.format(name))
    assert account.written == []
