"""Pools left loose after a burst: Tidepool's own loop rolls copies onto fuller machines until the empty ones go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest

from builders.twin_world import POOL, START, a_cloud, a_model, fate, on_instances, run
from tidepool.config.load import load
from tidepool.decision.compact import AGAIN_S, LOOSE_S, _counted, _shrunk_at
from tidepool.fleet import Signal, SignalKind
from tidepool.memory import Loose, ModelMemory
from tidepool.packing import rolls as packing_rolls
from tidepool.plan.change import ScaleCopies
from tidepool_lab.twin.cloud import Cloud
from tidepool_lab.twin.fast import fast_ports
from tidepool_lab.twin.fast_run import FastRun

FLEET = """
schema: 1
region: us-east-1
identity: tag:model
act: run
safety:
  limits: {{copies_per_tick: {per_tick}, lowered_per_hour: 100%, instances_per_hour: 100}}
instances:
  ml.big.8xlarge: {{accelerators: 8, usd_per_hour: {usd}, quota: 20, launch: 100s}}
pools:
  pool: {{types: [ml.big.8xlarge], give_back: {{after: 0s}}}}
models:
  "*":
    class: interactive
    start_within: 10s
    attain: 99.5%
    min_copies: 1
    max_copies: {most}
    zones: 1
    zero: never
    host: pool
    route: {{via: table}}
    shapes:
      shared: {{ml.big.8xlarge: {{accelerators: 1, concurrency: 10, service: 10s, start: 100s}}}}
