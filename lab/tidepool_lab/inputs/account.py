"""Turns a reference fleet into the twin's account: what is true, as fleetyaml turns it into what is declared."""

from __future__ import annotations

from tidepool.config.classes import scarce
from tidepool_lab.inputs.reference import ReferenceFleet, ReferenceModel
from tidepool_lab.inputs.regain import REGAIN_S
from tidepool_lab.twin.spec import Capacity, CloudSpec, Kind, ModelSpec, Times, TypeSpec


def account_of(fleet: ReferenceFleet, *, start_up: float = 1.0) -> CloudSpec:
    """The account in which a reference fleet lives: its machines, its times, its models in their order.

    start_up: how many times the declared start-up the true one is (bench-rules.md §6, --stress). All of it grows: a
    machine's launch as much as a copy's image, weights and engine (§3.4).
    """
    times = fleet.times
    return CloudSpec(
        types={
            name: TypeSpec(
                name,
                machine.accelerator,
                machine.accelerators,
                machine.usd_per_hour,
                machine.quota,
                scarce=scarce(name),
            )
            for name, machine in fleet.instance_types.items()
        },
        models=tuple(_model(model, start_up) for model in fleet.models),
        times=Times(
            instance_launch_s=times.instance_launch_s * start_up,
            image_pull_s=times.image_pull_s * start_up,
            idle_release_s=times.idle_release_s,
            metric_delay_s=times.metric_delay_s,
            # The benchmark's own two minutes are the launch itself.
            regain_s=times.regain_s if times.regain_s > REGAIN_S else 0,
        ),
    )


def _model(model: ReferenceModel, start_up: float) -> ModelSpec:
    return ModelSpec(
        name=model.name,
        capacity={
            accelerator: Capacity(found.accelerators_per_copy, int(found.concurrency_per_copy), found.service_s)
            for accelerator, found in model.capacity.items()
        },
        weights_s=model.start_up.weights_s * start_up,
        engine_s=model.start_up.engine_s * start_up,
        kind=Kind(model.objective.kind),
        wait_s=model.objective.wait_s,
        attainment=model.objective.attainment,
        critical=model.critical,
        min_copies=model.floor,
        max_copies=model.max_copies,
        priority=model.priority,
    )
