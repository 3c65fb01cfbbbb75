"""Faults from one seed. Without them the twin's account never runs out, never throttles, loses nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tidepool.units import DAY_S


@dataclass(frozen=True, slots=True)
class Outage:
    """No instance of the type can be launched on [since, until) (InsufficientCapacity)."""

    instance_type: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are chances per call or event, drawn from `seed`.

    outages: insufficient capacity. throttled: control-plane calls refused with ThrottlingException.
    update_reverts: an accepted UpdateEndpoint comes back InService on the old config.
    events_lost, events_late (by late_s), events_doubled: read by the drivers that carry events to handlers.
    """

    seed: int = 0
    outages: tuple[Outage, ...] = ()
    throttled: float = 0.0
    update_reverts: float = 0.0
    events_lost: float = 0.0
    events_late: float = 0.0
    late_s: int = 120
    events_doubled: float = 0.0
    rng: np.random.Generator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", np.random.default_rng([self.seed, 0xFA017]))

    def strikes(self, share: float) -> bool:
        """Whether a fault of that chance happens now. Draws only when the chance is not zero."""
        return share > 0 and bool(self.rng.random() < share)

    def out_of(self, instance_type: str, at_s: float) -> bool:
        """No machine of that type can be had at `at_s`."""
        return any(o.instance_type == instance_type and o.since <= at_s < o.until for o in self.outages)

    def deliveries(self, at_s: int) -> tuple[int, ...]:
        """When an event sent at `at_s` arrives: () lost, one time, or two (doubled)."""
        if self.strikes(self.events_lost):
            return ()
        first = at_s + (self.late_s if self.strikes(self.events_late) else 0)
        return (first, first + 1) if self.strikes(self.events_doubled) else (first,)


def seeded_faults(
    seed: int,
    types: tuple[str, ...],
    *,
    start_s: int,
    days: float,
    outages_per_day: float = 0.2,
    outage_s: int = 3600,
    throttled: float = 0.01,
    update_reverts: float = 0.1,
    events_lost: float = 0.01,
    events_late: float = 0.02,
    events_doubled: float = 0.02,
) -> Faults:
    """Faults as a seed makes them: Poisson outages per type, exponential in length; shares as given.

    The defaults are (assumed): often enough to meet in a simulated day, rare enough for work to go on.
    """
    rng = np.random.default_rng([seed, 0x1CE])
    outages = [
        Outage(name, since, since + max(60, int(rng.exponential(outage_s))))
        for name in types
        for since in sorted(
            int(start_s + at * DAY_S) for at in rng.uniform(0, days, rng.poisson(outages_per_day * days))
        )
    ]
    return Faults(
        seed=seed,
        outages=tuple(outages),
        throttled=throttled,
        update_reverts=update_reverts,
        events_lost=events_lost,
        events_late=events_late,
        events_doubled=events_doubled,
    )