"""
MODELS = 16
NAMES = tuple(f"m{i:02}" for i in range(MODELS))
HOUR = 3600
UP, BACK = "one copy more, then one fewer", "its copy has moved to a fuller machine"


@dataclass
class Lived:
    """One run: who rolled, by second of the run, and the machines that the pool had each minute."""

    cloud: Cloud
    fast: FastRun
    up: list[tuple[int, str]] = field(default_factory=list)
    back: list[tuple[int, str]] = field(default_factory=list)
    machines: list[int] = field(default_factory=list)

    def to(self, seconds: int) -> Lived:
        self.fast.run_to(START + seconds)
        return self


def loose(
    *,
    names: tuple[str, ...] = NAMES,
    counts: Callable[[int], int] = lambda minute: 20,
    before: int = 4,
    seed: int = 1,
    usd: float = 3600,
    most: int = 40,
    per_tick: int = 100,
    critical: bool = False,
) -> Lived:
    """Sixteen models that had four copies each, and one each since their burst: two on each of eight machines.

    counts: requests of each model in that minute; 20 are 3.7 in flight on a copy of 10 slots.
    """
    traffic = np.array([[counts(minute)] * len(names) for minute in range(240)])
    models = (a_model(name, critical=critical) for name in names)
    cloud = a_cloud(*models, traffic=traffic, copies=dict.fromkeys(names, before), seed=seed)
    for name in names:
        cloud.life.components[name].tags["tidepool:managed"] = "true"
        if before == 4:
            cloud.set_copies(name, 1)
    cloud.life.endpoints[POOL].tags["tidepool:managed"] = "true"
    config = load(FLEET.format(usd=usd, most=most, per_tick=per_tick))
    lived = Lived(cloud, FastRun(cloud, fast_ports(cloud, config)))

    def note(decision: object) -> None:
        at = decision.now - START  # type: ignore[attr-defined]
        changes = [one for one in decision.changes if isinstance(one, ScaleCopies)]  # type: ignore[attr-defined]
        lived.up += [(at, one.component) for one in changes if UP in one.because]
        lived.back += [(at, one.component) for one in changes if one.because == BACK]
        lived.machines.append(cloud.endpoint(POOL).instances_now)

    lived.fast.on_decision = note
    return lived


@pytest.mark.parametrize("seed", [1, 2])
def test_a_pool_that_a_burst_left_loose_is_compacted_and_nobody_waits_for_it(seed: int) -> None:
    lived = loose(seed=seed).to(600)
    assert sorted(sum(one.values()) for one in on_instances(lived.cloud)) == [2] * 8
    lived.to(3 * HOUR)
    # Two hold all sixteen; a last copy alone on a third one is hard to find among so many, as nobody sees where it is.
    assert lived.cloud.endpoint(POOL).instances_now <= 3
    assert {component.copies_wanted for component in lived.cloud.components().values()} == {1}
    run(lived.cloud, 60)
    for name in NAMES:
        of = fate(lived.cloud, name)
        assert of["lost"] == of["timed_out"] == of["rejected_once"] == 0
        assert of["on_time"] >= 0.995 * of["arrived"]
    assert lived.fast.errors == []
    lived.cloud.check_conservation()


def test_what_tidepool_does_not_compact_stays_loose() -> None:
    """Its machines hold two copies each: SageMaker releases only what is empty."""
    cloud = loose().cloud
    run(cloud, 3 * HOUR)
    assert cloud.endpoint(POOL).instances_now == 8


def test_a_pool_is_loose_for_twelve_minutes_before_anybody_is_rolled() -> None:
    lived = loose().to(LOOSE_S + 600)
    assert LOOSE_S <= lived.up[0][0] <= LOOSE_S + 300


def test_of_six_machines_to_spare_one_is_sought_at_a_time_and_each_roll_gives_its_copy_back() -> None:
    """Eight machines, where two would do. What a roll did is seen before the next begins."""
    lived = loose().to(2 * HOUR)
    under_way, most = 0, 0
    for at in sorted({at for at, _ in (*lived.up, *lived.back)}):
        under_way += sum(1 for one, _ in lived.up if one == at) - sum(1 for one, _ in lived.back if one == at)
        most = max(most, under_way)
    assert (most, under_way) == (1, 0)
    assert sorted(name for _, name in lived.up) == sorted(name for _, name in lived.back)


def test_nobody_is_rolled_again_before_three_hours_though_its_roll_released_nothing() -> None:
    """Three copies of a critical model never meet: to who only counts accelerators, two machines could always go."""
    lived = loose(names=("only",), counts=lambda minute: 130, before=3, critical=True).to(4 * HOUR - 60)
    assert lived.cloud.endpoint(POOL).instances_now >= 3
    began = [at for at, _ in lived.up]
    assert len(began) == 2
    assert all(later - at >= AGAIN_S for at, later in pairwise(began))


def test_a_pool_that_is_full_is_left_alone() -> None:
    lived = loose(before=1).to(2 * HOUR)
    assert lived.cloud.endpoint(POOL).instances_now == 2
    assert lived.up == []


@pytest.mark.parametrize("kind", [SignalKind.FREEZE, SignalKind.HOLD])
def test_nobody_is_rolled_under_a_freeze_or_a_hold_and_everybody_is_after_it(kind: SignalKind) -> None:
    lived = loose()
    lived.fast.ports.ledger.put_signal(Signal(kind, "*", START, START + HOUR, "ann", "audit"))
    lived.to(HOUR)
    assert lived.up == []
    assert lived.to(HOUR + 900).up


def test_held_models_stay_where_they_are_and_take_nobodys_turn() -> None:
    """Ten of sixteen are held: the other six roll, one after the other."""
    lived, held = loose(), NAMES[:10]
    for name in held:
        lived.fast.ports.ledger.put_signal(Signal(SignalKind.HOLD, name, START, START + 4 * HOUR, "ann", "audit"))
    lived.to(2 * HOUR)
    assert sorted(name for _, name in lived.up) == list(NAMES[10:])


def test_a_freeze_during_a_roll_keeps_the_copy_that_came() -> None:
    lived = loose()
    while not lived.up:
        lived.to(lived.cloud.now_s - START + 60)
    begun, now = {name for _, name in lived.up}, lived.cloud.now_s
    lived.fast.ports.ledger.put_signal(Signal(SignalKind.FREEZE, "*", now, now + HOUR, "ann", "audit"))
    lived.to(now - START + HOUR - 60)
    assert lived.back == []
    assert {name for name in NAMES if lived.cloud.component(name).copies_now == 2} == begun
    assert all(one.rolled_from == 0 for one in lived.fast.ports.ledger.memory().models.values()), "it was given up"
    lived.to(now - START + HOUR + 1200)
    assert {lived.cloud.component(name).copies_wanted for name in begun} == {1}, "and sized as ever afterwards"


def test_a_roll_that_demand_overtakes_keeps_its_copy() -> None:
    """The first roll begins at 12 minutes; from the 13th on each model has 100 a minute, 18 in flight: two copies.

    At 40 minutes, before others begin to roll, the memory has forgotten that it ever did.
    """
    lived = loose(counts=lambda minute: 20 if minute < 13 else 100).to(2400)
    assert len(lived.up) == 1
    assert lived.back == []
    assert all(lived.cloud.component(name).copies_now >= 2 for _, name in lived.up)
    assert all(one.rolled_from == 0 for one in lived.fast.ports.ledger.memory().models.values()), "and is over"


def test_a_model_at_its_ceiling_is_not_rolled() -> None:
    """A second copy, were it for two minutes, would be more than fleet.yaml allows."""
    assert loose(most=1).to(2 * HOUR).up == []


def test_a_machine_that_costs_less_than_its_chance_is_not_worth_a_roll() -> None:
    """A quarter of a machine of 3 dollars is less than two changes of 50 cents."""
    assert loose(usd=3).to(2 * HOUR).up == []


def test_only_rolls_that_began_are_counted_as_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty machines where five would do, and a roll for each five: the limit lets two of three copies through."""
    monkeypatch.setattr(packing_rolls, "FOR_ONE", 5)
    lived = loose(names=tuple(f"m{i:02}" for i in range(40)), per_tick=2).to(HOUR)
    assert max(sum(1 for at, _ in lived.up if at == one) for one, _ in lived.up) == 2
    known = lived.fast.ports.ledger.memory().loose[POOL]
    assert 0.9 * len(lived.up) < known.tried <= len(lived.up), "each once, and what is known fades"
    assert 0 < known.released <= known.tried


def test_a_machine_that_goes_while_others_are_lowered_is_not_the_rolls() -> None:
    """A lowering is asked for at START, its machine goes within QUIET_S: none of it counts before."""
    known = Loose(since=START, machines=8, tried=4.0)
    assert _counted(known, 7, quiet=False).released == 0
    assert _counted(known, 7, quiet=True).released == 1
    rolled = ModelMemory(rolled_at=START, lowered_at=START + 300)
    assert _shrunk_at(rolled) == 0, "the second half of a roll is no lowering"
    assert _shrunk_at(replace(rolled, lowered_at=START + 3600)) == START + 3600
