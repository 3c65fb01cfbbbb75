"""Which metrics a look reads of each target: few, because each one costs.

GetMetricData bills every metric asked for, $0.01 per 1,000 (AWS price list): one metric a minute is $0.43 a month, and
all six of 66 models would be $171. Asked is less than one a model and minute: how many are in flight of those that fill
their slots and whose callers wait for seconds, how many came of the others, every second minute, and both of everyone
every eighth. Little's law gives
the one from the other (forecast/observed.py), and what came between is made up for (decision/between.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting, ModelConfig, Shape
from tidepool.fleet import Component, Endpoint
from tidepool.forecast.blocks import highest_rate
from tidepool.forecast.observed import RAISE_ON_S
from tidepool.memory import Memory, ModelMemory
from tidepool.runtime.ports import MetricTarget
from tidepool.units import MINUTE_S

COUNT, GAUGE = ("invocations",), ("concurrency",)
LOAD = (*COUNT, *GAUGE)
REFUSED, ALIVE = ("rejected",), ("utilisation",)
ANSWERS = ("latency_ms", "errors")

NEXT_S = 2 * MINUTE_S
"""A memory older than this is not the last tick's: what it says of the last minute is not relied on. Ours."""
SETTLED_S = 3 * MINUTE_S
"""The last minute with a copy is over, visible a minute later, and read by the next tick."""
REFUSED_S = RAISE_ON_S + 2 * MINUTE_S
"""A rejected request counts for RAISE_ON_S, is visible a minute after its own minute, and is read by the next tick."""
AT_ZERO_S = 5 * MINUTE_S
"""How often a tick asks of models that have long been at zero: the alarm on their rejected requests wakes decide at
once, and then all are asked. Without the alarm waking takes so much longer. Ours."""

LIGHT, TOP_MINUTES = 0.5, 160
"""Share of its slots that a model has not gone beyond in so many minutes, all that blocks remember, to be asked every
second minute: who fills its slots has mostly been above half of them before. Ours."""
EVERY = 2
"""Minutes between two readings of such a model. Ours."""
PATIENT_S = 5 * MINUTE_S
"""Callers who can wait so long do not notice that a look came a minute later: their models are read so too. Ours."""
BOTH_S = 8 * MINUTE_S
"""How often the count and the gauge are read together: the one says what the other is worth (`stretch`). Ours."""
LATELY_S = 5 * MINUTE_S
"""While every slot was taken so lately both are read: a queue is more than either says. Ours."""


def asks_all(memory: Memory, now: int) -> bool:
    """A tick at `now` asks of every model, those at zero too."""
    return memory.asked_all // AT_ZERO_S != now // AT_ZERO_S


def sparing(
    targets: Iterable[MetricTarget],
    config: Config,
    memory: Memory,
    *,
    endpoints: Mapping[str, Endpoint],
    components: Mapping[str, Component],
    moving: Iterable[str],
    now: int,
    thorough: bool = True,
) -> tuple[MetricTarget, ...]:
    """The targets that are asked, each with the fields of Evidence that it is asked for.

    latency_ms, errors: only where no shape says what a copy serves (decision/measured.py). rejected: only of a
    component that had no copy lately, because SageMaker rejects for want of a copy only then. A component that has none
    is asked for nothing else, and once it has not been called for REFUSED_S only by a `thorough` look. utilisation
    proves that silence is idleness: where the last minute had requests, and one home, they prove it. Without the last
    tick's memory, and while it moves, everything is read; who is far from full is not asked in every look.
    """
    targets = tuple(targets)
    owner = {name: c.model for name, c in components.items()} | {n: e.model for n, e in endpoints.items() if e.model}
    homes: dict[str, int] = {}
    for target in targets:
        homes[owner.get(target.name, "")] = homes.get(owner.get(target.name, ""), 0) + 1
    moves = frozenset(moving)
    recent = now - memory.at <= NEXT_S

    def asked(target: MetricTarget) -> MetricTarget | None:
        model = owner.get(target.name, "")
        component, endpoint = components.get(target.name), endpoints.get(target.endpoint)
        terms = model_config(config, model)
        shape = _shape(terms, component, endpoint) if model and endpoint is not None else None
        answers = () if shape is not None and shape.concurrency is not None else ANSWERS
        known = memory.models.get(model) if recent and homes[model] == 1 and model not in moves else None
        if known is None:
            return replace(target, fields=(*LOAD, *REFUSED, *ALIVE, *answers))
        if component is not None and _long_at_zero(component, known, now):
            return replace(target, fields=REFUSED) if thorough or now - known.called_at <= REFUSED_S else None
        refused = REFUSED if component is not None and now - known.zero_at <= REFUSED_S else ()
        size = component.copies_now if component is not None else endpoint.instances_now if endpoint else 0
        full = _full_share(known, shape, size, now)
        alive = () if _called(known, now) else ALIVE
        both = memory.at // BOTH_S != now // BOTH_S or _both(known, terms, full, now)
        if refused or answers or both:
            return replace(target, fields=(*LOAD, *refused, *alive, *answers))
        if full > LIGHT and terms.start_within_s < PATIENT_S:
            return replace(target, fields=(*(LOAD if alive else GAUGE), *alive))
        return None if _asked_lately(known, now) else replace(target, fields=(*COUNT, *alive))

    return tuple(one for target in targets if (one := asked(target)) is not None)


def _shape(terms: ModelConfig, component: Component | None, endpoint: Endpoint) -> Shape | None:
    hosting = Hosting.DEDICATED if component is None else Hosting.SHARED
    return terms.shape(hosting, endpoint.instance_type)


def _full_share(known: ModelMemory, shape: Shape | None, size: int, now: int) -> float:
    """How much of its slots it used at most in the last TOP_MINUTES; infinite where that is not known."""
    lately = [minute.in_flight for minute in known.recent if minute.at > now - LATELY_S]
    if shape is None or not shape.concurrency or not shape.service_s or not lately:
        return math.inf
    slots = size * shape.concurrency * known.share
    top = max(highest_rate(known, now, TOP_MINUTES, shape.service_s) * shape.service_s * known.stretch, *lately)
    return top / slots if slots else math.inf


def _both(known: ModelMemory, terms: ModelConfig, full: float, now: int) -> bool:
    """The count and the gauge: while a queue may stand or it rolls, before zero, and where an alarm is on the gauge."""
    sleepy = known.idle_since and terms.zero_after_s is not None and now - known.idle_since >= terms.zero_after_s
    lately = now - known.panic_at < LATELY_S
    return bool(terms.burst_alarm or sleepy or full == math.inf or lately or known.rolled_from)


def _asked_lately(known: ModelMemory, now: int) -> bool:
    """By whole minutes, so that a tick that comes seconds early or late changes nothing."""
    return now // MINUTE_S - known.recent[-1].at // MINUTE_S < EVERY


def _long_at_zero(component: Component, known: ModelMemory, now: int) -> bool:
    """No copy is there or asked for, and the last minute that had one has been read."""
    none = component.copies_now == component.copies_wanted == 0 and known.sizes.get(component.name) == 0
    return none and now - component.changed_at > SETTLED_S


def _called(known: ModelMemory, now: int) -> bool:
    """Its last reading counted requests in its newest minute."""
    return bool(known.recent) and now - known.recent[-1].at <= EVERY * MINUTE_S and known.recent[-1].rate > 0
