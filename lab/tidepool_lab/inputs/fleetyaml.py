"""Turns a reference fleet into fleet.yaml: the only thing a policy is told about it (bench-rules.md §4.1).

Every figure is declared and true: capacity and service time per type, start-up times, objectives, prices, quotas. Only
`--stress` declares another concurrency than the true one.

The reference fleets leave Tidepool's hands free where a production file would tie them, because no rival is tied
there and the table would compare brakes instead of decisions: `safety.limits` are far above anything a fleet of a
hundred models asks for in a tick (target tracking has no such limit), machines are given back as soon as they are
idle, every pool and model carries one tenant label, and the rung is `run`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tidepool.config.classes import scarce
from tidepool_lab.inputs.reference import Capacity, Machine, ReferenceFleet, ReferenceModel
from tidepool_lab.inputs.regain import REGAIN_S, regain_text

TENANT = "bench"
UNLIMITED = 1000
"""Copies a tick, instances an hour, moves a day: more than a fleet of the bench ever asks for."""
MOVES_AT_ONCE = 8
"""Enough to leave the start state's pool within hours; each move still takes its 10 minutes (bench-rules.md §3.8)."""
BATCH_ZERO_AFTER = "60m"
"""The built-in background class's own idle time."""


def fleet_yaml(fleet: ReferenceFleet, *, concurrency: float = 1.0) -> str:
    """The fleet.yaml of a reference fleet, as a person could have written it.

    concurrency: how many times the true one is declared (bench-rules.md §6, --stress); 1 is the truth.
    """
    fleet = fleet if concurrency == 1 else fleet.overstated(concurrency)
    return "\n".join([*_head(), *_instances(fleet), *_pools(fleet), *_models(fleet), ""])


def pool_name(instance_type: str) -> str:
    """The shared endpoint of a type (bench-rules.md §3.1)."""
    return f"pool-{instance_type}".replace(".", "-")


def start_s(fleet: ReferenceFleet, model: ReferenceModel) -> float:
    """Seconds from a copy's placement on a ready instance until it serves (bench-rules.md §3.4)."""
    return fleet.times.image_pull_s + own_start_s(model)


def own_start_s(model: ReferenceModel) -> float:
    """Seconds from a dedicated endpoint's ready instance until it serves: §3.7 names no image pull."""
    return model.start_up.weights_s + model.start_up.engine_s


def instance_capacity(machine: Machine, capacity: Capacity) -> float:
    """Slots of one whole instance that serves one model (bench-rules.md §3.7)."""
    return machine.accelerators // capacity.accelerators_per_copy * capacity.concurrency_per_copy


def _head() -> list[str]:
    limits = (
        f"copies_per_tick: {UNLIMITED}, lowered_per_hour: 100%, instances_per_hour: {UNLIMITED}, "
        f"moves_at_once: {MOVES_AT_ONCE}, moves_per_day: {UNLIMITED}"
    )
    return [
        "schema: 1",
        "region: us-east-1",
        "identity: tag:model",
        "act: run",
        "safety:",
        f"  limits: {{{limits}}}",
    ]


def _instances(fleet: ReferenceFleet) -> Iterator[str]:
    yield "instances:"
    launch = _seconds(fleet.times.instance_launch_s)
    for name, machine in fleet.instance_types.items():
        figures = f"accelerators: {machine.accelerators}, usd_per_hour: {machine.usd_per_hour}"
        # Nothing is said of the benchmark's own two minutes: they are the launch.
        told = scarce(name) and fleet.times.regain_s != REGAIN_S
        regain = f", regain: {regain_text(fleet.times.regain_s)}" if told else ""
        yield f"  {name}: {{{figures}, quota: {machine.quota}, launch: {launch}{regain}}}"


def _pools(fleet: ReferenceFleet) -> Iterator[str]:
    yield "pools:"
    for name in fleet.instance_types:
        yield f"  {pool_name(name)}: {{types: [{name}], give_back: {{after: 0s}}, tenants: [{TENANT}]}}"


def _models(fleet: ReferenceFleet) -> Iterator[str]:
    yield "models:"
    for model in fleet.models:
        interactive = model.objective.kind == "interactive"
        # A floor above zero already keeps a model from zero; saying both would be a contradiction.
        zero = "never" if interactive or model.floor else f"{{after: {BATCH_ZERO_AFTER}}}"
        yield f"  {json.dumps(model.name)}:"
        yield f"    class: {'interactive' if interactive else 'background'}"
        yield f"    start_within: {_seconds(model.objective.wait_s)}"
        yield f"    attain: {_number(model.objective.attainment * 100)}%"
        yield f"    min_copies: {model.floor}"
        yield f"    max_copies: {model.max_copies}"
        yield f"    zones: {2 if model.critical else 1}"
        yield f"    zero: {zero}"
        yield f"    priority: {model.priority}"
        yield "    host: auto"
        yield f"    tenant: {TENANT}"
        yield "    route: {via: table}"
        yield "    retire: delete"
        yield "    shapes:"
        yield from _shapes(fleet, model)


def _shapes(fleet: ReferenceFleet, model: ReferenceModel) -> Iterator[str]:
    """One shape per hosting and type on which the model fits; a type without one is never a target."""
    start, own_start = _seconds(start_s(fleet, model)), _seconds(own_start_s(model))
    found = [(name, machine, fleet.capacity(model, name)) for name, machine in fleet.instance_types.items()]
    fits = [(name, machine, capacity) for name, machine, capacity in found if capacity is not None]
    yield "      shared:"
    for name, _, capacity in fits:
        concurrency = _number(capacity.concurrency_per_copy)
        figures = f"accelerators: {capacity.accelerators_per_copy}, concurrency: {concurrency}"
        yield f"        {name}: {{{figures}, service: {_seconds(capacity.service_s)}, start: {start}}}"
    yield "      dedicated:"
    for name, machine, capacity in fits:
        concurrency = _number(instance_capacity(machine, capacity))
        figures = f"accelerators: {machine.accelerators}, concurrency: {concurrency}"
        yield f"        {name}: {{{figures}, service: {_seconds(capacity.service_s)}, start: {own_start}}}"


def _seconds(value: float) -> str:
    return f"{_number(value)}s"


def _number(value: float) -> str:
    """The shortest plain notation: 10.0 → '10', 99.5 → '99.5'; never an exponent, which YAML 1.1 reads as text."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
