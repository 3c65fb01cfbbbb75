"""What it takes to have a machine again: the clock of who lacks one, and what it makes of giving one back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_pool, evidence
from builders.bench_case import a_case
from tidepool.config.types import Config, PoolConfig
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.decision.regained import after_look, regain_s
from tidepool.decision.subjects import subjects
from tidepool.fleet import Endpoint, EndpointKind, Fleet, Status
from tidepool.memory import Lacking, Learned, Memory, Minute, ModelLearned, ModelMemory, Regained
from tidepool.memory_codec import dump, load
from tidepool.units import DAY_S, HOUR_S
from tidepool_lab.inputs.account import account_of
from tidepool_lab.inputs.fleetyaml import fleet_yaml
from tidepool_lab.inputs.reference import START_TYPE
from tidepool_lab.inputs.shipped import SIZES, reference_fleet, reference_model
from tidepool_lab.rivals.tidepool import Tidepool
from tidepool_lab.twin.cloud import Cloud

Known = dict[str, Regained]


def pooled(wanted: int, machines: int, *, status: Status | None = None, **pool: object) -> Fleet:
    """Eight copies serve and so many are wanted; eight fill a machine."""
    busy = status or (Status.UPDATING if wanted != 8 else Status.IN_SERVICE)
    return a_fleet(
        {"a": evidence(25.0, 8)},
        components=[a_component(copies=8, copies_wanted=wanted, status=busy)],
        endpoints=[a_pool(instances_now=machines, instances_wanted=machines, **pool)],
    )


def looked(known: Known, fleet: Fleet, now: int) -> Known:
    homes = [home for subject in subjects(fleet, a_config()) for home in subject.homes]
    return after_look(homes, fleet, known, now)


def looks(*fleets: Fleet, every_s: int = 60, known: Known | None = None) -> Known:
    """The first a tick after the ask, which is at NOW; the others so much later each."""
    known = known or {}
    for number, fleet in enumerate(fleets):
        known = looked(known, fleet, NOW + 60 + every_s * number)
    return known


ENOUGH, LACKS, CAME = pooled(8, 1), pooled(16, 1), pooled(16, 2)


def notes(known: Known) -> tuple[int, ...]:
    return tuple(took_s for _, took_s in known.get(P4D.name, Regained()).notes)


def test_the_clock_runs_from_the_ask_until_one_more_is_in_service() -> None:
    assert looks(LACKS) == {P4D.name: Regained(asked={POOL: Lacking(NOW, 1, NOW + 60)})}
    known = looks(LACKS, CAME)
    assert known == {P4D.name: Regained(notes=((NOW + 120, 120),))}
    assert looks(ENOUGH, ENOUGH) == {}


def test_what_is_still_missing_is_waited_for_from_when_the_last_one_came() -> None:
    three = pooled(24, 2)
    known = looks(pooled(24, 1), three, three, pooled(24, 3))
    assert notes(known) == (120, 120)


def test_one_that_is_released_meanwhile_hides_none_that_comes() -> None:
    assert notes(looks(pooled(24, 2), pooled(24, 1), pooled(24, 2))) == (180,)


def test_a_component_that_falls_back_and_asks_again_stops_no_clock() -> None:
    """SageMaker gives up after half an hour; five minutes later it is asked for again, and the machine comes."""
    half_an_hour = [LACKS] * 6
    known = looks(*half_an_hour, ENOUGH, LACKS, CAME, every_s=300)
    assert notes(known) == (60 + 8 * 300,)


def test_what_was_waited_for_in_vain_counts_once_nobody_asks_any_more() -> None:
    known = looks(*[LACKS] * 7, ENOUGH, ENOUGH, ENOUGH, every_s=300)
    assert notes(known) == (60 + 6 * 300,) and not known[P4D.name].asked
    assert looks(LACKS, *[ENOUGH] * 12) == {}, "taken back within minutes, it says nothing"


@pytest.mark.parametrize(
    "fleet",
    [
        pooled(16, 1, max_instances=1),
        replace(pooled(16, 1), instance_types={P4D.name: replace(P4D, quota=1)}),
        pooled(16, 1, status=Status.FAILED),
        pooled(16, 1, status=Status.IN_SERVICE),
        pooled(16, 1, other_types=("ml.p5.48xlarge",)),
    ],
    ids=["the pool's bound", "the quota", "failed", "nobody places it", "another type may come"],
)
def test_what_cannot_come_or_may_be_another_type_is_not_waited_for(fleet: Fleet) -> None:
    assert looks(fleet, fleet) == {}


def alone(machines: int, wanted: int) -> Fleet:
    own = Endpoint(
        name="own",
        kind=EndpointKind.DEDICATED,
        config_name="c",
        variant="main",
        status=Status.UPDATING if machines != wanted else Status.IN_SERVICE,
        instance_type=P4D.name,
        instances_now=machines,
        instances_wanted=wanted,
        changed_at=NOW,
        model="a",
    )
    return a_fleet({"own": evidence(25.0, 8)}, components=[], endpoints=[own])


def test_on_a_dedicated_endpoint_only_what_exceeds_its_models_start_is_a_wait() -> None:
    """It starts in 220 s: after 14 minutes 620 s are left, after 13 it may be the launch and the model."""
    assert notes(looks(*[alone(1, 2)] * 13, alone(2, 2))) == (14 * 60 - 220,)
    assert notes(looks(*[alone(1, 2)] * 12, alone(2, 2))) == ()


def regained(*seconds: int, age_s: int = 0) -> Regained:
    return Regained(notes=tuple((NOW - age_s, one) for one in seconds))


def test_the_careful_end_of_what_was_seen_outweighs_what_is_written_where_it_is_clearly_longer() -> None:
    assert regain_s(120.0, regained(120, 120, 180), NOW) == 120
    assert regain_s(120.0, regained(43_200), NOW) == 43_200
    # 120 + 0.3 × 43,080, between the two longest of eight.
    assert regain_s(120.0, regained(*[120] * 7, 43_200), NOW) == pytest.approx(13_044)
    assert regain_s(1800.0, regained(1980), NOW) == 1800
    assert regain_s(1800.0, regained(1981), NOW) == 1981
    assert regain_s(None, regained(120), NOW) is None


def test_what_exceeds_it_counts_less_by_the_day_and_not_at_all_after_a_week() -> None:
    twelve_hours = regained(43_200, age_s=7 * DAY_S // 2)
    assert regain_s(120.0, twelve_hours, NOW) == 120 + 43_080 / 2
    assert regain_s(120.0, twelve_hours, NOW + 7 * DAY_S // 2) == 120
    assert looked({P4D.name: twelve_hours}, ENOUGH, NOW + 7 * DAY_S // 2) == {}


def test_who_waits_now_counts_with_what_he_has_waited() -> None:
    waiting = Regained(asked={POOL: Lacking(NOW - 3 * HOUR_S, 1, NOW)})
    assert regain_s(120.0, waiting, NOW) == 3 * HOUR_S
    assert regain_s(120.0, waiting, NOW - 3 * HOUR_S + 600) == 120, "a launch may still be under way"


@settings(deadline=None)
@given(st.floats(0, 50_000), st.lists(st.integers(0, 90_000), max_size=8), st.integers(0, 7 * DAY_S))
def test_what_is_written_is_never_shortened(written_s: float, seen: list[int], age_s: int) -> None:
    found = regain_s(written_s, regained(*seen, age_s=age_s), NOW)
    assert found is not None and written_s <= found <= max([written_s, *seen]) + 1e-4


QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))


def quietly(known: Known, **pool: object) -> Decision:
    """Sixteen copies on two machines, one request in flight, and 300 foretold for in 40 minutes."""
    profile = np.full(1008, 0.1)
    profile[76:82] = 30.0
    learned = ModelLearned(profile=tuple(profile.tolist()), minutes=10_080, seen=2**1008 - 1, top=30.0)
    fleet = a_fleet(
        {"a": evidence(1.0, 16)},
        components=[a_component(copies=16)],
        endpoints=[a_pool(instances_now=2, instances_wanted=2)],
    )
    pools = {POOL: replace(PoolConfig(POOL, POOL), **pool)}  # type: ignore[arg-type]
    config: Config = replace(a_config(), pools=pools)
    memory = Memory(
        models={"a": ModelMemory(recent=QUIET)},
        homes_checked=NOW,
        learned=Learned(models={"a": learned}),
        regained=known,
    )
    return decide(fleet, config, memory, NOW)


def test_a_machine_of_a_type_that_took_an_hour_is_kept_for_what_is_due_in_forty_minutes() -> None:
    (given_back,) = quietly({}).changes
    decision = quietly({P4D.name: regained(3600)})
    assert decision.changes != (given_back,)
    told = [held.because for held in decision.held if held.reason == "give back"]
    assert told and "comes again after 1h as seen lately, and is needed in 40m" in told[0]
    assert quietly({P4D.name: regained(120, 120)}).changes == (given_back,)


def test_what_was_seen_is_handed_on_and_survives_the_store() -> None:
    memory = decide(LACKS, a_config(), Memory(homes_checked=NOW), NOW).memory
    assert memory.regained == {P4D.name: Regained(asked={POOL: Lacking(NOW - 60, 1, NOW)})}
    assert load(dump(memory)) == memory


def test_on_the_twin_half_an_hour_is_learned_where_nothing_is_written_and_two_minutes_teach_nothing() -> None:
    """Machines are given back after the first burst; the second asks for them again."""
    fleet = reference_fleet((reference_model("a", SIZES["14B"]),), minutes=1440).only((START_TYPE,))
    minute = np.arange(1440)
    counts = np.where((minute < 30) | ((minute >= 150) & (minute < 230)), 4000, 60).astype(np.int64)[:, None]
    case = a_case(fleet, counts, only_minutes=240)
    learned = {}
    for true_s in (120.0, 1800.0):
        first, until = (case.at_s(one) for one in case.simulated)
        account = account_of(fleet.timed(regain_s=true_s))
        cloud = Cloud(account, case.arrivals(), seed=1, start_s=first, epoch_s=case.epoch_s)
        policy = Tidepool(fleet, fleet_yaml(fleet), case.first_minutes)
        policy.start(cloud)
        policy.run_to(cloud, until)
        assert policy.run is not None
        known = policy.run.ports.ledger.memory().regained.get(START_TYPE)
        assert known is not None and known.notes
        learned[true_s] = regain_s(120.0, known, until)
    assert learned[120.0] == 120
    assert 1800 <= (learned[1800.0] or 0) <= 1800 + 105 + 120
