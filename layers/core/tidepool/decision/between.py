"""Between two readings of a model that is not asked every minute (runtime/reading.py): what stands, what is made up.

One query answers every minute since the last, so nothing that came is lost: it is known a minute or two later.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tidepool.decision.subjects import Subject
from tidepool.forecast.observed import Observed
from tidepool.memory import ModelMemory
from tidepool.units import MINUTE_S

STANDS_S = 3 * MINUTE_S
"""A reading stands so long where no newer was asked for: two looks without one. Ours."""


def last_reading(subject: Subject, memory: ModelMemory, now: int) -> Observed | None:
    """What is known where this look did not ask of the model's one home: the last reading; None where it asked.

    It raises, and lowers nothing: whether it was not asked or not answered cannot be told here.
    """
    home = subject.homes[0]
    asked = len(home.evidence.invocations.values) or len(home.evidence.concurrency.values)
    if asked or len(subject.homes) != 1 or home.size_now < 1 or not memory.recent:
        return None
    last = memory.recent[-1]
    if now - last.at >= STANDS_S:
        return None
    why = f"{last.in_flight:.1f} in flight when it was last asked"
    return Observed(last.in_flight, last.peak, last.rate, False, False, 0.0, 0, why)


def made_up_for(subject: Subject, memory: ModelMemory, now: int) -> Iterator[tuple[int, Observed]]:
    """(when, what the count says) of each look since the last reading, the oldest first."""
    if len(subject.homes) != 1 or not memory.recent:
        return
    home = subject.homes[0]
    count, last = home.evidence.invocations, memory.recent[-1].at
    if now - last > STANDS_S:
        return
    for back in range((now - last - 1) // count.step_s, 0, -1):
        if back < len(count.values):
            rate = float(np.nan_to_num(count.values[-1 - back])) / count.step_s
            seen = rate * home.service_s * memory.stretch
            yield now - back * count.step_s, Observed(seen, seen, rate, True, rate <= 0, 0.0, 0, "as counted")
