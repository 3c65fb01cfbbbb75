"""Builds the twin's account from what a fleet.yaml declares: shapes, prices, quotas, times, objectives.

The account is then exactly as declared. Where a fleet.yaml leaves out what a simulation cannot do without, it is
refused with every missing figure at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from tidepool.config.resolve import model_config
from tidepool.config.types import Config, Hosting, ModelConfig, Shape
from tidepool.errors import BadFleetFile, Problem
from tidepool_lab.inputs import reference as ref
from tidepool_lab.inputs.account import account_of
from tidepool_lab.twin.spec import CloudSpec

BATCH_FROM_S = 60.0
"""Callers that can wait a minute or longer for a start are workers on a queue, and come back (bench-rules 2.6)."""

LONGEST_COPIES = 40
"""Copies of a model without max_copies: what the reference fleets allow."""

TIMES = ref.Times(instance_launch_s=105, image_pull_s=0, idle_release_s=600, metric_delay_s=60)
"""The twin's defaults; see twin/spec.py for their sources. `launch` of the first type replaces the first."""


def account(config: Config, models: Sequence[str]) -> CloudSpec:
    """The account in which the declared fleet lives. BadFleetFile with every figure that is missing."""
    return account_of(reference(config, models, minutes=1))


def reference(config: Config, models: Sequence[str], *, minutes: int) -> ref.ReferenceFleet:
    """The declared fleet as a reference fleet, models in the given order. BadFleetFile as `account`."""
    problems = [*_problems_of_types(config), *(p for name in models for p in _problems_of(config, name))]
    if problems:
        raise BadFleetFile("fleet.yaml, for a simulation", tuple(problems))
    launches = [found.launch_s for found in config.instances.values() if found.launch_s is not None]
    times = TIMES.model_copy(update={"instance_launch_s": round(launches[0])}) if launches else TIMES
    return ref.ReferenceFleet.model_construct(
        schema_=1,
        trace="",
        minutes=minutes,
        note="built from a fleet.yaml",
        instance_types={
            name: ref.Machine.model_construct(
                accelerator=accelerator_of(name),
                accelerators=found.accelerators,
                usd_per_hour=found.usd_per_hour,
                quota=found.quota,
            )
            for name, found in config.instances.items()
        },
        times=times,
        models=tuple(_model(config, model_config(config, name)) for name in models),
    )


def accelerator_of(instance_type: str) -> str:
    """The kind of accelerator: one a type, except that the reference fleets' cap wants p4d's by its own name."""
    return "A100-40" if instance_type == ref.START_TYPE else instance_type


def _model(config: Config, model: ModelConfig) -> ref.ReferenceModel:
    shared = _shapes(model, Hosting.SHARED)
    start = max((shape.start_s or 0.0) for shape in shared)
    batch = model.start_within_s >= BATCH_FROM_S
    return ref.ReferenceModel.model_construct(
        name=model.name,
        size="",
        weights_gib=1.0,
        capacity={
            accelerator_of(shape.instance_type): ref.Capacity.model_construct(
                accelerators_per_copy=shape.accelerators,
                concurrency_per_copy=round(shape.concurrency or 1),
                service_s=shape.service_s,
            )
            for shape in [*_from_whole_machines(config, model), *shared]
        },
        start_up=ref.StartUp(weights_s=start, engine_s=0),
        objective=ref.Objective(
            wait_s=model.start_within_s, kind="batch" if batch else "interactive", attainment=model.attain
        ),
        priority=model.priority,
        min_copies=model.min_copies,
        max_copies=model.max_copies or LONGEST_COPIES,
        critical=model.zones > 1 and model.min_copies > 1,
        traffic_cap_copies=model.max_copies or LONGEST_COPIES,
    )


def _from_whole_machines(config: Config, model: ModelConfig) -> list[Shape]:
    """Types with a dedicated shape alone: one 'copy' is then the whole machine."""
    shared = {shape.instance_type for shape in _shapes(model, Hosting.SHARED)}
    return [
        Shape(
            Hosting.DEDICATED,
            shape.instance_type,
            accelerators=config.instances[shape.instance_type].accelerators,
            concurrency=shape.concurrency,
            service_s=shape.service_s,
            start_s=shape.start_s,
        )
        for shape in _shapes(model, Hosting.DEDICATED)
        if shape.instance_type not in shared
    ]


def _shapes(model: ModelConfig, hosting: Hosting) -> list[Shape]:
    return [shape for shape in model.shapes if shape.hosting is hosting]


def _problems_of_types(config: Config) -> list[Problem]:
    problems = []
    if not config.instances:
        hint = "for instance `instances: {ml.p4d.24xlarge: {accelerators: 8, usd_per_hour: 25.25, quota: 8}}`"
        problems.append(Problem("instances", "not written", "each instance type with its figures", hint))
    for name, found in config.instances.items():
        for field in ("accelerators", "usd_per_hour", "quota"):
            if getattr(found, field) is None:
                problems.append(Problem(f"instances.{name}.{field}", "not written", "a number above 0"))
    return problems


def _problems_of(config: Config, name: str) -> list[Problem]:
    """What a simulation misses about one model of the trace."""
    model = model_config(config, name)
    if not model.matched:
        return [Problem(f"models.{name}", "not written", "every model of the trace", 'or a line "*": {…}')]
    shared = _shapes(model, Hosting.SHARED)
    if not shared:
        hint = "a simulated model needs a shape on a pool's instance type"
        return [Problem(f"models.{name}.shapes.shared", "not written", "a shape per instance type", hint)]
    problems = []
    for shape in model.shapes:
        path = f"models.{name}.shapes.{shape.hosting}.{shape.instance_type}"
        if shape.instance_type not in config.instances:
            problems.append(Problem(path, "not under `instances`", ", ".join(config.instances) or "none yet"))
        needed = {"concurrency": shape.concurrency, "service": shape.service_s, "start": shape.start_s}
        if shape.hosting is Hosting.SHARED:
            needed["accelerators"] = shape.accelerators
        problems += [
            Problem(f"{path}.{field}", "not written", "a measured or modelled value", "the twin invents none")
            for field, value in needed.items()
            if value is None
        ]
    return problems
