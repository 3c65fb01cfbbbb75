"""The fleet as models with their homes: which components and endpoints belong to which model, and on what terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tidepool.config.resolve import model_config, pool_of_endpoint
from tidepool.config.types import Config, Hosting, ModelConfig, PoolConfig, Rung, Shape
from tidepool.decision.times import believed
from tidepool.fleet import Component, Endpoint, EndpointKind, Evidence, Fleet, InstanceType
from tidepool.fleet.demand import no_evidence
from tidepool.memory import Measured, ModelMemory, Started
from tidepool.units import duration

START_UNKNOWN_S = 360
"""Start-up nobody measured: "70B from zero about 6 min in all" (sagemaker-facts, Times)."""
SERVICE_UNKNOWN_S = 10.0
"""Time in service nobody measured: 250 output tokens at 40 ms. Used to foretell, never to lower."""
LAUNCH_UNKNOWN_S = 105
"""A new instance (sagemaker-facts, Times)."""


@dataclass(frozen=True, slots=True)
class Home:
    """One component, or one dedicated endpoint, of a model. Sizes are copies, or instances when dedicated.

    shape is None when nobody declared what one copy or instance serves. launch_s is a new instance's time.
    measured: what was seen of it, only where `declared` is None; `trusted`: it may lower (decision/measured.py).
    share: of the concurrency that fleet.yaml declares, what is believed and `declared` is (decision/worked.py).
    started: what its start-ups took, None = nobody saw one of this hosting, type and artifact (decision/started.py).
    """

    target: str
    hosting: Hosting
    endpoint: Endpoint
    component: Component | None
    pool: PoolConfig | None
    instance: InstanceType | None
    shape: Shape | None
    launch_s: float
    evidence: Evidence
    measured: Measured | None = None
    trusted: bool = False
    share: float = 1.0
    started: Started | None = None

    @property
    def artifact(self) -> str:
        """The SageMaker Model or image it runs, '' where none is named."""
        return self.endpoint.sagemaker_model if self.component is None else self.component.artifact

    @property
    def declared(self) -> float | None:
        """Requests one copy or instance serves at once, as far as fleet.yaml says so and is believed."""
        return self.shape.concurrency if self.shape else None

    @property
    def concurrency(self) -> float | None:
        """As declared, else the lower bound that was measured, once it is trusted; None = nobody knows."""
        if self.declared is not None or self.measured is None or not self.trusted:
            return self.declared
        return self.measured.concurrency

    @property
    def size_now(self) -> int:
        return self.endpoint.instances_now if self.component is None else self.component.copies_now

    @property
    def size_wanted(self) -> int:
        return self.endpoint.instances_wanted if self.component is None else self.component.copies_wanted

    @property
    def busy(self) -> str:
        """Why AWS would refuse a change now, '' when it would not."""
        if self.component is None:
            return f"the endpoint is {self.endpoint.status}" if self.endpoint.status.busy else ""
        if self.component.status.busy:
            return f"the component is {self.component.status}"
        return f"the endpoint is {self.endpoint.status}" if self.endpoint.status.busy else ""

    @property
    def accelerators(self) -> int:
        """Accelerators one copy (or one dedicated instance) holds; a copy that asks for none counts as one."""
        if self.component is not None:
            return max(1, self.component.accelerators_per_copy)
        return max(1, self.instance.accelerators) if self.instance else 1

    @property
    def service_s(self) -> float:
        declared = self.shape.service_s if self.shape else None
        return declared or (self.measured.latency_ms / 1000 if self.measured else None) or SERVICE_UNKNOWN_S

    @property
    def start_s(self) -> float:
        """Seconds from asking until a copy on a new instance serves."""
        seen = self.started.launched if self.started else ()
        return believed(self.launch_s + self.own_start_s, seen, written=bool(self.written_start_s))

    @property
    def own_start_s(self) -> float:
        """Seconds from asking until a copy serves where there is room for it."""
        seen = self.started.room if self.started else ()
        return believed(self.written_start_s or START_UNKNOWN_S, seen, written=bool(self.written_start_s))

    @property
    def written_start_s(self) -> float | None:
        """The same as fleet.yaml writes it; None (or 0) = it does not."""
        return self.shape.start_s if self.shape else None

    @property
    def start_words(self) -> str:
        """What a start-up takes where that is what was seen of it; '' where it is what is written or taken for it."""
        reckoned = self.launch_s + (self.written_start_s or START_UNKNOWN_S)
        if self.start_s == reckoned:
            return ""
        instead = f"{duration(reckoned)} {'written' if self.written_start_s else 'while nobody had seen one'}"
        return f"a start-up takes {duration(self.start_s)} as seen, {instead}"

    @property
    def unit_usd_per_hour(self) -> float:
        """What one copy's share of its machine, or one dedicated instance, costs an hour; 0 when unpriced."""
        if self.instance is None:
            return 0.0
        if self.component is None:
            return self.instance.usd_per_hour
        return self.instance.usd_per_hour * self.accelerators / max(1, self.instance.accelerators)


