"""What a pool or a dedicated endpoint is expected to need in the week to come: what giving machines back rests on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tidepool.decision.by_price import ROOM
from tidepool.decision.places import place_of, rates_of, top_of
from tidepool.decision.wanted import Ahead, Wanted
from tidepool.fleet.demand import Values
from tidepool.forecast.profile import BUCKET_S, BUCKETS, DAY_BUCKETS, bucket
from tidepool.hosting.cost import Place, sizes
from tidepool.memory import Memory
from tidepool.packing.give_back import Coming
from tidepool.sizing.copies import HEADROOM
from tidepool.units import DAY_S, HOUR_S, MINUTE_S


def coming(homes: Sequence[Wanted], memory: Memory, now: int, ahead: Ahead | None, *, regain_s: float | None) -> Coming:
    """What the endpoint of these homes is expected to need in each ten minutes of the week to come.

    Who is not known for a day yet is expected to stay as it is, so what it fills now is needed at once. The rise is
    the greatest of a model beyond what is foretold of it now, of those whose callers would not wait for a machine to
    come again (`regain_s`; None: never).
    """
    needed, late, most = np.zeros(BUCKETS), np.zeros(BUCKETS), 0.0
    rise, riser = np.zeros(BUCKETS), ""
    for one in homes:
        held = per_machine(one)
        place, rates = place_of(one.home), _week(memory, one.subject.model, now, ahead)
        if place is None or rates is None:
            needed += max(one.size, one.home.size_wanted) / held
            most = np.inf
            continue
        foretold = _sizes(ROOM * rates, place, one) / held
        needed += foretold
        late += HOUR_S * rates * one.subject.config.miss_usd
        top = top_of(memory, one.subject.model)
        full = float(_sizes(np.array([top]), place, one)[0]) / held if top > 0 else np.inf
        most += full
        more = np.maximum(0.0, full - foretold)
        too_late = regain_s is None or one.subject.config.start_within_s < regain_s
        # The oracle knows every rise.
        if more[0] > rise[0] and top > 0 and too_late and ahead is None:
            rise, riser = more, one.subject.model
    return Coming(needed, late / np.maximum(needed, 1.0), BUCKET_S, most, rise, riser)


def _week(memory: Memory, model: str, now: int, ahead: Ahead | None) -> Values | None:
    """[BUCKETS]: requests per second, the first bucket now; None while a day of it is not known."""
    if ahead is not None:
        day: Values = rates_of(memory, model, now, ahead)[:-1]
        return np.tile(day, BUCKETS // DAY_BUCKETS) if day.size == DAY_BUCKETS else None
    known, remembered = memory.learned.models.get(model), memory.models.get(model)
    if known is None or known.minutes * MINUTE_S < DAY_S or len(known.profile) != BUCKETS:
        return None
    level = remembered.level if remembered is not None else 1.0
    first = bucket(now)
    return np.array(known.profile[first:] + known.profile[:first]) * level


def _sizes(rates: Values, place: Place, one: Wanted) -> Values:
    found = sizes(rates, place, floor=one.floor, headroom=HEADROOM)
    most = one.subject.config.max_copies
    return found if most is None or place.dedicated else np.minimum(found, max(most, one.floor))


def per_machine(one: Wanted) -> int:
    """Copies that one machine holds; a dedicated endpoint's sizes are machines."""
    if one.home.component is None or one.home.instance is None:
        return 1
    return max(1, one.home.instance.accelerators // one.home.accelerators)
