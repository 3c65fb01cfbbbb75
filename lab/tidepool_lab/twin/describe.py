"""What Describe shows of the twin's state, as values of the core (bench-rules 4.1: the true state now)."""

from __future__ import annotations

from tidepool.fleet import Boundary, Component, Endpoint, EndpointKind
from tidepool.fleet.identity import identity_of
from tidepool_lab.twin.state import ComponentState, EndpointState

VARIANT = "AllTraffic"
"""The console's name for the one production variant."""
BOUNDARY = Boundary(role="arn:aws:iam::123456789012:role/twin-execution")
"""Every pool and every SageMaker Model of the twin has the same: there, no move changes it."""


def describe_endpoint(endpoint: EndpointState, identity: str, now_s: float, *, reserved: int = 0) -> Endpoint:
    """Instances now are those that are there (pool) or that serve (dedicated)."""
    container = endpoint.container
    if container is not None:
        now, wanted = container.current, container.desired
    else:
        now = sum(1 for i in endpoint.instances if i.ready_s <= now_s)
        wanted = endpoint.wanted_instances
    return Endpoint(
        name=endpoint.name,
        kind=endpoint.kind,
        config_name=endpoint.config_name,
        variant=VARIANT,
        status=endpoint.status,
        instance_type=endpoint.type.name,
        instances_now=now,
        instances_wanted=wanted,
        changed_at=endpoint.changed_at,
        min_instances=endpoint.minimum,
        max_instances=endpoint.maximum,
        scale_in=endpoint.scale_in if endpoint.kind is EndpointKind.POOL else "",
        model=identity_of(identity, endpoint.name, endpoint.tags) if container is not None else "",
        sagemaker_model=container.artifact if container is not None else "",
        tags=endpoint.tags,
        failure=endpoint.failure,
        boundary=BOUNDARY,
        reservation=endpoint.reservation,
        reserved=reserved,
    )


def describe_component(component: ComponentState, identity: str) -> Component:
    return Component(
        name=component.name,
        model=identity_of(identity, component.name, component.tags),
        endpoint=component.endpoint.name,
        variant=VARIANT,
        status=component.status,
        copies_wanted=component.desired,
        copies_now=component.current,
        accelerators_per_copy=component.accelerators,
        changed_at=component.changed_at,
        memory_mb=component.memory_mb,
        artifact=component.artifact,
        strategy=component.strategy,
        tags=component.tags,
        failure=component.failure,
        boundary=BOUNDARY,
    )