@dataclass(frozen=True, slots=True)
class Subject:
    """One model with all its homes; several only while it moves or while versions of it run side by side.

    `config` and `homes` hold what is believed of the declared concurrency (decision/worked.py).
    """

    model: str
    config: ModelConfig
    rung: Rung
    homes: tuple[Home, ...]


def subjects(fleet: Fleet, config: Config, remembered: Mapping[str, ModelMemory] | None = None) -> tuple[Subject, ...]:
    """Every model that has a home Tidepool may look after, by name.

    A component counts when its endpoint is a declared pool; a dedicated endpoint when its model is named in
    fleet.yaml and it is of a kind that can be scaled.
    """
    homes: dict[str, list[Home]] = {}
    configs: dict[str, ModelConfig] = {}

    def share(model: str) -> float:
        known = (remembered or {}).get(model)
        return known.share if known is not None else 1.0

    def terms(model: str) -> ModelConfig:
        if model not in configs:
            configs[model] = _believed(model_config(config, model), share(model))
        return configs[model]

    for name in sorted(fleet.components):
        component = fleet.components[name]
        endpoint = fleet.endpoints.get(component.endpoint)
        pool = pool_of_endpoint(config, component.endpoint)
        if endpoint is None or pool is None:
            continue
        shape = terms(component.model).shape(Hosting.SHARED, endpoint.instance_type)
        homes.setdefault(component.model, []).append(
            _home(fleet, config, endpoint, component=component, pool=pool, shape=shape, share=share(component.model))
        )
    for name in sorted(fleet.endpoints):
        endpoint = fleet.endpoints[name]
        if endpoint.kind is not EndpointKind.DEDICATED or not terms(endpoint.model).matched:
            continue
        shape = terms(endpoint.model).shape(Hosting.DEDICATED, endpoint.instance_type)
        homes.setdefault(endpoint.model, []).append(
            _home(fleet, config, endpoint, component=None, pool=None, shape=shape, share=share(endpoint.model))
        )
    lived_in = {model: _lived_in(homes[model], fleet, model) for model in sorted(homes)}
    return tuple(
        Subject(model, terms(model), _rung(terms(model), of), _seen_to_start(of, (remembered or {}).get(model)))
        for model, of in lived_in.items()
    )


def start_key(home: Home) -> str:
    """Hosting, type and artifact: another of any of them starts in another time."""
    return f"{home.hosting} {home.endpoint.instance_type} {home.artifact}"


def _seen_to_start(homes: tuple[Home, ...], memory: ModelMemory | None) -> tuple[Home, ...]:
    """The homes, of which the one whose start-ups were seen knows it."""
    seen = memory.started if memory is not None else None
    if seen is None:
        return homes
    return tuple(replace(home, started=seen) if start_key(home) == seen.key else home for home in homes)


def _believed(terms: ModelConfig, share: float) -> ModelConfig:
    """The terms with that share of every declared concurrency."""
    if share >= 1.0:
        return terms
    shapes = (
        replace(shape, concurrency=None if shape.concurrency is None else shape.concurrency * share)
        for shape in terms.shapes
    )
    return replace(terms, shapes=tuple(shapes))


def _lived_in(homes: list[Home], fleet: Fleet, model: str) -> tuple[Home, ...]:
    """The homes without what a move or an old version left behind for its owner, while nobody asks for it."""
    route = None if model in fleet.moving else fleet.routes.get(model)
    called = {target.name for target in route.targets if target.weight > 0} if route else set()
    here = {home.target for home in homes} & called
    left = [home for home in homes if not _parked(home) and not (here and _left_alone(home, called))]
    return tuple(left) or tuple(homes)


def _parked(home: Home) -> bool:
    """A component at zero that nobody asks for."""
    if home.size_wanted or home.size_now:
        return False
    return not (np.nan_to_num(home.evidence.rejected.values) > 0).any()


def _left_alone(home: Home, called: set[str]) -> bool:
    """A dedicated endpoint at its minimum that the route does not name: a move's source that is not ours to delete."""
    return home.component is None and home.size_wanted <= 1 and home.target not in called


def _home(
    fleet: Fleet,
    config: Config,
    endpoint: Endpoint,
    *,
    component: Component | None,
    pool: PoolConfig | None,
    shape: Shape | None,
    share: float,
) -> Home:
    declared = config.instances.get(endpoint.instance_type)
    launch = declared.launch_s if declared is not None and declared.launch_s is not None else LAUNCH_UNKNOWN_S
    target = endpoint.name if component is None else component.name
    return Home(
        target=target,
        hosting=Hosting.DEDICATED if component is None else Hosting.SHARED,
        endpoint=endpoint,
        component=component,
        pool=pool,
        instance=fleet.instance_types.get(endpoint.instance_type),
        shape=shape,
        launch_s=launch,
        evidence=fleet.evidence.get(target, no_evidence()),
        share=share,
    )


def _rung(terms: ModelConfig, homes: tuple[Home, ...]) -> Rung:
    """The lowest of the model's rung and its pools'; a model that nothing names is only watched."""
    if not terms.matched:
        return Rung.WATCH
    return min([terms.act, *(home.pool.act for home in homes if home.pool is not None)])
