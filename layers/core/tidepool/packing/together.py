"""Relocations that pay only together: several models open a pool that stands empty, or the last ones leave one.

The first model in an empty pool pays for a machine that it does not fill, and leaving one of two releases nothing: one
at a time neither is ever done, and a fleet is left on half-filled machines of every type that it has.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.packing.layout import SLACK, Flags, Layout

Steps = list[tuple[int, str, float]]
"""(tenant, to, dollars an hour saved) one after the other."""
FEW = 24
"""Models that go together at most: the fleet is looked at again in ten minutes. Ours."""
FEW_MACHINES = 2.5
"""A pool of more machines than that, the mean over the day, is not emptied at once. Ours."""


def together(layout: Layout, scarce: Values, fixed: Flags, least: Values) -> Steps:
    """The group that saves most, each with its share of it; [] when none saves the `least` of all its members."""
    best: Steps = []
    most = 0.0
    for group in _groups(layout, scarce, fixed):
        total = sum(saved for _, _, saved in group)
        if total > max(most, sum(float(least[i]) for i, _, _ in group)):
            most, best = total, [(i, to, total / len(group)) for i, to, _ in group]
    return best


def _groups(layout: Layout, scarce: Values, fixed: Flags) -> Iterator[Steps]:
    """One group for each pool where one is thinkable; the layout is as before after each."""
    for q, (name, site) in enumerate(layout.sites.items()):
        if site.dedicated or site.kind.accelerators == 1:
            continue
        here, before = layout.here(name), list(layout.home)
        if not here.any():
            group = _opening(layout, q, scarce[:, q], fixed)
        elif not (here & fixed).any() and here.sum() <= FEW and layout.machines(name).mean() <= FEW_MACHINES:
            group = _emptying(layout, name)
        else:
            continue
        for i, _, _ in group:
            layout.put(i, before[i])
        yield group


def _opening(layout: Layout, q: int, scarce: Values, fixed: Flags) -> Steps:
    """Who saves most there comes first; then, while it saves, who saves most for each scarce accelerator."""
    name = list(layout.sites)[q]
    group: Steps = []
    while len(group) < FEW:
        saved, fits = layout.gains()
        options = np.where(fits[:, q] & ~fixed, saved[:, q], -np.inf)
        i = int(np.argmax(options / scarce if group else options))
        if not np.isfinite(options[i]) or (group and options[i] <= SLACK):
            break
        layout.put(i, name)
        group.append((i, name, float(options[i])))
    return group


def _emptying(layout: Layout, name: str) -> Steps:
    """Everybody goes to the best of the other places; [] when one of them has none."""
    names, before = list(layout.sites), list(layout.home)
    group: Steps = []
    for i in np.flatnonzero(layout.here(name)).tolist():
        saved, fits = layout.gains()
        options = np.where(fits[i], saved[i], -np.inf)
        k = int(np.argmax(options))
        if not np.isfinite(options[k]):
            for j, _, _ in group:
                layout.put(j, before[j])
            return []
        layout.put(i, names[k])
        group.append((i, names[k], float(options[k])))
    return group
