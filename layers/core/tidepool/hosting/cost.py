"""What a model would cost an hour in each place it could live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tidepool.fleet.demand import Values
from tidepool.units import HOUR_S

TIE = 0.02
"""Costs within 2 % are a tie (the rule of the first hosting decision: dedicated when costs tie)."""
FILLED_HOURS = 20
"""Hours of the last 24 in which the copies must have filled whole instances before dedicated hosting is worth it."""
FEWER_HOURS = 16
"""…and below which a model goes back to shared hosting: the gap is the hysteresis. Ours."""
WORTH = 0.25
"""A move between homes must save a quarter of what the model costs: the mean over a day does not see what else differs,
such as that a copy on a one-GPU machine always waits for a launch, and one on a shared machine seldom does. Ours.
So a move pays for itself soon: a quarter of an hour of both homes, half an hour of its cost, is saved in two hours."""
DWELL_S = 6 * HOUR_S
"""A model stays at least this long where it came to live. Ours: a quarter of a day is the shortest tide."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place a model could live.

    name: a pool's endpoint, or 'dedicated:TYPE'. unit: slots of one copy (shared) or instance (dedicated).
    accelerators: held by one copy, or the whole instance's. usd: of one copy's share, or of one instance, per hour.
    service_s: time one request holds a slot there. room: how many copies or instances the place can still take.
    """

    name: str
    dedicated: bool
    instance_type: str
    unit: float
    accelerators: int
    usd: float
    service_s: float
    start_s: float
    room: int


def sizes(rates: Values, place: Place, *, floor: int, headroom: float) -> Values:
    """Copies or instances for each rate (requests per second): square-root staffing, at least the floor."""
    in_flight = rates * place.service_s
    needed = np.ceil((in_flight + headroom * np.sqrt(in_flight)) / place.unit - 1e-9)
    least = max(1, floor) if place.dedicated else floor
    sized: Values = np.maximum(needed, least)
    return sized


def usd_per_hour(rates: Values, place: Place, *, floor: int, headroom: float) -> float:
    """The mean cost over these equally likely rates."""
    return float(sizes(rates, place, floor=floor, headroom=headroom).mean()) * place.usd


def fills_whole_instances(copies: int, per_instance: int, *, copy_usd: float, instance_usd: float) -> bool:
    """Whole machines for these copies cost within TIE of the copies' shares. 8 of 8 → yes, 7 of 8 → no."""
    if copies <= 0 or per_instance <= 0:
        return False
    machines = -(-copies // per_instance)
    return machines * instance_usd <= (1 + TIE) * copies * copy_usd
