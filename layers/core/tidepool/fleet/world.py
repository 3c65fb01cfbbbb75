"""Everything one decision sees of the world, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidepool.fleet.demand import Evidence
from tidepool.fleet.hosting import Component, Endpoint, EndpointKind, InstanceType, LeftOut
from tidepool.fleet.route import Route
from tidepool.fleet.signals import Signal
from tidepool.fleet.writers import Noted, ScalingTarget, Taken, Write

UNREAD = "a freeze that cannot be read"
"""What Fleet.frozen_by begins with where an alarm or calendar of fleet.yaml could not be asked."""
LEFT_OUT = "it may not be read"
"""The limit of a step about one of Fleet.left_out."""
STANDS_STILL = "a move past its deadline"
"""The limit of a step about one of Fleet.standing_still."""


def named_twice(endpoints: Mapping[str, Endpoint], components: Mapping[str, Component]) -> Mapping[str, str]:
    """By name that a component and a dedicated endpoint have both: why they are left alone. SageMaker allows it, and
    evidence, counts, memory and scaling targets are told apart by that name.
    """
    both = (n for n in sorted(components) if n in endpoints and endpoints[n].kind is EndpointKind.DEDICATED)
    return {n: f"a component and a dedicated endpoint are both named {n}: make one anew by another name" for n in both}


@dataclass(frozen=True, slots=True)
class Fleet:
    """The observed fleet.

    endpoints, components: by name. evidence: by target name (component, or dedicated endpoint).
    instance_types: by type name, at the price that is paid, for the types of every endpoint and every declared shape.
    Their quota is what the account's other endpoints leave.
    routes: by model identity; a model that is missing has no route of ours.
    moving: identities of models with an open move, and the targets (component or endpoint names) it created.
    standing_still: by open move or attach past its phase's deadline, its model, phase and what is wrong.
    signals: holds, freezes and surges from the ledger. frozen_by: alarms and calendars that freeze now.
    scalers: by component or endpoint, Application Auto Scaling's target; taken: by resource, those we changed.
    noted: writes that CloudTrail told of lately. writes: counts that others set since the last tick.
    left_out: what could not be read: nothing is decided about it, and its pool's bounds stay.
    left_alone: by target, why it is not touched (another writer's count, a name twice); worked out when it is decided.
    """

    endpoints: Mapping[str, Endpoint]
    components: Mapping[str, Component]
    evidence: Mapping[str, Evidence]
    instance_types: Mapping[str, InstanceType]
    routes: Mapping[str, Route] = field(default_factory=dict)
    moving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    standing_still: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    frozen_by: tuple[str, ...] = ()
    scalers: Mapping[str, ScalingTarget] = field(default_factory=dict)
    taken: Mapping[str, Taken] = field(default_factory=dict)
    noted: tuple[Noted, ...] = ()
    writes: tuple[Write, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    left_alone: Mapping[str, str] = field(default_factory=dict)
