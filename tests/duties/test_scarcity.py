"""A machine that takes long to come again is given back only where that pays; two minutes change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import NOW, P4D, POOL, a_component, a_config, a_fleet, a_model, a_pool, evidence
from tidepool.config.types import Bounds, Config, GiveBack, Hosting, ModelConfig, PoolConfig, Shape
from tidepool.decision.codec import record_bytes
from tidepool.decision.pipeline import decide
from tidepool.decision.record import Decision
from tidepool.fleet import Endpoint, EndpointKind, Fleet, Status
from tidepool.fleet.lately import lately
from tidepool.memory import Learned, Loose, Memory, Minute, ModelLearned, ModelMemory
from tidepool.memory_codec import dump
from tidepool.packing.give_back import Coming, keep
from tidepool.plan.change import ScaleCopies, ScaleInstances, SetBounds

QUIET = tuple(Minute(NOW - 60 * (30 - i), 1.0, 1.0, 0.1) for i in range(30))
TEN_MINUTES = 600
NEVER = None


def coming(*machines: float, late: float = 0.0, most: float = np.inf) -> Coming:
    """These machines in each ten minutes to come, and none after them until the week is over."""
    needed = np.zeros(1008)
    needed[: len(machines)] = machines
    return Coming(needed, np.full(1008, late), TEN_MINUTES, most)


def kept(regain_s: float | None, what: Coming, *, held: int = 4, enough: int = 2) -> int:
    return keep(held=held, enough=enough, usd=25.25, regain_s=regain_s, coming=what).machines


def test_the_worked_example_keeps_a_machine_for_half_an_hour_and_not_for_an_hour() -> None:
    """0.5 h × ($25.25 + $14.40) = $19.83 = 47 minutes of the machine."""
    wanted_in = {minutes: coming(*[2.0] * (minutes // 10), 4.0, late=14.40) for minutes in (30, 40, 50, 60)}
    assert {minutes: kept(1800, what) for minutes, what in wanted_in.items()} == {30: 4, 40: 4, 50: 2, 60: 2}
    one = keep(held=4, enough=2, usd=25.25, regain_s=1800, coming=wanted_in[40])
    assert (one.dwell_s, one.saves_usd, one.costs_usd) == pytest.approx((2400, 16.833, 19.825), abs=1e-3)


def test_a_night_keeps_what_twelve_hours_bring_again_and_a_weekend_gives_it_back() -> None:
    night, weekend = (coming(*[2.0] * (hours * 6), 4.0, late=14.40) for hours in (9, 48))
    assert (kept(43_200, night), kept(43_200, weekend)) == (4, 2)


def test_where_nobody_pays_for_late_requests_the_dwell_has_to_exceed_the_regain_time() -> None:
    assert kept(1800, coming(2, 2, 2, 4)) == 4
    assert kept(1800, coming(2, 2, 2, 2, 4)) == 2


def test_each_machine_is_judged_by_when_it_is_needed_itself() -> None:
    """The third in ten minutes, the fourth in two hours."""
    assert kept(1800, coming(2, 3, *[3] * 11, 4)) == 3


def test_what_never_comes_again_is_kept_unless_no_busiest_minute_would_fill_it() -> None:
    assert kept(NEVER, coming(2.0)) == 4
    assert kept(NEVER, coming(2.0, most=2.4)) == 3
    assert kept(NEVER, coming(2.0, most=1.0)) == 2


buckets = st.lists(st.floats(0, 12), min_size=1, max_size=40)
regains = st.one_of(st.none(), st.floats(0, 1e6))


@given(need=buckets, late=st.floats(0, 1e4), held=st.integers(0, 12), enough=st.integers(0, 12), regain=regains)
@settings(max_examples=200, deadline=None)
def test_a_longer_regain_time_never_keeps_fewer_and_two_minutes_keep_none(
    need: list[float], late: float, held: int, enough: int, regain: float | None
) -> None:
    what = coming(*need, late=late)
    shorter, longer = (kept(one, what, held=held, enough=enough) for one in (120.0, regain))
    assert shorter == min(held, enough) <= longer <= held
    if regain is not None:
        assert longer <= kept(2 * regain, what, held=held, enough=enough) <= kept(NEVER, what, held=held, enough=enough)


def config(*models: ModelConfig, regain_s: float | None = 120.0, **pool: object) -> Config:
    base = a_config(*models)
    kind = replace(base.instances[P4D.name], regain_s=regain_s)
    return replace(base, instances={P4D.name: kind}, pools={POOL: replace(PoolConfig(POOL, POOL), **pool)})  # type: ignore[arg-type]


def quiet(copies: int = 16, machines: int = 2, **pool: object) -> Fleet:
    """One request in flight where many copies stand: all but one or two may go."""
    return a_fleet(
        {"a": evidence(1.0, copies)},
        components=[a_component(copies=copies)],
        endpoints=[a_pool(instances_now=machines, instances_wanted=machines, **pool)],
    )


def memory(profile: tuple[float, ...] = (), **changes: object) -> Memory:
    learned = ModelLearned(profile=profile, minutes=10_080, seen=2**1008 - 1, top=max(profile)) if profile else None
    found = Memory(
        models={"a": ModelMemory(recent=QUIET)},
        homes_checked=NOW,
        learned=Learned(models={"a": learned} if learned else {}),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def rising(in_minutes: int) -> tuple[float, ...]:
    """A week of 0.1 requests a second, and from then on, for an hour, 30: 300 in flight, three machines."""
    profile = np.full(1008, 0.1)
    first = 72 + in_minutes // 10  # NOW is Monday 12:00.
    profile[first : first + 6] = 30.0
    return tuple(profile.tolist())


def copies_after(decision: Decision) -> int:
    return next((change.copies_to for change in decision.changes if isinstance(change, ScaleCopies)), 16)


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(held.reason, held.because) for held in decision.held]


def test_a_lowering_leaves_copies_on_as_many_machines_as_never_come_again() -> None:
    """Sixteen copies on two machines: nine are the fewest that two machines must hold; ten are one machine more."""
    freely = copies_after(decide(quiet(), config(a_model()), memory(), NOW))
    decision = decide(quiet(), config(a_model(), regain_s=NEVER), memory(), NOW)
    assert freely < 8 < copies_after(decision) == freely + 8
    assert ("give back", f"keeps {freely + 8}, for 2 of 2 machines of {POOL}: a machine of ml.p4d.24xlarge that goes "
            "never comes again") in told(decision)  # fmt: skip
    (held,) = [held for held in decision.held if held.reason == "give back"]
    assert (held.subject, held.from_, held.to) == ("a", 16, freely)


@pytest.mark.parametrize(("minutes", "kept_back"), [(20, True), (40, True), (24 * 60, False)])
def test_a_machine_that_comes_again_after_half_an_hour_is_kept_for_the_next_ramp_only(
    minutes: int, kept_back: bool
) -> None:
    cheap = a_model(miss_usd=0.0005, start_within_s=1800.0)
    decision = decide(quiet(), config(cheap, regain_s=1800.0), memory(rising(minutes)), NOW)
    without = decide(quiet(), config(cheap), memory(rising(minutes)), NOW)
    assert (copies_after(decision) > copies_after(without)) is kept_back
    assert any(reason == "give back" for reason, _ in told(decision)) is kept_back


@pytest.mark.parametrize(("start_within_s", "regain_s"), [(600.0, 1800.0), (1800.0, 1800.0), (1800.0, 43_200.0)])
def test_room_for_a_rise_is_kept_where_its_callers_would_not_wait_for_a_machine(
    start_within_s: float, regain_s: float
) -> None:
    """The next ramp is a day off and its late requests cost nothing: the price alone lets the second machine go."""
    batch = a_model(miss_usd=0.0, start_within_s=start_within_s)
    decision = decide(quiet(), config(batch, regain_s=regain_s), memory(rising(24 * 60)), NOW)
    assert (copies_after(decision) > 8) is (start_within_s < regain_s)


def test_room_is_kept_for_one_rise_and_not_for_two_at_once() -> None:
    """Either fills a machine and a half more in its busiest minute: two of four machines are kept."""
    fleet = a_fleet(
        {"a": evidence(1.0, 16), "b": evidence(1.0, 16)},
        components=[a_component("a", copies=16), a_component("b", copies=16)],
        endpoints=[a_pool(instances_now=4, instances_wanted=4)],
    )
    profile = rising(24 * 60)
    for busy in ("a", "ab"):
        known = {
            name: ModelLearned(profile=profile, minutes=10_080, seen=2**1008 - 1, top=22.0 if name in busy else 0.2)
            for name in "ab"
        }
        watched = memory(models={name: ModelMemory(recent=QUIET) for name in "ab"}, learned=Learned(models=known))
        models = [a_model(name, miss_usd=0.0, start_within_s=600.0) for name in "ab"]
        after = {
            change.component: change.copies_to
            for change in decide(fleet, config(*models, regain_s=1800.0), watched, NOW).changes
            if isinstance(change, ScaleCopies)
        }
        assert after.keys() == {"a", "b"} and 8 < sum(after.values()) <= 16


def test_a_rise_that_is_foretold_needs_no_room_beside_it() -> None:
    """At its peak in two hours "a" fills the room that its rise would; "b" can wait, and lifts only the bound."""
    fleet = a_fleet(
        {"a": evidence(1.0, 32), "b": evidence(1.0, 1)},
        components=[a_component("a", copies=32), a_component("b", copies=1)],
        endpoints=[a_pool(instances_now=5, instances_wanted=5)],
    )
    flat = tuple([0.1] * 1008)
    known = {
        "a": ModelLearned(profile=rising(120), minutes=10_080, seen=2**1008 - 1, top=30.0),
        "b": ModelLearned(profile=flat, minutes=10_080, seen=2**1008 - 1, top=30.0),
    }
    watched = memory(models={name: ModelMemory(recent=QUIET) for name in "ab"}, learned=Learned(models=known))
    models = a_model("a", start_within_s=600.0), a_model("b", start_within_s=86_400.0)
    decision = decide(fleet, config(*models, regain_s=43_200.0), watched, NOW)
    assert 16 < copies_after(decision) <= 24, "three machines: 360 in flight, and not twice as many"


def test_who_is_not_known_for_a_day_keeps_what_takes_long_to_come_again() -> None:
    assert copies_after(decide(quiet(), config(a_model(), regain_s=1800.0), memory(), NOW)) > 8


def test_a_ceiling_is_met_whatever_takes_how_long_to_come_again() -> None:
    ceiling = config(a_model(max_copies=3), regain_s=NEVER)
    assert copies_after(decide(quiet(), ceiling, memory(), NOW)) <= 3


def test_copies_are_kept_of_the_model_that_misses_them_most() -> None:
    fleet = a_fleet(
        {"a": evidence(1.0, 8), "b": evidence(1.0, 8)},
        components=[a_component("a", copies=8), a_component("b", copies=8)],
        endpoints=[a_pool(instances_now=2, instances_wanted=2)],
    )
    watched = memory(models={name: ModelMemory(recent=QUIET) for name in "ab"})
    models = a_model("a", priority=2), a_model("b", priority=1)
    decision = decide(fleet, config(*models, regain_s=NEVER), watched, NOW)
    assert {held.subject for held in decision.held if held.reason == "give back"} == {"b"}


def test_dedicated_instances_are_kept_by_the_same_rule() -> None:
    alone = Endpoint(
        name="alone", kind=EndpointKind.DEDICATED, config_name="c", variant="v", status=Status.IN_SERVICE,
        instance_type=P4D.name, instances_now=4, instances_wanted=4, changed_at=0, model="a",
    )  # fmt: skip
    model = a_model(shapes=(Shape(Hosting.DEDICATED, P4D.name, 8, 20.0, 10.0, 220.0),), host="dedicated")
    fleet = replace(a_fleet({"alone": evidence(1.0, 4)}, components=[]), endpoints={"alone": alone})
    (change,) = decide(fleet, config(model), memory(), NOW).changes
    assert isinstance(change, ScaleInstances) and change.instances_to == 1
    assert decide(fleet, config(model, regain_s=NEVER), memory(), NOW).changes == ()


def test_no_copy_is_rolled_to_empty_a_machine_that_never_comes_again() -> None:
    """Ten copies of five models on four machines: two could go."""
    names = "abcde"
    fleet = a_fleet({name: evidence(25.0, 2) for name in names}, components=[a_component(name) for name in names])
    steady = tuple(Minute(NOW - 60 * (30 - i), 25.0, 25.0, 2.5) for i in range(30))
    known = Memory(
        models={name: ModelMemory(recent=steady) for name in names},
        homes_checked=NOW,
        loose={POOL: Loose(since=NOW - 3600, machines=4)},
    )
    rolled = {}
    for regain_s in (120.0, NEVER):
        decision = decide(fleet, config(*map(a_model, names), regain_s=regain_s), known, NOW)
        rolled[regain_s] = [change for change in decision.changes if "could go" in change.because]
    assert rolled[120.0] and not rolled[NEVER]


def test_a_pool_that_gives_none_back_keeps_its_machines() -> None:
    never = config(a_model(), give_back=GiveBack(None), give_back_written=True)
    decision = decide(quiet(), never, memory(), NOW)
    assert copies_after(decision) > 8
    assert any(because.endswith("fleet.yaml gives none back") for _, because in told(decision))


def test_where_nothing_is_written_a_scarce_type_is_kept_and_another_for_an_hour() -> None:
    unwritten = config(a_model(), give_back=GiveBack(3600), give_back_written=False)
    decision = decide(quiet(), unwritten, memory(), NOW)
    assert copies_after(decision) > 8
    assert any(because.endswith("its type is scarce, and fleet.yaml lets none go") for _, because in told(decision))
    plenty = replace(P4D, name="ml.g6e.48xlarge")
    shape = Shape(Hosting.SHARED, plenty.name, accelerators=1, concurrency=20.0, service_s=10.0, start_s=220.0)
    fleet = replace(
        quiet(),
        endpoints={POOL: a_pool(instances_now=2, instances_wanted=2, instance_type=plenty.name)},
        instance_types={plenty.name: plenty},
    )
    unwritten = replace(unwritten, names={"a": a_model(shapes=(shape,))})
    for ago_s, goes in ((3540, False), (3600, True)):
        known = memory(needed={POOL: ((NOW - ago_s, 2), (NOW - 60, 1))})
        assert (copies_after(decide(fleet, unwritten, known, NOW)) < 8) is goes


def test_a_machine_goes_once_fewer_were_enough_for_as_long_as_the_pool_says() -> None:
    after = config(a_model(), give_back=GiveBack(6 * 3600), give_back_written=True)
    first = decide(quiet(), after, memory(), NOW)
    assert copies_after(first) > 8 and first.memory.needed == {POOL: ((NOW, 2), (NOW, 1))}
    assert any(because.endswith("2 were needed within 6h") for _, because in told(first))
    for hours, goes in ((5, False), (6, True)):
        known = memory(needed={POOL: ((NOW - hours * 3600, 2), (NOW - 60, 1))})
        assert (copies_after(decide(quiet(), after, known, NOW)) < 8) is goes


def test_what_was_needed_lately_is_the_most_of_that_time_and_forgets_what_was_passed_again() -> None:
    seen: tuple[tuple[int, int], ...] = ()
    most = []
    for minute, enough in enumerate((3, 5, 4, 4, 2, 1, 6, 1)):
        seen = lately(seen, enough, now=60 * minute, within_s=180)
        most.append(seen[0][1])
        assert [machines for _, machines in seen] == sorted({machines for _, machines in seen}, reverse=True)
    assert most == [3, 5, 5, 5, 4, 4, 6, 6]


def test_a_pool_keeps_its_spare_machines() -> None:
    spare = config(a_model(), give_back=GiveBack(0, keep_spare=1), give_back_written=True)
    assert 8 < copies_after(decide(quiet(24, 3), spare, memory(), NOW)) <= 16


def test_the_minimum_that_would_keep_them_is_written_or_recommended_as_the_pool_says() -> None:
    """And once it holds the machines no copy has to: they are room for others."""
    for bounds in (Bounds.WRITE, Bounds.RECOMMEND, Bounds.NEVER):
        decision = decide(quiet(), config(a_model(), regain_s=NEVER, bounds=bounds), memory(), NOW)
        written = [(one.min_to, one.max_to) for one in decision.changes if isinstance(one, SetBounds)]
        asked = [(one.from_, one.to, one.reason) for one in decision.held if one.kind == "SetBounds"]
        assert written == ([(2, 20)] if bounds is Bounds.WRITE else [])
        assert asked == ([(0, 2, "recommend")] if bounds is Bounds.RECOMMEND else [])
    after = decide(quiet(min_instances=2), config(a_model(), regain_s=NEVER), memory(), NOW)
    assert copies_after(after) < 8 and told(after) == []


loads = st.floats(0, 300, allow_nan=False)


@given(in_flight=loads, copies=st.integers(1, 30), machines=st.integers(0, 8), rate=st.floats(0, 30))
@settings(max_examples=100, deadline=None)
def test_with_the_default_regain_time_decisions_are_those_without_the_key_byte_for_byte(
    in_flight: float, copies: int, machines: int, rate: float
) -> None:
    """Shorter times change as little: who has no key is told the launch alone."""
    pool = a_pool(instances_now=machines, instances_wanted=machines)
    fleet = a_fleet({"a": evidence(in_flight, copies)}, components=[a_component(copies=copies)], endpoints=[pool])
    known = memory(tuple(np.linspace(0.0, rate, 1008).tolist())) if rate else memory()
    without = decide(fleet, replace(a_config(), instances={}), known, NOW)
    assert not [held for held in without.held if held.reason == "give back"] and not without.memory.needed
    for regain_s in (0.0, 60.0, 120.0):
        told_so = decide(fleet, config(a_model(), regain_s=regain_s), known, NOW)
        assert record_bytes(told_so) == record_bytes(without)
        assert dump(told_so.memory) == dump(without.memory)
