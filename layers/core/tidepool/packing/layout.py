"""Who lives where over the day to come, what every site and type then needs, and what each single relocation saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tidepool.fleet.demand import Values

Flags = npt.NDArray[np.bool_]

LOOSE = 1.1
"""Machines of a pool over what its copies fill: BINPACK places well, but copies come and go. On the twin 1.08 to 1.2
with 20 to 60 machines."""
STUCK = 0.06
"""Machines that each copy which may not meet its like keeps from being released, beside its share. On the twin such a
copy often stands alone on a machine that others have left, and every other machine with room has its like: 0.07 and
0.19 a copy for the two largest such models of the reference week. The lower figure, as it
is only likely."""
LARGEST = 1 / 3
"""Share of a type's machines that one model's busiest minute may take: beyond it, whoever lives there too has nothing
left to grow into. Ours."""
OPENED = 0.3
"""Machines that a pool in use pays beyond that: its last one is seldom full. A random load leaves half a machine; 0.3,
because at 0.5 and more the reference week's larger pools were opened too seldom. Fitted."""
SLACK = 1e-9
"""Machines, or dollars an hour, that are only the rounding of sums. Ours."""


@dataclass(frozen=True, slots=True)
class Kind:
    """An instance type: dollars an hour, accelerators, and how many machines may be counted on."""

    name: str
    usd: float
    accelerators: int
    machines: float


@dataclass(frozen=True, slots=True)
class Site:
    """One place to live. `dedicated`: sizes are instances of the type, else accelerators of a shared pool.

    machines: what the pool itself may grow to. sunk: how many of them are paid whether they are used or not.
    """

    name: str
    kind: Kind
    dedicated: bool
    machines: float = float("inf")
    sunk: float = 0.0

    def paid(self, machines: Values) -> Values:
        """Of so many machines, those that cost something beyond what is paid anyhow: the first `sunk` are free."""
        return np.maximum(machines - self.sunk, 0.0) if self.sunk else machines

    @property
    def unit(self) -> int:
        """Accelerators in a machine where sizes are accelerators, 1 where they are machines."""
        return 1 if self.dedicated else self.kind.accelerators


@dataclass(frozen=True, slots=True)
class Tenant:
    """One model. held: by site, what it would hold at each of K moments (accelerators; instances when dedicated).

    apart: by pool, the machines its copies need because no two may share one (empty for models in one zone).
    peak: by site, what its busiest minute ever would hold.
    fixed: it stays. least: dollars an hour below which a relocation is not worth it.
    """

    name: str
    at: str
    held: dict[str, Values]
    apart: dict[str, Values] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    fixed: bool = False
    least: float = 0.0


