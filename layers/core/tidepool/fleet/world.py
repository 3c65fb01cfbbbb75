"""Everything one decision sees of the world, at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidepool.fleet.demand import Evidence
from tidepool.fleet.hosting import Component, Endpoint, InstanceType
from tidepool.fleet.route import Route
from tidepool.fleet.signals import Signal


@dataclass(frozen=True, slots=True)
class Fleet:
    """The observed fleet.

    endpoints, components: by name. evidence: by target name (component, or dedicated endpoint).
    instance_types: by type name, at the price that is paid, for the types of every endpoint and every declared shape.
    routes: by model identity; a model that is missing has no route of ours.
    moving: identities of models with an open move, and the targets (component or endpoint names) it created.
    signals: holds, freezes and surges from the ledger. frozen_by: alarms and calendars that freeze now.
    """

    endpoints: Mapping[str, Endpoint]
    components: Mapping[str, Component]
    evidence: Mapping[str, Evidence]
    instance_types: Mapping[str, InstanceType]
    routes: Mapping[str, Route] = field(default_factory=dict)
    moving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    frozen_by: tuple[str, ...] = ()
