"""Who lives where: what a layout costs, and relocations against the exact optimum."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tidepool.packing.layout import LARGEST, LOOSE, OPENED, STUCK, Kind, Layout, Site, Tenant
from tidepool.packing.relocate import MOST, Relocation, relocate

BIG, ONE = Kind("big", 24.0, 8, 30.0), Kind("one", 4.0, 1, 30.0)
POOL, SINGLES, OWN = Site("pool", BIG, False), Site("singles", ONE, False), Site("dedicated:big", BIG, True)
SITES = [POOL, SINGLES, OWN]
CASES = range(60)


def a_tenant(
    name: str,
    at: str,
    held: dict[str, float | Sequence[float]],
    *,
    apart: dict[str, float] | None = None,
    **more: object,
) -> Tenant:
    """Two moments; one figure is both. Its busiest minute is the fuller moment unless `peak` says otherwise."""
    every = {site: np.broadcast_to(np.asarray(values, dtype=float), 2).copy() for site, values in held.items()}
    tenant = Tenant(
        name,
        at,
        every,
        {site: np.full(2, value) for site, value in (apart or {}).items()},
        {site: float(values.max()) for site, values in every.items()},
    )
    return replace(tenant, **more)  # type: ignore[arg-type]


def moved(tenants: Sequence[Tenant], sites: Sequence[Site], found: Sequence[Relocation]) -> Layout:
    layout = Layout(tenants, sites)
    names = [tenant.name for tenant in tenants]
    for one in found:
        layout.put(names.index(one.name), one.to)
    return layout


# What a layout costs.


def test_a_pool_holds_its_accelerators_loosely_and_costs_the_mean_of_the_day() -> None:
    """16 and 32 accelerators on machines of 8: 2.2 and 4.4 machines of 24 dollars, and what is left of the last one.

    Dedicated ones are as held.
    """
    layout = Layout([a_tenant("a", "pool", {"pool": [16, 32]}), a_tenant("b", OWN.name, {OWN.name: [1, 2]})], SITES)
    assert layout.machines("pool") == pytest.approx([2 * LOOSE + OPENED, 4 * LOOSE + OPENED])
    assert layout.machines(OWN.name) == pytest.approx([1, 2])
    assert layout.usd() == pytest.approx((3 * LOOSE + OPENED) * 24 + 1.5 * 24)


def test_machines_of_one_accelerator_have_no_room_to_be_loose_in() -> None:
    assert Layout([a_tenant("a", "singles", {"singles": [3, 5]})], SITES).machines("singles").tolist() == [3, 5]


def test_copies_that_may_not_meet_need_a_machine_each_and_hold_machines_up() -> None:
    """Five copies that may not meet need five machines; among 64 accelerators they only keep some from going."""
    apart = a_tenant("a", "pool", {"pool": 5}, apart={"pool": 5.0})
    assert Layout([apart], SITES).machines("pool") == pytest.approx([5, 5])
    many = a_tenant("b", "pool", {"pool": 59})
    assert Layout([apart, many], SITES).machines("pool") == pytest.approx([8 * LOOSE + 5 * STUCK + OPENED] * 2)


def test_what_one_relocation_saves_is_what_the_whole_costs_less_afterwards() -> None:
    for seed in CASES:
        tenants, sites = a_case(seed)
        layout = Layout(tenants, sites)
        saved, _ = layout.gains()
        usd, able = layout.usd(), 0
        for i, q in zip(*np.nonzero(np.isfinite(saved)), strict=True):
            layout.put(i, sites[q].name)
            assert saved[i, q] == pytest.approx(usd - layout.usd())
            layout.put(i, tenants[i].at)
            able += 1
        assert able


def test_a_relocation_fits_exactly_where_no_limit_is_passed_afterwards() -> None:
    answers = set()
    for seed in CASES:
        tenants, sites = a_case(seed)
        layout = Layout(tenants, sites)
        saved, fits = layout.gains()
        for i, q in zip(*np.nonzero(np.isfinite(saved)), strict=True):
            layout.put(i, sites[q].name)
            assert fits[i, q] == (not layout.over() and not layout.crowded(sites[q].name))
            answers.add(bool(fits[i, q]))
            layout.put(i, tenants[i].at)
    assert answers == {True, False}


def test_busiest_minutes_do_not_come_together() -> None:
    """Two models rise 3 and 4 machines above their hour: 5 together, not 7. 10 + 5 machines are within 15.1."""

    def of(quota: float) -> Layout:
        site = replace(SINGLES, kind=replace(ONE, machines=quota))
        both = [a_tenant(n, "singles", {"singles": 5}, peak={"singles": 5.0 + up}) for n, up in (("a", 3), ("b", 4))]
        return Layout(both, [site])

    assert not of(15.1).over()
    assert of(14.9).over()


def test_what_is_over_its_quota_already_may_go_on_and_not_grow() -> None:
    tight = replace(SINGLES, kind=replace(ONE, machines=4.0))
    full = a_tenant("a", "singles", {"singles": 6})
    costly = a_tenant("b", "pool", {"pool": 8, "singles": 1})
    assert Layout([full], [tight, POOL]).over()
    assert relocate([full, costly], [tight, POOL]) == ()
    better = replace(tight, name="better")
    smaller = a_tenant("c", "singles", {"singles": 2, "better": 1})
    assert [one.name for one in relocate([full, smaller], [tight, better])] == ["c"]


# Who moves.


def test_a_model_goes_where_it_costs_least() -> None:
    """8 accelerators of the pool are 33.60 an hour, 4 machines of one accelerator 16, a dedicated one 24."""
    one = a_tenant("a", "pool", {"pool": 8, "singles": 4, OWN.name: 1})
    assert relocate([one], SITES) == (Relocation("a", "singles", pytest.approx(33.6 - 16)),)


TIGHT = replace(SINGLES, kind=replace(ONE, machines=6.0))
REST = a_tenant("rest", "singles", {"singles": 4}, fixed=True)
"""Of six machines, two are free."""
LARGE = a_tenant("large", "pool", {"pool": 5, "singles": 2})
"""16.50 on the pool, 8 on two machines: 8.50 with two accelerators."""
LITTLE = a_tenant("little", "pool", {"pool": 3, "singles": 1})
"""9.90 on the pool, 4 on one machine: 5.90 with one."""


def test_the_scarce_go_to_who_saves_most_with_each() -> None:
    """Two little ones save 11.80 in the room of a large one that saves 8.50 alone."""
    found = relocate([LARGE, LITTLE, replace(LITTLE, name="too"), REST], [POOL, TIGHT])
    assert {one.name: one.usd for one in found} == {"little": pytest.approx(5.9), "too": pytest.approx(5.9)}


def test_who_goes_back_for_anothers_sake_is_not_named() -> None:
    """The little one is first, and then in the way: 8.50 instead of 5.90."""
    found = relocate([LARGE, LITTLE, REST], [POOL, TIGHT])
    assert found == (Relocation("large", "singles", pytest.approx(8.5)),)


DEAR = Site("dear", Kind("eight2", 24.0, 8, 100.0), False)


def test_models_open_an_empty_pool_that_none_of_them_would_open_alone() -> None:
    """Each saves 1.32 an hour in the other pool once it is open, and opening it costs 7.20: six of them are enough."""
    full = a_tenant("rest", "pool", {"pool": 32}, fixed=True)

    def models(count: int) -> list[Tenant]:
        return [full, *(a_tenant(str(i), "pool", {"pool": 2, DEAR.name: 1.6}, least=0.01) for i in range(count))]

    assert relocate(models(5), [POOL, DEAR]) == ()
    found = relocate(models(6), [POOL, DEAR])
    assert {one.name for one in found} == {str(i) for i in range(6)}
    assert {one.to for one in found} == {DEAR.name}
    assert [one.usd for one in found] == pytest.approx([(6 * 1.32 - 7.2) / 6] * 6)


def test_the_last_models_leave_a_pool_together_that_none_of_them_would_leave_alone() -> None:
    """Each costs 1.32 more elsewhere; a pool that stands empty is 7.20 less."""
    full = a_tenant("rest", "pool", {"pool": 32}, fixed=True)

    def models(count: int, **more: object) -> list[Tenant]:
        held = {DEAR.name: 1.6, "pool": 2.0}
        return [full, *(a_tenant(str(i), DEAR.name, held, least=0.01, **more) for i in range(count))]

    found = relocate(models(5), [POOL, DEAR])
    assert [(one.name, one.to) for one in found] == [(str(i), "pool") for i in range(5)]
    assert sum(one.usd for one in found) == pytest.approx(7.2 - 5 * 1.32)
    assert relocate(models(6), [POOL, DEAR]) == ()
    assert relocate([*models(4), a_tenant("stays", DEAR.name, {DEAR.name: 1.6}, fixed=True)], [POOL, DEAR]) == ()


def test_fixed_models_never_move() -> None:
    for seed in CASES:
        tenants, sites = a_case(seed)
        free = {one.name for one in relocate(tenants, sites)}
        fixed = [replace(tenant, fixed=tenant.name in free) for tenant in tenants]
        assert not free & {one.name for one in relocate(fixed, sites)}


def test_nobody_moves_for_less_than_its_least() -> None:
    one = a_tenant("a", "pool", {"pool": 8, "singles": 4})
    assert relocate([replace(one, least=17.5)], SITES)
    assert relocate([replace(one, least=17.7)], SITES) == ()


def test_a_model_too_large_for_a_type_does_not_go_there() -> None:
    """A third of 30 machines is 10: whose busiest minute takes more would leave nothing to grow into."""
    assert pytest.approx(10) == LARGEST * ONE.machines
    one = a_tenant("a", "pool", {"pool": 8, "singles": 4})
    assert relocate([replace(one, peak={"pool": 8.0, "singles": 10.0})], SITES)
    assert relocate([replace(one, peak={"pool": 8.0, "singles": 10.1})], SITES) == ()


def test_a_place_that_a_model_does_not_know_is_none() -> None:
    assert relocate([a_tenant("a", "pool", {"pool": 8})], SITES) == ()


def test_no_model_and_no_place_need_no_relocation() -> None:
    assert relocate([], SITES) == relocate([a_tenant("a", "pool", {"pool": 8})], []) == ()


# Pairs.

HERE = replace(SINGLES, kind=replace(ONE, machines=9.0))
GUEST = a_tenant("guest", "pool", {"pool": 8, "singles": 3})
"""26.40 on the pool, 12 on three machines."""
SITTER = a_tenant("sitter", "singles", {"singles": 3, "pool": 4})
"""12 on three machines, 13.20 on the pool: it goes for nobody's sake but another's."""
FULL = a_tenant("full", "singles", {"singles": 6}, fixed=True)


def test_a_pair_finds_what_no_single_step_does() -> None:
    """The guest would save 14.40, and finds no room; the sitter going costs 1.20 and makes it: together 13.20."""
    everyone, sites = [GUEST, SITTER, FULL], [POOL, HERE]
    saved, fits = Layout(everyone, sites).gains()
    assert not ((saved > 0) & fits).any()
    found = relocate(everyone, sites)
    assert [(one.name, one.to) for one in found] == [("sitter", "pool"), ("guest", "singles")], "room is made first"
    assert [one.usd for one in found] == pytest.approx([-1.2, 14.4])
    assert not moved(everyone, sites, found).over()


def test_a_pair_saves_both_leasts_or_stays() -> None:
    def after(least: float) -> tuple[Relocation, ...]:
        return relocate([replace(GUEST, least=least), replace(SITTER, least=3.0), FULL], [POOL, HERE])

    assert len(after(10.1)) == 2
    assert after(10.3) == ()


def test_nobody_fixed_makes_room() -> None:
    assert relocate([GUEST, replace(SITTER, fixed=True), FULL], [POOL, HERE]) == ()


def test_a_pair_keeps_within_what_the_pool_itself_may_grow_to() -> None:
    """Of the type there are plenty, but the pool ends at nine machines: a sitter of one makes too little room."""
    narrow = replace(SINGLES, machines=9.0)
    small = a_tenant("sitter", "singles", {"singles": 1, "pool": 2})
    most = a_tenant("full", "singles", {"singles": 8}, fixed=True)
    assert relocate([GUEST, small, most], [POOL, narrow]) == ()
    one = a_tenant("guest", "pool", {"pool": 8, "singles": 1})
    assert len(relocate([one, small, most], [POOL, narrow])) == 2, "for a guest of one it is enough"


# Against the exact optimum.


@cache
def a_case(seed: int) -> tuple[list[Tenant], list[Site]]:
    """5 to 7 models on two pools and dedicated machines at four moments; quotas that only just hold the start."""
    rng = np.random.default_rng(seed)
    units = {"pool": 1, "other": 1, "dedicated:mid": 4}
    tenants = []
    for i in range(int(rng.integers(5, 8))):
        load = rng.uniform(1, 12) * rng.uniform(0.4, 1.0, 4)
        able = sorted({name for name in units if rng.random() < 0.85} or {"pool"})
        held = {name: np.ceil(load * rng.uniform(0.6, 1.4) / units[name]) for name in able}
        apart = {name: values / 4 for name, values in held.items() if units[name] == 1 and rng.random() < 0.2}
        peak = {name: float(values.max()) * rng.uniform(1.0, 1.3) for name, values in held.items()}
        tenants.append(Tenant(f"m{i}", str(rng.choice(able)), held, apart, peak))
    times = rng.uniform(1.0, 1.15, 2)
    sites = next(found for quota in np.arange(2, 40, 0.5) if not Layout(tenants, found := _sites(quota * times)).over())
    if rng.random() < 0.5:
        room = float(Layout(tenants, sites).machines("pool").max() * rng.uniform(1.1, 1.3) + 1)
        sites[0] = replace(sites[0], machines=room)
    crowded = [site.name for site in sites if Layout(tenants, sites).crowded(site.name)]
    return tenants, [replace(site, machines=np.inf) if site.name in crowded else site for site in sites]


def _sites(quotas: np.ndarray) -> list[Site]:
    big, mid = Kind("big", 24.0, 8, float(quotas[0])), Kind("mid", 10.0, 4, float(quotas[1]))
    return [Site("pool", big, False), Site("other", mid, False), Site("dedicated:mid", mid, True)]


def keeps_limits(layout: Layout) -> bool:
    """No quota and no pool's own limit is passed, and nobody came where it is too large."""
    for i, (tenant, home) in enumerate(zip(layout.tenants, layout.home, strict=True)):
        if home != tenant.at and layout.peak[home][i] > LARGEST * layout.sites[home].kind.machines:
            return False
    return not layout.over() and not any(layout.crowded(site) for site in layout.sites)


