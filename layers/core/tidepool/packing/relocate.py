"""Models on pools and dedicated machines at the least expected dollars: one relocation, a pair or a group at a time.

The exact problem, which model where so that a day costs least within every type's quota, is a multiple-choice vector
packing. Greedy by what a relocation saves for each scarce accelerator comes near it in milliseconds: tests hold it to
an exact solver on small cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.packing.layout import SLACK, Flags, Layout, Site, Tenant
from tidepool.packing.together import Steps, together

MOST = 40
"""Relocations looked for at once: a fleet moves a few models at a time, and is looked at again in ten minutes. Ours."""
WISHES = 2
"""Of the relocations that find no room, the best so many are tried with somebody making room for them. Ours."""


@dataclass(frozen=True, slots=True)
class Relocation:
    """A model that should live elsewhere, and the dollars an hour that this saves, those before it done."""

    name: str
    to: str
    usd: float


def relocate(tenants: Sequence[Tenant], sites: Sequence[Site], *, most: int = MOST) -> tuple[Relocation, ...]:
    """The relocations that save the most, the best per scarce accelerator first; each saves its tenant's `least`.

    When the best place of a model is full, one that lives there may make room, if both together save both `least`s.
    """
    layout = Layout(tenants, sites)
    if not layout.tenants or not layout.sites:
        return ()
    fixed = np.array([tenant.fixed for tenant in layout.tenants], dtype=np.bool_)
    least = np.array([tenant.least for tenant in layout.tenants])
    scarce = _accelerators(layout)
    rounds: list[Steps] = []
    while sum(map(len, rounds)) < most:
        saved, fits = layout.gains()
        saved[fixed] = -np.inf
        worth = saved > np.maximum(least, SLACK)[:, None]
        good = np.where(worth & fits, saved, -np.inf)
        steps = (
            _best(good, scarce, layout)
            or _pair(layout, np.where(worth & ~fits, saved, -np.inf), fixed, least)
            or together(layout, scarce, fixed, least)
        )
        if not steps:
            break
        for i, site, _ in steps:
            layout.put(i, site)
        rounds.append(steps)
    return _ended(rounds, layout)


def _best(good: Values, scarce: Values, layout: Layout) -> Steps:
    """The one relocation that saves the most for each accelerator that its busiest moment takes."""
    if not np.isfinite(good).any():
        return []
    i, q = divmod(int(np.argmax(good / scarce)), good.shape[1])
    return [(i, list(layout.sites)[q], float(good[i, q]))]


def _accelerators(layout: Layout) -> Values:
    """[tenants, sites]: accelerators of a busiest minute, at least one: the scarce go to who saves most with them."""
    return np.stack(
        [np.maximum(layout.peak[name] * site.kind.accelerators, 1.0) for name, site in layout.sites.items()], axis=1
    )


def _pair(layout: Layout, wanted: Values, fixed: Flags, least: Values) -> Steps:
    """The best pair: a model moves to a full place, and one of those there moves elsewhere. [] when none saves."""
    names = list(layout.sites)
    best: Steps = []
    most = 0.0
    for flat in np.argsort(wanted, axis=None)[::-1][:WISHES]:
        i, q = divmod(int(flat), len(names))
        if not np.isfinite(wanted[i, q]):
            break
        home = layout.home[i]
        layout.put(i, names[q])
        for j in np.flatnonzero(layout.here(names[q]) & ~fixed).tolist():
            if j == i:
                continue
            # The room is judged with the newcomer in it: where the other leaves enough, no limit is passed.
            saved, fits = layout.gains()
            options = np.where(fits[j], saved[j], -np.inf)
            k = int(np.argmax(options))
            both = float(wanted[i, q] + options[k])
            if both > max(most, least[i] + least[j]) and _holds(layout, names[q], j, names[k]):
                most = both
                best = [(j, names[k], float(options[k])), (i, names[q], float(wanted[i, q]))]
        layout.put(i, home)
    return best


def _holds(layout: Layout, full: str, other: int, to: str) -> bool:
    """With `other` gone there too, no type is over what may be counted on, nor the full pool over its own limit."""
    home = layout.home[other]
    layout.put(other, to)
    over = layout.over() or layout.crowded(full)
    layout.put(other, home)
    return not over


def _ended(rounds: Sequence[Steps], layout: Layout) -> tuple[Relocation, ...]:
    """One relocation a model, where it ends up, by its last step; none for who is back where it began.

    What each saves is reckoned again, those before it done: with several steps a model the sums would not add up. Who
    moved in a group (packing/together.py) has its share of what that saves; of a pair the one who makes room loses.
    """
    group = {i: n for n, steps in enumerate(rounds) for i, _, usd in steps if usd == steps[0][2] == steps[-1][2]}
    last = dict.fromkeys(i for steps in reversed(rounds) for i, _, _ in reversed(steps))
    again = Layout(layout.tenants, list(layout.sites.values()))
    saved: dict[int, float] = {}
    usd = again.usd()
    for i in reversed(last):
        if layout.home[i] != again.home[i]:
            again.put(i, layout.home[i])
            before, usd = usd, again.usd()
            saved[i] = before - usd
    mates = {i: [j for j in saved if group.get(j) == group[i]] if i in group else [i] for i in saved}
    shares = {i: sum(saved[j] for j in mates[i]) / len(mates[i]) for i in saved}
    return tuple(Relocation(layout.tenants[i].name, layout.home[i], shares[i]) for i in saved)
