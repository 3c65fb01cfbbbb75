"""Which metrics a look reads of each target: only what can change the decision, because each one costs.

GetMetricData bills every metric asked for, $0.01 per 1,000 (AWS price list): one metric a minute is $0.43 a month, and
all six of 66 models would be $171. What is left out here is nothing that the decision would read: tests/seams holds a
run that reads all to the same records, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting
from tidepool.fleet import Component, Endpoint
from tidepool.forecast.observed import RAISE_ON_S
from tidepool.memory import Memory, ModelMemory
from tidepool.runtime.ports import MetricTarget
from tidepool.units import MINUTE_S

LOAD = ("invocations", "concurrency")
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
    tick's memory, everything is read.
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
        declared = endpoint is not None and _declared(config, model, component, endpoint)
        answers = () if declared else ANSWERS
        known = memory.models.get(model) if recent and homes[model] == 1 and model not in moves else None
        if known is None:
            return replace(target, fields=(*LOAD, *REFUSED, *ALIVE, *answers))
        if component is not None and _long_at_zero(component, known, now):
            return replace(target, fields=REFUSED) if thorough or now - known.called_at <= REFUSED_S else None
        refused = REFUSED if component is not None and now - known.zero_at <= REFUSED_S else ()
        alive = () if _called(known, memory.at) else ALIVE
        return replace(target, fields=(*LOAD, *refused, *alive, *answers))

    return tuple(one for target in targets if (one := asked(target)) is not None)


def _declared(config: Config, model: str, component: Component | None, endpoint: Endpoint) -> bool:
    hosting = Hosting.DEDICATED if component is None else Hosting.SHARED
    shape = model_config(config, model).shape(hosting, endpoint.instance_type) if model else None
    return shape is not None and shape.concurrency is not None


def _long_at_zero(component: Component, known: ModelMemory, now: int) -> bool:
    """No copy is there or asked for, and the last minute that had one has been read."""
    none = component.copies_now == component.copies_wanted == 0 and known.sizes.get(component.name) == 0
    return none and now - component.changed_at > SETTLED_S


def _called(known: ModelMemory, at: int) -> bool:
    """The last tick counted requests in its newest minute."""
    return bool(known.recent) and known.recent[-1].at == at and known.recent[-1].rate > 0