def optimum(tenants: Sequence[Tenant], sites: Sequence[Site], *, limits: bool = True) -> float:
    """The least dollars an hour of all the ways to live, every one of them tried."""
    layout, best = Layout(tenants, sites), np.inf
    for homes in itertools.product(*(sorted(tenant.held) for tenant in tenants)):
        layout.home = list(homes)
        usd = layout.usd()
        if usd < best and (not limits or keeps_limits(layout)):
            best = usd
    return float(best)


def test_relocations_come_within_a_few_thousandths_of_the_exact_optimum() -> None:
    """Measured over these 60: 0.33 % above the optimum on the mean, 6.5 % at worst; 55 are it exactly.

    98 % of what could be saved is saved. Over 300 cases: 0.15 %, 7.4 % at worst, 94 % exactly.
    """
    gaps, bound, could_save, saved = [], 0, 0.0, 0.0
    for seed in CASES:
        tenants, sites = a_case(seed)
        start, found = Layout(tenants, sites), relocate(tenants, sites)
        after, best = moved(tenants, sites, found), optimum(tenants, sites)
        assert keeps_limits(start) and keeps_limits(after)
        assert best - 1e-9 <= after.usd() <= start.usd()
        assert sum(one.usd for one in found) == pytest.approx(start.usd() - after.usd()), "each says what it saves"
        gaps.append(after.usd() / best - 1)
        bound += optimum(tenants, sites, limits=False) < best - 1e-9
        could_save += start.usd() - best
        saved += start.usd() - after.usd()
    assert bound > len(CASES) / 3, "the limits matter"
    assert np.mean(gaps) < 0.005
    assert max(gaps) < 0.1
    assert np.mean(np.array(gaps) < 1e-9) > 0.8
    assert saved > 0.95 * could_save


def test_the_same_fleet_finds_the_same_relocations() -> None:
    for seed in CASES:
        tenants, sites = a_case(seed)
        assert relocate(tenants, sites) == relocate(list(tenants), list(sites))


def test_whoever_relocates_is_named_once_and_lives_elsewhere_afterwards() -> None:
    for seed in CASES:
        tenants, sites = a_case(seed)
        at = {tenant.name: tenant.at for tenant in tenants}
        found = relocate(tenants, sites)
        assert len({one.name for one in found}) == len(found)
        assert all(one.to != at[one.name] for one in found)


def test_no_more_models_relocate_at_once_than_may() -> None:
    many = [a_tenant(f"m{i:02}", "pool", {"pool": 2, "singles": 0.1}) for i in range(MOST + 5)]
    assert len(relocate(many, SITES)) == MOST
    assert len(relocate(many, SITES, most=3)) == 3
