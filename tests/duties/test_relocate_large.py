"""Relocations of fleets of the size that is meant, against HiGHS: more ways to live than anybody can try one by one.

One moment, and busiest minutes that are that moment: then the whole problem is linear, and the solver's optimum is one
of exactly what relocate() minimises.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from tidepool.packing.layout import LARGEST, LOOSE, OPENED, Kind, Layout, Site, Tenant
from tidepool.packing.relocate import relocate

MODELS = 60
FLEETS = range(8)
SECONDS = 20.0
"""For the solver, of which it takes less than one; what it then has proved is a lower bound all the same."""


def a_fleet(seed: int) -> tuple[list[Tenant], list[Site]]:
    """Everybody on one dear pool of many machines; the cheaper places hold a part of them, and not everybody fits."""
    rng = np.random.default_rng(seed)
    home, wide = Kind("home", 24.0, 8, 400.0), Kind("wide", 60.0, 8, 0.0)
    mid, one = Kind("mid", 10.0, 4, 0.0), Kind("one", 4.0, 1, 0.0)
    tenants = []
    for i in range(MODELS):
        load = float(np.ceil(rng.lognormal(0.8, 1.0)))
        held = {"home": load}
        for name, factor in (("wide", 0.3), ("mid", 0.8), ("one", 0.6)):
            if rng.random() < 0.7:
                held[name] = float(np.ceil(load * factor * rng.uniform(0.5, 1.6)))
        if "mid" in held and rng.random() < 0.5:
            held["alone"] = float(np.ceil(held["mid"] / 4))
        values = {name: np.array([size]) for name, size in held.items()}
        tenants.append(Tenant(f"m{i:02}", "home", values, peak=held, least=0.0))
    # Not for everybody who would rather be there.
    room = {kind.name: float(rng.integers(2, 60 // kind.accelerators)) for kind in (wide, mid, one)}
    wide, mid, one = (Kind(kind.name, kind.usd, kind.accelerators, room[kind.name]) for kind in (wide, mid, one))
    sites = [Site(kind.name, kind, False) for kind in (home, wide, mid, one)]
    return tenants, [*sites, Site("alone", mid, True)]


def optimum(tenants: Sequence[Tenant], sites: Sequence[Site]) -> float:
    """A proven lower bound of the dollars an hour, by HiGHS; with its default gap it is within 0.01 % of an optimum.

    Columns: who lives where, and which pool is in use at all.
    """
    places = [(t, s) for t, tenant in enumerate(tenants) for s, site in enumerate(sites) if site.name in tenant.held]
    n, pools = len(places), len(sites)

    def machines(s: int) -> np.ndarray:
        """Of a site, by column."""
        site, row = sites[s], np.zeros(n + pools)
        loose = 1.0 if site.unit == 1 else LOOSE
        for column, (t, at) in enumerate(places):
            if at == s:
                row[column] = float(tenants[t].held[site.name][0]) * loose / site.unit
        row[n + s] = 0.0 if site.unit == 1 else OPENED
        return row

    rows, low, high = [], [], []
    for t in range(len(tenants)):  # Everybody lives somewhere.
        rows.append(np.array([float(place[0] == t) for place in places] + [0.0] * pools))
        low.append(1.0)
        high.append(1.0)
    for s in range(pools):  # Who lives there opens it.
        row = np.array([float(place[1] == s) for place in places] + [0.0] * pools)
        row[n + s] = -float(len(tenants))
        rows.append(row)
        low.append(-np.inf)
        high.append(0.0)
    for kind in {site.kind.name: site.kind for site in sites}.values():  # No type beyond what may be counted on.
        rows.append(sum((machines(s) for s in range(pools) if sites[s].kind.name == kind.name), np.zeros(n + pools)))
        low.append(-np.inf)
        high.append(kind.machines)
    fits = [
        sites[s].name == tenants[t].at
        or tenants[t].peak[sites[s].name] / sites[s].unit <= LARGEST * sites[s].kind.machines
        for t, s in places
    ]
    found = milp(
        sum((machines(s) * sites[s].kind.usd for s in range(pools)), np.zeros(n + pools)),
        constraints=LinearConstraint(np.array(rows), low, high),
        bounds=Bounds(0, np.array([*map(float, fits), *[1.0] * pools])),
        integrality=np.ones(n + pools),
        options={"time_limit": SECONDS},
    )
    return float(found.mip_dual_bound)


def test_sixty_models_come_near_what_highs_proves_to_be_the_least() -> None:
    """Measured over these eight: 0.19 % above it on the mean, 0.5 % at worst."""
    gaps, saved, could_save = [], 0.0, 0.0
    for seed in FLEETS:
        tenants, sites = a_fleet(seed)
        layout = Layout(tenants, sites)
        start, best = layout.usd(), optimum(tenants, sites)
        for one in relocate(tenants, sites, most=MODELS * 4):
            layout.put(int(one.name[1:]), one.to)
        assert not layout.over()
        assert layout.usd() >= best * (1 - 1e-6)
        gaps.append(layout.usd() / best - 1)
        saved += start - layout.usd()
        could_save += start - best
    assert max(gaps) > 1e-6, "none of them is hard"
    assert np.mean(gaps) < 0.004
    assert max(gaps) < 0.01
    assert saved > 0.97 * could_save


def test_the_solver_and_the_layout_reckon_alike() -> None:
    """Where nobody may move, the solver's least is what the layout costs."""
    tenants, sites = a_fleet(0)
    alone = [Tenant(one.name, one.at, {"home": one.held["home"]}, peak={"home": one.peak["home"]}) for one in tenants]
    assert optimum(alone, sites) == pytest.approx(Layout(alone, sites).usd())