class Layout:
    """Everybody's home, to be changed by `put`. Arrays are [tenants, …] in the order of `tenants`."""

    def __init__(self, tenants: Sequence[Tenant], sites: Sequence[Site]) -> None:
        self.tenants, self.sites = list(tenants), {site.name: site for site in sites}
        self.moments = next((len(held) for tenant in tenants for held in tenant.held.values()), 1)
        self.home = [tenant.at for tenant in tenants]
        none = np.zeros(self.moments)

        def table(of: str, site: str) -> Values:
            return np.array([getattr(tenant, of).get(site, none) for tenant in self.tenants])

        self._held = {name: table("held", name) for name in self.sites}
        self._apart = {name: table("apart", name) for name in self.sites}
        self._can = {name: np.array([name in tenant.held for tenant in self.tenants]) for name in self.sites}
        self.peak = {
            name: np.array([tenant.peak.get(name, 0.0) for tenant in self.tenants]) / site.unit
            for name, site in self.sites.items()
        }
        """By site, machines that each tenant's busiest minute would take."""
        self._over = {
            name: np.maximum(self.peak[name][:, None] - self._held[name] / site.unit, 0.0)
            for name, site in self.sites.items()
        }

    def put(self, tenant: int, site: str) -> None:
        """That model lives there from now on."""
        self.home[tenant] = site

    def here(self, site: str) -> Flags:
        """[tenants]: who lives there."""
        return np.array([home == site for home in self.home], dtype=np.bool_)

    def usd(self) -> float:
        """Dollars an hour of everything, the mean over the moments."""
        return sum(float(site.paid(self.machines(name)).mean()) * site.kind.usd for name, site in self.sites.items())

    def machines(self, site: str) -> Values:
        """[moments]: machines of a site."""
        here = self.here(site)
        apart = self._apart[site][here]
        return _machines(self.sites[site], self._held[site][here].sum(axis=0), _top(apart), apart.sum(axis=0))

    def gains(self) -> tuple[Values, Flags]:
        """[tenants, sites]: dollars an hour that each single relocation saves, and whether there is room for it."""
        shape = (len(self.tenants), len(self.sites))
        saved, fits = np.full(shape, -np.inf), np.zeros(shape, dtype=np.bool_)
        out_usd, released = self._leaving()
        used, over = self._used()
        own = self._own_over()
        kinds = np.array([self.sites[home].kind.name if home in self.sites else "" for home in self.home])
        for q, (name, site) in enumerate(self.sites.items()):
            here, kind = self.here(name), site.kind
            held, apart, rise = self._held[name], self._apart[name], self._over[name] ** 2
            before = self.machines(name)
            load, top = held[here].sum(axis=0), _top(apart[here])
            after = _machines(site, load + held, np.maximum(top, apart), apart[here].sum(axis=0) + apart)
            able = self._can[name] & ~here & (self.peak[name] <= LARGEST * kind.machines)
            saved[able, q] = out_usd[able] - (site.paid(after) - site.paid(before))[able].mean(axis=1) * kind.usd
            same = (kinds == kind.name)[:, None]
            rises = np.sqrt(np.maximum(over[kind.name] + rise - np.where(same, own, 0.0), 0.0))
            total = used[kind.name] + after - before - np.where(same, released, 0.0) + rises
            # What is over the limit already may go on, and not grow.
            limit = np.maximum(kind.machines, used[kind.name] + np.sqrt(over[kind.name]))
            grown = after + np.sqrt(rise[here].sum(axis=0) + rise)
            in_pool = grown <= np.maximum(site.machines, before) + SLACK
            fits[:, q] = able & ((total <= limit + SLACK) & in_pool).all(axis=1)
        return saved, fits

    def over(self) -> bool:
        """Some type is planned beyond what may be counted on."""
        used, over = self._used()
        limits = {site.kind.name: site.kind.machines for site in self.sites.values()}
        return any(bool((used[kind] + np.sqrt(over[kind]) > limits[kind] + SLACK).any()) for kind in used)

    def crowded(self, site: str) -> bool:
        """That pool is planned beyond what it may itself grow to."""
        rises = np.sqrt((self._over[site][self.here(site)] ** 2).sum(axis=0))
        return bool((self.machines(site) + rises > self.sites[site].machines + SLACK).any())

    def _used(self) -> tuple[dict[str, Values], dict[str, Values]]:
        """By type, machines at each moment, and the squares of what its models' peaks rise above that.

        The rises do not come together: the root of their summed squares is planned with, as of independent peaks. At
        0.7 of it seed 2 of the reference week was later than native (98.55 % on time; 98.91 % with all of it).
        """
        used: dict[str, Values] = {}
        over: dict[str, Values] = {}
        for name, site in self.sites.items():
            kind, none = site.kind.name, np.zeros(self.moments)
            used[kind] = used.get(kind, none) + self.machines(name)
            over[kind] = over.get(kind, none) + (self._over[name][self.here(name)] ** 2).sum(axis=0)
        return used, over

    def _own_over(self) -> Values:
        """[tenants, moments]: each one's own square where it lives."""
        own = np.zeros((len(self.tenants), self.moments))
        for name in self.sites:
            here = self.here(name)
            own[here] = self._over[name][here] ** 2
        return own

    def _leaving(self) -> tuple[Values, Values]:
        """[tenants]: dollars an hour that leaving saves where it lives; [tenants, moments]: machines released."""
        usd, released = np.zeros(len(self.tenants)), np.zeros((len(self.tenants), self.moments))
        for name, site in self.sites.items():
            here = np.flatnonzero(self.here(name))
            if not here.size:
                continue
            held, apart = self._held[name][here], self._apart[name][here]
            load, before = held.sum(axis=0), self.machines(name)
            without = _machines(site, load - held, _top_of_others(apart), apart.sum(axis=0) - apart)
            released[here] = before - without
            usd[here] = (site.paid(before) - site.paid(without)).mean(axis=1) * site.kind.usd
        return usd, released


def _machines(site: Site, held: Values, apart: Values, apart_in_all: Values) -> Values:
    """Machines for what is held: at least as many as one model's copies that may not meet, and what those hold up."""
    if site.kind.accelerators == 1:
        return np.asarray(np.maximum(held, apart))
    if site.dedicated:
        return held
    filled = held / site.kind.accelerators * LOOSE + STUCK * apart_in_all + OPENED * np.minimum(held, 1.0)
    return np.asarray(np.maximum(filled, apart))


def _top(apart: Values) -> Values:
    """[moments]: the highest of all tenants' at each moment."""
    return np.asarray(apart.max(axis=0)) if len(apart) else np.zeros(apart.shape[-1])


def _top_of_others(apart: Values) -> Values:
    """[tenants, moments]: the highest of all the others' at each moment."""
    if len(apart) < 2:
        return np.zeros_like(apart)
    ranked = np.sort(apart, axis=0)
    return np.asarray(np.where(apart >= ranked[-1], ranked[-2], ranked[-1]))
