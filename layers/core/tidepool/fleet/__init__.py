"""The observed world: what Describe and the metrics showed at one moment. Values only, no rules."""

from tidepool.fleet.demand import Evidence, Series
from tidepool.fleet.hosting import (
    Boundary,
    Component,
    Endpoint,
    EndpointKind,
    InstanceType,
    LeftOut,
    Reservation,
    Status,
    boundary_alone,
)
from tidepool.fleet.route import Route, Target
from tidepool.fleet.signals import Signal, SignalKind, leaving
from tidepool.fleet.world import LEFT_OUT, STANDS_STILL, UNREAD, Fleet, named_twice
from tidepool.fleet.writers import Noted, ScalingTarget, Taken, Write, Writer

__all__ = [
    "LEFT_OUT",
    "STANDS_STILL",
    "UNREAD",
    "Boundary",
    "Component",
    "Endpoint",
    "EndpointKind",
    "Evidence",
    "Fleet",
    "InstanceType",
    "LeftOut",
    "Noted",
    "Reservation",
    "Route",
    "ScalingTarget",
    "Series",
    "Signal",
    "SignalKind",
    "Status",
    "Taken",
    "Target",
    "Write",
    "Writer",
    "boundary_alone",
    "leaving",
    "named_twice",
]
